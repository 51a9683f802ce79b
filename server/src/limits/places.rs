//! How many of something an address may have at one time: places, taken and given back. Not attempts over a span; those are
//! [`Window`](super::window::Window)'s.

use std::collections::HashMap;
use std::net::IpAddr;

use super::AddressKey;

/// The places of every address. It remembers those alone that have some taken.
#[derive(Debug)]
pub struct Places {
    cap: u32,
    taken: HashMap<AddressKey, u32>,
}

impl Places {
    /// So many for each address.
    #[must_use]
    pub fn new(cap: u32) -> Self {
        Self {
            cap,
            taken: HashMap::new(),
        }
    }

    /// Takes a place; false when this address has all of its own taken. Where a socket has no address there is nothing to
    /// count by, and only the caps on everything hold.
    pub fn take(&mut self, address: Option<IpAddr>) -> bool {
        let Some(key) = address.map(AddressKey::from) else {
            return true;
        };
        let taken = self.taken.get(&key).copied().unwrap_or_default();
        if taken >= self.cap {
            return false;
        }
        self.taken.insert(key, taken + 1);
        true
    }

    /// Gives a place back that [`Self::take`] gave.
    pub fn give_back(&mut self, address: Option<IpAddr>) {
        let Some(key) = address.map(AddressKey::from) else {
            return;
        };
        if let Some(taken) = self.taken.get_mut(&key) {
            *taken -= 1;
            if *taken == 0 {
                self.taken.remove(&key);
            }
        }
    }
}

#[cfg(test)]
impl Places {
    /// Whether nobody has taken any.
    pub(crate) fn are_free(&self) -> bool {
        self.taken.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_own_places_and_gets_them_back() {
        let mut places = Places::new(2);
        let (here, there) = ("2001:db8::1".parse().ok(), "192.0.2.1".parse().ok());
        let same_network = "2001:db8::ffff".parse().ok();
        assert!(places.take(here) && places.take(same_network));
        assert!(!places.take(here));
        assert!(places.take(there) && places.take(None));
        places.give_back(same_network);
        assert!(places.take(here) && !places.take(here));
        for address in [here, here, there, None] {
            places.give_back(address);
        }
        assert!(places.are_free(), "nothing is remembered of who has left");
    }
}
