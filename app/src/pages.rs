//! The pages: each fetches what it shows and arranges components.

pub(crate) mod account;
pub(crate) mod device;
pub(crate) mod fleet;
pub(crate) mod home;
pub(crate) mod link;
pub(crate) mod not_found;
pub(crate) mod setup;
