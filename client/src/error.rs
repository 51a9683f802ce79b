//! What can go wrong with a call of the API: one enum, with words for people and times for programs.

use gangway_protocol::device::DeviceSummary;
use gangway_protocol::error::{ProblemCode, ProblemDetails};
use gangway_protocol::json;

use crate::transport::{ApiResponse, TransportError};

/// A call of the API did not give what was asked for. `Display` is for people.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ApiError {
    /// The server says what is wrong.
    #[error("{}", .0.detail.as_deref().unwrap_or(&.0.title))]
    Problem(Box<ProblemDetails>),
    /// No response came.
    #[error(transparent)]
    Offline(#[from] TransportError),
    /// Something between here and the server answered, not the API: a proxy's error page, usually.
    #[error(
        "the server's address answered with HTTP status {status} and without an explanation; a proxy in between may be the cause"
    )]
    Unexplained {
        /// The HTTP status.
        status: u16,
        /// From `Retry-After`.
        retry_after_secs: Option<u32>,
    },
    /// The API answered in a form that this version does not understand.
    #[error(
        "the server's answer could not be understood ({detail}); server and client may be of different versions"
    )]
    Malformed {
        /// What could not be read.
        detail: String,
    },
}

impl ApiError {
    /// Seconds to wait when the server gives no time: long enough not to hammer it, short enough not to seem dead.
    const RETRY_AFTER_SECS: u32 = 3;

    /// The problem code, where the server gave one.
    #[must_use]
    pub fn code(&self) -> Option<ProblemCode> {
        match self {
            Self::Problem(problem) => Some(problem.code),
            _ => None,
        }
    }

    /// The field of the request that is wrong, where the server named one.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Problem(problem) => problem.field.as_deref(),
            _ => None,
        }
    }

    /// With [`ProblemCode::KeyKnown`]: the device that has this key.
    #[must_use]
    pub fn device(&self) -> Option<DeviceSummary> {
        match self {
            Self::Problem(problem) => problem.device.as_ref()?.read().ok(),
            _ => None,
        }
    }

    /// Whether the same request may succeed later without anybody changing anything, and after how many seconds.
    #[must_use]
    pub fn retry_after_secs(&self) -> Option<u32> {
        match self {
            Self::Problem(problem) => match problem.code {
                ProblemCode::Busy
                | ProblemCode::RateLimited
                | ProblemCode::Timeout
                | ProblemCode::ShuttingDown
                | ProblemCode::Unavailable => {
                    Some(problem.retry_after_secs.unwrap_or(Self::RETRY_AFTER_SECS))
                }
                _ => problem.retry_after_secs,
            },
            Self::Offline(TransportError::Untrusted { .. }) | Self::Malformed { .. } => None,
            Self::Offline(_) => Some(Self::RETRY_AFTER_SECS),
            Self::Unexplained {
                status,
                retry_after_secs,
            } => match (retry_after_secs, status) {
                (Some(secs), _) => Some(*secs),
                (None, 408 | 429 | 500..) => Some(Self::RETRY_AFTER_SECS),
                (None, _) => None,
            },
        }
    }

    /// Reads the error that a response outside 2xx stands for.
    pub(crate) fn of(response: &ApiResponse) -> Self {
        match json::read::<ProblemDetails>(&response.body) {
            Ok(mut problem) => {
                problem.retry_after_secs = problem.retry_after_secs.or(response.retry_after_secs);
                Self::Problem(Box::new(problem))
            }
            Err(_) => Self::Unexplained {
                status: response.status,
                retry_after_secs: response.retry_after_secs,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, body: &str) -> ApiResponse {
        ApiResponse {
            date: None,
            status,
            retry_after_secs: None,
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn problem_details_speak_for_themselves() {
        let error = ApiError::of(&response(
            429,
            r#"{"type":"about:blank","title":"Too many attempts","status":429,"code":"rate_limited",
                "detail":"Too many wrong codes; try again in 10 minutes.","retry_after_secs":600}"#,
        ));
        assert_eq!(
            error.to_string(),
            "Too many wrong codes; try again in 10 minutes."
        );
        assert_eq!(error.code(), Some(ProblemCode::RateLimited));
        assert_eq!(error.retry_after_secs(), Some(600));
    }

    #[test]
    fn codes_of_later_versions_are_carried() {
        let error = ApiError::of(&response(
            409,
            r#"{"type":"about:blank","title":"New","status":409,"code":"of_tomorrow"}"#,
        ));
        assert_eq!(error.code(), Some(ProblemCode::Unknown));
        assert_eq!(error.retry_after_secs(), None);
    }

    #[test]
    fn a_proxys_page_is_told_from_the_api() {
        let error = ApiError::of(&response(502, "<html>Bad gateway</html>"));
        assert_eq!(
            error,
            ApiError::Unexplained {
                status: 502,
                retry_after_secs: None
            }
        );
        assert_eq!(error.retry_after_secs(), Some(3));
    }
}
