//! Presence: a dot, a word and a time, so that neither colour nor words alone carry it.

use gangway_protocol::device::{OfflineReason, Presence};

use super::moment::{Show, moment};
use crate::view::{View, view};
use crate::visit::{Language, language};

/// Whether the device has a session open, and since when it has or had.
pub(crate) fn presence(presence: &Presence) -> View {
    let t = language();
    match presence {
        Presence::Online { since } => view! {
            <span class="presence online">
                {t.online()} <span class="soft">{t.online_since()} " " {moment(*since, Show::Since)}</span>
            </span>
        },
        Presence::Offline { last_seen_at, .. } => view! {
            <span class="presence">
                {t.offline()} <span class="soft">{moment(*last_seen_at, Show::Distance)}</span>
            </span>
        },
        Presence::Never => view! { <span class="presence">{t.never_seen()}</span> },
    }
}

/// Why the last session ended, in a sentence.
pub(crate) fn offline_reason(t: Language, reason: OfflineReason) -> &'static str {
    match reason {
        OfflineReason::Closed => t.reason_closed(),
        OfflineReason::ConnectionLost => t.reason_connection_lost(),
        OfflineReason::PingTimeout => t.reason_ping_timeout(),
        OfflineReason::ServerStopped => t.reason_server_stopped(),
        OfflineReason::Excluded => t.reason_excluded(),
        OfflineReason::Superseded => t.reason_superseded(),
        OfflineReason::Malformed => t.reason_malformed(),
        OfflineReason::Unknown => t.reason_unknown(),
    }
}
