//! How `gangway link` ends: an exit code for programs and words for people.

use std::process::ExitCode;

use gangway_client::crossing::Failure;
use gangway_client::{ApiError, TransportError};
use gangway_protocol::error::ProblemCode;
use gangway_signing::SigningError;

/// The exit codes, as `--help` shows them.
pub(super) const HELP: &str = "\
The code is read from a prompt, or from the first line of standard input.
The token is read from GANGWAY_TOKEN, or from the file that GANGWAY_TOKEN_FILE names.

Exit codes:
   0  the device is enrolled and online
   2  the command was not understood
   3  the code is wrong, or no device waits under it
   4  not your device, cancelled, or refused at the device
   5  the device disconnected, did not answer, or could not install the certificate
   6  the approval or the certificate was refused
   7  the server could not be reached, or the connection broke
   8  the token is missing, unknown or expired, or does not allow this
   9  enrolled, but not seen online in time
  10  busy, or too many attempts: try again later
  11  server, device and this program do not understand each other, or something interferes
 130  interrupted after the device had agreed";

/// An end other than success.
#[derive(Debug)]
pub(super) struct Exit {
    code: u8,
    /// A stable name for programs.
    pub(super) name: &'static str,
    /// What happened.
    pub(super) message: String,
    /// What to do about it, where the message does not say so.
    pub(super) remedy: Option<&'static str>,
}

impl Exit {
    pub(super) fn usage(message: String) -> Self {
        Self::new(2, "usage", message)
    }

    pub(super) fn unauthenticated(message: String) -> Self {
        Self::new(8, "unauthenticated", message)
    }

    pub(super) fn interrupted(message: String) -> Self {
        Self::new(130, "interrupted", message)
    }

    pub(super) fn signing(message: String) -> Self {
        Self::new(6, "approval_refused", message)
    }

    pub(super) fn not_online(wait_secs: u32) -> Self {
        Self {
            remedy: Some("Look at the device’s screen; its page in the panel shows when it comes online."),
            ..Self::new(
                9,
                "not_online",
                format!("The device has its certificate, but opened no session within {wait_secs} seconds."),
            )
        }
    }

    /// The end by a failed crossing.
    pub(super) fn of_failure(failure: &Failure) -> Self {
        let code = match failure {
            Failure::WrongCode | Failure::CodeUnknown => 3,
            Failure::NotMine | Failure::Cancelled | Failure::DeviceRefused { .. } => 4,
            Failure::DeviceGone | Failure::Timeout | Failure::NotInstalled { .. } | Failure::Incompatible => {
                5
            }
            Failure::Unreachable { .. }
            | Failure::ConnectionLost
            | Failure::SigningRefused(SigningError::Unanswered(_)) => 7,
            Failure::CsrRefused(_) | Failure::FactsUnfit(_) | Failure::SigningRefused(_) => 6,
            Failure::SignedOut | Failure::NotAllowed => 8,
            Failure::Busy { .. } | Failure::RateLimited { .. } => 10,
            Failure::ApprovalRefused(error) | Failure::ConsentNotRecorded(error) => api_code(error),
            Failure::Server(problem) if problem.code == ProblemCode::ShuttingDown => 7,
            Failure::Server(_)
            | Failure::Protocol { .. }
            | Failure::Channel(_)
            | Failure::OtherCertificate => 11,
        };
        Self {
            remedy: Some(failure.remedy()),
            ..Self::new(code, failure.name(), failure.cause())
        }
    }

    /// The end by a call of the API.
    pub(super) fn of_api(error: &ApiError) -> Self {
        let name = match error {
            ApiError::Problem(problem) => problem.code.as_str(),
            ApiError::Offline(_) => "unreachable",
            ApiError::Unexplained { .. } | ApiError::Malformed { .. } => "protocol",
        };
        let untrusted = matches!(error, ApiError::Offline(TransportError::Untrusted { .. }));
        Self {
            remedy: untrusted.then_some(
                "If the server’s certificate comes from your own CA, name that CA with --ca-file; otherwise somebody may be in between.",
            ),
            ..Self::new(api_code(error), name, error.to_string())
        }
    }

    pub(super) fn code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }

    fn new(code: u8, name: &'static str, message: String) -> Self {
        Self {
            code,
            name,
            message,
            remedy: None,
        }
    }
}

fn api_code(error: &ApiError) -> u8 {
    match (error, error.code()) {
        (ApiError::Offline(_), _) | (ApiError::Unexplained { .. }, _) => 7,
        (ApiError::Malformed { .. }, _) => 11,
        (_, Some(ProblemCode::Unauthenticated | ProblemCode::Forbidden | ProblemCode::StepUpRequired)) => 8,
        (_, Some(ProblemCode::Busy | ProblemCode::RateLimited | ProblemCode::Unavailable)) => 10,
        _ => 6,
    }
}
