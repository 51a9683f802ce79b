//! Organisations, roles, members and invitations.

mod policy;

use serde::{Deserialize, Serialize};

use crate::id::{AccountId, LinkId, OrganisationId};
use crate::secret::SecretString;
use crate::time::UnixMillis;

pub use policy::{
    MAX_CERTIFICATE_VALIDITY_DAYS, MAX_GRACE_DAYS, MAX_SUPERSEDED_GRACE_HOURS, Policy, PolicyDetail,
    PolicyUpdate,
};

/// What a member may do at an organisation and below it. Greater roles include the lesser ones' rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees.
    Viewer,
    /// May only enrol devices; sees what that needs.
    Installer,
    /// Runs devices: rename, renew, suspend, revoke.
    Operator,
    /// Manages members, signers and policy.
    Admin,
    /// May also give the organisation away and end it.
    Owner,
}

impl Role {
    /// Every role, from the least to the greatest.
    pub const ALL: [Self; 5] = [
        Self::Viewer,
        Self::Installer,
        Self::Operator,
        Self::Admin,
        Self::Owner,
    ];

    /// The name as stored and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Installer => "installer",
            Self::Operator => "operator",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// The role of this stored name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// May enrol devices.
    #[must_use]
    pub fn may_enrol(self) -> bool {
        self >= Self::Installer
    }

    /// May see the fleet. An installer sees what it enrols, not the fleet.
    #[must_use]
    pub fn may_see_fleet(self) -> bool {
        self != Self::Installer
    }

    /// May change devices.
    #[must_use]
    pub fn may_operate(self) -> bool {
        self >= Self::Operator
    }

    /// May manage members, signers and policy.
    #[must_use]
    pub fn may_administer(self) -> bool {
        self >= Self::Admin
    }
}

/// An organisation, with the caller's role in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Organisation {
    /// Its id.
    pub id: OrganisationId,
    /// The organisation above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<OrganisationId>,
    /// Its name.
    pub name: String,
    /// The caller's role here.
    pub role: Role,
    /// The rules that hold in it: its own, and those from above where they are tighter.
    pub policy: Policy,
    /// Since when it takes neither devices nor members. Whoever administers the organisation above it can open it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<UnixMillis>,
}

impl Organisation {
    /// Whether something may still be put into it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.archived_at.is_none()
    }
}

/// Most organisations of one customer: a root and everything below it.
pub const MAX_ORGANISATIONS: u32 = 1_000;
/// Most levels below a root.
pub const MAX_ORGANISATION_DEPTH: u32 = 8;

/// A new organisation below another one: `POST /api/v1/organisations`. It has the signers and the rules of those above it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrganisationRequest {
    /// The organisation above it.
    pub parent: OrganisationId,
    /// Its name, 1 to 64 characters.
    pub name: String,
}

/// Changes to an organisation: `PATCH /api/v1/organisations/{id}`. What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct OrganisationUpdate {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The organisation that it is moved below, of the same customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<OrganisationId>,
}

/// A member of an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Member {
    /// The account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// Since when the membership gives no right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_at: Option<UnixMillis>,
}

/// Makes somebody who is a member elsewhere in the customer's organisations a member here too:
/// `PUT /api/v1/organisations/{id}/members/{account}`. Another role for a member: `PATCH /api/v1/organisations/{id}/members/{account}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MemberUpdate {
    /// The role; not above the caller's own.
    pub role: Role,
}

/// Moves a device: `PUT /api/v1/devices/{id}/organisation`. Its certificates and its history go with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceMove {
    /// Where to; of the same customer.
    pub organisation: OrganisationId,
}

/// How long an invitation can be taken. It opens nothing that exists; it may wait over a weekend and a holiday.
pub const INVITATION_LIFE: i64 = 7 * UnixMillis::DAY;

/// A request to invite somebody: `POST /api/v1/organisations/{id}/invitations`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InvitationRequest {
    /// The role to give; not above the caller's own.
    pub role: Role,
    /// For whom, as a reminder for the admins.
    #[serde(default)]
    pub note: String,
}

/// An invitation that waits to be taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Invitation {
    /// Its id.
    pub id: LinkId,
    /// The role it gives.
    pub role: Role,
    /// For whom.
    pub note: String,
    /// When it lapses.
    pub expires_at: UnixMillis,
    /// The link to hand over. Only in the reply that creates it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<SecretString>,
}
