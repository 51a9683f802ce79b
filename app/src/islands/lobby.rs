//! The lobby: devices that wait, each with who it says it is, and the decision.

use gangway_protocol::device::{Device, DeviceSummary};
use gangway_protocol::id::OrganisationId;
use gangway_protocol::page::MAX_PAGE_LIMIT;
use gangway_protocol::path::page as paths;
use gangway_protocol::permit::{LobbyEntry, LobbyQuery};
use leptos::prelude::*;

use super::lists::{List, ListTrouble, focus_heading};
use crate::browser::clock;
use crate::components::facts::FactList;
use crate::components::icon::{Glyph, Icon};
use crate::components::moment::{Moment, TimeFormat};
use crate::components::notice::{Blank, Notice, Tone};
use crate::messages::messages;
use crate::trouble::Outcome;
use crate::visit::language;
use crate::visitor::{api, with_fresh_proof};

/// How often the list is read anew: devices come and ask within half a minute.
const EVERY_MILLIS: u32 = 10_000;
/// The heading, which has the focus when a line has gone.
const HEADING: &str = "lobby-title";

/// Those that wait, or those that were rejected.
#[cfg_attr(feature = "hydrate", island(lazy))]
#[cfg_attr(not(feature = "hydrate"), island)]
pub(crate) fn LobbyList(
    /// Of which organisation, and those below it.
    organisation: OrganisationId,
    /// Those that were rejected.
    rejected: bool,
    /// Whether the visitor may decide.
    may_enrol: bool,
    /// As the server read them.
    first: Outcome<Vec<LobbyEntry>>,
) -> impl IntoView {
    let t = language();
    let list = List::new(first);
    let organisation = StoredValue::new(organisation);
    let read = move || {
        list.read(async move || {
            let query = LobbyQuery {
                rejected,
                limit: Some(MAX_PAGE_LIMIT),
                after: None,
            };
            api().lobby(&organisation.get_value(), &query).await
        });
    };
    Effect::new(move |_| {
        leptos::task::spawn_local(async move {
            loop {
                clock::sleep(EVERY_MILLIS).await;
                if list.items.is_disposed() {
                    return;
                }
                read();
            }
        });
    });
    let retry = Callback::new(move |()| read());
    view! {
        <section class="section" aria-labelledby=HEADING>
            <h2 id=HEADING tabindex="-1">{if rejected { t.lobby_rejected() } else { t.lobby_waiting() }}</h2>
            <ListTrouble trouble=list.trouble retry />
            {move || {
                let is_empty = list.items.read().is_empty() && list.trouble.read().is_none();
                is_empty
                    .then(|| match rejected {
                        true => view! { <p class="soft">{t.lobby_none_rejected()}</p> }.into_any(),
                        false => view! { <Blank title=t.lobby_empty() text=t.lobby_empty_text()>""</Blank> }.into_any(),
                    })
            }}
            <ul class="lines">
                <For each=move || list.items.get() key=|entry| format!("{entry:?}") let:entry>
                    <Line entry list rejected may_enrol />
                </For>
            </ul>
        </section>
    }
}

#[component]
fn Line(entry: LobbyEntry, list: List<LobbyEntry>, rejected: bool, may_enrol: bool) -> impl IntoView {
    let t = language();
    let LobbyEntry {
        device,
        permit_name,
        address,
        asked_at,
        asks_again_at,
        duplicates,
        ..
    } = entry;
    let since = device.state.since();
    let page = paths::fleet_device(&device.id);
    let (name, facts) = (device.name.clone(), device.facts.clone());
    view! {
        <li>
            <Icon glyph=Glyph::Device />
            <div>
                <p><a href=page>{name}</a></p>
                <p class="soft small">
                    {t.lobby_came_by(&permit_name)} {address.map(|address| view! { " · " {t.lobby_from(&address)} })} " · "
                    {t.lobby_since()} " " <Moment at=since show=TimeFormat::Minute /> " · " {t.lobby_asks_again()} " "
                    <Moment at=asks_again_at.max(asked_at) show=TimeFormat::Minute />
                </p>
                <Duplicates duplicates />
                <details>
                    <summary>{t.lobby_facts()}</summary>
                    <FactList facts />
                </details>
                {may_enrol.then(|| view! { <Decision device list rejected /> })}
            </div>
        </li>
    }
}

#[component]
fn Duplicates(duplicates: Vec<DeviceSummary>) -> impl IntoView {
    let t = language();
    duplicates
        .into_iter()
        .map(|other| {
            view! {
                <Notice tone=Tone::Warn>
                    <p>{t.lobby_duplicate(&other.name)}</p>
                </Notice>
            }
        })
        .collect_view()
}

/// Let in, or not.
#[component]
fn Decision(device: Device, list: List<LobbyEntry>, rejected: bool) -> impl IntoView {
    let t = language();
    let messages = messages();
    let busy = RwSignal::new(false);
    let device = StoredValue::new(device);
    let decide = move |admit: bool| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        leptos::task::spawn_local(async move {
            let api = api();
            let Device { id, name, .. } = device.get_value();
            match with_fresh_proof(&api, async || api.settle_device(&id, admit).await).await {
                Ok(()) => {
                    messages.show(if admit {
                        t.lobby_admitted(&name)
                    } else {
                        t.lobby_was_rejected(&name)
                    });
                    list.remove(|entry| entry.device.id == id);
                    focus_heading(HEADING.to_owned());
                }
                Err(trouble) => messages.show_trouble(t, trouble),
            }
            let _ = busy.try_set(false);
        });
    };
    let name = device.with_value(|device| device.name.clone());
    view! {
        <div class="row line-actions">
            <button
                class="button primary"
                type="button"
                disabled=busy
                on:click=move |_| decide(true)
            >
                {t.lobby_admit()}
                <span class="hidden-text">" " {name.clone()}</span>
            </button>
            {(!rejected)
                .then(|| {
                    view! {
                        <button
                            class="button"
                            type="button"
                            disabled=busy
                            on:click=move |_| decide(false)
                        >
                            {t.lobby_reject()}
                            <span class="hidden-text">" " {name.clone()}</span>
                        </button>
                    }
                })}
        </div>
    }
}
