//! What an endpoint answers when it does not do what was asked: one match, RFC 9457 on the wire.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use gangway_protocol::error::{ProblemCode, ProblemDetails};
use gangway_protocol::json::Verbatim;

use super::request::BODY_TIMEOUT;
use crate::authority::Error;

/// Why a request was not even understood, or what it asked was refused.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// What it asked was refused.
    #[error(transparent)]
    Refused(#[from] Error),
    /// The path is right, the method is not.
    #[error("this path does not take this method: see /api/openapi.json")]
    MethodNotAllowed,
    /// The body is not said to be JSON.
    #[error("the body has to be JSON and its Content-Type application/json")]
    UnsupportedMediaType,
    /// The body did not arrive in time.
    #[error("the body did not arrive within {} seconds", BODY_TIMEOUT.as_secs())]
    BodyTimeout,
    /// The body is over its limit.
    #[error("the request is larger than {max_bytes} bytes")]
    TooLarge {
        /// The limit.
        max_bytes: usize,
    },
}

impl RequestError {
    /// Status, stable code, and constant title of the problem that tells this.
    fn kind(&self) -> (StatusCode, ProblemCode, &'static str) {
        match self {
            Self::Refused(error) => kind(error),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                ProblemCode::Malformed,
                "Method not allowed",
            ),
            Self::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                ProblemCode::Malformed,
                "Not JSON",
            ),
            Self::BodyTimeout => (StatusCode::REQUEST_TIMEOUT, ProblemCode::Timeout, "Too slow"),
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, ProblemCode::TooLarge, "Too large"),
        }
    }
}

impl IntoResponse for RequestError {
    fn into_response(self) -> Response {
        let detail = self.to_string();
        match self {
            Self::Refused(error) => refusal(detail, error),
            other => problem(details(other.kind(), detail)),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        RequestError::Refused(self).into_response()
    }
}

fn refusal(detail: String, error: Error) -> Response {
    if let Error::Internal(error) = &error {
        tracing::error!(error = %error, "a request failed");
    }
    let challenge = challenge(&error);
    let mut details = details(kind(&error), detail);
    details.retry_after_secs = retry_after_secs(&error);
    match error {
        Error::Invalid { field, .. } => details.field = Some(field.into_owned()),
        Error::KeyKnown(device) => details.device = Verbatim::of(&*device).ok(),
        _ => {}
    }
    let mut response = problem(details);
    if let Some(challenge) = challenge {
        let challenge = HeaderValue::from_static(challenge);
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// What a program has to prove or lacks (RFC 6750 §3, §3.1). A 401 names a scheme (RFC 9110 §15.5.2); cookies have none, so
/// tokens' is named.
fn challenge(error: &Error) -> Option<&'static str> {
    match error {
        Error::Unauthenticated => Some("Bearer"),
        Error::InvalidToken => Some(r#"Bearer error="invalid_token""#),
        Error::InsufficientScope(_) => Some(r#"Bearer error="insufficient_scope""#),
        _ => None,
    }
}

fn details((status, code, title): (StatusCode, ProblemCode, &'static str), detail: String) -> ProblemDetails {
    ProblemDetails {
        kind: "about:blank".to_owned(),
        title: title.to_owned(),
        status: status.as_u16(),
        code,
        detail: Some(detail),
        field: None,
        retry_after_secs: None,
        device: None,
    }
}

fn problem(details: ProblemDetails) -> Response {
    let status = StatusCode::from_u16(details.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let retry_after_secs = details.retry_after_secs;
    let mut response = (status, Json(details)).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    if let Some(secs) = retry_after_secs {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(secs));
    }
    response
}

/// Status, stable code, and constant title of the problem that tells this.
#[must_use]
pub fn kind(error: &Error) -> (StatusCode, ProblemCode, &'static str) {
    let (status, title) = match error {
        Error::Unauthenticated => (StatusCode::UNAUTHORIZED, "Not signed in"),
        Error::InvalidToken => (StatusCode::UNAUTHORIZED, "Token not valid"),
        Error::InsufficientScope(_) | Error::Forbidden(_) => (StatusCode::FORBIDDEN, "Not allowed"),
        Error::NotFound => (StatusCode::NOT_FOUND, "Not found"),
        Error::Invalid { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "Not acceptable"),
        Error::Malformed(_) => (StatusCode::BAD_REQUEST, "Not understood"),
        Error::Conflict(_) => (StatusCode::CONFLICT, "Not possible now"),
        Error::StepUpRequired => (StatusCode::FORBIDDEN, "Passkey needed"),
        Error::LinkUnknown => (StatusCode::NOT_FOUND, "Link not valid"),
        Error::PasskeyRefused(_) => (StatusCode::FORBIDDEN, "Passkey refused"),
        Error::ProviderRefused(_) => (StatusCode::FORBIDDEN, "Not vouched for"),
        Error::CsrRefused(_) => (StatusCode::UNPROCESSABLE_ENTITY, "Request refused"),
        Error::KeyKnown(_) => (StatusCode::CONFLICT, "Key known"),
        Error::KeyRevoked => (StatusCode::CONFLICT, "Key revoked"),
        Error::ReplyLost => (StatusCode::CONFLICT, "Reply lost"),
        Error::LastOwner => (StatusCode::CONFLICT, "Last owner"),
        Error::IdempotencyMismatch => (StatusCode::UNPROCESSABLE_ENTITY, "Key used before"),
        Error::RateLimited { .. } => (StatusCode::TOO_MANY_REQUESTS, "Too many attempts"),
        Error::Busy { .. } => (StatusCode::SERVICE_UNAVAILABLE, "Busy"),
        Error::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "Not available"),
        Error::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "Server fault"),
    };
    (status, error.code(), title)
}

fn retry_after_secs(error: &Error) -> Option<u32> {
    match error {
        Error::RateLimited { retry_after_secs } | Error::Busy { retry_after_secs, .. } => {
            Some(*retry_after_secs)
        }
        _ => None,
    }
}
