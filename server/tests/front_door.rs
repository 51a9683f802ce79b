//! The server through its front door: every endpoint by its router, on both engines.

mod auth;
mod backup;
mod ca;
mod certificates;
mod command_line;
mod contract;
mod database;
mod documents;
mod enrolment;
mod exclusion;
mod fleet;
mod health;
mod listening;
mod pages;
mod pooler;
mod problems;
mod process;
mod relay;
mod requests;
mod session_gate;
mod support;
mod systemd_units;
mod tls_files;
mod typed_client;
mod unknown_paths;
