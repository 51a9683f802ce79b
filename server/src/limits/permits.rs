//! Limits on guessing secrets of permits (threat model, PRE-3): failures per lookup, address and organisation, and of all.

use gangway_protocol::id::OrganisationId;
use gangway_protocol::permit::Lookup;

use super::window::Window;
use super::{AddressKey, BREAKER_FOR_ALL, SPAN, TooMany};
use crate::clock::Monotonic;
use crate::config::Caps;

/// Failures of one lookup within [`SPAN`]. A key has 2.8 × 10¹² secrets: at this rate half of them take a million years.
const FAILURES_PER_LOOKUP: usize = 20;
/// Devices of one lookup that are being let in at the same moment: a fleet that comes with one key waits for its turns, and whoever
/// guesses has no more guesses than this before they count.
const RUNNING_PER_LOOKUP: usize = 256;

/// A device that says it has a permit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermitAttempt {
    /// Which one.
    pub lookup: Lookup,
    /// Whose that is, where there is one.
    pub organisation: Option<OrganisationId>,
    /// From where; `None` where the socket has no address.
    pub address: Option<AddressKey>,
}

/// What failed lately.
pub(super) struct PermitWindows {
    running: Window<Lookup>,
    lookups: Window<Lookup>,
    addresses: Window<AddressKey>,
    organisations: Window<OrganisationId>,
    total: Window<()>,
}

impl PermitWindows {
    pub(super) fn new(caps: &Caps) -> Self {
        let cap = |cap: u32| usize::try_from(cap).unwrap_or(usize::MAX);
        Self {
            running: Window::new(SPAN, RUNNING_PER_LOOKUP),
            lookups: Window::new(SPAN, FAILURES_PER_LOOKUP),
            addresses: Window::new(SPAN, cap(caps.failed_codes_per_address)),
            organisations: Window::new(SPAN, cap(caps.failed_codes_per_organisation)),
            total: Window::new(SPAN, cap(caps.failed_codes_total).saturating_mul(BREAKER_FOR_ALL)),
        }
    }

    pub(super) fn begin(&mut self, attempt: &PermitAttempt, now: Monotonic) -> Result<(), TooMany> {
        let wait = [
            self.running.wait(&attempt.lookup, now),
            self.lookups.wait(&attempt.lookup, now),
            attempt
                .address
                .map_or(0, |address| self.addresses.wait(&address, now)),
            attempt
                .organisation
                .as_ref()
                .map_or(0, |organisation| self.organisations.wait(organisation, now)),
            self.total.wait(&(), now),
        ]
        .into_iter()
        .max()
        .unwrap_or(0);
        if wait > 0 {
            return Err(TooMany::after(wait));
        }
        self.running.reserve(&attempt.lookup);
        Ok(())
    }

    pub(super) fn settle(&mut self, attempt: &PermitAttempt, failed: bool, now: Monotonic) {
        self.running.settle(&attempt.lookup, false, now);
        if !failed {
            return;
        }
        self.lookups.settle(&attempt.lookup, true, now);
        if let Some(address) = &attempt.address {
            self.addresses.settle(address, true, now);
        }
        if let Some(organisation) = &attempt.organisation {
            self.organisations.settle(organisation, true, now);
        }
        self.total.settle(&(), true, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Threat model: PRE-3.
    #[test]
    fn secrets_of_a_permit_are_guessed_twenty_times_and_no_more() {
        let mut windows = PermitWindows::new(&Caps::default());
        let attempt = PermitAttempt {
            lookup: Lookup::Key("HQ481047".to_owned()),
            organisation: None,
            address: None,
        };
        let now = Monotonic::from_millis(0);
        for guess in 0..FAILURES_PER_LOOKUP {
            assert_eq!(windows.begin(&attempt, now), Ok(()), "{guess}");
            windows.settle(&attempt, true, now);
        }
        assert!(windows.begin(&attempt, now).is_err());
        assert_eq!(windows.begin(&attempt, Monotonic::from_millis(SPAN)), Ok(()));
    }

    /// Threat model: PRE-3. Guesses at the same moment do not slip through.
    #[test]
    fn guesses_at_the_same_moment_are_bounded() {
        let mut windows = PermitWindows::new(&Caps::default());
        let attempt = PermitAttempt {
            lookup: Lookup::Device("thermometer-7".to_owned()),
            organisation: None,
            address: None,
        };
        let now = Monotonic::from_millis(0);
        let begun = (0..1000).filter(|_| windows.begin(&attempt, now).is_ok()).count();
        assert_eq!(begun, RUNNING_PER_LOOKUP);
    }
}
