//! Enrolled devices before they have proven themselves: an address has so many places for proofs, and who finds none waits in a
//! queue for the next that becomes free. A fleet behind one address comes back in one go, and a stranger there can take no more
//! than the places.

use std::collections::VecDeque;
use std::net::IpAddr;

use gangway_protocol::encoding::Base64;
use gangway_protocol::error::{Problem, ProblemCode};
use gangway_protocol::session::ServerToDevice;

use super::super::driver::{Driver, SocketKey};
use super::super::message::problem;
use super::super::record::{Proving, ProvingStage, Queued, Role, hello_due};
use super::{Hub, send};
use crate::clock::Now;
use crate::limits::AddressKey;

/// So many sockets for each place may wait for one. At a thousand proofs a second, which a small server checks, those of a
/// full queue are checked within the ten seconds that they may wait.
const QUEUED_PER_PLACE: usize = 20;
/// What a device is told to wait whose address has no place left, not even to wait: this, and as long again at random, so that
/// those who were refused together do not come back together.
const CROWDED_RETRY_SECS: u32 = 5;

/// Most sockets of an address that wait for one of its places.
pub(super) fn max_queued(places: u32) -> usize {
    usize::try_from(places)
        .unwrap_or(usize::MAX)
        .saturating_mul(QUEUED_PER_PLACE)
}

impl Hub {
    /// An enrolled device has come: it is challenged, or waits until it can be.
    pub(super) fn admit(&mut self, socket: u32, address: Option<IpAddr>, now: Now, driver: &mut impl Driver) {
        // docs/threat-model.md, I: whoever has not proven who they are takes a place of their address.
        if self.proving_places.take(address) {
            return self.challenge(socket, address, now, driver);
        }
        let Some(key) = address.map(AddressKey::from) else {
            return;
        };
        let generation = self.record(socket).generation;
        let queue = self.queues.entry(key).or_default();
        if queue.len() >= self.max_queued {
            return self.refuse(socket, self.crowded(), driver);
        }
        queue.push_back(SocketKey {
            index: socket,
            generation,
        });
        self.record_mut(socket).role = Role::Queued(Queued {
            address,
            due: hello_due(now),
        });
        // What it says before it is asked stays where it is.
        driver.hold(socket);
    }

    /// A place of this address has become free: who has waited longest takes it.
    pub(super) fn free_place(&mut self, address: Option<IpAddr>, now: Now, driver: &mut impl Driver) {
        self.proving_places.give_back(address);
        let Some(key) = address.map(AddressKey::from) else {
            return;
        };
        while let Some(next) = self.queues.get_mut(&key).and_then(VecDeque::pop_front) {
            let record = self.record(next.index);
            // It may have gone meanwhile.
            if record.generation == next.generation
                && let Role::Queued(Queued { address, .. }) = record.role
                && self.proving_places.take(address)
            {
                self.challenge(next.index, address, now, driver);
                driver.release(next.index);
                break;
            }
        }
        if self.queues.get(&key).is_some_and(VecDeque::is_empty) {
            self.queues.remove(&key);
        }
    }

    /// What a device is told whose address has no place for it.
    pub(super) fn crowded(&self) -> Problem {
        let [draw] = self.dependencies.random.bytes::<1>();
        let jitter = u32::from(draw) * CROWDED_RETRY_SECS / u32::from(u8::MAX);
        Problem {
            retry_after_secs: Some(CROWDED_RETRY_SECS + jitter),
            ..problem(
                ProblemCode::Busy,
                "Too many devices are connecting from this address at the moment.",
            )
        }
    }

    fn challenge(&mut self, socket: u32, address: Option<IpAddr>, now: Now, driver: &mut impl Driver) {
        let nonce = self.dependencies.random.bytes();
        let stage = ProvingStage::Challenged {
            nonce,
            due: hello_due(now),
        };
        self.record_mut(socket).role = Role::Proving(Box::new(Proving { address, stage }));
        let message = ServerToDevice::Challenge {
            nonce: Base64(nonce.to_vec()),
            server_time: now.wall,
        };
        send(driver, socket, &message);
    }
}
