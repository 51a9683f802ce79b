//! The list of keys.

use leptos::prelude::*;

use super::dialog::dialog;
use crate::view::{View, view};
use crate::visit::language;

/// The list, shown while `open` holds.
pub(crate) fn keys_dialog(open: RwSignal<bool>) -> View {
    let t = language();
    dialog(open, "", t.keys(), move || {
        let rows = [
            ("Ctrl K  ⌘ K", t.keys_palette()),
            ("/", t.keys_search()),
            ("g  f", t.keys_fleet()),
            ("g  a", t.add_device()),
            ("?", t.keys_help()),
            ("Esc", t.keys_close()),
        ];
        view! {
            <h2>{t.keys()}</h2>
            <dl class="keys">
                {rows
                    .into_iter()
                    .map(|(keys, meaning)| {
                        view! {
                            <dt class="row">{keys.split("  ").map(|key| view! { <kbd>{key}</kbd> }).collect::<View>()}</dt>
                            <dd>{meaning}</dd>
                        }
                    })
                    .collect::<View>()}
            </dl>
            <div class="dialog-end">
                <button class="button" type="button" autofocus on:click=move |_| open.set(false)>
                    {t.close()}
                </button>
            </div>
        }
    })
}
