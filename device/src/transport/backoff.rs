//! When to try again: exponential back-off with full jitter (protocol.md, common rules).

use std::time::Duration;

use crate::rng::{Random, fraction};

const LONGEST: Duration = Duration::from_secs(60);
/// A server that goes down in order (close 1001) asks for its devices to be spread over this time.
const GOING_AWAY: Duration = Duration::from_secs(30);

/// How long the next wait may be.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    /// Attempts in a row that have been waited for.
    attempts: u32,
}

impl Backoff {
    /// The wait before the nth attempt in a row: anything from nothing up to min(60 s, 2ⁿ s).
    pub(crate) fn wait(&mut self, random: &dyn Random) -> Duration {
        self.attempts = self.attempts.saturating_add(1);
        let ceiling = 1_u64
            .checked_shl(self.attempts)
            .map_or(LONGEST, Duration::from_secs);
        ceiling.min(LONGEST).mul_f64(fraction(random))
    }

    /// An attempt reached `nameplate` or `welcome`: the row begins anew.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}

/// The wait after close 1001.
pub(crate) fn after_going_away(random: &dyn Random) -> Duration {
    GOING_AWAY.mul_f64(fraction(random))
}

/// A wait of at least `due`, spread by a tenth so that many devices do not come back at once.
pub(crate) fn not_before(due: Duration, random: &dyn Random) -> Duration {
    due + (due / 10).mul_f64(fraction(random))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source of nothing but ones: the longest wait there is.
    struct Highest;

    impl Random for Highest {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0xff);
        }
    }

    struct Lowest;

    impl Random for Lowest {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    /// The table of protocol.md, Closing: the nth attempt in a row waits between 0 and min(60 s, 2ⁿ s).
    #[test]
    fn the_waits_are_those_of_the_protocol() {
        let mut backoff = Backoff::default();
        let table = [2, 4, 8, 16, 32, 60, 60, 60];
        for (place, secs) in table.into_iter().enumerate() {
            let longest = backoff.wait(&Highest);
            let ceiling = Duration::from_secs(secs);
            assert!(
                longest <= ceiling && ceiling - longest < Duration::from_millis(1),
                "attempt {}: {longest:?}",
                place + 1
            );
        }
        for _ in 0..100 {
            assert!(backoff.wait(&Highest) <= LONGEST, "it never overflows");
        }
        assert_eq!(backoff.wait(&Lowest), Duration::ZERO);
        backoff.reset();
        assert!(backoff.wait(&Highest) <= Duration::from_secs(2));
        assert!(after_going_away(&Highest) < Duration::from_secs(30));
        assert_eq!(
            not_before(Duration::from_secs(100), &Lowest),
            Duration::from_secs(100)
        );
    }
}
