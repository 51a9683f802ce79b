//! Waits that double: what an account gets that fills its window again and again (threat model, ENR-3).

use std::collections::HashMap;
use std::hash::Hash;

use gangway_protocol::time::UnixMillis;

/// The first wait: as long as the window, so that it is empty afterwards.
const FIRST: i64 = 10 * UnixMillis::MINUTE;
/// The longest wait. Five guesses a day against 64 million secrets, each of which lives ten minutes, are no attack.
const LONGEST: i64 = UnixMillis::DAY;
/// An account that stayed out of trouble for so long starts anew.
const FORGIVEN: i64 = UnixMillis::DAY;
/// Most accounts under penalty; beyond it those that are over are dropped early. Each of them needs five failures.
const MAX_ENTRIES: usize = 50_000;

/// Who has to wait, and how long the next time.
pub(super) struct Penalties<K>(HashMap<K, Penalty>);

#[derive(Clone, Copy)]
struct Penalty {
    until: UnixMillis,
    wait: i64,
}

impl<K: Eq + Hash> Penalties<K> {
    pub(super) fn new() -> Self {
        Self(HashMap::new())
    }

    /// Milliseconds until `key` may try again; 0 when it may.
    pub(super) fn wait(&self, key: &K, now: UnixMillis) -> i64 {
        self.0
            .get(key)
            .map_or(0, |penalty| penalty.until.since(now).max(0))
    }

    /// `key` has filled its window: it waits, twice as long as the last time.
    pub(super) fn add(&mut self, key: K, now: UnixMillis) {
        if self.0.len() >= MAX_ENTRIES {
            self.0.retain(|_, penalty| now < penalty.until);
        }
        let last = self
            .0
            .get(&key)
            .filter(|penalty| now.since(penalty.until) < FORGIVEN);
        let wait = last.map_or(FIRST, |penalty| (penalty.wait.saturating_mul(2)).min(LONGEST));
        self.0.insert(
            key,
            Penalty {
                until: now.plus(wait),
                wait,
            },
        );
    }
}
