//! How many connections one address has, so that nobody takes the places of all others. Not for how long each may last; that
//! is [`Watch`]'s.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::patience::Watch;
use crate::limits::AddressKey;

/// The connections that speak HTTP, by address. Upgraded ones are not among them; the relay counts those.
pub struct ConnectionLimit {
    per_address: usize,
    slots: Mutex<Slots>,
}

#[derive(Default)]
struct Slots {
    next: u64,
    of: HashMap<AddressKey, BTreeMap<u64, Arc<Watch>>>,
}

impl ConnectionLimit {
    /// So many for each address, one at least.
    #[must_use]
    pub fn new(per_address: u32) -> Arc<Self> {
        Arc::new(Self {
            per_address: usize::try_from(per_address).unwrap_or(usize::MAX).max(1),
            slots: Mutex::default(),
        })
    }

    /// Takes a connection in. An address that has all of its places taken loses the one of its connections that has been
    /// quiet for longest; when it keeps all of them busy, the new one is refused with `None`.
    pub(super) fn admit(self: &Arc<Self>, address: AddressKey) -> Option<Slot> {
        let watch = Watch::begin();
        let mut slots = self.slots();
        let own = slots.of.entry(address).or_default();
        if own.len() >= self.per_address {
            let now = Instant::now();
            let quiet = own
                .iter()
                .filter_map(|(number, watch)| Some((watch.quiet_since(now)?, *number)))
                .min()?;
            if let Some(quietest) = own.remove(&quiet.1) {
                quietest.evict();
            }
        }
        let number = slots.next;
        slots.next += 1;
        slots
            .of
            .entry(address)
            .or_default()
            .insert(number, Arc::clone(&watch));
        Some(Slot {
            limit: Arc::clone(self),
            address,
            number,
            watch,
        })
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place among those of its address, until this is dropped.
pub(super) struct Slot {
    limit: Arc<ConnectionLimit>,
    address: AddressKey,
    number: u64,
    pub(super) watch: Arc<Watch>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut slots = self.limit.slots();
        if let Some(own) = slots.of.get_mut(&self.address) {
            own.remove(&self.number);
            if own.is_empty() {
                slots.of.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_quietest_connection_of_an_address_makes_room_for_a_new_one() {
        let limit = ConnectionLimit::new(2);
        let here = AddressKey::V4(1);
        let first = limit.admit(here).expect("a free place");
        let second = limit.admit(here).expect("a free place");
        assert!(limit.admit(here).is_none(), "both have only just come");
        assert!(
            limit.admit(AddressKey::V4(2)).is_some(),
            "others have places of their own"
        );

        let busy = first.watch.answer(http::Version::HTTP_11);
        tokio::time::advance(Duration::from_secs(6)).await;
        let third = limit.admit(here).expect("the second has been quiet");
        second.watch.run_out().await;
        assert!(
            limit.admit(here).is_none(),
            "the first is busy, the third has only just come"
        );
        drop((busy, first, second, third));
        assert!(
            limit.slots().of.is_empty(),
            "nothing is remembered of who has left"
        );
    }
}
