//! Presence: a dot, a word and a time, so that neither colour nor words alone carry it.

use gangway_protocol::device::{DeviceState, OfflineReason, Presence};
use leptos::prelude::*;

use super::moment::{Moment, TimeFormat};
use crate::preference::Language;
use crate::visit::language;

/// Whether the device has a session open, and since when it has or had.
#[component]
pub(crate) fn PresenceMark(
    /// As the server tells it.
    presence: Presence,
    /// Whether nobody tells of changes at present, so that the device may have come or gone since.
    stale: bool,
) -> impl IntoView {
    let t = language();
    let (class, word, before, time) = match presence {
        Presence::Online { .. } if stale => ("presence", t.online(), Some(t.last_known()), None),
        Presence::Online { since } => (
            "presence online",
            t.online(),
            Some(t.online_since()),
            Some((since, TimeFormat::Since)),
        ),
        Presence::Offline { last_seen_at, .. } => (
            "presence",
            t.offline(),
            stale.then(|| t.last_known()),
            Some((last_seen_at, TimeFormat::Past)),
        ),
        Presence::Never => ("presence", t.never_seen(), None, None),
    };
    let time = time.map(|(at, show)| view! { " " <Moment at show /> });
    let soft =
        (before.is_some() || time.is_some()).then(|| view! { " " <span class="soft">{before} {time}</span> });
    view! { <span class=class>{word} {soft}</span> }
}

/// Why the last session ended, or what it waits for since, in a sentence.
pub(crate) fn offline_reason(t: Language, reason: OfflineReason, state: &DeviceState) -> &'static str {
    match reason {
        OfflineReason::Closed => t.reason_closed(),
        OfflineReason::ConnectionLost => t.reason_connection_lost(),
        OfflineReason::PingTimeout => t.reason_ping_timeout(),
        OfflineReason::ServerStopped => t.reason_server_stopped(),
        OfflineReason::Excluded => match state {
            DeviceState::Suspended { .. } => t.reason_suspended(),
            DeviceState::Active { .. } => t.reason_resumed(),
            _ => t.reason_out(),
        },
        OfflineReason::Superseded => t.reason_superseded(),
        OfflineReason::Malformed => t.reason_malformed(),
        OfflineReason::Unknown => t.reason_unknown(),
    }
}
