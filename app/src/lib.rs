//! The panel: Leptos pages that the server renders and the browser brings to life.
//!
//! Pages fetch and arrange, components receive values and show them, `browser` holds what only a browser has. Every call goes
//! through `gangway_client::Api` from context: fetch in the browser, the router within the process on the server.

// Types of views grow with what they hold; the compiler has to follow them to their ends.
#![recursion_limit = "256"]

mod app;
mod browser;
mod code_entry;
mod components;
mod fleet_view;
mod format;
#[cfg(feature = "hydrate")]
mod hydrate;
mod pages;
#[cfg(feature = "ssr")]
mod shell;
mod text;
mod trouble;
mod visit;
mod visitor;

pub use app::panel;
#[cfg(feature = "hydrate")]
pub use hydrate::hydrate;
#[cfg(feature = "ssr")]
pub use shell::shell;
pub use visit::{Language, PageStatus, Theme, Visit};
