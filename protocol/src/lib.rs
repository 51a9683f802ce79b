//! The vocabulary of Gangway: every type that crosses a wire between server, browser and device, and the rules that
//! all of them must agree on.
//!
//! No input or output, no clock and no randomness of its own: instants and random bytes are arguments. The same
//! source compiles for servers, devices and wasm32. `docs/protocol.md` is the normative text for what stands here.

pub mod account;
pub mod audit;
pub mod bulk;
pub mod certificate;
pub mod code;
pub mod device;
pub mod encoding;
pub mod enrolment;
pub mod error;
pub mod history;
pub mod id;
pub mod json;
pub mod measurement;
pub mod organisation;
pub mod overview;
pub mod page;
pub mod path;
pub mod permit;
pub mod saved_view;
pub mod seal;
pub mod secret;
pub mod session;
pub mod signer;
pub mod single_sign_on;
pub mod time;
pub mod webhook;
