//! Lists as a page's sections keep them: read, added to, taken from, each of their things made once.

use gangway_client::{ApiError, IdempotencyKey};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::page::{MAX_PAGE_LIMIT, Page, PageQuery};
use leptos::prelude::*;

use crate::browser::{clock, page, random};
use crate::components::notice::TroubleNotice;
use crate::trouble::{Outcome, Trouble};

/// A list as a section keeps it.
pub(crate) struct List<T: 'static> {
    pub(super) items: RwSignal<Vec<T>>,
    /// Why the last reading failed; what was there stays beside it.
    pub(super) trouble: RwSignal<Option<Trouble>>,
    busy: StoredValue<bool>,
}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<T> {}

impl<T: Clone + Send + Sync + 'static> List<T> {
    /// With what the server read.
    pub(super) fn new(first: Outcome<Vec<T>>) -> Self {
        let (items, trouble) = match first {
            Ok(items) => (items, None),
            Err(trouble) => (Vec::new(), Some(trouble)),
        };
        Self {
            items: RwSignal::new(items),
            trouble: RwSignal::new(trouble),
            busy: StoredValue::new(false),
        }
    }

    /// Adds what has just been made: lists are in the order in which their things were made.
    pub(super) fn push(self, item: T) {
        self.items.update(|items| items.push(item));
    }

    /// Takes out what has just ended.
    pub(super) fn remove(self, is_it: impl Fn(&T) -> bool) {
        self.items.update(|items| items.retain(|item| !is_it(item)));
    }

    /// Reads the list anew.
    pub(super) fn read(self, read: impl AsyncFnOnce() -> Result<Page<T>, ApiError> + 'static) {
        if self.busy.get_value() {
            return;
        }
        self.busy.set_value(true);
        leptos::task::spawn_local(async move {
            match read().await {
                Ok(page) => {
                    self.items.set(page.items);
                    self.trouble.set(None);
                }
                Err(error) => self.trouble.set(Some(error.into())),
            }
            self.busy.set_value(false);
        });
    }
}

/// Why a list could not be read, with a way to try again.
#[component]
pub(super) fn ListTrouble(
    /// Why.
    trouble: RwSignal<Option<Trouble>>,
    /// Reads it again.
    retry: Callback<()>,
) -> impl IntoView {
    move || {
        trouble
            .get()
            .map(|trouble| view! { <TroubleNotice trouble retry /> })
    }
}

/// Nobody has so many passkeys, browsers or tokens that a second page would be worth its buttons.
pub(crate) fn all() -> PageQuery {
    PageQuery {
        limit: Some(MAX_PAGE_LIMIT),
        after: None,
    }
}

/// What ended already has ended: somebody was quicker.
pub(super) fn ended(result: Result<(), ApiError>) -> Result<(), ApiError> {
    match result {
        Err(error) if error.code() == Some(ProblemCode::NotFound) => Ok(()),
        other => other,
    }
}

/// Moves the focus to a section's heading after something of it was removed: a second Enter must not meet the next button.
pub(super) fn focus_heading(id: String) {
    leptos::task::spawn_local(async move {
        // The dialog that asked closes first, and gives the focus back to a button that is gone.
        clock::sleep(0).await;
        page::focus(&id);
    });
}

/// One key for one request: a repeated press or a lost reply makes nothing twice, and a request that was changed counts anew.
pub(super) struct Once<R: 'static>(StoredValue<Option<(R, IdempotencyKey)>>);

impl<R> Clone for Once<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Once<R> {}

impl<R: Clone + PartialEq + Send + Sync + 'static> Once<R> {
    pub(super) fn new() -> Self {
        Self(StoredValue::new(None))
    }

    pub(super) fn key(self, request: &R) -> IdempotencyKey {
        match self.0.get_value() {
            Some((same, key)) if same == *request => key,
            _ => {
                let key = IdempotencyKey::new(random::bytes());
                self.0.set_value(Some((request.clone(), key.clone())));
                key
            }
        }
    }

    /// What is asked for next is something new, even if it looks the same.
    pub(super) fn end(self) {
        self.0.set_value(None);
    }
}
