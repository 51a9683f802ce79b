//! Messages about what has just happened, which any part of a page may show: `islands::toasts` draws them.

use leptos::prelude::*;

use crate::browser::clock;
use crate::preference::Language;
use crate::visitor::CeremonyTrouble;

/// Long enough to read two lines twice.
const STAYS_MILLIS: u32 = 7_000;

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// Tells it from the others of the page.
    pub(crate) number: u32,
    /// What it says.
    pub(crate) text: String,
    /// Whether it stays until somebody closes it, because it must be read.
    pub(crate) stays: bool,
}

/// The messages that show at present.
#[derive(Clone, Copy)]
pub(crate) struct Messages {
    shown: RwSignal<Vec<Message>>,
    count: StoredValue<u32>,
}

impl Messages {
    /// Provides them to a page.
    pub(crate) fn provide() {
        provide_context(Self {
            shown: RwSignal::new(Vec::new()),
            count: StoredValue::new(0),
        });
    }

    /// Those that show, to draw them.
    pub(crate) fn shown(self) -> Vec<Message> {
        self.shown.get()
    }

    /// Shows a message that goes by itself: nothing that must be read.
    pub(crate) fn show(self, text: impl Into<String>) {
        let number = self.push(text.into(), false);
        leptos::task::spawn_local(async move {
            clock::sleep(STAYS_MILLIS).await;
            self.dismiss(number);
        });
    }

    /// Shows a message that must be read.
    pub(crate) fn warn(self, text: impl Into<String>) {
        self.push(text.into(), true);
    }

    /// Says what went wrong, where anybody needs to know.
    pub(crate) fn show_trouble(self, t: Language, trouble: impl Into<CeremonyTrouble>) {
        if let Some(words) = trouble.into().words(t) {
            self.warn(words);
        }
    }

    /// Closes one.
    pub(crate) fn dismiss(self, number: u32) {
        self.shown
            .update(|shown| shown.retain(|message| message.number != number));
    }

    fn push(self, text: String, stays: bool) -> u32 {
        let number = self.count.get_value();
        self.count.set_value(number.wrapping_add(1));
        self.shown.update(|shown| {
            // The same once more says nothing new.
            shown.retain(|message| message.text != text);
            shown.push(Message { number, text, stays });
        });
        number
    }
}

/// The page's messages.
pub(crate) fn messages() -> Messages {
    expect_context()
}
