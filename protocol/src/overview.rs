//! A fleet at a glance: how many devices of what kind, who is online, which certificates end when, how far enrolments get.

use serde::{Deserialize, Serialize};

use crate::id::{OrganisationId, SignerId};
use crate::time::UnixMillis;

/// Weeks ahead for which ending certificates are counted.
pub const WEEKS_AHEAD: usize = 13;
/// Days back for which enrolments are counted.
pub const FUNNEL_DAYS: u32 = 30;
/// Days back for which it was noted how many devices were online.
pub const PRESENCE_DAYS: u32 = 14;
/// Most versions that are told apart; the others are one.
pub const MAX_VERSIONS: usize = 12;

/// Whose overview: the query of `GET /api/v1/fleet/overview`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default)]
pub struct OverviewQuery {
    /// Only of this organisation and those below it; absent: of all that the caller may see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisation: Option<OrganisationId>,
}

/// A fleet at a glance. Retired devices count in [`states`](Self::states) alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FleetOverview {
    /// Devices that are not retired.
    pub devices: u64,
    /// Those of them that are online.
    pub online: u64,
    /// Devices by state.
    pub states: Vec<NamedCount>,
    /// Devices by version of their software, most first; at most [`MAX_VERSIONS`].
    pub versions: Vec<NamedCount>,
    /// Devices of versions that are not told apart.
    pub other_versions: u64,
    /// Devices by who signed their newest certificate, most first.
    pub signers: Vec<SignerCount>,
    /// Active devices whose certificate has ended.
    pub expired: u64,
    /// Active devices whose certificate ends in each of the [`WEEKS_AHEAD`] weeks to come.
    pub expiring: Vec<u64>,
    /// How far the enrolments of the last [`FUNNEL_DAYS`] days got.
    pub enrolments: EnrolmentFunnel,
    /// How many devices were online, hour by hour, for at most [`PRESENCE_DAYS`] days, oldest first.
    pub presence: Vec<PresenceSample>,
}

/// How many devices have something in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NamedCount {
    /// What.
    pub name: String,
    /// How many.
    pub devices: u64,
}

/// How many devices have a certificate of a signer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignerCount {
    /// Which signer.
    pub id: SignerId,
    /// Its name.
    pub name: String,
    /// How many.
    pub devices: u64,
}

/// Enrolments by how far they got. Each number is of those that got at least so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EnrolmentFunnel {
    /// Somebody approved it.
    pub approved: u64,
    /// A certificate was issued.
    pub issued: u64,
    /// The device has it.
    pub delivered: u64,
    /// The device has come back with it.
    pub proven: u64,
    /// Taken back or lapsed, at whatever stage.
    pub withdrawn: u64,
}

/// How many devices there were at an instant, and how many of them were online.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PresenceSample {
    /// When.
    pub at: UnixMillis,
    /// Not retired.
    pub devices: u64,
    /// Online.
    pub online: u64,
}
