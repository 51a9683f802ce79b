//! What a page looks like, as one value: texts, elements, lists, and live parts that are drawn again when a signal they read
//! changes. `view!` (view-macro/) writes it; the server turns it into HTML (`html.rs`), the browser into DOM (`dom.rs`),
//! or takes over the DOM that the server's HTML became (`hydration.rs`).
//!
//! It is one type, not one type for each place of markup, so that the code that handles it exists once
//! (docs/decisions/0011). Signals, effects and contexts are Leptos'.

#[cfg(feature = "hydrate")]
pub(crate) mod dom;
mod element;
#[cfg(feature = "ssr")]
pub(crate) mod html;
#[cfg(feature = "hydrate")]
pub(crate) mod hydration;
mod into_view;

use std::borrow::Cow;

pub(crate) use element::{Element, NodeRef, target_value};
pub(crate) use gangway_view_macro::view;
pub(crate) use into_view::{IntoAttribute, IntoView};

/// A piece of a page.
pub(crate) enum View {
    /// Draws nothing and keeps a place.
    Nothing,
    /// Never empty: an empty text would leave no node behind in HTML.
    Text(Cow<'static, str>),
    Element(Element),
    Several(Vec<View>),
    /// Drawn again whenever a signal that the closure read changes.
    Live(Box<dyn FnMut() -> View>),
}

impl View {
    pub(crate) fn text(text: impl Into<Cow<'static, str>>) -> Self {
        let text = text.into();
        if text.is_empty() {
            Self::Nothing
        } else {
            Self::Text(text)
        }
    }
}
