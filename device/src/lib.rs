//! Device software for Gangway: a device that nobody trusts yet shows a short code, a member of an organisation enters it in
//! the panel, and the device receives a certificate for a key that never leaves it. Then it holds a session: it is online,
//! takes configuration, renews its certificate at half of its life, and starts over when it is revoked.
//!
//! The binary `gangway-device` is this library with a command line and a screen; see `device/README.md`. A vendor embeds
//! the library in a program of its own (`default-features = false` leaves command line and screen out):
//!
//! ```no_run
//! use std::path::Path;
//! use gangway_device::{Agent, Event, Settings};
//! # fn display(_: &str, _: &str) {}
//! # async fn ask_the_person(_: &str, _: &str) -> bool { true }
//! # fn apply(_: &gangway_device::protocol::session::Configuration) {}
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let settings = Settings::new("https://panel.example".parse()?);
//!     let mut agent = Agent::open(settings, Path::new("/var/lib/thermometer"))?;
//!     while let Some(event) = agent.next().await {
//!         match event {
//!             Event::Code(code) => display(code.user_code.expose(), code.verification_uri_complete.expose()),
//!             Event::ApprovalAsked { claim, organisation, approver, .. } => {
//!                 agent.answer(&claim, ask_the_person(&organisation, &approver).await).await?;
//!             }
//!             Event::Configuration(configuration) => apply(&configuration),
//!             Event::Identify { .. } => display("THIS ONE", ""),
//!             Event::Online { device, .. } => println!("online as {device}"),
//!             Event::Error(trouble) => eprintln!("{} {}", trouble.message, trouble.remedy),
//!             _ => {}
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # How it is built
//!
//! Two state machines without input or output hold every rule of `docs/protocol.md` that concerns a device:
//! [`enrolment::Enrolment`] and [`session::Session`]. Frames, instants and answers go in; effects come out. [`agent`] runs
//! them over [`transport`] and [`store`]. A device on another operating system, or in another runtime, takes the machines
//! and brings its own sockets and files.
//!
//! # What must stay true
//!
//! - The private key is made here, written with the rights of its owner alone, and never sent, logged or printed.
//! - The secret half of a code is drawn here, lives in memory for ten minutes at most, and leaves through the screen.
//! - What the server says is checked: offers against approvals, chains against the key, time against the certificate.
//! - A device killed at any point finds a usable state again.

pub mod agent;
pub mod clock;
pub mod config;
pub mod credential;
pub mod enrolment;
pub mod event;
pub mod facts;
pub mod key;
pub mod mqtt;
mod remedy;
pub mod rng;
pub mod session;
pub mod status;
pub mod store;
#[cfg(test)]
mod testing;
pub mod transport;

pub use agent::{Agent, AgentError, Handle, Network};
pub use config::Settings;
pub use event::Event;
/// The vocabulary that events and settings are made of.
pub use gangway_protocol as protocol;
