//! Copying: a button beside what can be copied. It works within islands alone.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use super::icon_button::IconButton;
use crate::browser::clipboard;
use crate::messages::messages;
use crate::visit::language;

/// A button that copies a text.
#[component]
pub(crate) fn CopyButton(
    /// What is copied.
    text: String,
) -> impl IntoView {
    view! { <IconButton glyph=Glyph::Copy label=language().copy() on_press=copying(text) /> }
}

/// The same as the first thing to do: for what is shown once.
#[component]
pub(crate) fn CopyFirst(
    /// What is copied.
    text: String,
) -> impl IntoView {
    let copy = copying(text);
    view! {
        <button class="button primary" type="button" on:click=move |_| copy()>
            <Icon glyph=Glyph::Copy />
            {language().copy()}
        </button>
    }
}

/// What a button that copies `text` does when it is pressed.
pub(crate) fn copying(text: String) -> impl Fn() + 'static {
    let t = language();
    let messages = messages();
    move || {
        let text = text.clone();
        leptos::task::spawn_local(async move {
            let copied = clipboard::copy(&text).await;
            messages.show(if copied { t.copied() } else { t.copy_failed() });
        });
    }
}
