//! Devices that were chosen in the table, for something to be done with all of them.

use std::collections::BTreeSet;

use gangway_protocol::bulk::{BulkSelection, MAX_NAMED_DEVICES};
use gangway_protocol::id::DeviceId;
use leptos::ev::MouseEvent;
use leptos::prelude::*;

use super::state::Fleet;
use crate::visit::language;

/// What is chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chosen {
    /// One by one.
    pub(super) devices: BTreeSet<DeviceId>,
    /// Everything that matches, on all pages.
    pub(super) all: bool,
}

impl Chosen {
    pub(super) fn is_empty(&self) -> bool {
        !self.all && self.devices.is_empty()
    }

    fn holds(&self, id: &DeviceId) -> bool {
        self.all || self.devices.contains(id)
    }
}

impl Fleet {
    /// The devices that are chosen, as the API takes them.
    pub(super) fn selection(self) -> BulkSelection {
        let chosen = self.chosen.get_untracked();
        if chosen.all {
            BulkSelection::Matching {
                filter: self.view.get_untracked().to_query().into(),
            }
        } else {
            BulkSelection::Named {
                devices: chosen.devices.into_iter().take(MAX_NAMED_DEVICES).collect(),
            }
        }
    }

    pub(super) fn choose_none(self) {
        self.anchor.set_value(None);
        if self.chosen.with_untracked(|chosen| !chosen.is_empty()) {
            self.chosen.set(Chosen::default());
        }
    }

    /// Chooses a device or chooses it no longer; with `through`, everything between it and the one before as well.
    fn choose(self, id: &DeviceId, on: bool, through: bool) {
        let from = self.anchor.get_value().filter(|_| through);
        let shown = self.shown();
        let place = |id: &DeviceId| shown.iter().position(|one| one == id);
        let range = match (from.as_ref().and_then(place), place(id)) {
            (Some(from), Some(to)) => shown[from.min(to)..=from.max(to)].to_vec(),
            _ => vec![id.clone()],
        };
        self.anchor.set_value(Some(id.clone()));
        self.put(range, on);
    }

    fn choose_page(self, on: bool) {
        self.put(self.shown(), on);
    }

    fn put(self, devices: Vec<DeviceId>, on: bool) {
        self.chosen.update(|chosen| {
            // Whoever takes one out of everything keeps the rest of what is before them.
            if chosen.all {
                chosen.all = false;
                chosen.devices = self.shown().into_iter().collect();
            }
            for id in devices {
                if on && chosen.devices.len() < MAX_NAMED_DEVICES {
                    chosen.devices.insert(id);
                } else if !on {
                    chosen.devices.remove(&id);
                }
            }
        });
    }

    fn shown(self) -> Vec<DeviceId> {
        self.listing.with_untracked(|listing| {
            let rows = listing.iter().flat_map(|listing| &listing.rows);
            rows.map(|row| row.id.clone()).collect()
        })
    }
}

/// Chooses the device of a row. A click with the shift key takes in what lies between.
#[component]
pub(super) fn ChooseDevice(
    /// The page.
    fleet: Fleet,
    /// Which.
    id: DeviceId,
    /// What it is called.
    #[prop(into)]
    name: Signal<String>,
) -> impl IntoView {
    let t = language();
    let this = id.clone();
    let chosen = Memo::new(move |_| fleet.chosen.with(|chosen| chosen.holds(&this)));
    let press = move |event: MouseEvent| {
        let on = event_target_checked(&event);
        fleet.choose(&id, on, event.shift_key());
    };
    view! {
        <input
            type="checkbox"
            aria-label=move || t.choose_device(&name.get())
            autocomplete="off"
            prop:checked=move || chosen.get()
            on:click=press
        />
    }
}

/// Chooses the devices of the page that is shown.
#[component]
pub(super) fn ChoosePage(
    /// The page.
    fleet: Fleet,
) -> impl IntoView {
    let t = language();
    let all = Memo::new(move |_| {
        let chosen = fleet.chosen.get();
        let shown = fleet.listing.with(|listing| {
            let rows = listing.iter().flat_map(|listing| &listing.rows);
            rows.map(|row| row.id.clone()).collect::<Vec<_>>()
        });
        !shown.is_empty() && shown.iter().all(|id| chosen.holds(id))
    });
    let press = move |event: MouseEvent| fleet.choose_page(event_target_checked(&event));
    view! {
        <input
            type="checkbox"
            aria-label=t.choose_page()
            autocomplete="off"
            prop:checked=move || all.get()
            on:click=press
        />
    }
}
