//! Sign-in and accounts: every endpoint and every refusal.

mod account;
mod command_line;
mod csrf;
mod customers;
mod ending;
mod failing;
mod invitations;
mod links;
mod members;
mod passkeys;
mod policy;
mod recovery;
mod registration;
mod sign_in;
mod step_up;
mod sweep;
mod tokens;
