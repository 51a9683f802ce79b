//! What the device says about itself.

use gangway_protocol::device::Facts;
use leptos::prelude::*;

use super::Shown;
use crate::components::facts::FactList;
use crate::visit::language;

/// What the device says; what few people ask for lies behind a disclosure.
#[component]
pub(super) fn Stated(shown: Shown) -> impl IntoView {
    let t = language();
    let facts = Memo::new(move |_| shown.detail.with(|detail| detail.device.facts.clone()));
    view! {
        <section class="section" aria-labelledby="facts-title">
            <div class="section-head">
                <h2 id="facts-title">{t.facts()}</h2>
                <span class="chip">{t.unverified()}</span>
            </div>
            {move || {
                let (first, rest) = sorted(facts.get());
                view! {
                    <FactList facts=first />
                    <details class="fold">
                        <summary class="textual">{t.facts_more()}</summary>
                        <FactList facts=rest />
                    </details>
                }
            }}
        </section>
    }
}

/// By what people know the device, and the rest. Empty facts are not drawn.
fn sorted(facts: Facts) -> (Facts, Facts) {
    let first = Facts {
        hostname: facts.hostname,
        os: facts.os,
        os_version: facts.os_version,
        model: facts.model,
        serial: facts.serial,
        ..Facts::default()
    };
    let rest = Facts {
        arch: facts.arch,
        software: facts.software,
        software_version: facts.software_version,
        machine_id: facts.machine_id,
        addresses: facts.addresses,
        ..Facts::default()
    };
    (first, rest)
}
