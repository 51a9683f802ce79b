//! Why a corporate CA did not do what it was asked for, and whether that is sure.

use crate::Response;
use crate::plgd_client::UnfitRequest;
use crate::sign_in::shown;

/// No response came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// Whether the request may have reached the CA.
    pub was_sent: bool,
    /// What is known of it, for people.
    pub detail: String,
}

/// Why it is not done. `Display` is for people, and goes on behind the CA's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CorporateError {
    /// The device's request asks for what is not passed on. Nobody was asked.
    #[error("the device’s request is not passed on: {0}")]
    Unfit(#[from] UnfitRequest),
    /// It refused.
    #[error("it refused: {detail}")]
    Refused {
        /// What it says.
        detail: String,
    },
    /// It does not accept Gangway's credential, or that may not do this.
    #[error("it does not accept Gangway’s credential for this: {detail}")]
    Unaccepted {
        /// What it says.
        detail: String,
    },
    /// It will, and not yet: somebody there has to agree, or it has too much to do. The same request is sent again later.
    #[error("it has not decided yet, or is busy: {detail}")]
    Later {
        /// When to ask again.
        retry_after_secs: u32,
        /// What it says.
        detail: String,
    },
    /// It was not reached, or answered nothing before it was asked to sign.
    #[error("it cannot be reached: {detail}")]
    Unreachable {
        /// What is known of it.
        detail: String,
    },
    /// It was asked, and whether it signed is not known.
    #[error("it was asked, and whether it signed is not known: {detail}")]
    Unclear {
        /// What is known of it.
        detail: String,
    },
    /// It signed something else.
    #[error("it returned a certificate for another key")]
    OtherKey,
    /// The credential cannot be used.
    #[error("its credential cannot be used: {detail}")]
    Credential {
        /// Why.
        detail: String,
    },
}

impl CorporateError {
    /// When the CA wants to be asked again, where it says so.
    #[must_use]
    pub fn retry_after_secs(&self) -> Option<u32> {
        match self {
            Self::Later { retry_after_secs, .. } => Some(*retry_after_secs),
            _ => None,
        }
    }

    /// A request could not be made.
    pub(super) fn unmade(error: impl std::fmt::Display) -> Self {
        Self::Credential {
            detail: error.to_string(),
        }
    }

    /// No answer to a request that signs.
    pub(super) fn of_silence(silence: Silence) -> Self {
        let Silence { was_sent, detail } = silence;
        match was_sent {
            true => Self::Unclear { detail },
            false => Self::Unreachable { detail },
        }
    }

    /// No answer to a request that signs nothing.
    pub(super) fn before_signing(silence: Silence) -> Self {
        Self::Unreachable {
            detail: silence.detail,
        }
    }

    /// What is unclear about a request that signs nothing leaves nothing open.
    pub(super) fn where_nothing_is_signed(self) -> Self {
        match self {
            Self::Unclear { detail } => Self::Unreachable { detail },
            other => other,
        }
    }

    /// What could not be read of the answer to a request that signs.
    pub(super) fn unreadable(error: impl std::fmt::Display) -> Self {
        Self::Unclear {
            detail: shown(&format!("its answer could not be read: {error}")),
        }
    }
}

/// Until when a CA wants to be left alone, where it says so: seconds, or a date that counts from the answer's own `Date` (RFC 9110
/// §10.2.3).
pub(super) fn retry_after_secs(response: &Response) -> Option<u32> {
    let of = |name: http::HeaderName| response.headers().get(name)?.to_str().ok();
    let said = of(http::header::RETRY_AFTER)?.trim();
    if let Ok(secs) = said.parse() {
        return Some(secs);
    }
    let until = httpdate::parse_http_date(said).ok()?;
    let date = httpdate::parse_http_date(of(http::header::DATE)?).ok()?;
    let left = until.duration_since(date).unwrap_or_default();
    u32::try_from(left.as_secs()).ok()
}

/// What an answer says that is neither success nor in the CA's own words.
pub(super) fn unexplained(response: &Response) -> String {
    let status = response.status();
    if status.is_redirection() {
        let to = response.headers().get(http::header::LOCATION);
        let to = to.and_then(|to| to.to_str().ok()).unwrap_or("nowhere");
        return format!(
            "it redirects to {}, and redirects are not followed: configure the address where it is",
            shown(to)
        );
    }
    format!("HTTP status {}", status.as_u16())
}
