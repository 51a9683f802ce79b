//! What moves on the pages. Each island is rendered by the server with all that it shows, and takes that over in the browser.
//!
//! Heavy islands are lazy: their code is cut out of the main module by the build, and a page that has one preloads it
//! (`parts.rs`). What several islands share stands in the context of the page.

pub(crate) mod account;
pub(crate) mod credentials;
pub(crate) mod crossing;
pub(crate) mod device;
pub(crate) mod fleet;
pub(crate) mod identity_providers;
pub(crate) mod jobs;
pub(crate) mod lists;
pub(crate) mod lobby;
pub(crate) mod local_times;
pub(crate) mod organisation;
pub(crate) mod panels;
pub(crate) mod permits;
pub(crate) mod plgd_client;
pub(crate) mod setup;
pub(crate) mod sign_in;
pub(crate) mod signed_in;
pub(crate) mod signers;
pub(crate) mod single_sign_on;
pub(crate) mod theme;
pub(crate) mod toasts;
pub(crate) mod webhooks;

/// Provides what islands share: once for each page, in the browser and while the server draws it.
pub fn provide_page() {
    crate::messages::Messages::provide();
    panels::Panels::provide();
}
