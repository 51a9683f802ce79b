//! Keys with which a creation can be sent again without creating twice.

/// The value of `Idempotency-Key`: draw one for each thing to be made, and send the same one with each repetition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Random bytes that a key takes: no two clients will ever draw the same.
    pub const RANDOM_LEN: usize = 16;

    /// A key from fresh random bytes.
    #[must_use]
    pub fn new(random: [u8; Self::RANDOM_LEN]) -> Self {
        Self(random.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The key as sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
