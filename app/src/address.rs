//! The address of the page: read on both sides, changed in the browser.
//!
//! Each page is a document of its own, which the server draws: leaving for another page is left to the browser. Only the
//! query changes within a page, e.g. while somebody types in the search field of the fleet.

use std::borrow::Cow;

use leptos::prelude::*;

use crate::browser::page;

/// Path and query of the present page.
#[derive(Clone, Copy)]
pub(crate) struct Address {
    path: StoredValue<String>,
    query: RwSignal<String>,
}

impl Address {
    /// The address `path?query`.
    pub(crate) fn new(address: &str) -> Self {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        Self {
            path: StoredValue::new(path.to_owned()),
            query: RwSignal::new(query.to_owned()),
        }
    }

    /// Makes it the address of the page, and follows the browser's back and forward within the page.
    pub(crate) fn provide(self) {
        provide_context(self);
        Effect::new(move |_| {
            page::follow_address(move || self.query.set(page::query()), move |to| self.go(to));
        });
    }

    /// The path's segments.
    pub(crate) fn segments(self) -> Vec<String> {
        self.path.with_value(|path| {
            path.split('/')
                .filter(|segment| !segment.is_empty())
                .map(|segment| decode(segment).into_owned())
                .collect()
        })
    }

    /// Whether the page is `path` or below it.
    pub(crate) fn is_within(self, path: &str) -> bool {
        self.path.with_value(|own| own.starts_with(path))
    }

    /// The first value of this name in the query.
    pub(crate) fn value(self, name: &str) -> Option<String> {
        self.query.with(|query| {
            form_urlencoded::parse(query.as_bytes())
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        })
    }

    /// Goes to an address of this site, which going back leads back from.
    pub(crate) fn go(self, to: &str) {
        if self.change_query(to, false) {
            page::scroll_to_top();
        }
    }

    /// Puts an address of this site in the place of the present one.
    pub(crate) fn replace(self, to: &str) {
        self.change_query(to, true);
    }

    /// False when it leads to another page, which the browser loads.
    fn change_query(self, to: &str, replace: bool) -> bool {
        let (path, query) = to.split_once('?').unwrap_or((to, ""));
        if self.path.with_value(|own| own != path) {
            page::leave_for(to);
            return false;
        }
        page::put_address(to, replace);
        self.query.set(query.to_owned());
        true
    }
}

/// The address of the present page.
pub(crate) fn address() -> Address {
    expect_context()
}

/// RFC 3986 §2.1; what is no UTF-8 becomes U+FFFD. A plus sign is itself in a path.
fn decode(segment: &str) -> Cow<'_, str> {
    percent_encoding::percent_decode_str(segment).decode_utf8_lossy()
}
