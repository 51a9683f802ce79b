//! The protocol crate through its front door.

mod seal;
