//! Randomness, handed in: code secrets, key exchanges, jitter. Private keys come from ring's own source.

/// A source of random bytes fit for secrets.
pub trait Random: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's source.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        use rand_core::RngCore as _;
        // `OsRng` panics when the system has no randomness to give: without it there is no secret to go on with.
        rand_core::OsRng.fill_bytes(bytes);
    }
}

/// A fraction in [0, 1) of 32 random bits, for jitter.
pub fn fraction(random: &dyn Random) -> f64 {
    let mut bytes = [0_u8; 4];
    random.fill(&mut bytes);
    f64::from(u32::from_le_bytes(bytes)) / 4_294_967_296.0
}
