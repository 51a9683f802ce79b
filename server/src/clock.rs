//! The present instant, handed in: production reads the system's clocks, tests advance one by hand.
//!
//! There are two: wall-clock time ([`UnixMillis`]), which is stored and shown and which an operator or NTP may set, and
//! [`Monotonic`], which only grows and on which deadlines inside the process rest.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use gangway_protocol::time::UnixMillis;

/// Something that knows what time it is.
pub trait Clock: Send + Sync {
    /// The present instant of the wall clock.
    fn now(&self) -> UnixMillis;

    /// The present instant of the monotonic clock.
    fn monotonic(&self) -> Monotonic;

    /// Both.
    fn both(&self) -> Now {
        Now {
            wall: self.now(),
            monotonic: self.monotonic(),
        }
    }
}

/// An instant of this process's monotonic clock, for deadlines. It means nothing to another process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Monotonic {
    /// Since an arbitrary beginning.
    nanos: i64,
}

impl Monotonic {
    /// Later than any deadline.
    pub const NEVER: Self = Self { nanos: i64::MAX };
    const NANOS_PER_MILLI: i64 = 1_000_000;

    /// So many milliseconds after the arbitrary beginning.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self {
            nanos: millis.saturating_mul(Self::NANOS_PER_MILLI),
        }
    }

    /// The instant `millis` milliseconds later, or earlier if that is negative.
    #[must_use]
    pub const fn plus(self, millis: i64) -> Self {
        self.plus_nanos(millis.saturating_mul(Self::NANOS_PER_MILLI))
    }

    /// The instant `nanos` nanoseconds later.
    #[must_use]
    pub const fn plus_nanos(self, nanos: i64) -> Self {
        Self {
            nanos: self.nanos.saturating_add(nanos),
        }
    }

    /// Whole milliseconds since `earlier`; negative if that is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.nanos_since(earlier) / Self::NANOS_PER_MILLI
    }

    /// Nanoseconds since `earlier`; negative if that is later.
    #[must_use]
    pub const fn nanos_since(self, earlier: Self) -> i64 {
        self.nanos.saturating_sub(earlier.nanos)
    }
}

/// The same instant on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// For what is stored or shown.
    pub wall: UnixMillis,
    /// For deadlines.
    pub monotonic: Monotonic,
}

impl Now {
    /// The deadline `millis` milliseconds from now.
    #[must_use]
    pub const fn plus(self, millis: i64) -> Monotonic {
        self.monotonic.plus(millis)
    }

    /// Milliseconds since `earlier`.
    #[must_use]
    pub const fn since(self, earlier: Monotonic) -> i64 {
        self.monotonic.since(earlier)
    }

    /// Whether this deadline has come.
    #[must_use]
    pub fn is_past(self, due: Monotonic) -> bool {
        due <= self.monotonic
    }
}

/// The clocks of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the system's clock"
    )]
    fn now(&self) -> UnixMillis {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Monotonic {
        static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);
        let nanos = BEGINNING.elapsed().as_nanos();
        Monotonic {
            nanos: i64::try_from(nanos).unwrap_or(i64::MAX),
        }
    }
}

/// Clocks that stand still until they are advanced.
#[derive(Debug)]
pub struct ManualClock {
    wall: AtomicI64,
    elapsed: AtomicI64,
}

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn new(now: UnixMillis) -> Self {
        Self {
            wall: AtomicI64::new(now.0),
            elapsed: AtomicI64::new(0),
        }
    }

    /// Lets `millis` milliseconds pass.
    pub fn advance(&self, millis: i64) {
        self.shift_wall(millis);
        self.elapsed.fetch_add(millis, Ordering::SeqCst);
    }

    /// Sets the wall clock by `millis`, as an operator or NTP would: no time passes.
    pub fn shift_wall(&self, millis: i64) {
        self.wall.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.wall.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic::from_millis(self.elapsed.load(Ordering::SeqCst))
    }
}
