//! What requests of one address cost, and how many bodies are read at a time: of one address, and of all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gangway_protocol::time::UnixMillis;

use super::{AddressKey, Bucket, Rate, TooMany};
use crate::clock::Monotonic;

/// So many seconds' worth of requests may come at once: a fleet behind one address comes back in one go.
const BURST_SECS: u64 = 20;
/// Bodies of one address that are read at a time. Each is at most 64 KiB and comes in one piece, unless somebody holds it back.
const BODIES_PER_ADDRESS: u32 = 64;
/// Bodies that are read at a time: 64 MiB.
const BODIES: u32 = 1_024;
/// When to come again who finds no place for a body.
const BODY_RETRY_SECS: u32 = 2;
/// Addresses are forgotten whose budget is whole again, at most once in so many milliseconds.
const FORGET_EVERY: i64 = 10 * UnixMillis::SECOND;

/// The budgets of one node. Cheap to clone; every clone is the same budgets.
#[derive(Clone)]
pub struct RequestLimits(Arc<Mutex<Budgets>>);

struct Budgets {
    rate: Rate,
    of: HashMap<AddressKey, Budget>,
    bodies: u32,
    forget_at: Monotonic,
}

#[derive(Default)]
struct Budget {
    bucket: Bucket,
    bodies: u32,
}

impl RequestLimits {
    /// For each address so many requests a second on average, of those that cost one.
    #[must_use]
    pub fn new(requests_per_second: u32) -> Self {
        let per_second = u64::from(requests_per_second);
        Self(Arc::new(Mutex::new(Budgets {
            rate: Rate::per_second(per_second, per_second.saturating_mul(BURST_SECS)),
            of: HashMap::new(),
            bodies: 0,
            forget_at: Monotonic::default(),
        })))
    }

    /// Pays for a request.
    ///
    /// # Errors
    /// When the address has used up its budget.
    pub fn pay(&self, address: AddressKey, cost: u64, now: Monotonic) -> Result<(), TooMany> {
        let mut budgets = self.budgets();
        budgets.forget(now);
        let rate = budgets.rate;
        budgets
            .of
            .entry(address)
            .or_default()
            .bucket
            .spend(cost, rate, now)
    }

    /// A place for a body that is to be read, until what this gives is dropped.
    ///
    /// # Errors
    /// When too many of this address, or of all, are being read.
    pub fn read_body(&self, address: AddressKey) -> Result<ReadingBody, TooMany> {
        let mut budgets = self.budgets();
        let all = budgets.bodies;
        let budget = budgets.of.entry(address).or_default();
        if budget.bodies >= BODIES_PER_ADDRESS || all >= BODIES {
            return Err(TooMany {
                retry_after_secs: BODY_RETRY_SECS,
            });
        }
        budget.bodies += 1;
        budgets.bodies += 1;
        Ok(ReadingBody {
            limits: self.clone(),
            address,
        })
    }

    fn budgets(&self) -> MutexGuard<'_, Budgets> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Budgets {
    fn forget(&mut self, now: Monotonic) {
        if now >= self.forget_at {
            self.forget_at = now.plus(FORGET_EVERY);
            self.of
                .retain(|_, budget| budget.bodies > 0 || !budget.bucket.is_full(now));
        }
    }
}

/// A body that is being read.
pub struct ReadingBody {
    limits: RequestLimits,
    address: AddressKey,
}

impl Drop for ReadingBody {
    fn drop(&mut self) {
        let mut budgets = self.limits.budgets();
        budgets.bodies = budgets.bodies.saturating_sub(1);
        if let Some(budget) = budgets.of.get_mut(&self.address) {
            budget.bodies = budget.bodies.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: AddressKey = AddressKey::V4(1);
    const OTHER: AddressKey = AddressKey::V4(2);

    fn at(millis: i64) -> Monotonic {
        Monotonic::from_millis(millis)
    }

    #[test]
    fn who_has_spent_its_budget_waits_and_nobody_else_does() {
        let limits = RequestLimits::new(10);
        let paid = (0..1_000)
            .take_while(|_| limits.pay(ONE, 10, at(0)).is_ok())
            .count();
        assert_eq!(paid, 20, "twenty seconds' worth");
        assert!(limits.pay(OTHER, 1, at(0)).is_ok());
        assert!(
            limits.pay(ONE, 10, at(1_000)).is_ok(),
            "a second later one of ten is paid for"
        );
        assert!(limits.pay(ONE, 10, at(1_000)).is_err());
    }

    #[test]
    fn addresses_are_forgotten_when_their_budget_is_whole() {
        let limits = RequestLimits::new(10);
        for address in 0..1_000 {
            limits.pay(AddressKey::V4(address), 1, at(0)).expect("its first");
        }
        let reading = limits.read_body(OTHER).expect("a place");
        limits.pay(ONE, 1, at(60_000)).expect("whole again");
        assert_eq!(
            limits.budgets().of.len(),
            2,
            "the one that pays and the one that reads"
        );
        drop(reading);
        limits.pay(ONE, 1, at(120_000)).expect("whole again");
        assert_eq!(limits.budgets().of.len(), 1);
    }

    #[test]
    fn so_many_bodies_are_read_at_a_time() {
        let limits = RequestLimits::new(10);
        let mut reading: Vec<ReadingBody> = (0..BODIES_PER_ADDRESS)
            .map(|_| limits.read_body(ONE).expect("a place"))
            .collect();
        assert!(limits.read_body(ONE).is_err());
        reading.pop();
        reading.push(limits.read_body(ONE).expect("one has been read"));
        let others: Vec<ReadingBody> = (2..10_000)
            .map_while(|address| limits.read_body(AddressKey::V4(address)).ok())
            .collect();
        assert_eq!(
            others.len() + reading.len(),
            usize::try_from(BODIES).expect("small")
        );
    }
}
