//! One action on many devices, which the server does in the background, device by device.
//!
//! `unconfirmed → waiting → running → done`; it is `cancelled` by a person, or `stopped` when whoever asked for it loses the right to.

use serde::{Deserialize, Serialize};

use crate::certificate::RevocationReason;
use crate::device::DeviceQuery;
use crate::error::ProblemCode;
use crate::id::{BulkJobId, DeviceId, OrganisationId, SignerId};
use crate::time::UnixMillis;

/// Most devices that are named one by one.
pub const MAX_NAMED_DEVICES: usize = 1_000;
/// Most devices of one job.
pub const MAX_BULK_DEVICES: u32 = 100_000;
/// Seconds between the request and the first device, in which a job can be taken back as if it had never been asked for.
pub const UNDO_SECS: u32 = 10;

/// What is to be done, and with which devices: `POST /api/v1/organisations/{id}/bulk-jobs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BulkJobRequest {
    /// With which devices.
    pub selection: BulkSelection,
    /// What.
    pub action: BulkAction,
}

/// Devices of an organisation and of those below it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum BulkSelection {
    /// These, 1 to [`MAX_NAMED_DEVICES`].
    Named {
        /// Their ids.
        devices: Vec<DeviceId>,
    },
    /// All that match now; at most [`MAX_BULK_DEVICES`].
    Matching {
        /// As the list of devices filters.
        filter: DeviceFilter,
    },
}

/// What narrows a list of devices: see [`DeviceQuery`] for each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct DeviceFilter {
    /// Words that must all occur in name, labels, host name, serial or id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Only of this state, by name. Absent: all but retired ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// `online` or `offline`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence: Option<String>,
    /// Only with this label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Only with this version of the device software.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
    /// Only with a certificate of this signer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<SignerId>,
    /// Only active ones whose certificate ends within so many days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_within_days: Option<u32>,
}

impl From<DeviceQuery> for DeviceFilter {
    fn from(query: DeviceQuery) -> Self {
        Self {
            query: query.query,
            state: query.state,
            presence: query.presence,
            label: query.label,
            software_version: query.software_version,
            signer: query.signer,
            expires_within_days: query.expires_within_days,
        }
    }
}

impl From<DeviceFilter> for DeviceQuery {
    fn from(filter: DeviceFilter) -> Self {
        Self {
            query: filter.query,
            state: filter.state,
            presence: filter.presence,
            label: filter.label,
            software_version: filter.software_version,
            signer: filter.signer,
            expires_within_days: filter.expires_within_days,
            ..Self::default()
        }
    }
}

/// What is done with each device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum BulkAction {
    /// Give it labels, beside those that it has.
    AddLabels {
        /// At least one.
        labels: Vec<String>,
    },
    /// Take labels from it.
    RemoveLabels {
        /// At least one.
        labels: Vec<String>,
    },
    /// Move it to another organisation of the customer.
    Move {
        /// Where to.
        organisation: OrganisationId,
    },
    /// Have it ask for a new certificate.
    Renew,
    /// Keep it out for the time being.
    Suspend,
    /// Let it in again after that.
    Resume,
    /// Revoke its certificates and refuse its keys.
    Revoke {
        /// Why, for good.
        reason: RevocationReason,
    },
    /// Take it out of the fleet.
    Retire,
    /// An action that this version does not know.
    #[serde(other)]
    Unknown,
}

impl BulkAction {
    /// Its name, as on the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::AddLabels { .. } => "add_labels",
            Self::RemoveLabels { .. } => "remove_labels",
            Self::Move { .. } => "move",
            Self::Renew => "renew",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Revoke { .. } => "revoke",
            Self::Retire => "retire",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it shuts devices out, lets them in or takes them elsewhere: that takes a fresh passkey, and above a number that the
    /// organisation's rules say a second person.
    #[must_use]
    pub fn is_decision(&self) -> bool {
        !matches!(
            self,
            Self::AddLabels { .. } | Self::RemoveLabels { .. } | Self::Renew
        )
    }
}

/// An action on many devices, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BulkJob {
    /// Its id; later ones are greater.
    pub id: BulkJobId,
    /// In which organisation, or below which, the devices are.
    pub organisation: OrganisationId,
    /// What is done with each.
    pub action: BulkAction,
    /// Who asked for it.
    pub author: String,
    /// Whether the caller is its author: somebody else has to confirm an unconfirmed one.
    pub own: bool,
    /// How far it is.
    pub state: BulkJobState,
    /// Devices that it is about; more may be found while `collecting`.
    pub devices: u64,
    /// Devices that match are still being found.
    pub collecting: bool,
    /// Devices that are done.
    pub done: u64,
    /// Devices for which there was nothing to do.
    pub unchanged: u64,
    /// Devices for which it failed: `GET …/bulk-jobs/{job}/failures`.
    pub failed: u64,
    /// When it was asked for.
    pub created_at: UnixMillis,
    /// When the first device's turn comes; until then it can be taken back.
    pub begins_at: UnixMillis,
    /// When it was done, cancelled or stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<UnixMillis>,
    /// Who cancelled it, or why it was stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<String>,
}

impl BulkJob {
    /// Whether nothing will change any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(
            self.state,
            BulkJobState::Done | BulkJobState::Cancelled | BulkJobState::Stopped
        )
    }
}

/// How far a bulk job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BulkJobState {
    /// The organisation's rules ask for a second person, who has not confirmed it yet.
    Unconfirmed,
    /// It begins soon.
    Waiting,
    /// Devices have their turn.
    Running,
    /// All had it.
    Done,
    /// Somebody cancelled it; devices that had their turn stay as they are.
    Cancelled,
    /// Whoever asked for it may do so no longer.
    Stopped,
    /// A state that this version does not know.
    #[serde(other)]
    Unknown,
}

impl BulkJobState {
    /// All known ones.
    pub const ALL: [Self; 6] = [
        Self::Unconfirmed,
        Self::Waiting,
        Self::Running,
        Self::Done,
        Self::Cancelled,
        Self::Stopped,
    ];

    /// The name as stored and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unconfirmed => "unconfirmed",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Stopped => "stopped",
            Self::Unknown => "unknown",
        }
    }
}

/// A device for which a job failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BulkFailure {
    /// Which.
    pub device: DeviceId,
    /// Its name, where the caller may still see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Why, for programs.
    pub code: ProblemCode,
    /// Why, for people.
    pub detail: String,
}
