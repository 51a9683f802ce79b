//! The relay through its front door: real sockets, another WebSocket implementation as the client.

mod claims;
pub(crate) mod device;
mod enrolment;
mod flood;
mod sessions;
pub(crate) mod socket;
