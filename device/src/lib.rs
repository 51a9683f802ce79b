//! Being built.
pub mod clock;
pub mod credential;
pub mod enrolment;
pub mod event;
pub mod key;
pub mod rng;
pub mod session;
pub mod store;
#[cfg(test)]
mod testing;
