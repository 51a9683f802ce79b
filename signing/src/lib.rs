//! Signing back ends: who turns a device's CSR into a certificate, as state machines without input or output.
//!
//! 1. [`Signer::of`] takes the signing endpoint that an organisation has configured.
//! 2. [`Signer::start`] gives the first HTTP request.
//! 3. [`Signer::answer`] takes its response and gives the next request or, in the end, the certificate.
//!
//! Whoever drives it has the network: the browser sends with fetch, the command line with reqwest, tests with literals. A
//! request without an authority in its URI goes to Gangway's own API, with the caller's sign-in or token; any other goes where it
//! says, with nothing that the request does not carry itself.

mod builtin;

use gangway_protocol::certificate::{Certificate, Csr};
use gangway_protocol::error::{ProblemCode, ProblemDetails};
use gangway_protocol::id::DeviceId;
use gangway_protocol::organisation::{self, SignerKind};
use gangway_protocol::time::UnixMillis;

/// A request to be sent.
pub type Request = http::Request<Vec<u8>>;
/// Its response.
pub type Response = http::Response<Vec<u8>>;

/// One signing of one device's CSR by one signing endpoint.
#[derive(Clone, Debug)]
pub enum Signer {
    /// Gangway's own CA.
    Builtin(builtin::Builtin),
}

/// What comes next.
#[derive(Clone, Debug)]
pub enum Step {
    /// Send this and hand the response to [`Signer::answer`].
    Send(Box<Request>),
    /// The certificate, signed and recorded at the server.
    Recorded(Box<Certificate>),
}

impl Signer {
    /// A signing for `device` by the endpoint that its organisation has configured.
    #[must_use]
    pub fn of(signer: &organisation::Signer, device: &DeviceId) -> Self {
        match signer.kind {
            SignerKind::Builtin => Self::Builtin(builtin::Builtin::new(device.clone())),
        }
    }

    /// The first request. Starting again is how a signing is repeated whose answer was lost.
    ///
    /// `_now` dates requests that are signed themselves (AWS Signature Version 4); our own CA's are not.
    ///
    /// # Errors
    /// When the request cannot be made from this CSR.
    pub fn start(&mut self, csr: &Csr, _now: UnixMillis) -> Result<Step, SigningError> {
        match self {
            Self::Builtin(builtin) => builtin.start(csr),
        }
    }

    /// Takes the response to the last request.
    ///
    /// # Errors
    /// Why there is no certificate.
    pub fn answer(&mut self, response: &Response, _now: UnixMillis) -> Result<Step, SigningError> {
        match self {
            Self::Builtin(builtin) => builtin.answer(response),
        }
    }
}

/// Why there is no certificate. `Display` is for people.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SigningError {
    /// Gangway's server says why.
    #[error("{}", .0.detail.as_deref().unwrap_or(&.0.title))]
    Problem(Box<ProblemDetails>),
    /// Something answered that did not say why.
    #[error("the signing endpoint answered with HTTP status {status} and without an explanation")]
    Unexplained {
        /// The HTTP status.
        status: u16,
    },
    /// The answer is in a form that this version does not understand.
    #[error("the signing endpoint's answer could not be understood ({detail})")]
    Malformed {
        /// What could not be read.
        detail: String,
    },
    /// A certificate, but for another key.
    #[error("the signing endpoint returned a certificate for another key")]
    OtherKey,
}

impl SigningError {
    /// Whether the same signing may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Problem(problem) => matches!(
                problem.code,
                ProblemCode::Busy
                    | ProblemCode::RateLimited
                    | ProblemCode::Timeout
                    | ProblemCode::ShuttingDown
                    | ProblemCode::Unavailable
            ),
            Self::Unexplained { status } => matches!(status, 408 | 429 | 500..),
            Self::Malformed { .. } | Self::OtherKey => false,
        }
    }
}
