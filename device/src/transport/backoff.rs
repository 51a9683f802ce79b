//! When to try again: exponential back-off with full jitter (protocol.md, common rules).

use std::time::Duration;

use crate::rng::{Random, fraction};

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);
/// A server that goes down in order (close 1001) asks for its devices to be spread over this time.
const GOING_AWAY: Duration = Duration::from_secs(30);

/// How long the next wait may be.
#[derive(Debug)]
pub(crate) struct Backoff {
    ceiling: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { ceiling: FIRST }
    }
}

impl Backoff {
    /// The wait before the next attempt: anything from nothing up to a ceiling that doubles each time.
    pub(crate) fn wait(&mut self, random: &dyn Random) -> Duration {
        let ceiling = self.ceiling;
        self.ceiling = (ceiling * 2).min(LONGEST);
        ceiling.mul_f64(fraction(random))
    }

    /// A connection was of use: the next wait is short again.
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

    #[test]
    fn the_ceiling_doubles_up_to_a_minute_and_the_jitter_is_full() {
        let mut backoff = Backoff::default();
        let secs: Vec<u64> = (0..9)
            .map(|_| backoff.wait(&Highest).as_secs_f64().round())
            .map(whole)
            .collect();
        assert_eq!(secs, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(backoff.wait(&Lowest), Duration::ZERO);
        backoff.reset();
        assert!(backoff.wait(&Highest) <= Duration::from_secs(1));
        assert!(after_going_away(&Highest) < Duration::from_secs(30));
        assert_eq!(
            not_before(Duration::from_secs(100), &Lowest),
            Duration::from_secs(100)
        );
    }

    fn whole(secs: f64) -> u64 {
        Duration::from_secs_f64(secs).as_secs()
    }
}
