//! The HTTP API under `/api/v1`: handlers that extract, authorise, call and respond. `router.rs` mounts them.

pub mod account;
pub mod audit;
pub mod bulk_jobs;
pub mod ca;
pub mod certificates;
pub mod csrf;
pub mod description;
pub mod devices;
pub mod enrolments;
pub mod extract;
pub mod fleet_changes;
pub mod flood;
pub mod idempotency;
pub mod invitations;
pub mod links;
pub mod members;
pub mod organisations;
pub mod passkeys;
pub mod plgd;
pub mod problem;
pub mod request;
pub mod sign_ins;
pub mod signers;
pub mod sockets;
mod spreadsheet;
pub mod tokens;
pub mod webhooks;
