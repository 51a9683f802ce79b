//! What a device says about itself, as a list of pairs.

use gangway_protocol::device::Facts;

use crate::view::{View, view};
use crate::visit::{Language, language};

/// The facts, in the order in which people read them.
pub(crate) fn facts(facts: &Facts) -> View {
    let t = language();
    let entries = facts
        .entries()
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| {
            let mono = matches!(name, "serial" | "machine_id" | "addresses");
            entry(
                fact_name(t, name),
                view! { <span class:mono=mono>{value.to_owned()}</span> },
            )
        })
        .collect::<View>();
    view! { <dl class="facts">{entries}</dl> }
}

/// One pair of a list with the class `facts`.
pub(crate) fn entry(name: &'static str, value: View) -> View {
    view! {
        <div>
            <dt>{name}</dt>
            <dd>{value}</dd>
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
