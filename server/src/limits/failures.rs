//! Failed attempts to come in, counted for the record. Strangers can fail as often as they like, and the record keeps every
//! entry for ever: it gets one for the first failure of an account or address within an hour, and one with their number when
//! the hour is over. Nothing that a stranger typed or sent is in either.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use gangway_protocol::id::AccountId;
use gangway_protocol::time::UnixMillis;

use super::AddressKey;
use crate::clock::Monotonic;

/// For how long failures are counted together.
const WINDOW: i64 = UnixMillis::HOUR;
/// Addresses that are named within a window. More of them are an attack from everywhere, of which their number says enough.
const MAX_ADDRESSES: usize = 64;

/// What failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Attempt {
    /// To prove a passkey.
    Passkey,
    /// To use a recovery code.
    RecoveryCode,
    /// To come in by an identity provider.
    SingleSignOn,
}

/// Who failed, as far as the server can tell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// Somebody who tried to be this account, which exists.
    Account(AccountId),
    /// Somebody at an address.
    Address(AddressKey),
    /// Addresses beyond those that are named.
    Elsewhere,
}

/// Failures of one kind within a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// What failed.
    pub attempt: Attempt,
    /// Who failed.
    pub who: Who,
    /// How often.
    pub count: u64,
}

/// The failures of one node. Cheap to clone; every clone counts together.
#[derive(Clone, Debug, Default)]
pub struct Failures(Arc<Mutex<Book>>);

#[derive(Debug, Default)]
struct Book {
    began_at: Option<Monotonic>,
    counts: HashMap<(Attempt, Who), u64>,
    addresses: usize,
}

impl Failures {
    /// Counts a failure. True when it is to be recorded at once: it is the first of its kind within the window.
    #[must_use]
    pub fn note(&self, attempt: Attempt, who: Who, now: Monotonic) -> bool {
        let mut book = self.book();
        book.began_at.get_or_insert(now);
        let mut key = (attempt, who);
        if matches!(key.1, Who::Address(_)) && !book.counts.contains_key(&key) {
            if book.addresses >= MAX_ADDRESSES {
                key.1 = Who::Elsewhere;
            } else {
                book.addresses += 1;
            }
        }
        let count = book.counts.entry(key).or_default();
        *count += 1;
        *count == 1
    }

    /// Ends the window when it is over, and gives what it has counted beyond the first failure of each.
    #[must_use]
    pub fn close(&self, now: Monotonic) -> Vec<Tally> {
        let mut book = self.book();
        if book.began_at.is_none_or(|began| now.since(began) < WINDOW) {
            return Vec::new();
        }
        let Book { counts, .. } = std::mem::take(&mut *book);
        counts
            .into_iter()
            .filter(|(_, count)| *count > 1)
            .map(|((attempt, who), count)| Tally { attempt, who, count })
            .collect()
    }

    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Account(id) => f.write_str(id.as_str()),
            Self::Address(AddressKey::V4(bits)) => write!(f, "{}", Ipv4Addr::from_bits(*bits)),
            Self::Address(AddressKey::V6(upper)) => {
                write!(f, "{}/64", Ipv6Addr::from_bits(u128::from(*upper) << 64))
            }
            Self::Elsewhere => f.write_str("other addresses"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn at(text: &str) -> Who {
        Who::Address(AddressKey::from(text.parse::<IpAddr>().expect("an address")))
    }

    /// Threat model: WEB-7.
    #[test]
    fn a_million_failures_from_everywhere_are_a_few_lines() {
        let failures = Failures::default();
        let mut lines = 0;
        for number in 0..1_000_000_u32 {
            let who = Who::Address(AddressKey::V4(number % 10_000));
            lines += usize::from(failures.note(Attempt::Passkey, who, Monotonic::default()));
        }
        assert_eq!(lines, MAX_ADDRESSES + 1);
        let tallies = failures.close(Monotonic::from_millis(WINDOW));
        assert_eq!(tallies.len(), MAX_ADDRESSES + 1);
        let counted: u64 = tallies.iter().map(|tally| tally.count).sum();
        assert_eq!(counted, 1_000_000, "none is lost");
    }

    #[test]
    fn the_first_is_recorded_at_once_and_the_number_when_the_hour_is_over() {
        let failures = Failures::default();
        let note = |now| failures.note(Attempt::Passkey, at("192.0.2.1"), Monotonic::from_millis(now));
        assert!(note(0));
        assert!(!note(1) && !note(2));
        assert_eq!(failures.close(Monotonic::from_millis(WINDOW - 1)), []);
        let tallies = failures.close(Monotonic::from_millis(WINDOW));
        assert_eq!(tallies.len(), 1);
        assert_eq!((tallies[0].count, &tallies[0].who), (3, &at("192.0.2.1")));
        assert_eq!(
            failures.close(Monotonic::from_millis(2 * WINDOW)),
            [],
            "told once"
        );
        assert!(note(WINDOW), "a new window");
        assert_eq!(
            failures.close(Monotonic::from_millis(2 * WINDOW)),
            [],
            "the first one alone has been recorded already"
        );
    }

    #[test]
    fn addresses_read_as_people_write_them() {
        assert_eq!(at("192.0.2.1").to_string(), "192.0.2.1");
        assert_eq!(at("2001:db8:1:2::9").to_string(), "2001:db8:1:2::/64");
    }
}
