//! The list of keys, and the switch for those without a modifier.

use leptos::prelude::*;

use crate::browser::keys;
use crate::components::dialog::Dialog;
use crate::visit::language;

/// The list.
#[component]
pub(super) fn Keys(
    /// Whether it shows.
    open: RwSignal<bool>,
) -> impl IntoView {
    let t = language();
    let rows: [(&[&str], _); 6] = [
        (&["Ctrl K", "⌘ K"], t.keys_palette()),
        (&["/"], t.keys_search()),
        (&["g", "f"], t.keys_fleet()),
        (&["g", "a"], t.add_device()),
        (&["?"], t.keys_help()),
        (&["Esc"], t.keys_close()),
    ];
    view! {
        <Dialog open label=t.keys()>
            <h2>{t.keys()}</h2>
            <dl class="keys">
                {rows
                    .map(|(keys, meaning)| {
                        view! {
                            <dt class="row">{keys.iter().map(|key| view! { <kbd>{*key}</kbd> }).collect_view()}</dt>
                            <dd>{meaning}</dd>
                        }
                    })
                    .collect_view()}
            </dl>
            // WCAG 2.1.4: keys without a modifier can be switched off.
            <label class="choice">
                <input
                    type="checkbox"
                    prop:checked=keys::single_keys_are_on()
                    on:change:target=move |event| keys::switch_single_keys(event.target().checked())
                />
                <span>{t.keys_single()}</span>
            </label>
            <div class="dialog-end">
                <button class="button" type="button" autofocus on:click=move |_| open.set(false)>
                    {t.close()}
                </button>
            </div>
        </Dialog>
    }
}
