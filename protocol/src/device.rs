//! A device as the API shows it: its state and the steps of its life, its presence, and the changes of both.

mod facts;
mod presence;

pub use facts::{Facts, MAX_FACT_LEN, UnfitText, check_text, identifies, is_deceptive};
pub use presence::{OfflineReason, Presence};

use serde::{Deserialize, Serialize};

use crate::certificate::Certificate;
use crate::id::{DeviceId, OrganisationId, SignerId};
use crate::json::Verbatim;
use crate::time::UnixMillis;

/// Longest device name, in characters.
pub const MAX_NAME_LEN: usize = 64;
/// Most labels of a device.
pub const MAX_LABELS: usize = 16;
/// Longest label, in characters.
pub const MAX_LABEL_LEN: usize = 64;

/// Where a device is in its life.
///
/// `pending → enrolling → active ⇄ suspended → retired`; a pending one may be `rejected` and let in later after all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "name", rename_all = "snake_case", from = "StateFields")]
pub enum DeviceState {
    /// In the lobby: unattended enrolment waits for approval.
    Pending {
        /// Since when.
        since: UnixMillis,
    },
    /// Somebody said no in the lobby.
    Rejected {
        /// Since when.
        since: UnixMillis,
    },
    /// Approved; no session has proved a certificate yet.
    Enrolling {
        /// Since when.
        since: UnixMillis,
    },
    /// A session has proved its certificate.
    Active {
        /// Since when.
        since: UnixMillis,
    },
    /// Kept out for the time being (certificateHold).
    Suspended {
        /// Since when.
        since: UnixMillis,
    },
    /// Out of the fleet for good; its certificates are revoked.
    Retired {
        /// Since when.
        since: UnixMillis,
    },
}

/// A state as it stands in JSON. Serde's own way to read an enum by its tag keeps all fields in between, which is a good part of
/// what a browser would have to load.
#[derive(Deserialize)]
struct StateFields {
    name: StateName,
    since: UnixMillis,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum StateName {
    Pending,
    Rejected,
    Enrolling,
    Active,
    Suspended,
    Retired,
}

impl From<StateFields> for DeviceState {
    fn from(StateFields { name, since }: StateFields) -> Self {
        match name {
            StateName::Pending => Self::Pending { since },
            StateName::Rejected => Self::Rejected { since },
            StateName::Enrolling => Self::Enrolling { since },
            StateName::Active => Self::Active { since },
            StateName::Suspended => Self::Suspended { since },
            StateName::Retired => Self::Retired { since },
        }
    }
}

/// This state does not allow that step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a device that is {from} cannot {step}")]
pub struct InvalidTransition {
    /// Name of the present state.
    pub from: &'static str,
    /// The step, as a verb.
    pub step: &'static str,
}

impl DeviceState {
    /// Names of all states, as stored and as filters take them.
    pub const NAMES: [&'static str; 6] = [
        "pending",
        "rejected",
        "enrolling",
        "active",
        "suspended",
        "retired",
    ];

    /// The state's name, as stored.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::Rejected { .. } => "rejected",
            Self::Enrolling { .. } => "enrolling",
            Self::Active { .. } => "active",
            Self::Suspended { .. } => "suspended",
            Self::Retired { .. } => "retired",
        }
    }

    /// Since when the state holds.
    #[must_use]
    pub fn since(&self) -> UnixMillis {
        match self {
            Self::Pending { since }
            | Self::Rejected { since }
            | Self::Enrolling { since }
            | Self::Active { since }
            | Self::Suspended { since }
            | Self::Retired { since } => *since,
        }
    }

    /// The state of this stored name; `None` for a name no version has written.
    #[must_use]
    pub fn from_name(name: &str, since: UnixMillis) -> Option<Self> {
        Some(match name {
            "pending" => Self::Pending { since },
            "rejected" => Self::Rejected { since },
            "enrolling" => Self::Enrolling { since },
            "active" => Self::Active { since },
            "suspended" => Self::Suspended { since },
            "retired" => Self::Retired { since },
            _ => return None,
        })
    }

    /// A member lets a device in from the lobby, or a retired one back in with a new approval.
    ///
    /// # Errors
    /// Only pending, rejected, enrolling and retired devices can be approved.
    pub fn approve(self, now: UnixMillis) -> Result<Self, InvalidTransition> {
        match self {
            Self::Pending { .. } | Self::Rejected { .. } | Self::Enrolling { .. } | Self::Retired { .. } => {
                Ok(Self::Enrolling { since: now })
            }
            other => Err(other.cannot("be approved")),
        }
    }

    /// A member says no in the lobby.
    ///
    /// # Errors
    /// Only pending devices can be rejected.
    pub fn reject(self, now: UnixMillis) -> Result<Self, InvalidTransition> {
        match self {
            Self::Pending { .. } => Ok(Self::Rejected { since: now }),
            other => Err(other.cannot("be rejected")),
        }
    }

    /// A session has proved the device's certificate.
    ///
    /// # Errors
    /// Only enrolling and active devices prove themselves; an active one stays as it is.
    pub fn prove(self, now: UnixMillis) -> Result<Self, InvalidTransition> {
        match self {
            Self::Enrolling { .. } => Ok(Self::Active { since: now }),
            active @ Self::Active { .. } => Ok(active),
            other => Err(other.cannot("open a session")),
        }
    }

    /// A member keeps the device out for the time being.
    ///
    /// # Errors
    /// Only active devices can be suspended.
    pub fn suspend(self, now: UnixMillis) -> Result<Self, InvalidTransition> {
        match self {
            Self::Active { .. } => Ok(Self::Suspended { since: now }),
            other => Err(other.cannot("be suspended")),
        }
    }

    /// A member lets a suspended device in again.
    ///
    /// # Errors
    /// Only suspended devices can be resumed.
    pub fn resume(self, now: UnixMillis) -> Result<Self, InvalidTransition> {
        match self {
            Self::Suspended { .. } => Ok(Self::Active { since: now }),
            other => Err(other.cannot("be resumed")),
        }
    }

    /// A member takes the device out of the fleet.
    ///
    /// # Errors
    /// A retired device cannot be retired again.
    pub fn retire(self, now: UnixMillis) -> Result<Self, InvalidTransition> {
        match self {
            retired @ Self::Retired { .. } => Err(retired.cannot("be retired")),
            _ => Ok(Self::Retired { since: now }),
        }
    }

    fn cannot(&self, step: &'static str) -> InvalidTransition {
        InvalidTransition {
            from: self.name(),
            step,
        }
    }
}

/// A device in one line: enough to name it and link to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceSummary {
    /// Its id.
    pub id: DeviceId,
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: DeviceState,
}

/// A row of the fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// The organisation it belongs to.
    pub organisation: OrganisationId,
    /// The name members gave it, at most [`MAX_NAME_LEN`] characters.
    pub name: String,
    /// Labels members gave it.
    pub labels: Vec<String>,
    /// Its state.
    pub state: DeviceState,
    /// Whether it left the fleet by a revocation: its keys are refused, and only a new one brings it back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub revoked: bool,
    /// Its presence.
    pub presence: Presence,
    /// What it says about itself.
    pub facts: Facts,
    /// When its newest valid certificate expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_expires_at: Option<UnixMillis>,
    /// Something that a person has to look at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm: Option<DeviceAlarm>,
    /// When it was first approved.
    pub created_at: UnixMillis,
}

/// Something about a device that a person has to look at and answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceAlarm {
    /// What it is.
    pub kind: AlarmKind,
    /// Since when.
    pub since: UnixMillis,
}

/// Kinds of alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AlarmKind {
    /// Two live sessions of one certificate, or a counter that went back: the key may have been copied.
    Clone,
    /// A kind that this version does not know.
    #[serde(other)]
    Unknown,
}

/// One device with all that its page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(try_from = "Verbatim")]
pub struct DeviceDetail {
    /// The device.
    #[serde(flatten)]
    pub device: Device,
    /// Name of its organisation.
    pub organisation_name: String,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// Its certificates, newest first, at most ten.
    pub certificates: Vec<Certificate>,
}

/// What [`DeviceDetail`] adds to a device.
#[derive(Deserialize)]
struct DetailFields {
    organisation_name: String,
    approved_by: Option<String>,
    certificates: Vec<Certificate>,
}

impl TryFrom<Verbatim> for DeviceDetail {
    type Error = serde_json::Error;

    /// Reads the text twice: serde's own way to read a flattened field keeps all fields in between.
    fn try_from(json: Verbatim) -> Result<Self, Self::Error> {
        let DetailFields {
            organisation_name,
            approved_by,
            certificates,
        } = json.read()?;
        Ok(Self {
            device: json.read()?,
            organisation_name,
            approved_by,
            certificates,
        })
    }
}

/// A change of a device's name or labels; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceUpdate {
    /// 1 to [`MAX_NAME_LEN`] characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// At most [`MAX_LABELS`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
}

/// Which devices of the fleet, in which order. Also the query string of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default)]
pub struct DeviceQuery {
    /// Only of this organisation and those below it; absent: of all that the caller may see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisation: Option<OrganisationId>,
    /// Words that must all occur in name, labels, host name, serial or id. A word of eight hex digits or more, with or without
    /// colons, may also be how the serial number or the SHA-256 of one of its certificates begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Only of this state, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// `online` or `offline`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence: Option<String>,
    /// Only with this label, letter by letter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Only with this version of the device software.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
    /// Only with a certificate of this signer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<SignerId>,
    /// Only active ones whose certificate ends within so many days, or has ended; at most
    /// [`MAX_EXPIRING_DAYS`](crate::webhook::MAX_EXPIRING_DAYS).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_within_days: Option<u32>,
    /// `name`, `-name`, `created_at`, `-created_at` (default), `last_seen_at`, `-last_seen_at`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// Items of a page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// A change in the fleet, told over SSE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FleetChange {
    /// The device.
    pub device: DeviceId,
    /// Its organisation.
    pub organisation: OrganisationId,
    /// What changed.
    pub kind: FleetChangeKind,
    /// Its presence now, where that is what changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presence: Option<Presence>,
}

/// What changed in the fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FleetChangeKind {
    /// A device was approved for the first time.
    Added,
    /// Name, labels, state, facts, alarm or certificates changed: read it again.
    Changed,
    /// Only its presence changed.
    Presence,
    /// It was moved out of this organisation.
    Removed,
    /// A kind that this version does not know.
    #[serde(other)]
    Unknown,
}
