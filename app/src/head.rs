//! What a page says about itself outside its body: title, HTTP status, and that somebody should go elsewhere.

use leptos::prelude::*;

use crate::browser::page;

/// Set while a page is drawn: the server writes it into the document and its head, the browser keeps the title current.
#[derive(Clone, Copy)]
pub(crate) struct Head {
    title: RwSignal<String>,
    status: StoredValue<u16>,
    redirect: RwSignal<Option<&'static str>>,
}

impl Head {
    pub(crate) fn provide() -> Self {
        let head = Self {
            title: RwSignal::new(String::new()),
            status: StoredValue::new(200),
            redirect: RwSignal::new(None),
        };
        provide_context(head);
        Effect::new(move |_| page::set_title(&head.title_text()));
        Effect::new(move |_| {
            if let Some(path) = head.redirect.get() {
                page::leave_at_once_for(path);
            }
        });
        head
    }

    pub(crate) fn title_text(self) -> String {
        self.title.with(|title| {
            if title.is_empty() {
                "Gangway".to_owned()
            } else {
                format!("{title} · Gangway")
            }
        })
    }

    #[cfg(feature = "ssr")]
    pub(crate) fn status(self) -> u16 {
        self.status.get_value()
    }

    #[cfg(feature = "ssr")]
    pub(crate) fn redirect(self) -> Option<&'static str> {
        self.redirect.get_untracked()
    }
}

/// The page's title; empty for the start page.
pub(crate) fn set_title(title: impl Into<String>) {
    expect_context::<Head>().title.set(title.into());
}

/// The HTTP status of the page that the server draws.
pub(crate) fn set_status(status: u16) {
    expect_context::<Head>().status.set_value(status);
}

/// Sends the visitor to another page instead.
pub(crate) fn redirect(path: &'static str) {
    expect_context::<Head>().redirect.set(Some(path));
}
