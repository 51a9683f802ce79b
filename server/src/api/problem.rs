//! What an endpoint answers when it does not do what was asked: one enum, one match, RFC 9457 on the wire.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use gangway_protocol::device::{DeviceSummary, InvalidTransition, UnfitText};
use gangway_protocol::error::{ProblemCode, ProblemDetails};

use crate::auth::passkeys::Refusal;
use crate::db::DbError;
use crate::limits::TooMany;

/// What handlers return.
pub type ApiResult<T> = Result<T, ApiError>;

/// Everything an endpoint can refuse with. Expected outcomes are variants; only [`ApiError::Internal`] is a fault of ours.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// No valid cookie or token.
    #[error("sign in first, or send a token that has not expired")]
    Unauthenticated,
    /// The role, the scope or the origin does not allow it; says which.
    #[error("{0}")]
    Forbidden(&'static str),
    /// There is none, or the caller may not know that there is.
    #[error("there is no such thing here")]
    NotFound,
    /// The path is right, the method is not.
    #[error("this path does not take this method: see /api/openapi.json")]
    MethodNotAllowed,
    /// A field is not acceptable.
    #[error("{detail}")]
    Invalid {
        /// Its JSON or query name.
        field: &'static str,
        /// What is wrong with it and what would be right.
        detail: String,
    },
    /// The body or a parameter cannot be read at all.
    #[error("{0}")]
    Malformed(String),
    /// The body is over its limit.
    #[error("the request is larger than {max_bytes} bytes")]
    TooLarge {
        /// The limit.
        max_bytes: usize,
    },
    /// The present state does not allow it.
    #[error("{0}")]
    Conflict(String),
    /// A fresh passkey assertion is needed.
    #[error("confirm with your passkey first")]
    StepUpRequired,
    /// The one-time link is unknown, used or expired; which one is not told.
    #[error(
        "this link is not valid any more: it was used, it has expired, or it was taken back. Ask for a new one"
    )]
    LinkUnknown,
    /// The passkey ceremony failed; says how as far as it helps.
    #[error("{0}")]
    PasskeyRefused(&'static str),
    /// The CSR is not acceptable; says why.
    #[error("{0}")]
    CsrRefused(String),
    /// The key in the CSR belongs to an active device of this organisation.
    #[error("this key belongs to “{}” already. Replace that device, or refuse this one: a cloned disk image looks like this", .0.name)]
    KeyKnown(Box<DeviceSummary>),
    /// The key in the CSR has been revoked.
    #[error(
        "this key has been revoked and stays refused: the device has to make a new one (gangway-device reset)"
    )]
    KeyRevoked,
    /// It would leave the organisation without an owner.
    #[error("this is the organisation's last owner: make somebody else an owner first")]
    LastOwner,
    /// The `Idempotency-Key` belongs to another request.
    #[error("this Idempotency-Key was used with another request: send a new one")]
    IdempotencyMismatch,
    /// Too many attempts.
    #[error("too many attempts: try again in {retry_after_secs} seconds")]
    RateLimited {
        /// When trying again makes sense.
        retry_after_secs: u32,
    },
    /// Somebody else is at it, or the server is short of something for a moment.
    #[error("{detail}")]
    Busy {
        /// What is busy.
        detail: &'static str,
        /// When trying again makes sense.
        retry_after_secs: u32,
    },
    /// The server cannot do this at present.
    #[error("{0}")]
    Unavailable(&'static str),
    /// A fault of the server: logged here, and told to nobody.
    #[error("the server failed at this; the failure has been logged")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ApiError {
    /// A fault, from whatever error shows it.
    pub fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(error.into())
    }

    /// A field that is not acceptable.
    pub fn invalid(field: &'static str, detail: impl Into<String>) -> Self {
        Self::Invalid {
            field,
            detail: detail.into(),
        }
    }

    /// Status, stable code, and constant title of this problem.
    #[must_use]
    pub fn kind(&self) -> (StatusCode, ProblemCode, &'static str) {
        use ProblemCode as Code;
        match self {
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, Code::Unauthenticated, "Not signed in"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, Code::Forbidden, "Not allowed"),
            Self::NotFound => (StatusCode::NOT_FOUND, Code::NotFound, "Not found"),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                Code::Malformed,
                "Method not allowed",
            ),
            Self::Invalid { .. } => (StatusCode::UNPROCESSABLE_ENTITY, Code::Invalid, "Not acceptable"),
            Self::Malformed(_) => (StatusCode::BAD_REQUEST, Code::Malformed, "Not understood"),
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, Code::TooLarge, "Too large"),
            Self::Conflict(_) => (StatusCode::CONFLICT, Code::Conflict, "Not possible now"),
            Self::StepUpRequired => (StatusCode::FORBIDDEN, Code::StepUpRequired, "Passkey needed"),
            Self::LinkUnknown => (StatusCode::NOT_FOUND, Code::LinkUnknown, "Link not valid"),
            Self::PasskeyRefused(_) => (StatusCode::FORBIDDEN, Code::PasskeyRefused, "Passkey refused"),
            Self::CsrRefused(_) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                Code::CsrRefused,
                "Request refused",
            ),
            Self::KeyKnown(_) => (StatusCode::CONFLICT, Code::KeyKnown, "Key known"),
            Self::KeyRevoked => (StatusCode::CONFLICT, Code::KeyRevoked, "Key revoked"),
            Self::LastOwner => (StatusCode::CONFLICT, Code::LastOwner, "Last owner"),
            Self::IdempotencyMismatch => (
                StatusCode::UNPROCESSABLE_ENTITY,
                Code::IdempotencyMismatch,
                "Key used before",
            ),
            Self::RateLimited { .. } => (
                StatusCode::TOO_MANY_REQUESTS,
                Code::RateLimited,
                "Too many attempts",
            ),
            Self::Busy { .. } => (StatusCode::SERVICE_UNAVAILABLE, Code::Busy, "Busy"),
            Self::Unavailable(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                Code::Unavailable,
                "Not available",
            ),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, Code::Internal, "Server fault"),
        }
    }

    fn retry_after_secs(&self) -> Option<u32> {
        match self {
            Self::RateLimited { retry_after_secs } | Self::Busy { retry_after_secs, .. } => {
                Some(*retry_after_secs)
            }
            _ => None,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code, title) = self.kind();
        if let Self::Internal(error) = &self {
            tracing::error!(error = %error, "a request failed");
        }
        let retry_after_secs = self.retry_after_secs();
        let details = ProblemDetails {
            kind: "about:blank".to_owned(),
            title: title.to_owned(),
            status: status.as_u16(),
            code,
            detail: Some(self.to_string()),
            field: match &self {
                Self::Invalid { field, .. } => Some((*field).to_owned()),
                _ => None,
            },
            retry_after_secs,
            device: match self {
                Self::KeyKnown(device) => Some(*device),
                _ => None,
            },
        };
        let mut response = (status, Json(details)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(secs) = retry_after_secs {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(secs));
        }
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110 §15.5.2: a 401 names a scheme. Cookies have none, so tokens' is named.
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Busy => Self::Busy {
                detail: "the database is busy; try again in a moment",
                retry_after_secs: 2,
            },
            DbError::Away(error) => {
                tracing::warn!(%error, "the database does not answer");
                Self::Unavailable("the database does not answer at present; try again in a moment")
            }
            other => Self::internal(other),
        }
    }
}

impl From<TooMany> for ApiError {
    fn from(TooMany { retry_after_secs }: TooMany) -> Self {
        Self::RateLimited { retry_after_secs }
    }
}

impl From<Refusal> for ApiError {
    fn from(Refusal(words): Refusal) -> Self {
        Self::PasskeyRefused(words)
    }
}

impl From<UnfitText> for ApiError {
    fn from(error: UnfitText) -> Self {
        let (UnfitText::TooLong { field, .. } | UnfitText::Character { field }) = error;
        Self::invalid(field, error.to_string())
    }
}

impl From<InvalidTransition> for ApiError {
    fn from(error: InvalidTransition) -> Self {
        Self::Conflict(error.to_string())
    }
}
