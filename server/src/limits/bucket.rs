//! A token bucket in one word (the generic cell rate algorithm, ITU-T I.371): how much may come at once, and how much in the
//! long run.

use super::TooMany;
use crate::clock::Monotonic;

const NANOS_PER_SECOND: u64 = 1_000_000_000;
const NANOS_PER_MILLI: i64 = 1_000_000;

/// How fast a bucket fills, and how much it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    per_second: u64,
    burst_nanos: i64,
}

impl Rate {
    /// So many units a second on average, `burst` of them at once. Nought a second counts as one.
    #[must_use]
    pub const fn per_second(per_second: u64, burst: u64) -> Self {
        let per_second = if per_second == 0 { 1 } else { per_second };
        Self {
            per_second,
            burst_nanos: nanos(burst, per_second),
        }
    }
}

/// The time in which `units` flow in.
const fn nanos(units: u64, per_second: u64) -> i64 {
    let whole = units / per_second;
    let rest = units % per_second;
    let nanos = whole
        .saturating_mul(NANOS_PER_SECOND)
        .saturating_add(rest.saturating_mul(NANOS_PER_SECOND) / per_second);
    if nanos > i64::MAX.unsigned_abs() {
        i64::MAX
    } else {
        nanos.cast_signed()
    }
}

/// What somebody may still spend. Full in the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// When it is full again, if nothing more is spent.
    full_at: Monotonic,
}

impl Bucket {
    /// Takes `units` out.
    ///
    /// # Errors
    /// When it does not hold so many; nothing is taken then.
    pub fn spend(&mut self, units: u64, rate: Rate, now: Monotonic) -> Result<(), TooMany> {
        let full_at = self.full_at.max(now).plus_nanos(nanos(units, rate.per_second));
        let missing = full_at.nanos_since(now).saturating_sub(rate.burst_nanos);
        if missing > 0 {
            return Err(TooMany::after(missing / NANOS_PER_MILLI));
        }
        self.full_at = full_at;
        Ok(())
    }

    /// Takes out what is left.
    pub fn empty(&mut self, rate: Rate, now: Monotonic) {
        self.full_at = now.plus_nanos(rate.burst_nanos);
    }

    /// Whether nothing is missing.
    #[must_use]
    pub fn is_full(&self, now: Monotonic) -> bool {
        self.full_at <= now
    }

    /// Whether more than `units` are missing.
    #[must_use]
    pub fn lacks(&self, units: u64, rate: Rate, now: Monotonic) -> bool {
        self.full_at.nanos_since(now) > nanos(units, rate.per_second)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The textbook's bucket: a level that falls with time.
    struct Model {
        spent: f64,
        at: i64,
    }

    impl Model {
        fn spend(&mut self, units: u32, per_second: u32, burst: u32, now: i64) -> Option<bool> {
            let flowed = f64::from(i32::try_from(now - self.at).expect("a short test")) / 1_000.0;
            self.spent = (self.spent - flowed * f64::from(per_second)).max(0.0);
            self.at = now;
            let after = self.spent + f64::from(units) - f64::from(burst);
            // Too close to tell for numbers that are rounded.
            if after.abs() < 1e-3 {
                return None;
            }
            if after < 0.0 {
                self.spent += f64::from(units);
            }
            Some(after < 0.0)
        }
    }

    proptest! {
        #[test]
        fn it_is_the_textbooks_bucket(
            per_second in 1..5_000_u32,
            burst in 1..10_000_u32,
            steps in prop::collection::vec((0..3_000_i64, 1..5_000_u32), 1..200),
        ) {
            let rate = Rate::per_second(per_second.into(), burst.into());
            let mut bucket = Bucket::default();
            let mut model = Model { spent: 0.0, at: 0 };
            let mut now = 0;
            for (later, units) in steps {
                now += later;
                let spent = bucket.spend(units.into(), rate, Monotonic::from_millis(now)).is_ok();
                match model.spend(units, per_second, burst, now) {
                    Some(expected) => prop_assert_eq!(spent, expected),
                    None => break,
                }
            }
        }
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let rate = Rate::per_second(u64::MAX, u64::MAX);
        let mut bucket = Bucket::default();
        let now = Monotonic::from_millis(0);
        assert!(bucket.spend(u64::MAX / 2, rate, now).is_ok());
        let slow = Rate::per_second(0, 1);
        assert!(Bucket::default().spend(u64::MAX, slow, now).is_err());
        assert!(Bucket::default().spend(1, slow, now).is_ok());
    }
}
