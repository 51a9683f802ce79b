//! Who somebody is and where they belong: passkeys, sign-ins, bearer tokens, one-time links, members of organisations.
//!
//! 1. A one-time link ([`links`]) lets a person register a passkey; that signs them in. One for [`customers`] makes an organisation
//!    of their own with them.
//! 2. A browser proves a passkey ([`ceremony`], [`passkeys`]) and gets a cookie; a program has a bearer token ([`tokens`]).
//! 3. Somebody joins an organisation by an invitation ([`invitations`], [`joining`]); as one of its [`members`] they get
//!    another role or leave, and what rested on the former role ends ([`ending`]).
//!
//! Whose request one is, and what they may do, is `authority`'s.

pub mod accounts;
pub mod additions;
pub mod browser;
pub mod ceremony;
pub mod customers;
pub mod ending;
pub mod failing;
pub mod invitations;
pub mod joining;
pub mod links;
pub mod members;
pub mod organisations;
pub mod passkeys;
pub mod policy;
pub mod recovery;
pub mod registration;
pub mod service;
pub mod sign_in;
pub mod sweep;
pub mod tokens;

use webauthn_rs::prelude::Uuid;

use crate::rng::Random;

/// A new WebAuthn user handle. Random, so that an authenticator learns nothing about the person (WebAuthn Level 3 §14.6.1).
pub(crate) fn user_handle(random: &dyn Random) -> Uuid {
    Uuid::from_bytes(random.bytes())
}
