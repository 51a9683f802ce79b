//! The pages: one component for each address. Each asks the API on the server, and arranges what its components and islands
//! show.

pub(crate) mod account;
pub(crate) mod audit;
pub(crate) mod device;
pub(crate) mod expiring;
pub(crate) mod fleet;
pub(crate) mod frame;
pub(crate) mod home;
pub(crate) mod identity_providers;
pub(crate) mod jobs;
pub(crate) mod link;
pub(crate) mod lobby;
pub(crate) mod not_found;
pub(crate) mod organisation;
pub(crate) mod overview;
pub(crate) mod permits;
pub(crate) mod plgd_client;
pub(crate) mod settings_head;
pub(crate) mod setup;
pub(crate) mod sign_up;
pub(crate) mod signed_in;
pub(crate) mod signers;
pub(crate) mod single_sign_on;
pub(crate) mod webhooks;
