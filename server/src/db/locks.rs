//! The one order in which a transaction locks rows. Two transactions that keep to it never wait for each other in a circle,
//! which PostgreSQL would end by failing one of them after a second.
//!
//! Organisations first, then all devices of the transaction in the order of their ids, then keys, then issuers. The heads of
//! the audit chains come last without anybody's doing: entries are kept until the transaction ends (`db::audit`). Accounts
//! come behind the organisations, several in the order of their ids; links and kept replies behind both. They are not noted here.
//!
//! Debug builds check it, on both engines: tests fail where the order is broken. Release builds run again what was ended
//! all the same ([`super::Db::write`]).

use std::collections::BTreeSet;

/// What is locked, in the order in which it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lock<'a> {
    /// An organisation, by `organisations::bump_revision`.
    Organisation(&'a str),
    /// A device, by `devices::lock` or `devices::lock_all`.
    Device(&'a str),
    /// A public key wherever it is known, by `device_keys::lock_everywhere`.
    Key(&'a str),
    /// An issuer, by `issuers::touch`.
    Issuer(&'a str),
}

/// The locks that a transaction has taken.
#[derive(Debug, Default)]
pub(super) struct Locks(BTreeSet<(u8, String)>);

impl Locks {
    /// Notes a lock.
    ///
    /// # Panics
    /// In debug builds, when a later one in the order is held already.
    pub(super) fn take(&mut self, lock: Lock<'_>) {
        if !cfg!(debug_assertions) {
            return;
        }
        let (rank, id) = match lock {
            Lock::Organisation(id) => (0, id),
            Lock::Device(id) => (1, id),
            Lock::Key(id) => (2, id),
            Lock::Issuer(id) => (3, id),
        };
        let place = (rank, id.to_owned());
        let in_order = self.0.contains(&place) || self.0.last().is_none_or(|last| *last < place);
        debug_assert!(in_order, "{lock:?} is locked behind {:?}", self.0.last());
        self.0.insert(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_in_their_order_may_be_taken_again() {
        let mut locks = Locks::default();
        let order = [
            Lock::Organisation("z"),
            Lock::Device("a"),
            Lock::Device("b"),
            Lock::Device("a"),
            Lock::Key("a"),
            Lock::Issuer("a"),
            Lock::Device("b"),
        ];
        order.into_iter().for_each(|lock| locks.take(lock));
    }

    #[test]
    #[should_panic(expected = "is locked behind")]
    fn a_device_behind_a_greater_one_is_a_fault() {
        let mut locks = Locks::default();
        locks.take(Lock::Device("b"));
        locks.take(Lock::Device("a"));
    }

    #[test]
    #[should_panic(expected = "is locked behind")]
    fn a_device_behind_a_key_is_a_fault() {
        let mut locks = Locks::default();
        locks.take(Lock::Key("a"));
        locks.take(Lock::Device("b"));
    }
}
