//! Why a sign-in failed.

use gangway_protocol::device::is_deceptive;

/// Why a sign-in failed. `Display` is for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// What came back belongs to another sign-in, or to none.
    #[error("what came back belongs to another sign-in")]
    OtherSignIn,
    /// The authority did not sign the person in.
    #[error("the sign-in was not completed ({detail})")]
    Declined {
        /// What the authority says.
        detail: String,
    },
    /// A service refused.
    #[error("{who} refused: {detail}")]
    Refused {
        /// Its host, or its name.
        who: String,
        /// What it says.
        detail: String,
    },
    /// No answer came.
    #[error("{who} did not answer, or does not allow this page to ask ({detail})")]
    Unanswered {
        /// Its host.
        who: String,
        /// What is known of it.
        detail: String,
    },
    /// An answer in a form that this version does not understand.
    #[error("{who} gave an answer that cannot be understood ({detail})")]
    Malformed {
        /// Its host, or its name.
        who: String,
        /// What could not be read.
        detail: String,
    },
    /// The signer's configuration does not fit the authority.
    #[error("the signer’s configuration does not fit: {detail}")]
    Misconfigured {
        /// What an admin has to change.
        detail: String,
    },
}

impl SignInError {
    /// Whether the same may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unanswered { .. })
    }
}

pub(super) fn malformed(who: &str, detail: impl std::fmt::Display) -> SignInError {
    SignInError::Malformed {
        who: who.to_owned(),
        detail: shown(&detail.to_string()),
    }
}

/// What a stranger says, fit to be shown.
pub(crate) fn shown(text: &str) -> String {
    text.chars().filter(|c| !is_deceptive(*c)).take(300).collect()
}
