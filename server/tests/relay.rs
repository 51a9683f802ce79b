//! The relay through its front door: real sockets, another WebSocket implementation as the client.

mod enrolment;
mod socket;
