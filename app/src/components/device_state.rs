//! Where a device is in its life, in a word.

use gangway_protocol::device::{DeviceState, Presence};
use leptos::prelude::*;

use crate::preference::Language;
use crate::visit::language;

/// The state; one that asks for attention stands out.
#[component]
pub(crate) fn DeviceStateMark(
    /// The state.
    state: DeviceState,
    /// Tells a device whose keys are refused from one that was retired.
    revoked: bool,
    /// Tells a device that has left the fleet from one that never got in, because it was refused on the way.
    presence: Presence,
) -> impl IntoView {
    let t = language();
    let not_enrolled = matches!(
        (&state, &presence),
        (DeviceState::Retired { .. }, Presence::Never)
    );
    let class = match state {
        DeviceState::Active { .. } => "",
        DeviceState::Pending { .. } | DeviceState::Enrolling { .. } | DeviceState::Suspended { .. } => {
            "chip warn"
        }
        DeviceState::Retired { .. } if revoked => "chip bad",
        DeviceState::Rejected { .. } | DeviceState::Retired { .. } => "chip",
    };
    let word = if not_enrolled {
        t.state_not_enrolled()
    } else if revoked {
        t.revoked()
    } else {
        state_name(t, state.name())
    };
    view! { <span class=class>{word}</span> }
}

/// The word for a state's stored name, as filters use it.
pub(crate) fn state_name(t: Language, name: &str) -> &'static str {
    match name {
        "pending" => t.state_pending(),
        "rejected" => t.state_rejected(),
        "enrolling" => t.state_enrolling(),
        "suspended" => t.state_suspended(),
        "retired" => t.state_retired(),
        "active" => t.state_active(),
        // The address can ask for anything.
        _ => t.state_unknown(),
    }
}
