//! What is shown only once: a link, a token.

use leptos::prelude::*;

use super::copy::CopyFirst;
use super::notice::{Notice, Tone};
use crate::visit::language;

/// What was made in a dialog and is shown only once, until it is dismissed.
#[component]
pub(crate) fn ShownOnce(
    /// What to do with it.
    says: &'static str,
    /// The thing itself.
    made: String,
    /// The person has it.
    dismiss: Callback<()>,
) -> impl IntoView {
    let t = language();
    let words = NodeRef::<leptos::html::P>::new();
    // Not on the button: a second Enter of whoever made this would dismiss it unread.
    Effect::new(move |_| {
        if let Some(words) = words.get() {
            let _ = words.focus();
        }
    });
    view! {
        <div class="stack dialog-field">
            <p role="status" tabindex="-1" node_ref=words>{says}</p>
            <div class="command">
                <code>{made.clone()}</code>
            </div>
            <div class="dialog-end">
                <button class="button" type="button" on:click=move |_| dismiss.run(())>{t.done()}</button>
                <CopyFirst text=made />
            </div>
        </div>
    }
}

/// The same on the page, for whoever closed the dialog with Escape before they had copied it.
#[component]
pub(crate) fn StillShown(
    /// What to do with it.
    says: &'static str,
    /// What was made.
    made: RwSignal<Option<String>>,
    /// Whether the dialog shows, which has it then.
    open: RwSignal<bool>,
) -> impl IntoView {
    let dismiss = Callback::new(move |()| made.set(None));
    move || {
        made.get().filter(|_| !open.get()).map(|made| {
            view! {
                <Notice tone=Tone::Plain>
                    <ShownOnce says made dismiss />
                </Notice>
            }
        })
    }
}
