//! What plgd's API answers when it does not do what was asked: google.rpc.Status, with gRPC's codes and the status of HTTP that
//! grpc-gateway gives them.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::super::problem::{RequestError, kind};
use super::shape::Shape;
use crate::authority::Error;

/// Codes of gRPC, and one of plgd's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Code {
    InvalidArgument,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    Internal,
    Unavailable,
    Unauthenticated,
    MethodNotAllowed,
}

impl Code {
    fn number(self) -> i32 {
        match self {
            Self::InvalidArgument => 3,
            Self::NotFound => 5,
            Self::PermissionDenied => 7,
            Self::ResourceExhausted => 8,
            Self::Internal => 13,
            Self::Unavailable => 14,
            Self::Unauthenticated => 16,
            Self::MethodNotAllowed => 4097,
        }
    }

    fn http(self) -> StatusCode {
        match self {
            Self::InvalidArgument => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::PermissionDenied => StatusCode::FORBIDDEN,
            Self::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        }
    }
}

/// A refusal in plgd's form.
#[derive(Debug)]
pub(super) struct Status {
    code: Code,
    message: String,
    details: Vec<Value>,
    retry_after_secs: Option<u32>,
}

impl Status {
    /// What a refusal of ours is there; `doing` says what was asked for, as plgd puts it before the reason.
    pub(super) fn of(error: &Error, doing: Option<&str>) -> Self {
        if let Error::Internal(error) = error {
            tracing::error!(error = %error, "a request failed");
        }
        let code = code_of(error);
        let retry_after_secs = match error {
            Error::RateLimited { retry_after_secs } | Error::Busy { retry_after_secs, .. } => {
                Some(*retry_after_secs)
            }
            _ => None,
        };
        let message = match doing {
            Some(doing) => format!("{doing}: {error}"),
            None => error.to_string(),
        };
        Self {
            code,
            message,
            details: reason_of(error).into_iter().collect(),
            retry_after_secs,
        }
    }

    /// As [`Self::of`], for whoever could not show who they are: plgd names what they wanted to reach.
    pub(super) fn of_caller(error: &Error, path: &str, doing: &str) -> Self {
        match error {
            Error::Unauthenticated | Error::InvalidToken => {
                Self::of(error, Some(&format!("cannot access to {path}")))
            }
            _ => Self::of(error, Some(doing)),
        }
    }

    /// As [`Self::of`], for a request that was not even read.
    pub(super) fn of_request(error: RequestError, doing: &str) -> Self {
        match error {
            RequestError::Refused(error) => Self::of(&error, Some(doing)),
            // gRPC has no words for these: the request is at fault, and sent again it would be again.
            other => Self::of(&Error::Malformed(other.to_string()), Some(doing)),
        }
    }

    /// The path is right, the method is not.
    pub(super) fn method_not_allowed() -> Self {
        Self {
            code: Code::MethodNotAllowed,
            message: "Method Not Allowed".to_owned(),
            details: Vec::new(),
            retry_after_secs: None,
        }
    }

    /// As the body of an answer or of a stream's last element.
    pub(super) fn value(&self, shape: Shape) -> Value {
        let status = json!({
            "code": self.code.number(),
            "message": self.message,
            "details": self.details,
        });
        // plgd's authentication writes its refusals past the forms.
        if self.code == Code::Unauthenticated {
            return status;
        }
        shape.shaped(status)
    }

    /// As an answer.
    pub(super) fn answer(self, shape: Shape) -> Response {
        let mut response = shape.answer_shaped(&self.value(shape));
        *response.status_mut() = self.code.http();
        let headers = response.headers_mut();
        if self.code == Code::Unauthenticated {
            // RFC 9110 §15.5.2: a 401 names a scheme.
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(secs) = self.retry_after_secs {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(secs));
        }
        response
    }
}

impl IntoResponse for Status {
    fn into_response(self) -> Response {
        self.answer(Shape::Json)
    }
}

/// plgd answers nearly everything with “invalid argument”. Rights, limits and our own faults are told apart all the same, so that
/// a client knows whether asking again makes sense.
fn code_of(error: &Error) -> Code {
    match error {
        Error::Unauthenticated | Error::InvalidToken => Code::Unauthenticated,
        Error::InsufficientScope(_) | Error::Forbidden(_) | Error::StepUpRequired => Code::PermissionDenied,
        Error::NotFound => Code::NotFound,
        Error::RateLimited { .. } => Code::ResourceExhausted,
        Error::Busy { .. } | Error::Unavailable(_) => Code::Unavailable,
        Error::Internal(_) => Code::Internal,
        Error::Invalid { .. }
        | Error::Malformed(_)
        | Error::Conflict(_)
        | Error::LinkUnknown
        | Error::PasskeyRefused(_)
        | Error::ProviderRefused(_)
        | Error::CsrRefused(_)
        | Error::KeyKnown(_)
        | Error::KeyRevoked
        | Error::ReplyLost
        | Error::LastOwner
        | Error::IdempotencyMismatch => Code::InvalidArgument,
    }
}

/// Our own code for what a page of ours can put right (google.rpc.ErrorInfo).
fn reason_of(error: &Error) -> Option<Value> {
    matches!(error, Error::StepUpRequired).then(|| {
        let (_, reason, _) = kind(error);
        json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": reason,
            "domain": "gangway",
        })
    })
}
