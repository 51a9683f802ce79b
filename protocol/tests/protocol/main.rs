//! The protocol crate through its front door. One binary, so that it is linked once.

mod bodies;
mod chains;
mod code;
mod csr;
mod device;
mod document;
mod files;
mod frames;
mod interop;
mod measurement;
mod record;
mod seal;
mod seal_handshake;
mod unusual;
mod vectors;
