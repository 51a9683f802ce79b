//! What connections may send: each has a budget of its own, and those of one address share another. Every kind of frame is paid
//! for, before `hello` or `proof` and after, because reading it costs the relay's one thread the same.

use std::collections::HashMap;
use std::net::IpAddr;

use slab::Slab;

use crate::clock::Monotonic;
use crate::limits::{AddressKey, Bucket, Rate, TooMany};

/// What a frame costs beside its bytes. Pings of no length are what a flood is made of.
const FRAME: u64 = 1024;
/// What a look at a socket costs beside the bytes that it brings: bytes that come one by one cost as much as frames.
const READ: u64 = 512;
/// What a connection costs its address: it was accepted and upgraded, and perhaps challenged.
const OPENING: u64 = 2 * FRAME;
/// What a connection may send: `docs/protocol.md` §3 allows sixty messages of 32 KiB at once, and one a second.
const OF_CONNECTION: Rate = Rate::per_second(64 * 1024, 3 * 1024 * 1024);
/// For how many seconds' worth an address may send at once: so long do the devices behind it take to come back together.
const BURST_SECS: u64 = 10;
/// A connection that lacks no more than this is not to blame when its address has used up its budget.
const LIGHT: u64 = 64 * 1024;

/// What a turn has cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost(u64);

impl Cost {
    /// A look at a socket has brought so many bytes.
    pub(super) fn add_read(&mut self, len: usize) {
        self.0 += READ + u64::try_from(len).unwrap_or(u64::MAX);
    }

    /// So many frames were among them.
    pub(super) fn add_frames(&mut self, frames: u32) {
        self.0 += FRAME * u64::from(frames);
    }
}

/// Whose budget a connection shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Payer(u32);

impl Payer {
    /// Nobody's: the connection has no address.
    pub(super) const NOBODY: Self = Self(u32::MAX);
}

/// The budgets of addresses. An address is forgotten when it has no connection and its budget is whole.
pub(super) struct Budgets {
    rate: Rate,
    payers: HashMap<AddressKey, u32>,
    budgets: Slab<AddressBudget>,
    /// Those without connections, to be forgotten once their budget is whole.
    idle: Vec<u32>,
}

struct AddressBudget {
    key: AddressKey,
    connections: u32,
    budget: Bucket,
    /// It stands among the idle ones, once.
    is_idle: bool,
}

impl Budgets {
    /// For each address, `frames_per_second` short frames on average.
    pub(super) fn new(frames_per_second: u32) -> Self {
        let per_second = u64::from(frames_per_second) * FRAME;
        Self {
            rate: Rate::per_second(per_second, per_second.saturating_mul(BURST_SECS)),
            payers: HashMap::new(),
            budgets: Slab::new(),
            idle: Vec::new(),
        }
    }

    /// A connection comes from `address`.
    ///
    /// # Errors
    /// When that address has used up its budget.
    pub(super) fn join(&mut self, address: Option<IpAddr>, now: Monotonic) -> Result<Payer, TooMany> {
        let Some(key) = address.map(AddressKey::from) else {
            return Ok(Payer::NOBODY);
        };
        let payer = match self.payers.get(&key) {
            Some(payer) => *payer,
            None => {
                let budget = AddressBudget {
                    key,
                    connections: 0,
                    budget: Bucket::default(),
                    is_idle: true,
                };
                // There are no more of them than sockets, which are counted in 32 bits.
                let payer = u32::try_from(self.budgets.insert(budget)).unwrap_or(u32::MAX);
                self.payers.insert(key, payer);
                self.idle.push(payer);
                payer
            }
        };
        let rate = self.rate;
        if let Some(shared) = self.budget_of(Payer(payer)) {
            shared.budget.spend(OPENING, rate, now)?;
            shared.connections += 1;
        }
        Ok(Payer(payer))
    }

    /// A connection has gone.
    pub(super) fn leave(&mut self, payer: Payer) {
        if let Some(shared) = self.budget_of(payer) {
            shared.connections = shared.connections.saturating_sub(1);
            if shared.connections == 0 && !std::mem::replace(&mut shared.is_idle, true) {
                self.idle.push(payer.0);
            }
        }
    }

    /// Pays for a turn of a connection with this budget.
    ///
    /// # Errors
    /// When the connection has used up its own, or its share of its address's.
    pub(super) fn pay(
        &mut self,
        cost: Cost,
        own: &mut Bucket,
        payer: Payer,
        now: Monotonic,
    ) -> Result<(), TooMany> {
        own.spend(cost.0, OF_CONNECTION, now)?;
        let rate = self.rate;
        let Some(AddressBudget { budget: shared, .. }) = self.budget_of(payer) else {
            return Ok(());
        };
        let paid = shared.spend(cost.0, rate, now);
        if paid.is_err() {
            // The turn is over and has cost what it has cost.
            shared.empty(rate, now);
        }
        match paid {
            // Whoever else sits behind this address and sends little goes on: the budgets of connections bound what that can be.
            Err(_) if !own.lacks(LIGHT, OF_CONNECTION, now) => Ok(()),
            paid => paid,
        }
    }

    /// Forgets who has gone; called once a second.
    pub(super) fn forget(&mut self, now: Monotonic) {
        for payer in std::mem::take(&mut self.idle) {
            let Some(shared) = self.budget_of(Payer(payer)) else {
                continue;
            };
            if shared.connections > 0 {
                // It is noted again when they have gone.
                shared.is_idle = false;
            } else if shared.budget.is_full(now) {
                let key = shared.key;
                self.payers.remove(&key);
                if let Ok(index) = usize::try_from(payer) {
                    self.budgets.try_remove(index);
                }
            } else {
                self.idle.push(payer);
            }
        }
    }

    fn budget_of(&mut self, payer: Payer) -> Option<&mut AddressBudget> {
        let index = usize::try_from(payer.0).ok()?;
        self.budgets.get_mut(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Monotonic {
        Monotonic::from_millis(millis)
    }

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    fn frames(count: u32) -> Cost {
        let mut cost = Cost::default();
        cost.add_read(0);
        cost.add_frames(count);
        cost
    }

    /// How many turns of `cost` are paid for.
    fn turns(budgets: &mut Budgets, cost: Cost, own: &mut Bucket, payer: Payer) -> usize {
        (0..1_000_000)
            .take_while(|_| budgets.pay(cost, own, payer, at(0)).is_ok())
            .count()
    }

    #[test]
    fn an_address_that_comes_and_goes_in_debt_is_noted_once() {
        let mut budgets = Budgets::new(1_000);
        for _ in 0..50 {
            let payer = budgets.join(address(1), at(0)).expect("there is budget");
            budgets.leave(payer);
            budgets.forget(at(0));
        }
        assert_eq!((budgets.idle.len(), budgets.budgets.len()), (1, 1));
        let payer = budgets.join(address(1), at(0)).expect("there is budget");
        budgets.forget(at(1));
        assert_eq!((budgets.idle.len(), budgets.budgets.len()), (0, 1));
        budgets.leave(payer);
        budgets.forget(at(3_600_000));
        assert_eq!((budgets.idle.len(), budgets.budgets.len()), (0, 0));
    }

    #[test]
    fn sixty_of_the_longest_messages_are_paid_for_at_once_and_a_flood_is_not() {
        let mut budgets = Budgets::new(1_000_000);
        let mut own = Bucket::default();
        for _ in 0..60 {
            // 32 KiB that come in the packets of an ordinary network.
            for _ in 0..23 {
                let mut cost = Cost::default();
                cost.add_read(1425);
                budgets
                    .pay(cost, &mut own, Payer::NOBODY, at(0))
                    .expect("a message is paid for");
            }
            budgets
                .pay(frames(1), &mut own, Payer::NOBODY, at(0))
                .expect("a frame is paid for");
        }
        let mut own = Bucket::default();
        assert!(turns(&mut budgets, frames(16), &mut own, Payer::NOBODY) < 200);
    }

    #[test]
    fn an_address_that_floods_is_refused_new_connections_and_its_quiet_ones_go_on() {
        let mut budgets = Budgets::new(1_000);
        let mut quiet = Bucket::default();
        let other = budgets.join(address(1), at(0)).expect("within the budget");
        for _ in 0..4 {
            let payer = budgets.join(address(1), at(0)).unwrap_or(Payer::NOBODY);
            let mut own = Bucket::default();
            assert!(turns(&mut budgets, frames(100), &mut own, payer) <= 30);
        }
        assert!(budgets.join(address(1), at(0)).is_err());
        assert!(budgets.pay(frames(1), &mut quiet, other, at(0)).is_ok());
        assert!(
            budgets.join(address(2), at(0)).is_ok(),
            "another address has its own"
        );
        assert!(budgets.join(address(1), at(1_000)).is_ok(), "it fills again");
    }

    #[test]
    fn an_address_that_has_gone_is_forgotten_when_its_budget_is_whole() {
        let mut budgets = Budgets::new(1_000);
        let first = budgets.join(address(1), at(0)).expect("within the budget");
        let second = budgets.join(address(1), at(0)).expect("within the budget");
        budgets.leave(first);
        budgets.forget(at(60_000));
        assert_eq!(budgets.budgets.len(), 1, "one connection stands");
        budgets.leave(second);
        budgets.forget(at(0));
        assert_eq!(
            budgets.budgets.len(),
            1,
            "leaving and coming back makes no new budget"
        );
        budgets.forget(at(60_000));
        assert!(budgets.budgets.is_empty() && budgets.payers.is_empty() && budgets.idle.is_empty());
    }
}
