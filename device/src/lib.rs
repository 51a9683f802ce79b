//! Being built.
pub mod agent;
pub mod clock;
pub mod config;
pub mod credential;
pub mod enrolment;
pub mod event;
pub mod facts;
pub mod key;
mod remedy;
pub mod rng;
pub mod session;
pub mod store;
#[cfg(test)]
mod testing;
pub mod transport;
