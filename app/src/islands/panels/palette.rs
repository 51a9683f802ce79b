//! The palette: type, arrow keys, Enter, and you are there or it is done.

use gangway_protocol::device::{Device, DeviceQuery};
use gangway_protocol::path::page as paths;
use leptos::ev::KeyboardEvent;
use leptos::prelude::*;

use super::Reach;
use crate::browser::{clock, page};
use crate::components::dialog::Dialog;
use crate::components::icon::{Glyph, Icon};
use crate::components::presence::PresenceMark;
use crate::fleet_view::FleetView;
use crate::preference::{Language, Theme};
use crate::visit::language;
use crate::visitor::api;

/// Devices that the palette lists: as many as fit without scrolling on a phone.
const DEVICES_SHOWN: u32 = 6;
/// Between the last key and the search: shorter than people notice, longer than they type.
const SEARCH_AFTER_MILLIS: u32 = 120;

/// Something that can be chosen.
#[derive(Clone)]
struct Choice {
    glyph: Glyph,
    label: String,
    device: Option<Device>,
    target: Target,
}

#[derive(Clone)]
enum Target {
    Page(String),
    Theme(Theme),
    Language(Language),
    Keys,
}

/// The palette.
#[component]
pub(super) fn Palette(
    /// Whether it shows.
    open: RwSignal<bool>,
    /// Whether the list of keys shows, which can be chosen here.
    keys: RwSignal<bool>,
    /// Where the visitor may go.
    reach: Reach,
) -> impl IntoView {
    let t = language();
    view! {
        <Dialog open class="palette" label=t.palette()>
            <Content open keys reach />
        </Dialog>
    }
}

#[component]
fn Content(open: RwSignal<bool>, keys: RwSignal<bool>, reach: Reach) -> impl IntoView {
    let t = language();
    let api = api();
    let query = RwSignal::new(String::new());
    let devices = RwSignal::new(Vec::<Device>::new());
    let selected = RwSignal::new(0_usize);
    let choices = Memo::new_with_compare(
        move |_| query.with(|query| choices(t, reach, query, devices.get())),
        |_, _| true,
    );

    let search = move |text: String| {
        query.set(text.clone());
        selected.set(0);
        let api = api.clone();
        leptos::task::spawn_local(async move {
            clock::sleep(SEARCH_AFTER_MILLIS).await;
            if query.try_get_untracked().as_ref() != Some(&text) {
                return;
            }
            let wanted = DeviceQuery {
                query: Some(text.clone()),
                limit: Some(DEVICES_SHOWN),
                ..DeviceQuery::default()
            };
            let found = if text.trim().is_empty() || !reach.fleet {
                Vec::new()
            } else {
                api.devices(&wanted)
                    .await
                    .map(|page| page.items)
                    .unwrap_or_default()
            };
            if query.try_get_untracked().as_ref() == Some(&text) {
                devices.set(found);
            }
        });
    };
    let choose = Callback::new(move |choice: Choice| {
        open.set(false);
        match choice.target {
            Target::Page(path) => page::leave_for(&path),
            Target::Theme(theme) => page::set_theme(Some(theme)),
            Target::Language(language) => page::set_language(language),
            Target::Keys => keys.set(true),
        }
    });
    let on_key = move |event: KeyboardEvent| {
        let count = choices.with_untracked(Vec::len);
        if count == 0 {
            return;
        }
        match event.key().as_str() {
            "ArrowDown" => selected.update(|place| *place = (*place + 1) % count),
            "ArrowUp" => selected.update(|place| *place = (*place + count - 1) % count),
            "Enter" => {
                if let Some(choice) =
                    choices.with_untracked(|choices| choices.get(selected.get_untracked()).cloned())
                {
                    choose.run(choice);
                }
            }
            _ => return,
        }
        event.prevent_default();
    };
    let field = NodeRef::<leptos::html::Input>::new();
    // The dialog is open when this comes, so that `autofocus` would come too late.
    Effect::new(move |_| {
        if let Some(field) = field.get() {
            let _ = field.focus();
        }
    });
    view! {
        <input
            node_ref=field
            type="text"
            role="combobox"
            autocomplete="off"
            spellcheck="false"
            placeholder=t.palette_hint()
            aria-label=t.palette()
            aria-expanded="true"
            aria-controls="palette-list"
            aria-activedescendant=move || format!("palette-{}", selected.get())
            on:keydown=on_key
            on:input:target=move |event| search(event.target().value())
        />
        <ul id="palette-list" role="listbox" aria-label=t.palette()>
            {move || {
                choices
                    .get()
                    .into_iter()
                    .enumerate()
                    .map(|(place, choice)| {
                        let Choice { glyph, label, device, .. } = choice.clone();
                        view! {
                            <li
                                id=format!("palette-{place}")
                                role="option"
                                aria-selected=move || (selected.get() == place).to_string()
                                on:mousemove=move |_| selected.set(place)
                                on:click=move |_| choose.run(choice.clone())
                            >
                                <Icon glyph />
                                <span>{label}</span>
                                {device.map(|device| view! { <PresenceMark presence=device.presence stale=false /> })}
                            </li>
                        }
                    })
                    .collect_view()
            }}
        </ul>
    }
}

/// What fits what was typed: pages and actions whose words contain it, then devices, then a search for it.
fn choices(t: Language, reach: Reach, query: &str, devices: Vec<Device>) -> Vec<Choice> {
    let plain = |glyph, label: &str, target| Choice {
        glyph,
        label: label.to_owned(),
        device: None,
        target,
    };
    let other_language = if t == Language::English {
        Language::German
    } else {
        Language::English
    };
    let mut all: Vec<_> = [
        (reach.fleet, Glyph::Fleet, t.fleet(), paths::FLEET),
        (reach.fleet, Glyph::Fleet, t.overview(), paths::FLEET_OVERVIEW),
        (reach.fleet, Glyph::Record, t.jobs(), paths::FLEET_JOBS),
        (reach.enrol, Glyph::Add, t.add_device(), paths::LINK),
        (
            reach.administer,
            Glyph::Person,
            t.organisation(),
            paths::ORGANISATION,
        ),
        (
            reach.administer,
            Glyph::Certificate,
            t.signers(),
            paths::ORGANISATION_SIGNERS,
        ),
        (
            reach.administer,
            Glyph::Key,
            t.permits(),
            paths::ORGANISATION_PERMITS,
        ),
        (reach.fleet, Glyph::Device, t.lobby(), paths::FLEET_LOBBY),
        (
            reach.administer,
            Glyph::Bell,
            t.webhooks(),
            paths::ORGANISATION_WEBHOOKS,
        ),
        (
            reach.administer,
            Glyph::Record,
            t.audit(),
            paths::ORGANISATION_AUDIT,
        ),
        (reach.account, Glyph::Person, t.account(), paths::ACCOUNT),
    ]
    .into_iter()
    .filter(|(may, ..)| *may)
    .map(|(_, glyph, label, path)| plain(glyph, label, Target::Page(path.to_owned())))
    .collect();
    all.extend([
        plain(Glyph::Moon, t.switch_to_dark(), Target::Theme(Theme::Dark)),
        plain(Glyph::Sun, t.switch_to_light(), Target::Theme(Theme::Light)),
        plain(
            Glyph::Network,
            other_language.name(),
            Target::Language(other_language),
        ),
        plain(Glyph::Help, t.keys(), Target::Keys),
    ]);
    let wanted = query.trim().to_lowercase();
    all.retain(|choice| choice.label.to_lowercase().contains(&wanted));
    all.extend(devices.into_iter().map(|device| Choice {
        glyph: Glyph::Device,
        label: device.name.clone(),
        target: Target::Page(paths::fleet_device(&device.id)),
        device: Some(device),
    }));
    if !wanted.is_empty() && reach.fleet {
        let search = FleetView {
            query: query.trim().to_owned(),
            ..FleetView::default()
        };
        all.push(plain(
            Glyph::Search,
            &t.palette_find(query.trim()),
            Target::Page(search.address()),
        ));
    }
    all
}
