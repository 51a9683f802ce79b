//! The panel: Leptos pages that the server renders and the browser brings to life.
//!
//! Pages fetch and arrange, components receive values and show them, `browser` holds what only a browser has. Every call goes
//! through `gangway_client::Api` from context: fetch in the browser, the router within the process on the server.

mod address;
mod answers;
mod app;
mod browser;
mod code_entry;
mod components;
mod fleet_view;
mod format;
mod head;
#[cfg(feature = "hydrate")]
mod hydrate;
mod pages;
mod remote;
#[cfg(feature = "ssr")]
mod render;
#[cfg(feature = "ssr")]
mod shell;
mod text;
mod trouble;
mod view;
mod visit;
mod visitor;

#[cfg(feature = "hydrate")]
pub use hydrate::hydrate;
#[cfg(feature = "ssr")]
pub use render::{Rendered, render};
#[cfg(feature = "ssr")]
pub use shell::Files;
pub use visit::{Language, Theme, Visit};
