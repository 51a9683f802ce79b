//! Gangway's server as a library, so that tests and the binary share it: relay, panel, API and built-in CA.
//!
//! `router` is the table of contents of what it serves, [`state::Gangway`] what every handler works on, [`listen`] the
//! accept loop, [`cli`] the command line.

#![recursion_limit = "512"]

pub mod api;
pub mod assets;
pub mod audit;
pub mod authority;
pub mod ca;
pub mod changes;
pub mod cli;
pub mod clock;
pub mod conditional;
pub mod config;
pub mod context;
pub mod db;
pub mod device_tls;
pub mod enrolment;
pub mod est;
pub mod fleet;
pub mod headers;
pub mod health;
pub mod host;
pub mod idprov;
pub mod limits;
pub mod listen;
pub mod log;
pub mod measurements;
pub mod once;
pub mod ownership;
pub mod panel;
pub mod people;
pub mod permits;
pub mod plgd;
pub mod relay;
pub mod rng;
pub mod router;
pub mod security_txt;
pub mod serve;
pub mod session;
pub mod signers;
pub mod simple_enrolment;
pub mod single_sign_on;
pub mod start_error;
pub mod state;
pub mod supervisor;
pub mod thingspeak;
pub mod webhooks;
