//! The head: what the device is called, whether it is there, and that it has just come.

use gangway_protocol::device::{DeviceDetail, Presence};
use gangway_protocol::path::page as paths;
use leptos::prelude::*;

use super::{Shown, TITLE_ID};
use crate::browser::page;
use crate::components::device_state::DeviceStateMark;
use crate::components::icon::{Glyph, Icon};
use crate::components::labels::Labels;
use crate::components::presence::{PresenceMark, offline_reason};
use crate::visit::language;

/// Name, presence, state and labels.
#[component]
pub(super) fn Head(shown: Shown) -> impl IntoView {
    let t = language();
    let detail = shown.detail;
    let presence = Memo::new(move |_| detail.with(|detail| detail.device.presence.clone()));
    let state = Memo::new(move |_| detail.with(|detail| detail.device.state.clone()));
    let revoked = Memo::new(move |_| detail.with(|detail| detail.device.revoked));
    let labels = Memo::new(move |_| detail.with(|detail| detail.device.labels.clone()));
    let why_offline = move || match presence.get() {
        Presence::Offline { reason, .. } => {
            Some(view! { <p class="soft small">{offline_reason(t, reason, &state.get())}</p> })
        }
        Presence::Online { .. } | Presence::Never => None,
    };
    view! {
        <div>
            <h1 id=TITLE_ID tabindex="-1">{move || detail.with(|detail| detail.device.name.clone())}</h1>
            <p class="row">
                {move || view! { <PresenceMark presence=presence.get() stale=shown.stale.get() /> }}
                {move || view! { <DeviceStateMark state=state.get() revoked=revoked.get() presence=presence.get() /> }}
                {move || view! { <Labels labels=labels.get() /> }}
            </p>
            {why_offline}
        </div>
    }
}

/// Says that the device has come, until it goes offline for the first time: beside "Offline" it would only puzzle.
#[component]
pub(super) fn Arrival(shown: Shown, enrol: bool) -> impl IntoView {
    let t = language();
    let detail = shown.detail;
    let stays =
        Memo::new(move |before: Option<&bool>| before.copied().unwrap_or(true) && detail.with(has_not_left));
    // Whoever comes back to this address later does not see an arrival any more.
    Effect::new(move |_| page::put_address(&paths::fleet_device(shown.id()), true));
    view! {
        <Show when=move || stays.get()>
            <div class="arrival" role="status">
                <Icon glyph=Glyph::Check />
                <p>{move || detail.with(|detail| t.arrived(&detail.device.name))}</p>
                {enrol.then(|| view! { <a class="button" href=paths::LINK><Icon glyph=Glyph::Add /> {t.enrol_another()}</a> })}
            </div>
        </Show>
    }
}

fn has_not_left(detail: &DeviceDetail) -> bool {
    !matches!(detail.device.presence, Presence::Offline { .. })
}
