//! The claimant's machine against a device and a server that are played: the device with the real other end of the sealed
//! channel, the server with literal JSON.

#![expect(unreachable_pub, reason = "the modules of a test are seen by nobody else")]

mod elsewhere;
mod leaving;
mod properties;
mod provisioning;
mod stage;
mod stories;
mod warnings;
