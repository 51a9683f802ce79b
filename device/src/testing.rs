//! What the tests of several modules need: a certificate authority, a fixed present, randomness that repeats itself, and a
//! server of which every frame is scripted. Compiled for tests only.

mod ca;
mod relay;

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use gangway_protocol::time::UnixMillis;

use crate::clock::Clock;
use crate::rng::Random;

pub(crate) use ca::{TestCa, shared_ca_and_key, to_pem};
pub(crate) use relay::{Peer, Relay, serve_self_signed, serve_tls};

/// The present in tests: 2030-01-01.
pub(crate) const NOW: UnixMillis = UnixMillis(1_893_456_000_000);

/// A clock that a test sets.
pub(crate) struct SetClock(AtomicI64);

impl SetClock {
    pub(crate) fn at(time: UnixMillis) -> Self {
        Self(AtomicI64::new(time.0))
    }
}

impl Clock for SetClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::Relaxed))
    }
}

/// The same bytes in every run (xorshift64*), because a failing test must fail again.
pub(crate) struct Repeatable(Mutex<u64>);

impl Repeatable {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(
            seed.wrapping_mul(2).wrapping_add(0x9E37_79B9_7F4A_7C15),
        ))
    }
}

impl Random for Repeatable {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.lock().expect("no test panics while it draws");
        for byte in bytes {
            *state ^= *state >> 12;
            *state ^= *state << 25;
            *state ^= *state >> 27;
            *byte = state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_be_bytes()[0];
        }
    }
}
