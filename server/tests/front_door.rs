//! The server through its front door: every endpoint by its router, on both engines.

mod auth;
mod ca;
mod documents;
mod enrolment;
mod health;
mod listening;
mod process;
mod relay;
mod support;
mod unknown_paths;
