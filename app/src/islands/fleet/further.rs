//! Filters that are wanted less often: label, software version, signer, end of the certificate. They stand behind a disclosure,
//! which is open where one of them narrows the list.

use leptos::prelude::*;

use super::controls::Choice;
use super::state::{Entry, Fleet};
use crate::browser::page;
use crate::components::icon::{Glyph, Icon};
use crate::fleet_view::FleetView;
use crate::visit::language;

/// Spans to choose from, in days.
const SPANS: [u32; 3] = [7, 30, 90];

const LABEL_ID: &str = "fleet-label";
const VERSION_ID: &str = "fleet-version";
const SIGNER_ID: &str = "fleet-signer";
const EXPIRES_ID: &str = "fleet-expires";

/// Takes over what was filled in before the page came alive.
pub(super) fn fill_in(view: &mut FleetView) {
    for (id, place) in [
        (LABEL_ID, &mut view.label),
        (VERSION_ID, &mut view.version),
        (SIGNER_ID, &mut view.signer),
        (EXPIRES_ID, &mut view.expires),
    ] {
        if page::element(id).is_some() {
            *place = page::typed(id);
        }
    }
}

/// The disclosure with its fields.
#[component]
pub(super) fn Further(
    /// The page.
    fleet: Fleet,
    /// Ids and names of signers.
    signers: Vec<Choice>,
) -> impl IntoView {
    let t = language();
    let open = fleet.view.with_untracked(FleetView::is_narrowed_further);
    let any = || (String::new(), t.filter_any().to_owned());
    let spans = SPANS.map(|days| {
        let words = t.filter_within(&t.days(u64::from(days)));
        (days.to_string(), words)
    });
    let several = signers.len() > 1;
    view! {
        <details class="further" open=open>
            <summary class="button quiet">
                {t.filter_more()}
                <Icon glyph=Glyph::Down />
            </summary>
            <div class="further-fields">
                <Text fleet id=LABEL_ID name="label" label=t.filter_label() of=|view| &mut view.label />
                <Text fleet id=VERSION_ID name="software_version" label=t.filter_version() of=|view| &mut view.version />
                {several
                    .then(|| {
                        let choices = std::iter::once(any()).chain(signers).collect();
                        view! { <Pick fleet id=SIGNER_ID name="signer" label=t.filter_signer() choices of=|view| &mut view.signer /> }
                    })}
                <Pick
                    fleet
                    id=EXPIRES_ID
                    name="expires_within_days"
                    label=t.filter_expires()
                    choices=std::iter::once(any()).chain(spans).collect()
                    of=|view| &mut view.expires
                />
            </div>
        </details>
    }
}

/// The place of a filter in the view.
type Place = fn(&mut FleetView) -> &mut String;

fn value(of: Place, view: &FleetView) -> String {
    of(&mut view.clone()).clone()
}

/// A text that is filtered by when it has been typed.
#[component]
fn Text(fleet: Fleet, id: &'static str, name: &'static str, label: &'static str, of: Place) -> impl IntoView {
    let before = fleet.view.with_untracked(|view| value(of, view));
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <input
                id=id
                name=name
                class="input"
                autocomplete="off"
                spellcheck="false"
                value=before
                prop:value=move || fleet.view.with(|view| value(of, view))
                on:change:target=move |event| {
                    let text = event.target().value();
                    fleet.go(fleet.changed(|view| *of(view) = text), Entry::Push);
                }
            />
        </div>
    }
}

/// A choice that narrows the table at once.
#[component]
fn Pick(
    fleet: Fleet,
    id: &'static str,
    name: &'static str,
    label: &'static str,
    choices: Vec<Choice>,
    of: Place,
) -> impl IntoView {
    let before = fleet.view.with_untracked(|view| value(of, view));
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <select
                id=id
                name=name
                class="input"
                autocomplete="off"
                prop:value=move || fleet.view.with(|view| value(of, view))
                on:change:target=move |event| {
                    let picked = event.target().value();
                    fleet.go(fleet.changed(|view| *of(view) = picked), Entry::Push);
                }
            >
                {choices
                    .into_iter()
                    .map(|(value, name)| {
                        let selected = value == before;
                        view! { <option value=value selected=selected>{name}</option> }
                    })
                    .collect_view()}
            </select>
        </div>
    }
}
