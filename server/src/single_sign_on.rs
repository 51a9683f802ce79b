//! Sign-in by a customer's own OpenID Connect provider (OpenID Connect Core 1.0, code flow with PKCE, RFC 7636).
//!
//! 1. Whoever administers a customer names its provider ([`providers`]), and which roles its people get.
//! 2. A browser is sent there ([`begin`]); what it comes back with is exchanged for an ID token, which is verified ([`token`]), and leads
//!    to an account ([`finish`]). Discovery and keys are kept for a while ([`directory`]).
//! 3. Roles by a claim are given and taken away with each sign-in ([`roles`]); a provider may end sign-ins by itself ([`logout`]).
//!
//! A provider's address is chosen by a user: it is reached by `gangway_client::Guarded` alone, as webhooks are. What a provider vouches
//! for counts at its customer and nowhere else, because whoever runs it can be everybody whom it knows.

pub mod begin;
pub mod directory;
pub mod finish;
pub mod identities;
pub mod logout;
pub mod providers;
pub mod roles;
pub mod sweep;
mod token;

pub use directory::Directory;

use crate::authority::Error;

/// What a person is told whose answer does not count.
fn refused(why: &'static str) -> Error {
    Error::ProviderRefused(why.into())
}

/// What is told of a provider that was removed, or never was.
fn unknown() -> Error {
    refused("this identity provider is not set up here any more: ask your organisation's admin")
}
