//! Organisations, roles, members and invitations.

use serde::{Deserialize, Serialize};

use crate::id::{AccountId, LinkId, OrganisationId};
use crate::secret::SecretString;
use crate::time::UnixMillis;

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
    /// Its rules.
    pub policy: Policy,
}

/// Most days for which certificates are issued.
pub const MAX_CERTIFICATE_VALIDITY_DAYS: u32 = 825;
/// Most days after expiry during which a certificate still opens a session.
pub const MAX_GRACE_DAYS: u32 = 366;
/// Most hours for which a superseded certificate goes on: a month.
pub const MAX_SUPERSEDED_GRACE_HOURS: u32 = 744;

/// The rules of an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Policy {
    /// Days for which certificates are issued, 1 to [`MAX_CERTIFICATE_VALIDITY_DAYS`].
    pub certificate_validity_days: u32,
    /// Days after expiry during which a certificate still opens a session for renewal, at most [`MAX_GRACE_DAYS`].
    pub grace_days: u32,
    /// Hours for which a certificate goes on after a session has proved a newer one of its device, at most
    /// [`MAX_SUPERSEDED_GRACE_HOURS`]. 0: it ends at once.
    pub superseded_grace_hours: u32,
    /// Whether a certificate that ended so is named in the revocation list (RFC 5280 §5.3.1, `superseded`).
    pub superseded_in_crl: bool,
    /// Whether links and QR codes may prefill the code.
    pub prefill_code: bool,
    /// Whether a token of scope `enrol` may approve.
    pub token_may_approve: bool,
}

impl Default for Policy {
    fn default() -> Self {
        // 90 days: a lost key does not open sessions for long. Grace of 30 days: a device in a drawer over the holidays comes back by itself.
        Self {
            certificate_validity_days: 90,
            grace_days: 30,
            // The device keeps old and new side by side until the new one is proved, so it needs the old one no longer.
            superseded_grace_hours: 0,
            // Only the list tells other verifiers that a key was replaced; the price is one line for each device that
            // has renewed lately.
            superseded_in_crl: true,
            prefill_code: true,
            token_may_approve: true,
        }
    }
}

/// Other rules for an organisation: `PATCH /api/v1/organisations/{id}/policy`. What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyUpdate {
    /// See [`Policy::certificate_validity_days`]. Certificates that stand keep theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_validity_days: Option<u32>,
    /// See [`Policy::grace_days`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_days: Option<u32>,
    /// See [`Policy::superseded_grace_hours`]. A grace that runs already keeps its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_grace_hours: Option<u32>,
    /// See [`Policy::superseded_in_crl`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_in_crl: Option<bool>,
    /// See [`Policy::prefill_code`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefill_code: Option<bool>,
    /// See [`Policy::token_may_approve`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_may_approve: Option<bool>,
}

impl PolicyUpdate {
    /// Puts what is present in the place of what was.
    pub fn apply_to(self, policy: &mut Policy) {
        fn put<T>(place: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *place = value;
            }
        }
        put(
            &mut policy.certificate_validity_days,
            self.certificate_validity_days,
        );
        put(&mut policy.grace_days, self.grace_days);
        put(&mut policy.superseded_grace_hours, self.superseded_grace_hours);
        put(&mut policy.superseded_in_crl, self.superseded_in_crl);
        put(&mut policy.prefill_code, self.prefill_code);
        put(&mut policy.token_may_approve, self.token_may_approve);
    }
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
}

/// Another role for a member: `PATCH /api/v1/organisations/{id}/members/{account}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MemberUpdate {
    /// The role; not above the caller's own.
    pub role: Role,
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
