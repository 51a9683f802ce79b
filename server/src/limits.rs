//! Limits on attempts: per account, address and organisation, and the global breaker.

use crate::config::Caps;

/// Counts attempts and says when there were too many.
pub struct Limits {}

impl Limits {
    /// Limits with these caps.
    #[must_use]
    pub fn new(_caps: &Caps) -> Self {
        Self {}
    }
}
