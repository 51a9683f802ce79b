//! Everything that ends a crossing, with its cause and its remedy in words for people, and what a retry needs.

use gangway_protocol::certificate::CsrRefusal;
use gangway_protocol::device::{MAX_FACT_LEN, UnfitText, check_text};
use gangway_protocol::error::{Problem, ProblemCode};
use gangway_protocol::seal::{HandshakeError, SealError};
use gangway_signing::SigningError;

use crate::error::ApiError;

/// Why a crossing ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The device has another code.
    WrongCode,
    /// No device waits under this nameplate.
    CodeUnknown,
    /// The device is being claimed by somebody else, or the server has too much to do.
    Busy {
        /// When to try again.
        retry_after_secs: u32,
    },
    /// Too many attempts.
    RateLimited {
        /// When to try again.
        retry_after_secs: u32,
    },
    /// The device disconnected.
    DeviceGone,
    /// Somebody did not answer in time.
    Timeout,
    /// The claim socket could not be opened.
    Unreachable {
        /// Why.
        detail: String,
    },
    /// The claim socket broke.
    ConnectionLost,
    /// Nobody is signed in any more.
    SignedOut,
    /// The account may not enrol devices.
    NotAllowed,
    /// Another problem that the server names.
    Server(Problem),
    /// The server or the device does not follow the protocol.
    Protocol {
        /// What was wrong, for diagnostics.
        detail: &'static str,
    },
    /// A sealed message could not be opened or sealed.
    Channel(SealError),
    /// The CSR is not acceptable.
    CsrRefused(CsrRefusal),
    /// A stated fact is not fit to be shown.
    FactsUnfit(UnfitText),
    /// The device takes no certificates.
    Incompatible,
    /// The person said that this is not their device.
    NotMine,
    /// The person changed their mind.
    Cancelled,
    /// The person at the device, or its policy, said no.
    DeviceRefused {
        /// What the device says.
        reason: Option<String>,
    },
    /// The server does not let this device in.
    ApprovalRefused(ApiError),
    /// The server did not record the device's consent.
    ConsentNotRecorded(ApiError),
    /// The signer refused.
    SigningRefused(SigningError),
    /// The device could not install the certificate.
    NotInstalled {
        /// For programs.
        code: String,
        /// What the device says.
        message: String,
    },
    /// The device says that it has installed another certificate.
    OtherCertificate,
}

/// What another attempt needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same code will do.
    SameCode {
        /// Seconds to wait first.
        after_secs: u32,
    },
    /// The code has to be read from the device again.
    ReadCodeAgain,
    /// Something has to be changed first, or nothing is to be tried again.
    No,
}

impl Failure {
    /// What happened, as one or more whole sentences.
    #[must_use]
    pub fn cause(&self) -> String {
        let mut text = self.words();
        // Some of the words are others': the server's, the device's, a library's.
        if !text.ends_with(['.', '!', '?', '…', '”']) {
            text.push('.');
        }
        text
    }

    fn words(&self) -> String {
        match self {
            Self::WrongCode => "The code does not match the one on the device.".to_owned(),
            Self::CodeUnknown => "No device is waiting under this code.".to_owned(),
            Self::Busy { .. } => "The device or the server is busy with another attempt.".to_owned(),
            Self::RateLimited { .. } => "There were too many attempts.".to_owned(),
            Self::DeviceGone => "The device disconnected.".to_owned(),
            Self::Timeout => "The device did not answer in time.".to_owned(),
            Self::Unreachable { detail } => format!("No connection to the server: {detail}"),
            Self::ConnectionLost => "The connection to the server broke.".to_owned(),
            Self::SignedOut => {
                "You are not signed in any more, or the token is unknown or expired.".to_owned()
            }
            Self::NotAllowed => "This account may not enrol devices.".to_owned(),
            Self::Server(problem) => problem.message.clone(),
            Self::Protocol { detail } => format!("The conversation with the device went wrong: {detail}"),
            Self::Channel(SealError::Forged) => {
                "A sealed message was changed on its way between the device and here.".to_owned()
            }
            Self::Channel(error) => format!("The sealed channel to the device ended: {error}"),
            Self::CsrRefused(refusal) => {
                format!("The device’s certificate request is not acceptable: {refusal}")
            }
            Self::FactsUnfit(unfit) => {
                format!("The device states something that cannot be shown safely: {unfit}")
            }
            Self::Incompatible => "This device does not take certificates from here.".to_owned(),
            Self::NotMine => {
                "You said that this is not your device. It has been told, and nothing was signed.".to_owned()
            }
            Self::Cancelled => "You cancelled. The device has been told, and nothing was signed.".to_owned(),
            Self::DeviceRefused { .. } => match self.refusal() {
                Some(reason) => format!("The device refused. It says: “{reason}”"),
                None => REFUSED_BY_PERSON.to_owned(),
            },
            Self::ApprovalRefused(error) => format!("The server did not accept the approval: {error}"),
            Self::ConsentNotRecorded(error) => {
                format!("The server did not record the device’s consent: {error}")
            }
            Self::SigningRefused(error) => format!("The certificate was not signed: {error}"),
            Self::NotInstalled { message, .. } => {
                format!("The device could not install the certificate: {message}")
            }
            Self::OtherCertificate => {
                "The device says that it installed another certificate than the one it was given.".to_owned()
            }
        }
    }

    /// What a device that refused says about it, beyond that somebody refused.
    #[must_use]
    pub fn refusal(&self) -> Option<&str> {
        match self {
            Self::DeviceRefused { reason } => reason.as_deref().filter(|reason| *reason != REFUSED_BY_PERSON),
            _ => None,
        }
    }

    /// A stable name for programs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::WrongCode => "wrong_code",
            Self::CodeUnknown => "code_unknown",
            Self::Busy { .. } => "busy",
            Self::RateLimited { .. } => "rate_limited",
            Self::DeviceGone => "device_gone",
            Self::Timeout => "timeout",
            Self::Unreachable { .. } => "unreachable",
            Self::ConnectionLost => "connection_lost",
            Self::SignedOut => "signed_out",
            Self::NotAllowed => "not_allowed",
            Self::Server(problem) => problem.code.as_str(),
            Self::Protocol { .. } => "protocol",
            Self::Channel(_) => "channel",
            Self::CsrRefused(_) => "csr_refused",
            Self::FactsUnfit(_) => "facts_unfit",
            Self::Incompatible => "incompatible",
            Self::NotMine => "not_mine",
            Self::Cancelled => "cancelled",
            Self::DeviceRefused { .. } => "device_refused",
            Self::ApprovalRefused(_) => "approval_refused",
            Self::ConsentNotRecorded(_) => "consent_not_recorded",
            Self::SigningRefused(_) => "signing_refused",
            Self::NotInstalled { .. } => "not_installed",
            Self::OtherCertificate => "other_certificate",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::WrongCode => {
                "Check it letter by letter and type it again. After three wrong tries the device shows a new code."
            }
            Self::CodeUnknown => {
                "Check the letters before the dash. A code is valid for ten minutes; type the one that the device shows now."
            }
            Self::Busy { .. } | Self::RateLimited { .. } => "Wait, then try again.",
            Self::DeviceGone | Self::Timeout => {
                "Check that the device is switched on and connected, then try again with the code it shows now."
            }
            Self::Unreachable { .. } | Self::ConnectionLost => {
                "Check the network connection, then try again; the code stays valid while the device shows it."
            }
            Self::SignedOut => "Sign in again, or use a fresh token, then try again with the same code.",
            Self::NotAllowed => {
                "It takes the role of installer, and a token with the scope enrol: ask an admin of the organisation, or make such a token."
            }
            // Where the server says when to try again, that stands in its message.
            Self::Server(problem) if problem.message.contains("ry again") => {
                "If it stays so, give the server’s operator this message."
            }
            Self::Server(_) => {
                "Try again in a moment; if it stays so, give the server’s operator this message."
            }
            Self::Protocol { .. } | Self::Channel(SealError::NotUnderstood) => {
                "Update the software on both sides, then try again."
            }
            Self::Channel(SealError::Forged) => {
                "Something between this place and the device interferes. Try from another network before you trust this one."
            }
            Self::Channel(_) => "Try again with the code that the device shows now.",
            Self::CsrRefused(_) => "Reset the device so that it makes a new key, then try again.",
            Self::FactsUnfit(_) => "Correct the device’s host name or description, then try again.",
            Self::Incompatible => "Update the device’s software, or choose a signer that suits it.",
            Self::NotMine => "If you expected your own device, read the code from its screen again.",
            Self::Cancelled => "Start again whenever you like.",
            Self::DeviceRefused { .. } => {
                "Confirm on the device that this organisation may have it, then start again with its new code."
            }
            Self::ApprovalRefused(_) => "Put right what the message names, then try again.",
            Self::ConsentNotRecorded(_) | Self::SigningRefused(SigningError::Unanswered(_)) => {
                "Try again with the same code; nothing will be signed twice."
            }
            Self::SigningRefused(_) => {
                "Put right what the message names, or choose another signer, then try again."
            }
            Self::NotInstalled { .. } => {
                "Put right what the device names, then try again; it gets the same certificate."
            }
            Self::OtherCertificate => {
                "Look at the device’s certificates in the panel, revoke what you do not know, and enrol it again."
            }
        }
    }

    /// What another attempt needs.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Busy { retry_after_secs } | Self::RateLimited { retry_after_secs } => Retry::SameCode {
                after_secs: *retry_after_secs,
            },
            Self::Unreachable { .. }
            | Self::ConnectionLost
            | Self::ConsentNotRecorded(_)
            | Self::SignedOut
            | Self::Cancelled => Retry::SameCode { after_secs: 0 },
            Self::Server(problem) => Retry::SameCode {
                after_secs: problem.retry_after_secs.unwrap_or_default(),
            },
            Self::ApprovalRefused(error) => match error.retry_after_secs() {
                Some(after_secs) => Retry::SameCode { after_secs },
                None => Retry::No,
            },
            Self::SigningRefused(error) if error.is_temporary() => Retry::SameCode { after_secs: 0 },
            Self::WrongCode
            | Self::CodeUnknown
            | Self::DeviceGone
            | Self::Timeout
            | Self::Channel(_)
            | Self::DeviceRefused { .. }
            | Self::NotInstalled { .. } => Retry::ReadCodeAgain,
            Self::NotAllowed
            | Self::Protocol { .. }
            | Self::CsrRefused(_)
            | Self::FactsUnfit(_)
            | Self::Incompatible
            | Self::NotMine
            | Self::SigningRefused(_)
            | Self::OtherCertificate => Retry::No,
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let retry_after_secs = problem.retry_after_secs.unwrap_or(DEFAULT_RETRY_SECS);
        match problem.code {
            ProblemCode::CodeUnknown => Self::CodeUnknown,
            ProblemCode::Busy => Self::Busy { retry_after_secs },
            ProblemCode::RateLimited => Self::RateLimited { retry_after_secs },
            ProblemCode::DeviceGone => Self::DeviceGone,
            ProblemCode::Timeout => Self::Timeout,
            ProblemCode::Unauthenticated => Self::SignedOut,
            ProblemCode::Forbidden => Self::NotAllowed,
            _ => Self::Server(problem),
        }
    }
}

impl From<HandshakeError> for Failure {
    fn from(error: HandshakeError) -> Self {
        match error {
            HandshakeError::Mismatch => Self::WrongCode,
            HandshakeError::Message => Self::Protocol {
                detail: "the device’s key exchange message is not valid",
            },
        }
    }
}

/// What devices say when the person there says no.
const REFUSED_BY_PERSON: &str = "The person at the device refused.";
/// Where the server says `busy` without a time.
const DEFAULT_RETRY_SECS: u32 = 5;

/// A text of the device, made fit for showing: no characters that deceive, no more than a fact may have.
pub(super) fn shown(text: &str) -> String {
    let fit = |c: &char| check_text("text", c.encode_utf8(&mut [0; 4]), 1).is_ok();
    text.chars().filter(fit).take(MAX_FACT_LEN).collect()
}
