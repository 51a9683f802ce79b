//! Permits: approvals given in advance, to devices that join without a person at the screen (`protocol.md` §7).
//!
//! A permit has a *lookup*, which is no secret and by which the server finds it, and a *secret*, which device and server both
//! know and neither sends: it is the password of the key exchange, as the user code is where a person enrols.

mod device_permit;

use serde::{Deserialize, Serialize};

use crate::id::{OrganisationId, PermitId, SignerId};
use crate::secret::SecretString;
use crate::time::UnixMillis;

pub use device_permit::{DevicePermit, Lookup, NotAKey, UnfitPermit};

/// Longest device id and longest secret of a pre-approved device, in characters.
pub const MAX_DEVICE_ID_LEN: usize = 128;
/// Characters of each half of a registration key; a ticket's second half is longer.
pub const KEY_HALF_LEN: usize = 8;
/// Characters of a ticket's second half.
pub const TICKET_SECRET_LEN: usize = 24;
/// What keys and tickets are written in.
pub const KEY_ALPHABET: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// Most uses that can be asked for.
pub const MAX_USES: u32 = 1_000_000;
/// Most address ranges of a permit.
pub const MAX_NETWORKS: usize = 16;
/// Most devices of one import.
pub const MAX_IMPORT: usize = 500;
/// Most ids of a key that lets in only those on its list.
pub const MAX_LISTED: usize = 100_000;
/// Most hours for which a former key works beside the one that replaced it.
pub const MAX_OVERLAP_HOURS: u32 = 24 * 90;

/// What a permit is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PermitKind {
    /// A device whose id and secret were entered before it appeared.
    Preapproval,
    /// A key that many devices have.
    #[default]
    RegistrationKey,
    /// What travels beside a personal download, and binds it to its organisation.
    Ticket,
}

impl PermitKind {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Preapproval, Self::RegistrationKey, Self::Ticket];

    /// The name, as stored and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Preapproval => "preapproval",
            Self::RegistrationKey => "registration_key",
            Self::Ticket => "ticket",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// What becomes of a device that comes by a permit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PermitMode {
    /// It joins the fleet.
    #[default]
    Auto,
    /// It waits in the lobby until somebody decides.
    Lobby,
    /// It joins the fleet if the serial number that it states is on the permit's list.
    List,
}

impl PermitMode {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Lobby, Self::List];

    /// The name, as stored and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Lobby => "lobby",
            Self::List => "list",
        }
    }

    /// The mode of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == name)
    }
}

/// Whether a permit lets devices in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PermitState {
    /// It does.
    Open,
    /// It has been used as often as it may be.
    Used,
    /// Its time is over.
    Expired,
    /// Somebody took it back.
    Revoked,
}

/// An approval given in advance, as it is shown. Its secret is not part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Permit {
    /// Its id.
    pub id: PermitId,
    /// Into which organisation it lets devices.
    pub organisation: OrganisationId,
    /// What it is.
    pub kind: PermitKind,
    /// By what the server finds it: the first half of a key or ticket, the id of a device.
    pub lookup: String,
    /// What people find it by; for a pre-approved device the name that it gets.
    pub name: String,
    /// What becomes of a device that comes by it.
    pub mode: PermitMode,
    /// Who signs.
    pub signer: SignerId,
    /// Labels that devices get.
    pub labels: Vec<String>,
    /// Address ranges from which it works (`192.0.2.0/24`); from everywhere where there are none.
    pub networks: Vec<String>,
    /// Whether it lets devices in now.
    pub state: PermitState,
    /// How many devices have come by it.
    pub uses: u32,
    /// How many may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_uses: Option<u32>,
    /// How many attempts there were with another secret.
    pub failures: u32,
    /// When the last one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failed_at: Option<UnixMillis>,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: UnixMillis,
    /// When its time is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<UnixMillis>,
    /// When a device came by it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<UnixMillis>,
    /// When somebody took it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<UnixMillis>,
    /// The permit that it takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<PermitId>,
}

/// A registration key or a ticket that is to be made. What is absent is not limited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PermitRequest {
    /// `registration_key` or `ticket`.
    pub kind: PermitKind,
    /// What people find it by.
    pub name: String,
    /// What becomes of devices.
    #[serde(default)]
    pub mode: PermitMode,
    /// Who signs; absent: the first signer of the organisation that the server asks itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<SignerId>,
    /// Labels for the devices.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Address ranges from which it works, at most [`MAX_NETWORKS`].
    #[serde(default)]
    pub networks: Vec<String>,
    /// How many devices may come by it, 1 to [`MAX_USES`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_uses: Option<u32>,
    /// When its time is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<UnixMillis>,
    /// For the mode `list`: the serial numbers of the devices that may come, at most [`MAX_IMPORT`] at once.
    #[serde(default)]
    pub serials: Vec<String>,
}

/// A permit that was made, with what is shown this once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PermitMade {
    /// The permit.
    pub permit: Permit,
    /// The whole key or ticket.
    pub key: SecretString,
}

/// Another key in the place of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PermitReplacement {
    /// For how many hours the present one works beside it, at most [`MAX_OVERLAP_HOURS`]; 0: not at all.
    pub overlap_hours: u32,
}

/// Serial numbers for the list of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SerialsRequest {
    /// They are added to those that stand, at most [`MAX_IMPORT`] at once.
    pub serials: Vec<String>,
}

/// One device that is to be approved before it appears.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Preapproval {
    /// Its id: what the device states, at most [`MAX_DEVICE_ID_LEN`] characters.
    pub device_id: String,
    /// The secret that it has, at most as long.
    pub secret: SecretString,
    /// The name it gets; absent: its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Labels it gets.
    #[serde(default)]
    pub labels: Vec<String>,
    /// When the time of this is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<UnixMillis>,
}

/// A list of devices that are to be approved before they appear. Repeating it changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PreapprovalImport {
    /// At most [`MAX_IMPORT`]; a longer list comes in several requests.
    pub devices: Vec<Preapproval>,
    /// Who signs; absent: the first signer of the organisation that the server asks itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<SignerId>,
    /// Look only, change nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// What became of each row of an import, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImportOutcome {
    /// How many were added, or would be.
    pub added: u32,
    /// How many stood already, with the same secret.
    pub unchanged: u32,
    /// The rows that were refused. Nothing of the import was kept when there is one, unless the rows before it came in another request.
    pub refused: Vec<RefusedRow>,
}

/// A row of an import that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RefusedRow {
    /// Which one, from 0.
    pub row: u32,
    /// Its device id.
    pub device_id: String,
    /// What is wrong, and what to do.
    pub detail: String,
}

/// Which permits: the query of their list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct PermitQuery {
    /// Of which kind; absent: registration keys.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", param(required = false))]
    pub kind: PermitKind,
    /// Items of a page, 1 to [`crate::page::MAX_PAGE_LIMIT`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Which devices of the lobby: the query of its list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default)]
pub struct LobbyQuery {
    /// Those that were rejected, in place of those that wait.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub rejected: bool,
    /// Items of a page, 1 to [`crate::page::MAX_PAGE_LIMIT`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// A decision in the lobby.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Admission {
    /// Let it in, or not. A rejected device can be let in later after all.
    pub admit: bool,
}

/// A device in the lobby.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LobbyEntry {
    /// The device, pending or rejected.
    pub device: crate::device::Device,
    /// The permit by which it came.
    pub permit: PermitId,
    /// What people find that permit by.
    pub permit_name: String,
    /// What that permit is.
    pub permit_kind: PermitKind,
    /// From which address it asked last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// When it asked last.
    pub asked_at: UnixMillis,
    /// When it asks again.
    pub asks_again_at: UnixMillis,
    /// Other devices of the customer that state the same serial number.
    pub duplicates: Vec<crate::device::DeviceSummary>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for kind in PermitKind::ALL {
            assert_eq!(PermitKind::from_name(kind.as_str()), Some(kind));
            assert_eq!(
                serde_json::to_string(&kind).expect("JSON"),
                format!("\"{}\"", kind.as_str())
            );
        }
        for mode in PermitMode::ALL {
            assert_eq!(PermitMode::from_name(mode.as_str()), Some(mode));
            assert_eq!(
                serde_json::to_string(&mode).expect("JSON"),
                format!("\"{}\"", mode.as_str())
            );
        }
    }
}
