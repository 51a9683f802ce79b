//! Waits that double: what an account gets that fills its window again and again (threat model, ENR-3).

use std::collections::HashMap;
use std::hash::Hash;

use gangway_protocol::time::UnixMillis;

use crate::clock::Monotonic;

/// The first wait: as long as the window, so that it is empty afterwards.
const FIRST: i64 = 10 * UnixMillis::MINUTE;
/// The longest wait. Five guesses a day against 64 million secrets, each of which lives ten minutes, are no attack.
const LONGEST: i64 = UnixMillis::DAY;
/// An account that stayed out of trouble for so long starts anew.
const FORGIVEN: i64 = UnixMillis::DAY;
/// So many accounts are remembered without looking for those that are forgiven. Each of them needs five failures, of which the
/// breaker lets through a bounded number.
const SWEEP_FROM: usize = 50_000;

/// Who has to wait, and how long the next time.
pub(super) struct Penalties<K> {
    penalties: HashMap<K, Penalty>,
    /// At this size those that are forgiven are looked for. Twice what was left the last time, so that each addition pays
    /// for a constant share of the search.
    sweep_at: usize,
}

#[derive(Clone, Copy)]
struct Penalty {
    until: Monotonic,
    wait: i64,
}

impl<K: Eq + Hash> Penalties<K> {
    pub(super) fn new() -> Self {
        Self {
            penalties: HashMap::new(),
            sweep_at: SWEEP_FROM,
        }
    }

    /// Milliseconds until `key` may try again; 0 when it may.
    pub(super) fn wait(&self, key: &K, now: Monotonic) -> i64 {
        self.penalties
            .get(key)
            .map_or(0, |penalty| penalty.until.since(now).max(0))
    }

    /// `key` has filled its window: it waits, twice as long as the last time.
    pub(super) fn add(&mut self, key: K, now: Monotonic) {
        if self.penalties.len() >= self.sweep_at {
            self.penalties
                .retain(|_, penalty| now.since(penalty.until) < FORGIVEN);
            self.sweep_at = SWEEP_FROM.max(2 * self.penalties.len());
        }
        let last = self
            .penalties
            .get(&key)
            .filter(|penalty| now.since(penalty.until) < FORGIVEN);
        let wait = last.map_or(FIRST, |penalty| (penalty.wait.saturating_mul(2)).min(LONGEST));
        self.penalties.insert(
            key,
            Penalty {
                until: now.plus(wait),
                wait,
            },
        );
    }
}
