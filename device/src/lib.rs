//! Being built.
pub mod clock;
pub mod credential;
pub mod enrolment;
pub mod event;
pub mod key;
pub mod rng;
#[cfg(test)]
mod testing;
