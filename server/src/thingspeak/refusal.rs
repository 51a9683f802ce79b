//! Why something is not done, in the original's words (<https://www.mathworks.com/help/thingspeak/error-codes.html>): a bare `0`
//! for an update, a bare `-1` for reading without a key that fits, otherwise a code with a sentence.

use axum::response::{IntoResponse as _, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::document::{Format, escaped};
use crate::api::problem::RequestError;
use crate::authority::Error;

/// The original's codes, as far as they are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// The request cannot be read.
    BadRequest,
    /// The key does not write to this channel.
    NoWrite,
    /// The key does not read this channel, or there is no such channel.
    NoRead,
    /// There is no such path.
    NotFound,
    /// The path is right, the method is not.
    Method,
    /// The body is too large, or holds too many entries.
    TooLarge,
    /// The feed has had its share.
    TooMany,
    /// The server cannot do it at present.
    Unavailable,
    /// A fault of the server.
    Fault,
}

impl Code {
    /// Status, code, message and sentence.
    fn words(self) -> (StatusCode, &'static str, &'static str, &'static str) {
        match self {
            Self::BadRequest => (
                StatusCode::BAD_REQUEST,
                "error_bad_request",
                "Bad Request",
                "The request cannot be read.",
            ),
            Self::NoWrite | Self::NoRead => (
                StatusCode::UNAUTHORIZED,
                "error_auth_required",
                "Authorization Required",
                "The key is missing, or does not open this channel.",
            ),
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "error_resource_not_found",
                "Resource Not Found",
                "There is nothing at this address.",
            ),
            Self::Method => (
                StatusCode::METHOD_NOT_ALLOWED,
                "error_method_invalid",
                "Method Not Allowed",
                "This address takes another method.",
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "error_request_too_large",
                "Request Entity Too Large",
                "The request is too large: send it in parts.",
            ),
            Self::TooMany => (
                StatusCode::TOO_MANY_REQUESTS,
                "error_too_many_requests",
                "Too Many Requests",
                "This channel takes no more at present: wait before the next request.",
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "error_service_unavailable",
                "Service Unavailable",
                "The server cannot do this at present: try again in a moment.",
            ),
            Self::Fault => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "error_internal",
                "Internal Server Error",
                "The server failed at this; the failure has been logged.",
            ),
        }
    }
}

/// A refusal: its code, and a sentence of its own where there is one.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    code: Code,
    details: Option<String>,
    retry_after_secs: Option<u32>,
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self {
            code,
            details: None,
            retry_after_secs: None,
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let details = Some(error.to_string());
        match error {
            Error::RateLimited { retry_after_secs } => Self {
                retry_after_secs: Some(retry_after_secs),
                ..Code::TooMany.into()
            },
            Error::Busy { retry_after_secs, .. } => Self {
                retry_after_secs: Some(retry_after_secs),
                ..Code::Unavailable.into()
            },
            Error::Unavailable(_) => Self::from(Code::Unavailable),
            Error::Internal(error) => {
                tracing::error!(%error, "a request of a client of ThingSpeak failed");
                Self::from(Code::Fault)
            }
            _ => Self {
                details,
                ..Code::BadRequest.into()
            },
        }
    }
}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Refused(error) => error.into(),
            RequestError::TooLarge { .. } => Self::because(Code::TooLarge, error.to_string()),
            other => Self::because(Code::BadRequest, other.to_string()),
        }
    }
}

impl Refusal {
    /// With a sentence of its own.
    pub(super) fn because(code: Code, details: impl Into<String>) -> Self {
        Self {
            details: Some(details.into()),
            ..code.into()
        }
    }

    /// As an update is refused: `0`, which is all that small devices look at. One that comes too early has the status of a
    /// success, as the original's.
    pub(super) fn of_update(self, format: Format) -> Response {
        let status = match self.code {
            Code::TooMany => StatusCode::OK,
            Code::NoWrite => StatusCode::BAD_REQUEST,
            other => other.words().0,
        };
        self.with(status, format.content_type(), "0".to_owned())
    }

    /// As everything else is refused.
    pub(super) fn answer(self, format: Format) -> Response {
        let (status, code, message, sentence) = self.code.words();
        if self.code == Code::NoRead {
            return self.with(StatusCode::BAD_REQUEST, format.content_type(), "-1".to_owned());
        }
        let details = self.details.as_deref().unwrap_or(sentence);
        let number = status.as_u16();
        let body = match format {
            Format::Json => json!({
                "status": number.to_string(),
                "error": { "error_code": code, "message": message, "details": details },
            })
            .to_string(),
            Format::Xml => format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<hash>\n  <status>{number}</status>\n  <error>\n    \
                 <error-code>{code}</error-code>\n    <message>{message}</message>\n    <details>{}</details>\n  </error>\n</hash>",
                escaped(details)
            ),
            Format::Text | Format::Csv => code.to_owned(),
        };
        self.with(status, format.content_type(), body)
    }

    fn with(&self, status: StatusCode, content_type: &'static str, body: String) -> Response {
        let mut response = (status, [(CONTENT_TYPE, content_type)], body).into_response();
        if let Some(secs) = self.retry_after_secs {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(secs));
        }
        response
    }
}
