//! Where a device is in its life, in a word.

use gangway_protocol::device::DeviceState;
use leptos::prelude::*;

use crate::visit::{Language, language};

/// The state; one that asks for attention stands out.
#[component]
pub(crate) fn DeviceStateMark(
    /// The state.
    state: DeviceState,
) -> impl IntoView {
    let class = match state {
        DeviceState::Active { .. } => "",
        DeviceState::Pending { .. } | DeviceState::Enrolling { .. } | DeviceState::Suspended { .. } => {
            "chip warn"
        }
        DeviceState::Rejected { .. } | DeviceState::Retired { .. } => "chip",
    };
    view! { <span class=class>{state_name(language(), state.name())}</span> }
}

/// The word for a state's stored name, as filters use it.
pub(crate) fn state_name(t: Language, name: &str) -> &'static str {
    match name {
        "pending" => t.state_pending(),
        "rejected" => t.state_rejected(),
        "enrolling" => t.state_enrolling(),
        "suspended" => t.state_suspended(),
        "retired" => t.state_retired(),
        _ => t.state_active(),
    }
}
