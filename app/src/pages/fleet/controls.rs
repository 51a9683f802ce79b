//! What narrows and turns the fleet table: search, filters, export, pages. Everything goes through the address.

use gangway_client::Api;
use gangway_protocol::device::DeviceState;
use gangway_protocol::organisation::Organisation;
use leptos::ev::Event;
use leptos::prelude::*;

use crate::address::address;
use crate::browser::clock;
use crate::components::device_state::state_name;
use crate::components::frame::SEARCH_ID;
use crate::components::icon::{Icon, icon};
use crate::fleet_view::FleetView;
use crate::format;
use crate::view::{View, target_value, view};
use crate::visit::Language;

/// Between the last key and the search: typing never waits, and the server is not asked for every letter.
const SEARCH_AFTER_MILLIS: u32 = 150;

/// Search, filters and export.
pub(super) fn controls(t: Language, shown: Memo<FleetView>, organisations: Vec<Organisation>) -> View {
    let address = address();
    // Each keystroke replaces the address: going back leads to the page before, not to half a word.
    let go = Callback::new(move |wanted: FleetView| address.replace(&wanted.address()));
    let typed = RwSignal::new(shown.get_untracked().query);
    let search = move |text: String| {
        typed.set(text.clone());
        leptos::task::spawn_local(async move {
            clock::sleep(SEARCH_AFTER_MILLIS).await;
            if typed.try_get_untracked().as_ref() == Some(&text) {
                go.run(shown.get_untracked().with(|view| view.query = text));
            }
        });
    };
    // The address may change by other ways: "clear filters", the palette, going back.
    Effect::new(move |_| {
        let query = shown.with(|view| view.query.clone());
        if typed.get_untracked().trim() != query.trim() {
            typed.set(query);
        }
    });
    let states = std::iter::once((String::new(), t.all_states().to_owned()))
        .chain(
            DeviceState::NAMES
                .into_iter()
                .map(|name| (name.to_owned(), state_name(t, name).to_owned())),
        )
        .collect();
    let presences = vec![
        (String::new(), t.all_presences().to_owned()),
        ("online".to_owned(), t.online().to_owned()),
        ("offline".to_owned(), t.offline().to_owned()),
    ];
    let several = organisations.len() > 1;
    let homes = std::iter::once((String::new(), t.all_organisations().to_owned()))
        .chain(
            organisations
                .into_iter()
                .map(|organisation| (organisation.id.to_string(), organisation.name)),
        )
        .collect();
    view! {
        <div class="controls" role="search">
            <div class="search">
                {icon(Icon::Search)}
                <input
                    id=SEARCH_ID
                    class="input"
                    type="search"
                    aria-label=t.search_devices()
                    placeholder=t.search_placeholder()
                    autocomplete="off"
                    spellcheck="false"
                    prop:value=move || typed.get()
                    on:input=move |event: Event| search(target_value(&event))
                />
                <kbd class="wide-only">"/"</kbd>
            </div>
            {filter(t.column_state(), states, Signal::derive(move || shown.read().state.clone()), Callback::new(move |value| go.run(shown.get_untracked().with(|view| view.state = value))))}
            {filter(t.column_presence(), presences, Signal::derive(move || shown.read().presence.clone()), Callback::new(move |value| go.run(shown.get_untracked().with(|view| view.presence = value))))}
            {several
                .then(|| {
                    filter(t.organisation(), homes, Signal::derive(move || shown.read().organisation.clone()), Callback::new(move |value| go.run(shown.get_untracked().with(|view| view.organisation = value))))
                })}
            <a class="button quiet" href=move || Api::devices_csv_path(&shown.get().to_query()) download="" title=t.export_csv_hint() aria-label="CSV">
                {icon(Icon::Download)}
                <span class="wide-only">"CSV"</span>
            </a>
        </div>
    }
}

fn filter(
    label: &'static str,
    options: Vec<(String, String)>,
    chosen: Signal<String>,
    choose: Callback<String>,
) -> View {
    view! {
        <select class="input" aria-label=label on:change=move |event: Event| choose.run(target_value(&event))>
            {options
                .into_iter()
                .map(|(value, name)| {
                    let own = value.clone();
                    view! { <option value=value selected=move || chosen.with(|chosen| *chosen == own)>{name}</option> }
                })
                .collect::<View>()}
        </select>
    }
}

/// How many there are, and the way to the next ones.
pub(super) fn pages(
    t: Language,
    view: &FleetView,
    shown: usize,
    next: Option<String>,
    total: Option<u64>,
) -> View {
    let shown = u64::try_from(shown).unwrap_or(u64::MAX);
    let count = match total {
        Some(total) if total > shown => t.shown_of(&format::number(t, shown), &t.devices(total)),
        _ => t.devices(shown),
    };
    let first = (!view.after.is_empty()).then(|| view.with(|_| ()).address());
    let next = next.map(|after| view.with(|view| view.after = after).address());
    view! {
        <nav class="pages" aria-label=t.pages()>
            <span class="soft">{count}</span>
            {first.map(|address| view! { <a class="button" href=address>{icon(Icon::Back)} {t.first_page()}</a> })}
            {next.map(|address| view! { <a class="button" href=address>{t.next_page()} {icon(Icon::Next)}</a> })}
        </nav>
    }
}
