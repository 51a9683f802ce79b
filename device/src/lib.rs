//! Being built.
pub mod clock;
pub mod credential;
pub mod key;
pub mod rng;
#[cfg(test)]
mod testing;
