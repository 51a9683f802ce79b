//! Short messages about what has just been done. They go by themselves; nothing that must be read is only here.

use leptos::prelude::*;

use crate::browser::{clock, page};
use crate::components::icon::{Glyph, Icon};
use crate::visit::{Language, language};
use crate::visitor::CeremonyTrouble;

/// Long enough to read two lines twice.
const STAYS_MILLIS: u32 = 7_000;

/// The messages that show at present.
#[derive(Clone, Copy)]
pub(crate) struct Messages {
    shown: RwSignal<Vec<(u32, String)>>,
    count: StoredValue<u32>,
}

impl Messages {
    pub(super) fn provide() {
        provide_context(Self {
            shown: RwSignal::new(Vec::new()),
            count: StoredValue::new(0),
        });
    }

    /// Shows a message.
    pub(crate) fn show(self, text: impl Into<String>) {
        let number = self.count.get_value();
        self.count.set_value(number.wrapping_add(1));
        self.shown.update(|shown| shown.push((number, text.into())));
        leptos::task::spawn_local(async move {
            clock::sleep(STAYS_MILLIS).await;
            self.dismiss(number);
        });
    }

    /// Says what went wrong, where anybody needs to know.
    pub(crate) fn show_trouble(self, t: Language, trouble: impl Into<CeremonyTrouble>) {
        if let Some(words) = trouble.into().words(t) {
            self.show(words);
        }
    }

    fn dismiss(self, number: u32) {
        self.shown
            .update(|shown| shown.retain(|(shown_number, _)| *shown_number != number));
    }
}

/// Where messages go.
pub(crate) fn messages() -> Messages {
    expect_context()
}

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
            <For each=move || messages.shown.get() key=|(number, _)| *number let((number, text))>
                <div class="toast">
                    {text}
                    <button type="button" aria-label=t.close() on:click=move |_| messages.dismiss(number)>
                        <Icon glyph=Glyph::Close />
                    </button>
                </div>
            </For>
        </div>
    }
}
