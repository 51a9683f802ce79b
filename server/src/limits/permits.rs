//! Limits on guessing secrets of permits (threat model, PRE-3): failures per lookup, address and organisation, and of all.
//!
//! A lookup is no secret, so that whoever knows one can fail with it: an address is stopped long before the lookup is, and what nobody
//! has counts against the address alone.

use gangway_protocol::id::OrganisationId;
use gangway_protocol::permit::Lookup;

use super::window::Window;
use super::{AddressKey, BREAKER_FOR_ALL, SPAN, TooMany};
use crate::clock::Monotonic;
use crate::config::Caps;

/// Failures of an address with one lookup within [`SPAN`].
const FAILURES_PER_ADDRESS_AND_LOOKUP: usize = 5;
/// Failures of a device id within [`SPAN`], from wherever: people choose these secrets.
const FAILURES_PER_DEVICE: usize = 20;
/// Failures of a key or ticket within [`SPAN`]: one of 2.8 × 10¹² secrets is found in ten million years.
const FAILURES_PER_KEY: usize = 1000;
/// Devices of one lookup that are being let in at the same moment: a fleet that comes with one key waits for its turns, and whoever
/// guesses has no more guesses than this before they count.
const RUNNING_PER_LOOKUP: usize = 256;
/// As many of one address.
const RUNNING_PER_ADDRESS: usize = 32;

/// A device that says it has a permit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermitAttempt {
    /// Which one.
    pub lookup: Lookup,
    /// Whose that is: of several that have entered the same device id, all of them.
    pub organisations: Vec<OrganisationId>,
    /// From where; `None` where the socket has no address.
    pub address: Option<AddressKey>,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PermitEnd {
    /// The device knows the secret.
    Fitted,
    /// It has another secret.
    Mismatch,
    /// It did not answer: no guess, but a place that nobody else had meanwhile.
    Silent,
}

/// What failed lately.
pub(super) struct PermitWindows {
    running: Window<Lookup>,
    running_of: Window<AddressKey>,
    pairs: Window<(AddressKey, Lookup)>,
    keys: Window<Lookup>,
    devices: Window<Lookup>,
    addresses: Window<AddressKey>,
    organisations: Window<OrganisationId>,
    total: Window<()>,
}

impl PermitWindows {
    pub(super) fn new(caps: &Caps) -> Self {
        let cap = |cap: u32| usize::try_from(cap).unwrap_or(usize::MAX);
        Self {
            running: Window::new(SPAN, RUNNING_PER_LOOKUP),
            running_of: Window::new(SPAN, RUNNING_PER_ADDRESS),
            pairs: Window::new(SPAN, FAILURES_PER_ADDRESS_AND_LOOKUP),
            keys: Window::new(SPAN, FAILURES_PER_KEY),
            devices: Window::new(SPAN, FAILURES_PER_DEVICE),
            addresses: Window::new(SPAN, cap(caps.failed_codes_per_address)),
            organisations: Window::new(SPAN, cap(caps.failed_codes_per_organisation)),
            total: Window::new(SPAN, cap(caps.failed_codes_total).saturating_mul(BREAKER_FOR_ALL)),
        }
    }

    fn of(&mut self, lookup: &Lookup) -> &mut Window<Lookup> {
        match lookup {
            Lookup::Key(_) => &mut self.keys,
            Lookup::Device(_) => &mut self.devices,
        }
    }

    /// That an organisation is guessed at is not told: whoever asks would learn which lookups are its own.
    pub(super) fn is_guessed_at(&mut self, organisation: &OrganisationId, now: Monotonic) -> bool {
        self.organisations.wait(organisation, now) > 0 || self.total.wait(&(), now) > 0
    }

    pub(super) fn begin(&mut self, attempt: &PermitAttempt, now: Monotonic) -> Result<(), TooMany> {
        let PermitAttempt { lookup, address, .. } = attempt;
        let mut wait = self
            .running
            .wait(lookup, now)
            .max(self.of(lookup).wait(lookup, now));
        if let Some(address) = address {
            wait = wait
                .max(self.running_of.wait(address, now))
                .max(self.addresses.wait(address, now))
                .max(self.pairs.wait(&(*address, lookup.clone()), now));
        }
        if wait > 0 {
            return Err(TooMany::after(wait));
        }
        self.running.reserve(lookup);
        if let Some(address) = address {
            self.running_of.reserve(address);
        }
        Ok(())
    }

    pub(super) fn settle(&mut self, attempt: &PermitAttempt, end: PermitEnd, now: Monotonic) {
        let PermitAttempt {
            lookup,
            organisations,
            address,
        } = attempt;
        self.running.settle(lookup, false, now);
        if let Some(address) = address {
            self.running_of.settle(address, false, now);
        }
        if end == PermitEnd::Fitted {
            return;
        }
        if let Some(address) = address {
            self.addresses.settle(address, true, now);
            self.pairs.settle(&(*address, lookup.clone()), true, now);
        }
        if end == PermitEnd::Silent {
            return;
        }
        self.of(lookup).settle(lookup, true, now);
        // Secrets that were drawn are not found: nobody shall close an organisation with what is in its devices' logs.
        if let (false, Lookup::Device(_)) = (organisations.is_empty(), lookup) {
            for organisation in organisations {
                self.organisations.settle(organisation, true, now);
            }
            self.total.settle(&(), true, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn from(last: u8, lookup: Lookup) -> PermitAttempt {
        PermitAttempt {
            lookup,
            organisations: Vec::new(),
            address: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)).into()),
        }
    }

    fn device() -> Lookup {
        Lookup::Device("thermometer-7".to_owned())
    }

    fn key() -> Lookup {
        Lookup::Key("HQ481047".to_owned())
    }

    /// How many guesses come through, from so many addresses.
    fn guesses(lookup: &Lookup, addresses: u8) -> usize {
        let mut windows = PermitWindows::new(&Caps::default());
        let now = Monotonic::from_millis(0);
        let attempts = (0..addresses).flat_map(|last| (0..30).map(move |_| last));
        attempts
            .filter(|last| {
                let attempt = from(*last, lookup.clone());
                let begun = windows.begin(&attempt, now).is_ok();
                if begun {
                    windows.settle(&attempt, PermitEnd::Mismatch, now);
                }
                begun
            })
            .count()
    }

    /// Threat model: PRE-3.
    #[test]
    fn secrets_of_a_permit_are_guessed_so_many_times_and_no_more() {
        assert_eq!(guesses(&device(), 1), FAILURES_PER_ADDRESS_AND_LOOKUP);
        assert_eq!(guesses(&device(), 100), FAILURES_PER_DEVICE);
        assert_eq!(guesses(&key(), 250), FAILURES_PER_KEY);
    }

    /// Threat model: PRE-3. Guesses at the same moment do not slip through.
    #[test]
    fn guesses_at_the_same_moment_are_bounded() {
        let mut windows = PermitWindows::new(&Caps::default());
        let now = Monotonic::from_millis(0);
        let mut begun = |last| {
            (0..1000)
                .filter(|_| windows.begin(&from(last, device()), now).is_ok())
                .count()
        };
        assert_eq!(begun(1), RUNNING_PER_ADDRESS);
        assert_eq!(
            (2..200).map(begun).sum::<usize>(),
            RUNNING_PER_LOOKUP - RUNNING_PER_ADDRESS
        );
    }

    /// Threat model: PRE-3. One address that guesses, or says nothing, leaves the key open for all others.
    #[test]
    fn one_address_closes_no_key_for_others() {
        for end in [PermitEnd::Mismatch, PermitEnd::Silent] {
            let mut windows = PermitWindows::new(&Caps::default());
            let now = Monotonic::from_millis(0);
            while windows.begin(&from(1, device()), now).is_ok() {
                windows.settle(&from(1, device()), end, now);
            }
            assert_eq!(windows.begin(&from(2, device()), now), Ok(()), "{end:?}");
        }
    }

    /// Threat model: PRE-3. What nobody has stops those who ask for it, and nobody else.
    #[test]
    fn invented_lookups_close_nothing_for_others() {
        let mut windows = PermitWindows::new(&Caps::default());
        let now = Monotonic::from_millis(0);
        for number in 0..20_000u32 {
            let attempt = from(
                u8::try_from(number % 200).expect("small"),
                Lookup::Key(format!("{number:08}")),
            );
            if windows.begin(&attempt, now).is_ok() {
                windows.settle(&attempt, PermitEnd::Mismatch, now);
            }
        }
        let own = OrganisationId::new(gangway_protocol::time::UnixMillis(0), [1; 10]);
        assert!(!windows.is_guessed_at(&own, now));
        assert_eq!(windows.begin(&from(201, key()), now), Ok(()));
    }
}
