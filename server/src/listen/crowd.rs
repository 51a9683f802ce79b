//! How many connections one address has, so that nobody takes the places of all others. Not for how long each may last; that
//! is [`Watch`]'s.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::patience::Watch;
use crate::limits::AddressKey;

/// The connections that speak HTTP, by address. Upgraded ones are not among them; the relay counts those.
pub struct Crowd {
    per_address: usize,
    members: Mutex<Members>,
}

#[derive(Default)]
struct Members {
    next: u64,
    of: HashMap<AddressKey, BTreeMap<u64, Arc<Watch>>>,
}

impl Crowd {
    /// So many for each address, one at least.
    #[must_use]
    pub fn new(per_address: u32) -> Arc<Self> {
        Arc::new(Self {
            per_address: usize::try_from(per_address).unwrap_or(usize::MAX).max(1),
            members: Mutex::default(),
        })
    }

    /// Takes a connection in. An address that has all of its places taken loses the one of its connections that has been
    /// quiet for longest; when it keeps all of them busy, the new one is refused with `None`.
    pub(super) fn admit(self: &Arc<Self>, address: AddressKey) -> Option<Membership> {
        let watch = Watch::begin();
        let mut members = self.members();
        let own = members.of.entry(address).or_default();
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
        let number = members.next;
        members.next += 1;
        members
            .of
            .entry(address)
            .or_default()
            .insert(number, Arc::clone(&watch));
        Some(Membership {
            crowd: Arc::clone(self),
            address,
            number,
            watch,
        })
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place among those of its address, until this is dropped.
pub(super) struct Membership {
    crowd: Arc<Crowd>,
    address: AddressKey,
    number: u64,
    pub(super) watch: Arc<Watch>,
}

impl Drop for Membership {
    fn drop(&mut self) {
        let mut members = self.crowd.members();
        if let Some(own) = members.of.get_mut(&self.address) {
            own.remove(&self.number);
            if own.is_empty() {
                members.of.remove(&self.address);
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
        let crowd = Crowd::new(2);
        let here = AddressKey::V4(1);
        let first = crowd.admit(here).expect("a free place");
        let second = crowd.admit(here).expect("a free place");
        assert!(crowd.admit(here).is_none(), "both have only just come");
        assert!(
            crowd.admit(AddressKey::V4(2)).is_some(),
            "others have places of their own"
        );

        let busy = first.watch.answer(http::Version::HTTP_11);
        tokio::time::advance(Duration::from_secs(6)).await;
        let third = crowd.admit(here).expect("the second has been quiet");
        second.watch.run_out().await;
        assert!(
            crowd.admit(here).is_none(),
            "the first is busy, the third has only just come"
        );
        drop((busy, first, second, third));
        assert!(
            crowd.members().of.is_empty(),
            "nothing is remembered of who has left"
        );
    }
}
