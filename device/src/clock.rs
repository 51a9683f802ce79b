//! What time it is, as far as a device can know: a machine without a battery-backed clock may wake up in 1970.
//!
//! Durations are measured with [`Instant`], which no clock setting disturbs; it is handed to the state machines. This
//! module is about the calendar: the system's clock, the bounds that correct it, and the server's clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use gangway_protocol::time::UnixMillis;

/// A calendar clock.
pub trait Clock: Send + Sync {
    /// The present, as this clock sees it.
    fn now(&self) -> UnixMillis;
}

/// The operating system's clock, which may be wrong.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that reads the system's clock"
        )]
        let now = SystemTime::now();
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// When this software was built.
#[must_use]
pub fn build_time() -> UnixMillis {
    let secs: i64 = env!("GANGWAY_BUILD_EPOCH_SECS").parse().unwrap_or(0);
    UnixMillis(secs.saturating_mul(UnixMillis::SECOND))
}

/// The latest of the system's clock, the build and the last time that was known to be good: the present is not
/// earlier than any of them. Certificates of servers are verified at this time.
#[must_use]
pub fn latest(system: UnixMillis, last_good: Option<UnixMillis>) -> UnixMillis {
    system.max(build_time()).max(last_good.unwrap_or(UnixMillis(0)))
}

/// The server's clock, as it was told in a frame, running on with this machine's monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct ServerClock {
    time: UnixMillis,
    heard_at: Instant,
}

impl ServerClock {
    /// The server said at `heard_at` that it was `time`.
    #[must_use]
    pub fn new(time: UnixMillis, heard_at: Instant) -> Self {
        Self { time, heard_at }
    }

    /// What the server's clock shows at `now`.
    #[must_use]
    pub fn at(&self, now: Instant) -> UnixMillis {
        self.time
            .plus(millis(now.saturating_duration_since(self.heard_at)))
    }

    /// When the server's clock will show `time`; `now` if it is past.
    #[must_use]
    pub fn when(&self, time: UnixMillis, now: Instant) -> Instant {
        let wait = u64::try_from(time.since(self.at(now))).unwrap_or(0);
        // Far futures (a certificate for fifty years) need not be told apart from "not while this process runs".
        now + Duration::from_millis(wait).min(FAR)
    }
}

/// Longest wait that is armed: platforms may not represent later instants.
const FAR: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_of_the_three_counts() {
        let late = build_time().plus(UnixMillis::DAY);
        assert_eq!(latest(UnixMillis(0), None), build_time());
        assert_eq!(latest(late, Some(UnixMillis(5))), late);
        assert_eq!(latest(UnixMillis(0), Some(late)), late);
    }

    #[test]
    fn the_servers_clock_runs_on() {
        let start = Instant::now();
        let clock = ServerClock::new(UnixMillis(1_000_000), start);
        let later = start + Duration::from_secs(5);
        assert_eq!(clock.at(later), UnixMillis(1_005_000));
        assert_eq!(
            clock.when(UnixMillis(1_006_000), later),
            later + Duration::from_secs(1)
        );
        assert_eq!(clock.when(UnixMillis(0), later), later);
        assert_eq!(clock.when(UnixMillis(i64::MAX), later), later + FAR);
    }
}
