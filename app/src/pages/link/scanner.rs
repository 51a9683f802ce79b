//! The camera over the page: what it sees, until it has seen a code.

use leptos::prelude::*;
use web_sys::HtmlVideoElement;

use crate::browser::scan::Camera;
use crate::components::dialog::dialog;
use crate::view::{NodeRef, View, view};
use crate::visit::Language;

/// The dialog. `found` gets the text of each QR code and says whether a user code was in it.
pub(super) fn scanner(t: Language, open: RwSignal<bool>, found: Callback<String, bool>) -> View {
    dialog(open, "scanner", t.scan(), move || {
        let node = NodeRef::<HtmlVideoElement>::new();
        let message = RwSignal::new(t.scan_text());
        Effect::new(move |_| {
            let Some(video) = node.get() else { return };
            leptos::task::spawn_local(async move {
                let Some(camera) = Camera::open(video).await else {
                    message.set(t.scan_denied());
                    return;
                };
                // Ends when the dialog closes: its video is gone then.
                while open.try_get_untracked() == Some(true) {
                    let Some(text) = camera.read(move || open.try_get_untracked() == Some(true)).await else {
                        return;
                    };
                    if found.run(text) {
                        open.set(false);
                    } else {
                        message.set(t.scan_other());
                    }
                }
            });
        });
        view! {
            <h2>{t.scan()}</h2>
            <video node_ref=node muted playsinline></video>
            <p class="soft" role="status">{move || message.get()}</p>
            <div class="dialog-end">
                <button class="button" type="button" autofocus on:click=move |_| open.set(false)>{t.cancel()}</button>
            </div>
        }
    })
}
