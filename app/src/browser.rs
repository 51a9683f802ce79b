//! What only a browser has: clock, cookies, clipboard, camera, passkeys, sockets. Thin, without product rules.
//!
//! Everything here compiles for the server too, because event handlers and effects of the pages name it, and is never called
//! there: the server neither handles events nor runs effects.

pub(crate) mod changes;
pub(crate) mod channel;
pub(crate) mod clipboard;
pub(crate) mod clock;
pub(crate) mod crossing;
pub(crate) mod following;
pub(crate) mod held;
pub(crate) mod keys;
pub(crate) mod page;
pub(crate) mod passkey;
pub(crate) mod plgd_client;
pub(crate) mod random;
pub(crate) mod reading;
pub(crate) mod recent;
pub(crate) mod scan;
pub(crate) mod signature;
pub(crate) mod signers;
pub(crate) mod socket;
mod throw_away;
pub(crate) mod wallet;
