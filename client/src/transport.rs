//! What a transport is: a way to bring one request to the server and its response back, whatever carries it. Not what
//! requests mean: that is `api.rs`.

use std::future::Future;
use std::pin::Pin;

use gangway_signing as signing;
use http::Method;

/// The future of a response. It is `Send` because servers move it between threads while they render; the browser's
/// transport, whose values never leave their one thread, wraps itself accordingly.
pub type Reply = Pin<Box<dyn Future<Output = Result<ApiResponse, TransportError>> + Send>>;

/// The future of a response from elsewhere.
pub type ForeignReply = Pin<Box<dyn Future<Output = Result<signing::Response, TransportError>> + Send>>;

/// Brings requests to the server, and to signers elsewhere.
pub trait Transport: Send + Sync {
    /// Sends one request to the server. Credentials (cookie or bearer token) are the transport's own business.
    fn send(&self, request: ApiRequest) -> Reply;

    /// Sends one request to the authority in its URI, once, as it is: without cookie, token or referrer of ours, following no
    /// redirect.
    fn send_elsewhere(&self, _request: signing::Request) -> ForeignReply {
        Box::pin(std::future::ready(Err(TransportError::Unreachable {
            detail: "nothing is sent elsewhere from here".to_owned(),
        })))
    }
}

/// One request to the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiRequest {
    /// The method.
    pub method: Method,
    /// Path and query string, percent-encoded, without origin: `/api/v1/devices?limit=50`.
    pub path: String,
    /// The body, always `application/json`.
    pub body: Option<Vec<u8>>,
    /// The value of `Idempotency-Key`.
    pub idempotency_key: Option<String>,
}

/// One response of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiResponse {
    /// The HTTP status.
    pub status: u16,
    /// The value of `Date`: the server's clock.
    pub date: Option<String>,
    /// Seconds from `Retry-After`, where the server or a proxy before it says so.
    pub retry_after_secs: Option<u32>,
    /// The body.
    pub body: Vec<u8>,
}

/// No response came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The server could not be reached, or the connection broke.
    #[error("the server cannot be reached ({detail})")]
    Unreachable {
        /// What the transport says, for diagnostics.
        detail: String,
    },
    /// Nothing came in time.
    #[error("the server did not answer within {secs} seconds")]
    TimedOut {
        /// How long was waited.
        secs: u32,
    },
    /// The server's certificate is not trusted.
    #[error("the server's certificate was not accepted ({detail})")]
    Untrusted {
        /// What is wrong with it.
        detail: String,
    },
}

impl TransportError {
    /// What happened, without saying to whom: it may have been a signer instead of the server.
    #[must_use]
    pub fn cause(&self) -> String {
        match self {
            Self::Unreachable { detail } | Self::Untrusted { detail } => detail.clone(),
            Self::TimedOut { secs } => format!("no answer within {secs} seconds"),
        }
    }
}

/// How long one request may take. Signing by the built-in CA takes milliseconds; a phone in a basement takes seconds.
#[cfg(any(feature = "fetch", feature = "native"))]
pub(crate) const REQUEST_TIMEOUT_SECS: u32 = 20;
/// Largest response that is taken: the fleet as CSV is a download and does not come through here.
pub(crate) const MAX_RESPONSE_LEN: usize = 8 * 1024 * 1024;
