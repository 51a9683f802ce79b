//! The typed client of Gangway's API: what the panel, the command line and the tests speak to a server with.
//!
//! [`Api`] has one method for every HTTP endpoint of `gangway_protocol::path`, with the types of `gangway_protocol`. It
//! sends through a [`Transport`]: the browser's fetch (feature `fetch`), reqwest for native programs (feature `native`), or
//! a function within the process ([`InProcess`]) while the server renders a page.

pub mod api;
pub mod crossing;
mod error;
#[cfg(feature = "fetch")]
mod fetch;
mod in_process;
#[cfg(feature = "native")]
mod native;
mod query;
mod transport;

pub use api::Api;
pub use api::idempotency::IdempotencyKey;
pub use error::ApiError;
#[cfg(feature = "fetch")]
pub use fetch::Fetch;
pub use http::Method;
pub use in_process::InProcess;
#[cfg(feature = "native")]
pub use native::{
    Allowed, Guarded, GuardedAnswer, GuardedError, Lookup, Native, NativeOptions, NativeOptionsError,
    NativeSocket, Outward, SocketError, SocketEvent, is_public, read_trust_anchors, system_lookup,
};
pub use transport::{ApiRequest, ApiResponse, ForeignReply, Reply, Transport, TransportError};
