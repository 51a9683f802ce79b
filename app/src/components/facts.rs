//! What a device says about itself, as a list of pairs.

use gangway_protocol::device::Facts;

use leptos::children::TypedChildren;
use leptos::prelude::*;

use crate::preference::Language;
use crate::visit::language;

/// The facts, in the order in which people read them.
#[component]
pub(crate) fn FactList(
    /// As the device states them.
    facts: Facts,
) -> impl IntoView {
    let t = language();
    let entries = facts
        .entries()
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| {
            let value = value.to_owned();
            let mono = matches!(name, "serial" | "machine_id" | "addresses");
            let class = if mono { "mono" } else { "" };
            view! { <Fact name=fact_name(t, name)><span class=class>{value}</span></Fact> }
        })
        .collect_view();
    view! { <dl class="facts">{entries}</dl> }
}

/// One pair of a list with the class `facts`.
#[component]
pub(crate) fn Fact<C: IntoView + 'static>(
    /// What it is.
    name: &'static str,
    /// Its value.
    children: TypedChildren<C>,
) -> impl IntoView {
    view! {
        <div>
            <dt>{name}</dt>
            <dd>{children.into_inner()()}</dd>
        </div>
    }
}

fn fact_name(t: Language, name: &str) -> &'static str {
    match name {
        "hostname" => t.fact_hostname(),
        "os" => t.fact_os(),
        "os_version" => t.fact_os_version(),
        "arch" => t.fact_arch(),
        "model" => t.fact_model(),
        "serial" => t.fact_serial(),
        "machine_id" => t.fact_machine_id(),
        "software" => t.fact_software(),
        "software_version" => t.fact_software_version(),
        _ => t.fact_addresses(),
    }
}
