//! The camera over the page: what it sees, until it has seen a code.

use leptos::prelude::*;

use crate::browser::scan::Camera;
use crate::components::dialog::Dialog;
use crate::visit::language;

/// The dialog.
#[component]
pub(super) fn Scanner(
    /// Whether it shows.
    open: RwSignal<bool>,
    /// Gets the text of each QR code and says whether a user code was in it.
    found: Callback<String, bool>,
) -> impl IntoView {
    let t = language();
    view! {
        <Dialog open class="scanner" label=t.scan()>
            <Finder open found />
        </Dialog>
    }
}

#[component]
fn Finder(open: RwSignal<bool>, found: Callback<String, bool>) -> impl IntoView {
    let t = language();
    let node = NodeRef::<leptos::html::Video>::new();
    let message = RwSignal::new(t.scan_text());
    let say = move |words| {
        let _ = message.try_set(words);
    };
    let wanted = move || open.try_get_untracked() == Some(true);
    Effect::new(move |_| {
        let Some(video) = node.get() else { return };
        leptos::task::spawn_local(async move {
            let Some(camera) = Camera::open(video).await else {
                say(t.scan_denied());
                return;
            };
            while wanted() {
                let Some(text) = camera.read(wanted).await else {
                    return;
                };
                if found.run(text) {
                    open.set(false);
                } else {
                    say(t.scan_other());
                }
            }
        });
    });
    view! {
        <h2>{t.scan()}</h2>
        <video node_ref=node muted playsinline></video>
        <p class="soft" role="status">{message}</p>
        <div class="dialog-end">
            <button class="button" type="button" autofocus on:click=move |_| open.set(false)>{t.cancel()}</button>
        </div>
    }
}
