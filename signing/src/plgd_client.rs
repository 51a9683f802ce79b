//! A plgd client application (client-application 2024-10) that a person reaches with their browser, and the hub does not: its
//! certificate request goes to an authority and the certificate back, as a state machine without input or output.
//!
//! 1. What the hub says of itself is read, then the keys of the authority where the person is signed in; the client gets these.
//! 2. The client answers with a challenge: a request, and a state that works once and for a minute. The request is looked at
//!    (`request`): a hub copies what it asks for.
//! 3. An authority signs it: the hub's with the same token, or Gangway's built-in CA.
//! 4. The client gets the certificate. What it says of itself then has to be what was asked for.
//!
//! A device is owned in the same way, within a time that no person could keep: it is begun when all is ready. Whatever fails
//! once the state was used begins with a fresh challenge, once by itself. A client with a pre-shared key needs no hub.
//!
//! The token goes to the hub, to its authority and to the client. What it is sent to the client for, a person has asked for:
//! that is up to whoever drives this ([`ClientTask::needs_token`]).

mod address;
mod code;
mod configuration;
mod device;
mod error;
mod owner;
mod request;
mod send;
mod stream;
mod task;
mod work;

pub use address::{ClientAddress, UnfitClientAddress};
pub use configuration::{ClientMode, ClientState};
pub use device::{ClientDevice, CloudStatus, Ownership};
pub use error::{ClientError, UnfitRequest};
pub use task::{ClientAccess, ClientCa, ClientEnd, ClientStage, ClientStep, ClientTask, PreSharedKey};
pub use work::ClientWork;
