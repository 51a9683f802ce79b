//! What a refused session means for the credential it was opened with: one table, no state.

use std::time::Duration;

use gangway_protocol::error::{Problem, ProblemCode};

/// A certificate that is suspended or retired is tried again hourly (protocol.md §3).
const HOURLY: Duration = Duration::from_secs(3600);
/// Until somebody restores the record of a proved certificate, or resets the device.
const UNKNOWN_RETRY: Duration = Duration::from_secs(300);

/// What the presented credential is to the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// A session has proved it before.
    Proved,
    /// It is new, and a proved one stands behind it.
    NewBesideOld,
    /// It is new and the only one.
    NewAndOnly,
}

/// What to do after a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Try again, with the usual back-off.
    Again,
    /// Try again, but not before.
    NotBefore(Duration),
    /// Forget this credential; go on with the old one, or with a new code.
    Forget,
    /// Show a new code for the same key; the credential stays until another takes its place.
    EnrolAgain,
    /// Set the key aside, make a new one, show a new code.
    SetKeyAside,
}

/// Judges a refusal.
#[must_use]
pub fn verdict(problem: &Problem, standing: Standing) -> Verdict {
    use ProblemCode as Code;
    use Standing::{NewAndOnly, NewBesideOld, Proved};
    match (problem.code, standing) {
        (
            Code::CertificateRevoked | Code::CertificateUnknown | Code::GraceOver | Code::KeyInUse,
            NewBesideOld,
        ) => Verdict::Forget,
        (Code::CertificateRevoked, Proved | NewAndOnly) | (Code::KeyInUse, NewAndOnly) => {
            Verdict::SetKeyAside
        }
        (Code::CertificateUnknown | Code::GraceOver, NewAndOnly) => Verdict::Forget,
        (Code::GraceOver, Proved) => Verdict::EnrolAgain,
        (Code::CertificateUnknown, Proved) => Verdict::NotBefore(UNKNOWN_RETRY),
        (Code::Suspended | Code::Retired, _) | (Code::KeyInUse, Proved) => Verdict::NotBefore(HOURLY),
        _ => problem.retry_after_secs.map_or(Verdict::Again, |secs| {
            Verdict::NotBefore(Duration::from_secs(u64::from(secs)).min(HOURLY))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(code: ProblemCode, standing: Standing) -> Verdict {
        verdict(
            &Problem {
                code,
                message: String::new(),
                retry_after_secs: None,
            },
            standing,
        )
    }

    #[test]
    fn a_revoked_key_is_set_aside_unless_an_older_certificate_may_still_stand() {
        assert_eq!(
            judged(ProblemCode::CertificateRevoked, Standing::Proved),
            Verdict::SetKeyAside
        );
        assert_eq!(
            judged(ProblemCode::CertificateRevoked, Standing::NewAndOnly),
            Verdict::SetKeyAside
        );
        assert_eq!(
            judged(ProblemCode::CertificateRevoked, Standing::NewBesideOld),
            Verdict::Forget
        );
    }

    #[test]
    fn what_a_session_has_proved_is_not_thrown_away_for_a_lost_record() {
        assert_eq!(
            judged(ProblemCode::CertificateUnknown, Standing::Proved),
            Verdict::NotBefore(UNKNOWN_RETRY)
        );
        assert_eq!(
            judged(ProblemCode::CertificateUnknown, Standing::NewAndOnly),
            Verdict::Forget
        );
    }

    #[test]
    fn a_lapsed_device_enrols_again_with_its_key() {
        assert_eq!(
            judged(ProblemCode::GraceOver, Standing::Proved),
            Verdict::EnrolAgain
        );
    }

    #[test]
    fn a_suspended_device_asks_hourly() {
        for standing in [Standing::Proved, Standing::NewBesideOld, Standing::NewAndOnly] {
            assert_eq!(
                judged(ProblemCode::Suspended, standing),
                Verdict::NotBefore(HOURLY)
            );
        }
    }

    #[test]
    fn the_servers_own_time_to_wait_counts_up_to_an_hour() {
        let busy = |secs| Problem {
            code: ProblemCode::Busy,
            message: String::new(),
            retry_after_secs: secs,
        };
        assert_eq!(verdict(&busy(None), Standing::Proved), Verdict::Again);
        assert_eq!(
            verdict(&busy(Some(7)), Standing::Proved),
            Verdict::NotBefore(Duration::from_secs(7))
        );
        assert_eq!(
            verdict(&busy(Some(u32::MAX)), Standing::Proved),
            Verdict::NotBefore(HOURLY)
        );
    }
}
