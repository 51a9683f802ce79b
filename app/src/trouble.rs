//! A failed call of the API as pages keep and show it: it knows its words.

use gangway_client::{ApiError, TransportError};
use gangway_protocol::error::{Problem, ProblemCode};
use serde::{Deserialize, Serialize};

use crate::preference::Language;

/// What went wrong. It travels in the document: what failed on the server is told by the island that tries again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trouble {
    kind: TroubleKind,
    /// The server's own words, where they say more than the code does.
    detail: Option<String>,
    retry_after_secs: Option<u32>,
}

/// Where it went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum TroubleKind {
    /// The server says what is wrong.
    Problem(ProblemCode),
    /// No response.
    NoConnection,
    /// A response that is not the API's.
    Unexplained,
    /// A response of another version.
    Version,
}

/// What a call gave, as pages keep it.
pub(crate) type Outcome<T> = Result<T, Trouble>;

impl Trouble {
    fn of(kind: TroubleKind) -> Self {
        Self {
            kind,
            detail: None,
            retry_after_secs: None,
        }
    }

    /// The trouble of a problem code without more words.
    pub(crate) fn code(code: ProblemCode) -> Self {
        Self::of(TroubleKind::Problem(code))
    }

    /// The trouble of a problem that was told earlier, with its words.
    pub(crate) fn told(code: ProblemCode, detail: String) -> Self {
        Self {
            detail: Some(detail),
            ..Self::code(code)
        }
    }

    pub(crate) fn is(&self, code: ProblemCode) -> bool {
        self.kind == TroubleKind::Problem(code)
    }

    /// Whether signing in is all that is missing.
    pub(crate) fn is_signed_out(&self) -> bool {
        self.is(ProblemCode::Unauthenticated)
    }

    /// Whether the visitor may not see any more what was asked for.
    pub(crate) fn is_exclusion(&self) -> bool {
        self.is_signed_out() || self.is(ProblemCode::Forbidden)
    }

    /// What happened and what to do, in one or two sentences.
    pub(crate) fn words(&self, t: Language) -> String {
        let mut words = match self.kind {
            TroubleKind::NoConnection => t.trouble_no_connection(),
            TroubleKind::Unexplained => t.trouble_unexplained(),
            TroubleKind::Version => t.trouble_version(),
            TroubleKind::Problem(code) => problem_words(t, code),
        }
        .to_owned();
        // The server's detail names the field, the limit or the flaw; for the other codes the sentence above says it all.
        if let (
            TroubleKind::Problem(
                ProblemCode::Invalid
                | ProblemCode::CsrRefused
                | ProblemCode::ProviderRefused
                | ProblemCode::Conflict
                | ProblemCode::Unknown,
            ),
            Some(detail),
        ) = (self.kind, &self.detail)
        {
            words.push(' ');
            words.push_str(detail);
        }
        // One wait is told: the server's, or that it will not be long. The other texts say by themselves what to do.
        if let TroubleKind::Problem(code) = self.kind
            && (self.retry_after_secs.is_some_and(|secs| secs > SOON_SECS) || is_temporary(code))
        {
            words.push(' ');
            words.push_str(&wait_words(t, self.retry_after_secs.unwrap_or_default()));
        }
        words
    }
}

impl From<ApiError> for Trouble {
    fn from(error: ApiError) -> Self {
        let retry_after_secs = error.retry_after_secs();
        let mut trouble = match error {
            ApiError::Problem(problem) => Self {
                detail: problem.detail,
                ..Self::code(problem.code)
            },
            ApiError::Offline(TransportError::TimedOut { .. }) => Self::code(ProblemCode::Timeout),
            ApiError::Offline(_) => Self::of(TroubleKind::NoConnection),
            ApiError::Unexplained { .. } => Self::of(TroubleKind::Unexplained),
            ApiError::Malformed { .. } => Self::of(TroubleKind::Version),
        };
        trouble.retry_after_secs = retry_after_secs;
        trouble
    }
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        Self {
            detail: Some(problem.message),
            retry_after_secs: problem.retry_after_secs,
            ..Self::code(problem.code)
        }
    }
}

/// Shorter waits are not counted out to people.
const SOON_SECS: u32 = 3;

/// When to try again, in a sentence.
pub(crate) fn wait_words(t: Language, secs: u32) -> String {
    if secs <= SOON_SECS {
        t.trouble_retry_soon().to_owned()
    } else if secs < 120 {
        t.trouble_retry_in(secs)
    } else {
        t.trouble_retry_in_minutes(secs.div_ceil(60))
    }
}

/// Whether the same will probably work after a while.
fn is_temporary(code: ProblemCode) -> bool {
    matches!(
        code,
        ProblemCode::Busy
            | ProblemCode::ShuttingDown
            | ProblemCode::Timeout
            | ProblemCode::Unavailable
            | ProblemCode::Internal
    )
}

fn problem_words(t: Language, code: ProblemCode) -> &'static str {
    match code {
        ProblemCode::Unauthenticated => t.trouble_unauthenticated(),
        ProblemCode::Forbidden => t.trouble_forbidden(),
        ProblemCode::CodeUnknown => t.trouble_code_unknown(),
        ProblemCode::Busy => t.trouble_busy(),
        ProblemCode::RateLimited => t.trouble_rate_limited(),
        ProblemCode::DeviceGone => t.trouble_device_gone(),
        ProblemCode::Timeout => t.trouble_timeout(),
        ProblemCode::TooLarge => t.trouble_too_large(),
        ProblemCode::ShuttingDown => t.trouble_shutting_down(),
        ProblemCode::NotFound => t.trouble_not_found(),
        ProblemCode::Invalid => t.trouble_invalid(),
        ProblemCode::Conflict | ProblemCode::Suspended | ProblemCode::Retired | ProblemCode::KeyInUse => {
            t.trouble_conflict()
        }
        ProblemCode::StepUpRequired => t.trouble_step_up(),
        ProblemCode::LinkUnknown => t.trouble_link_unknown(),
        ProblemCode::PasskeyRefused => t.trouble_passkey_refused(),
        ProblemCode::ProviderRefused => t.trouble_provider_refused(),
        ProblemCode::CsrRefused => t.trouble_csr_refused(),
        ProblemCode::KeyKnown => t.trouble_key_known(),
        ProblemCode::KeyRevoked => t.trouble_key_revoked(),
        ProblemCode::ReplyLost => t.trouble_reply_lost(),
        ProblemCode::LastOwner => t.trouble_last_owner(),
        ProblemCode::Unavailable => t.trouble_unavailable(),
        ProblemCode::Internal => t.trouble_internal(),
        ProblemCode::Malformed | ProblemCode::UnknownType | ProblemCode::IdempotencyMismatch => {
            t.trouble_version()
        }
        ProblemCode::CertificateUnknown
        | ProblemCode::CertificateRevoked
        | ProblemCode::GraceOver
        | ProblemCode::ProofInvalid
        | ProblemCode::Unknown => t.trouble_other(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_say_the_servers_detail_only_where_it_adds_something() {
        let mut trouble = Trouble::code(ProblemCode::Invalid);
        trouble.detail = Some("name is longer than 64 characters".into());
        assert!(trouble.words(Language::English).ends_with("64 characters"));
        trouble.kind = TroubleKind::Problem(ProblemCode::Internal);
        assert!(!trouble.words(Language::English).contains("64"));
    }

    #[test]
    fn one_wait_is_told() {
        let mut trouble = Trouble::code(ProblemCode::Busy);
        assert!(
            trouble
                .words(Language::English)
                .ends_with("Try again in a moment.")
        );
        trouble.retry_after_secs = Some(30);
        let words = trouble.words(Language::English);
        assert_eq!(words.matches("ry again").count(), 1, "{words}");
        assert!(words.ends_with("in 30 seconds."));
    }

    #[test]
    fn long_waits_are_told_in_minutes() {
        let mut trouble = Trouble::code(ProblemCode::RateLimited);
        trouble.retry_after_secs = Some(601);
        assert!(trouble.words(Language::German).contains("11 Minuten"));
    }
}
