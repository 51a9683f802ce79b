//! The field for user codes: one real input over drawn cells, and below each letter its flag.

use leptos::prelude::*;

use super::flag::Flag;
use crate::browser::page;
use crate::code_entry::{self, Refused};
use crate::preference::Language;
use crate::visit::language;

/// What the field holds and says.
#[derive(Clone, Copy)]
pub(crate) struct CodeEntry {
    /// The code as far as it is typed, as devices show it.
    pub(crate) text: RwSignal<String>,
    /// What the last keystroke had that no code has.
    pub(crate) refused: RwSignal<Option<Refused>>,
    /// What is wrong with the code as a whole.
    pub(crate) error: RwSignal<Option<String>>,
}

impl CodeEntry {
    /// With what somebody typed into the field before it came alive.
    pub(crate) fn new() -> Self {
        let entry = Self {
            text: RwSignal::new(String::new()),
            refused: RwSignal::new(None),
            error: RwSignal::new(None),
        };
        // Read before the field takes its empty value over, shown after: what the server drew is taken over as it is first.
        let typed = page::typed(FIELD_ID);
        Effect::new(move |_| entry.take(&typed));
        entry
    }

    /// Takes a pasted, scanned or linked code. False when there is nothing of a code in it.
    pub(crate) fn take(self, text: &str) -> bool {
        let edited = code_entry::edit("", text, 0);
        let usable = edited.refused.is_none() && !edited.text.is_empty();
        if usable {
            self.text.set(edited.text);
            self.refused.set(None);
            self.error.set(None);
        }
        usable
    }

    /// What to tell the person at once.
    pub(crate) fn message(self, t: Language) -> Option<String> {
        match self.refused.get() {
            Some(Refused::Character(found)) => Some(t.code_character(found)),
            Some(Refused::TooLong) => Some(t.code_too_long()),
            None => self.error.get(),
        }
    }
}

/// The id of the field, for what moves the focus there.
pub(crate) const FIELD_ID: &str = "code";

/// The field with its cells, flags and words.
#[component]
pub(crate) fn CodeField(
    /// What it holds and says.
    entry: CodeEntry,
) -> impl IntoView {
    let t = language();
    let CodeEntry { text, refused, error } = entry;
    let on_input = move |event: leptos::ev::Targeted<leptos::ev::Event, web_sys::HtmlInputElement>| {
        let input = event.target();
        let raw = input.value();
        let caret = input
            .selection_start()
            .ok()
            .flatten()
            .and_then(|units| usize::try_from(units).ok());
        let caret = caret.map_or(usize::MAX, |units| characters(&raw, units));
        let edited = text.with_untracked(|before| code_entry::edit(before, &raw, caret));
        input.set_value(&edited.text);
        let place = u32::try_from(edited.caret).unwrap_or(u32::MAX);
        let _ = input.set_selection_range(place, place);
        text.set(edited.text);
        refused.set(edited.refused);
        error.set(None);
    };
    let flags = move || {
        text.read()
            .chars()
            .map(|letter| view! { <span><Flag letter /></span> })
            .collect_view()
    };
    view! {
        <div class="code" data-places=move || code_entry::places(&text.read()).to_string()>
            <div class="code-field">
                <input
                    id=FIELD_ID
                    type="text"
                    autofocus
                    aria-label=t.code_label()
                    aria-describedby="code-help code-message"
                    aria-invalid=move || entry.message(t).is_some().to_string()
                    autocapitalize="characters"
                    autocomplete="off"
                    spellcheck="false"
                    enterkeyhint="go"
                    prop:value=text
                    on:input:target=on_input
                />
                <div class="cells" aria-hidden="true">
                    {move || cells(&text.read())}
                </div>
            </div>
            <div class="hoist" aria-hidden="true">{flags}</div>
            <p class="spoken">{move || spoken(&text.read())}</p>
            <p class="hint bad" id="code-message" role="alert">{move || entry.message(t)}</p>
        </div>
    }
}

fn cells(text: &str) -> impl IntoView + use<> {
    let filled = text.chars().count();
    let dash = text
        .find('-')
        .unwrap_or(gangway_protocol::code::MIN_NAMEPLATE_LEN);
    let no_dash = !text.contains('-');
    (0..code_entry::places(text))
        .map(|place| {
            view! { <i class:dash=place == dash class:empty=place == dash && no_dash class:next=place == filled></i> }
        })
        .collect_view()
}

/// The words of the radio alphabet for a code, for reading it out: `Bravo Charlie Delta Foxtrot – Golf …`.
pub(crate) fn spoken(text: &str) -> String {
    let words: Vec<&str> = text
        .chars()
        .filter_map(|letter| {
            if letter == '-' {
                Some("–")
            } else {
                gangway_protocol::code::radio_word(letter)
            }
        })
        .collect();
    words.join(" ")
}

/// How many characters the first `units` UTF-16 code units of a text are.
fn characters(text: &str, units: usize) -> usize {
    let mut left = units;
    text.chars()
        .take_while(|c| {
            let fits = c.len_utf16() <= left;
            left = left.saturating_sub(c.len_utf16());
            fits
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_spoken_in_radio_words() {
        assert_eq!(spoken("BCDF-G"), "Bravo Charlie Delta Foxtrot – Golf");
        assert_eq!(spoken(""), "");
    }

    #[test]
    fn carets_are_counted_in_characters() {
        assert_eq!(characters("B😀C", 3), 2);
        assert_eq!(characters("BCD", 9), 3);
    }
}
