//! Copying: a button beside what can be copied.

use leptos::ev::MouseEvent;
use leptos::prelude::*;

use super::icon::Icon;
use super::icon_button::icon_button;
use super::toast::toasts;
use crate::browser::{clipboard, page};
use crate::view::{View, view};
use crate::visit::language;

/// A button that copies `text`.
pub(crate) fn copy_button(text: String) -> View {
    icon_button(Icon::Copy, language().copy(), copying(text))
}

/// What a button that copies `text` does when it is clicked.
pub(crate) fn copying(text: String) -> impl FnMut(MouseEvent) + 'static {
    let t = language();
    let toasts = toasts();
    move |_| {
        let text = text.clone();
        leptos::task::spawn_local(async move {
            let copied = clipboard::copy(&text).await;
            toasts.show(if copied { t.copied() } else { t.copy_failed() });
        });
    }
}

/// The command by which a device shows a code. Which server it names is known once the page lives in the browser.
pub(crate) fn run_command() -> View {
    let origin = RwSignal::new("https://…".to_owned());
    Effect::new(move |_| origin.set(page::origin()));
    view! { {move || command(format!("gangway-device run --server {}", origin.get()))} }
}

/// A command or another line of machine text, with a button to copy it.
pub(crate) fn command(text: String) -> View {
    view! { <div class="command"><code>{text.clone()}</code> {copy_button(text)}</div> }
}
