//! Passkey ceremonies between their two steps.
