//! Random bytes, handed in: production asks the operating system, tests may fix them.

use rand_core::{OsRng, RngCore as _};

use gangway_protocol::id::ID_RANDOM_LEN;

/// A source of random bytes fit for keys and tokens.
pub trait Random: Send + Sync {
    /// Fills `bytes` with random ones.
    fn fill(&self, bytes: &mut [u8]);
}

impl dyn Random + '_ {
    /// `N` random bytes.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// The random part of a new id, e.g. `DeviceId::new(clock.now(), random.for_id())`.
    #[must_use]
    pub fn for_id(&self) -> [u8; ID_RANDOM_LEN] {
        self.bytes()
    }
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        OsRng.fill_bytes(bytes);
    }
}
