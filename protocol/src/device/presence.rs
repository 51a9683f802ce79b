//! Whether a device has a session open, and why it has none.

use serde::{Deserialize, Serialize};

use crate::time::UnixMillis;

/// Whether a device has a session open. Separate from its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "name", rename_all = "snake_case", try_from = "PresenceFields")]
pub enum Presence {
    /// A session is open.
    Online {
        /// Since when.
        since: UnixMillis,
    },
    /// No session is open.
    Offline {
        /// When the last one was heard of.
        last_seen_at: UnixMillis,
        /// Why it ended.
        reason: OfflineReason,
    },
    /// There never was one.
    Never,
}

/// A presence as it stands in JSON. Serde's own way to read an enum by its tag keeps all fields in between, which is a good part of
/// what a browser would have to load.
#[derive(Deserialize)]
struct PresenceFields {
    name: PresenceName,
    since: Option<UnixMillis>,
    last_seen_at: Option<UnixMillis>,
    reason: Option<OfflineReason>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum PresenceName {
    Online,
    Offline,
    Never,
}

impl TryFrom<PresenceFields> for Presence {
    type Error = &'static str;

    fn try_from(fields: PresenceFields) -> Result<Self, Self::Error> {
        Ok(match fields.name {
            PresenceName::Online => Self::Online {
                since: fields.since.ok_or("missing field `since`")?,
            },
            PresenceName::Offline => Self::Offline {
                last_seen_at: fields.last_seen_at.ok_or("missing field `last_seen_at`")?,
                reason: fields.reason.ok_or("missing field `reason`")?,
            },
            PresenceName::Never => Self::Never,
        })
    }
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OfflineReason {
    /// The device closed it properly.
    Closed,
    /// The connection broke.
    ConnectionLost,
    /// No answer to a ping.
    PingTimeout,
    /// The server went down.
    ServerStopped,
    /// A member suspended the device or revoked its certificate.
    Excluded,
    /// A newer session of the device took over.
    Superseded,
    /// The device broke the protocol.
    Malformed,
    /// A reason that this version does not know.
    #[serde(other)]
    Unknown,
}

impl OfflineReason {
    /// The name as stored and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::ConnectionLost => "connection_lost",
            Self::PingTimeout => "ping_timeout",
            Self::ServerStopped => "server_stopped",
            Self::Excluded => "excluded",
            Self::Superseded => "superseded",
            Self::Malformed => "malformed",
            Self::Unknown => "unknown",
        }
    }

    /// The reason of this stored name; an unknown one reads as a broken connection.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        match name {
            "closed" => Self::Closed,
            "ping_timeout" => Self::PingTimeout,
            "server_stopped" => Self::ServerStopped,
            "excluded" => Self::Excluded,
            "superseded" => Self::Superseded,
            "malformed" => Self::Malformed,
            _ => Self::ConnectionLost,
        }
    }
}
