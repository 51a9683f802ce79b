//! Draws the messages of the page.

use leptos::prelude::*;

use crate::browser::page;
use crate::components::icon::{Glyph, Icon};
use crate::messages::{Message, messages};
use crate::visit::language;

/// Draws the messages. It stands last on every page: islands come to life in their order, so once this one lives, all do,
/// and the document says so to whoever drives the page.
#[island]
pub(crate) fn Toasts() -> impl IntoView {
    let t = language();
    let messages = messages();
    Effect::new(move |_| {
        if let Some(root) = page::root() {
            let _ = root.set_attribute("data-alive", "");
        }
    });
    view! {
        <div class="toasts" role="status" aria-live="polite">
            <For each=move || messages.shown() key=|message| message.number let(Message { number, text, stays })>
                <div class="toast" role=stays.then_some("alert")>
                    {text}
                    <button type="button" aria-label=t.close() on:click=move |_| messages.dismiss(number)>
                        <Icon glyph=Glyph::Close />
                    </button>
                </div>
            </For>
        </div>
    }
}
