//! What narrows and turns the fleet table, and takes it away as a file. It is a form: sent, it leads to the same view that the
//! page shows by itself when it is alive.

use gangway_client::Api;
use gangway_protocol::device::DeviceState;
use gangway_protocol::path::page as paths;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use super::further::{self, Further};
use super::state::{Entry, Fleet};
use crate::browser::{clock, page};
use crate::components::device_state::state_name;
use crate::components::icon::{Glyph, Icon};
use crate::fleet_view::FleetView;
use crate::islands::panels::SEARCH_ID;
use crate::preference::Language;
use crate::visit::language;

/// Between the last key and the search: typing never waits, and the server is not asked for every letter.
const SEARCH_AFTER_MILLIS: u32 = 150;

/// Something to choose of: its value in the address, and what it is called.
pub(super) type Choice = (String, String);

/// What can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filter {
    State,
    Presence,
    Organisation,
    Sort,
}

impl Filter {
    /// Its name in the address.
    fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Presence => "presence",
            Self::Organisation => "organisation",
            Self::Sort => "sort",
        }
    }

    fn id(self) -> &'static str {
        match self {
            Self::State => "fleet-state",
            Self::Presence => "fleet-presence",
            Self::Organisation => "fleet-organisation",
            Self::Sort => "fleet-sort",
        }
    }

    fn of(self, view: &FleetView) -> &String {
        match self {
            Self::State => &view.state,
            Self::Presence => &view.presence,
            Self::Organisation => &view.organisation,
            Self::Sort => &view.sort,
        }
    }

    fn place(self, view: &mut FleetView) -> &mut String {
        match self {
            Self::State => &mut view.state,
            Self::Presence => &mut view.presence,
            Self::Organisation => &mut view.organisation,
            Self::Sort => &mut view.sort,
        }
    }
}

/// The view as it was filled in before the page came alive; what has no field stays as the server drew it.
pub(super) fn filled_in(shown: &FleetView) -> FleetView {
    let mut found = shown.clone();
    if page::element(SEARCH_ID).is_some() {
        found.query = page::typed(SEARCH_ID);
    }
    for filter in [
        Filter::State,
        Filter::Presence,
        Filter::Organisation,
        Filter::Sort,
    ] {
        if page::element(filter.id()).is_some() {
            *filter.place(&mut found) = page::typed(filter.id());
        }
    }
    further::fill_in(&mut found);
    found
}

/// Search, filters, order and export.
#[component]
pub(super) fn Controls(
    /// The page.
    fleet: Fleet,
    /// Ids and names of the visitor's organisations.
    organisations: Vec<Choice>,
    /// Ids and names of signers.
    signers: Vec<Choice>,
) -> impl IntoView {
    let t = language();
    let search = move || fleet.go(fleet.changed(|_| ()), Entry::Replace);
    let type_in = move |text: String| {
        fleet.typed.set(text.clone());
        leptos::task::spawn_local(async move {
            clock::sleep(SEARCH_AFTER_MILLIS).await;
            if fleet.typed.with_untracked(|typed| *typed == text) {
                search();
            }
        });
    };
    let send = move |event: SubmitEvent| {
        event.prevent_default();
        search();
    };
    let before = fleet.view.with_untracked(|view| view.query.clone());
    let several = organisations.len() > 1;
    // A browser that fills in what a form held when it was left would show filters that are off.
    view! {
        <form class="controls" role="search" method="get" action=paths::FLEET autocomplete="off" on:submit=send>
            <div class="search">
                <input
                    id=SEARCH_ID
                    name="query"
                    class="input"
                    type="search"
                    aria-label=t.search_devices()
                    placeholder=t.search_placeholder()
                    autocomplete="off"
                    spellcheck="false"
                    value=before
                    prop:value=move || fleet.typed.get()
                    on:input:target=move |event| type_in(event.target().value())
                />
                <button type="submit" aria-label=t.search_apply() title=t.search_apply()>
                    <Icon glyph=Glyph::Search />
                </button>
                <kbd class="wide-only" aria-hidden="true">"/"</kbd>
            </div>
            <Select fleet filter=Filter::State label=t.column_state() choices=states(t) />
            <Select fleet filter=Filter::Presence label=t.column_presence() choices=presences(t) />
            {several
                .then(|| {
                    let choices = std::iter::once(choice("", t.all_organisations())).chain(organisations).collect();
                    view! { <Select fleet filter=Filter::Organisation label=t.organisation() choices /> }
                })}
            <Select fleet filter=Filter::Sort label=t.sort_label() choices=orders(t) />
            // Where no script can run, nothing else says that a filter has to be sent.
            <button class="button scriptless" type="submit">{t.search_apply()}</button>
            <a
                class="button quiet"
                href=move || Api::devices_csv_path(&fleet.view.read().begun().to_query())
                download=""
                title=t.export_csv_hint()
                aria-label="CSV"
            >
                <Icon glyph=Glyph::Download />
                <span class="wide-only">"CSV"</span>
            </a>
            <Further fleet signers />
        </form>
    }
}

/// A choice that narrows or turns the table at once.
#[component]
fn Select(fleet: Fleet, filter: Filter, label: &'static str, choices: Vec<Choice>) -> impl IntoView {
    let before = fleet.view.with_untracked(|view| filter.of(view).clone());
    let choose = move |value: String| {
        fleet.go(fleet.changed(|view| *filter.place(view) = value), Entry::Push);
    };
    // `selected` is for the document alone, which has no properties; alive, the property says what is chosen.
    view! {
        <select
            id=filter.id()
            name=filter.name()
            class="input"
            class:narrow-only=filter == Filter::Sort
            aria-label=label
            autocomplete="off"
            prop:value=move || fleet.view.with(|view| filter.of(view).clone())
            on:change:target=move |event| choose(event.target().value())
        >
            {choices
                .into_iter()
                .map(|(value, name)| {
                    let selected = value == before;
                    view! { <option value=value selected=selected>{name}</option> }
                })
                .collect_view()}
        </select>
    }
}

fn choice(value: &str, name: &str) -> Choice {
    (value.to_owned(), name.to_owned())
}

fn states(t: Language) -> Vec<Choice> {
    let states = DeviceState::NAMES
        .into_iter()
        .map(|name| choice(name, state_name(t, name)));
    std::iter::once(choice("", t.all_states()))
        .chain(states)
        .collect()
}

fn presences(t: Language) -> Vec<Choice> {
    vec![
        choice("", t.all_presences()),
        choice("online", t.online()),
        choice("offline", t.offline()),
    ]
}

/// The orders, where the table has no heads to click.
fn orders(t: Language) -> Vec<Choice> {
    vec![
        choice("", t.sort_newest()),
        choice("created_at", t.sort_oldest()),
        choice("name", t.sort_name()),
        choice("-name", t.sort_name_back()),
        choice("-last_seen_at", t.sort_seen()),
        choice("last_seen_at", t.sort_unseen()),
    ]
}
