//! The panel: Leptos pages that the server renders, and the islands in them that come to life in the browser.
//!
//! - `pages`: one component for each address. It asks the API on the server and arranges what comes back.
//! - `islands`: what moves. Each is rendered by the server with everything it shows, and takes that over in the browser.
//! - `components`: what pages and islands are put together from.
//! - `browser`: what only a browser has.
//!
//! Every call goes through `gangway_client::Api`: fetch in the browser, the router within the process on the server.

// The type of a view holds the types of all views in it.
#![recursion_limit = "512"]
#![expect(
    clippy::needless_pass_by_value,
    reason = "components take their props by value"
)]
#![expect(
    unreachable_pub,
    reason = "Leptos' macros make the functions behind components `pub`, whatever the component is"
)]

mod app;
mod audit_view;
mod branches;
mod browser;
mod code_entry;
mod components;
mod fleet_view;
mod format;
mod islands;
mod messages;
mod pages;
mod parts;
mod preference;
mod shell;
mod text;
mod trouble;
mod visit;
mod visitor;

pub use app::App;
pub use islands::provide_page;
pub use parts::Parts;
pub use preference::{LANGUAGE_COOKIE, Language, THEME_COOKIE, Theme};
pub use shell::Shell;
pub use visit::{AskedClient, SignerOrigins, Visit};
pub use visitor::Visitor;
