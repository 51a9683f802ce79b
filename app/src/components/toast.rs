//! Short messages about what has just been done. They go by themselves; nothing that must be read is only here.

use leptos::prelude::*;

use super::icon::{Icon, icon};
use crate::browser::clock;
use crate::view::{View, view};
use crate::visit::{Language, language};
use crate::visitor::CeremonyTrouble;

/// Long enough to read two lines twice.
const STAYS_MILLIS: u32 = 7_000;

/// The messages that show at present.
#[derive(Clone, Copy)]
pub(crate) struct Toasts {
    shown: RwSignal<Vec<(u32, String)>>,
    count: StoredValue<u32>,
}

impl Toasts {
    /// Provides the place where messages go.
    pub(crate) fn provide() {
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

/// The place where messages go.
pub(crate) fn toasts() -> Toasts {
    expect_context()
}

/// Draws the messages.
pub(crate) fn toast_list() -> View {
    let t = language();
    let toasts = toasts();
    view! {
        <div class="toasts" role="status" aria-live="polite">
            {move || {
                toasts
                    .shown
                    .get()
                    .into_iter()
                    .map(|(number, text)| {
                        view! {
                            <div class="toast">
                                {text}
                                <button type="button" aria-label=t.close() on:click=move |_| toasts.dismiss(number)>
                                    {icon(Icon::Close)}
                                </button>
                            </div>
                        }
                    })
                    .collect::<View>()
            }}
        </div>
    }
}
