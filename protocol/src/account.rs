//! Accounts: registration, sign-in, passkeys, recovery, tokens. WebAuthn's own structures pass through as JSON, in the
//! shapes of `PublicKeyCredential.parse…OptionsFromJSON` and `toJSON` (WebAuthn Level 3 §5.1).

use serde::{Deserialize, Serialize};

use crate::id::{AccountId, CeremonyId, OrganisationId, PasskeyId, SignInId, TokenId};
use crate::json::Verbatim;
use crate::organisation::{Organisation, Role};
use crate::secret::SecretString;
use crate::single_sign_on::SignedInBy;
use crate::time::UnixMillis;

/// What a one-time link is for: `POST /api/v1/links/inspection`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LinkInspectionRequest {
    /// The token from the link's fragment.
    pub token: SecretString,
}

/// Joins an organisation, or makes a customer, with the account that is signed in: `POST /api/v1/account/memberships`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JoinRequest {
    /// The token from the link's fragment.
    pub token: SecretString,
    /// The organisation's name; only where the link makes a customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
}

/// How somebody becomes a customer who is none yet, as the operator configured it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SignUpMode {
    /// Nobody does.
    Closed,
    /// By a link that the operator makes.
    Invitation,
    /// Everybody may.
    Open,
}

impl SignUpMode {
    /// Every mode, from the narrowest.
    pub const ALL: [Self; 3] = [Self::Closed, Self::Invitation, Self::Open];

    /// The name in JSON and in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Invitation => "invitation",
            Self::Open => "open",
        }
    }
}

/// Whether somebody may sign up: `GET /api/v1/sign-ups`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignUps {
    /// How.
    pub mode: SignUpMode,
}

/// What a one-time link is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LinkPurpose {
    /// First run: makes the first organisation and its owner.
    Setup {},
    /// Makes a customer, and its owner.
    Customer {
        /// The name that the organisation gets unless the person gives another; may be empty.
        organisation: String,
    },
    /// Makes an account that is a member.
    Invitation {
        /// The organisation's name.
        organisation: String,
        /// The role it gives.
        role: Role,
    },
    /// Adds a passkey to an account and signs in.
    Recovery {
        /// The account's name.
        account: String,
    },
}

/// Starts a registration by a one-time link: `POST /api/v1/registrations`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RegistrationRequest {
    /// The token from the link's fragment.
    pub token: SecretString,
    /// The person's name; ignored on recovery.
    #[serde(default)]
    pub name: String,
    /// The organisation's name; only where the link makes a customer, or sets the server up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
}

/// A passkey ceremony that waits for the authenticator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Ceremony {
    /// Its id, for the second step.
    pub id: CeremonyId,
    /// `PublicKeyCredentialCreationOptionsJSON` or `PublicKeyCredentialRequestOptionsJSON`.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub public_key: Verbatim,
}

/// The authenticator's reply: the second step of every ceremony.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CeremonyReply {
    /// `RegistrationResponseJSON` or `AuthenticationResponseJSON`.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub credential: Verbatim,
    /// A name for a new passkey. Without it the passkey is called after its browser, as far as `User-Agent` tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passkey_name: Option<String>,
}

impl CeremonyReply {
    /// What the authenticator made, without a name.
    #[must_use]
    pub fn new(credential: Verbatim) -> Self {
        Self {
            credential,
            passkey_name: None,
        }
    }
}

/// The signed-in account: `GET /api/v1/account`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// The organisations it is a member of, directly or from above.
    pub organisations: Vec<Organisation>,
    /// How many passkeys it has.
    pub passkeys: u32,
    /// How many unused recovery codes it has.
    pub recovery_codes: u32,
    /// When the present sign-in last proved a passkey; absent with a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<UnixMillis>,
    /// Until when approvals need no new assertion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_until: Option<UnixMillis>,
    /// The provider that signed this browser in, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_in_by: Option<SignedInBy>,
}

impl Account {
    /// Whether its role has this right in any of its organisations, e.g. `account.may(Role::may_enrol)`. Each request is
    /// still decided by the role in the organisation that it concerns.
    #[must_use]
    pub fn may(&self, right: fn(Role) -> bool) -> bool {
        self.organisations_where(right).next().is_some()
    }

    /// The open organisations in which its role has this right.
    pub fn organisations_where(&self, right: fn(Role) -> bool) -> impl Iterator<Item = &Organisation> {
        self.organisations
            .iter()
            .filter(move |organisation| organisation.is_open() && right(organisation.role))
    }
}

/// A passkey of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Passkey {
    /// Its id.
    pub id: PasskeyId,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it was last used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<UnixMillis>,
}

/// A new name, for passkeys and the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rename {
    /// 1 to 64 characters.
    pub name: String,
}

/// Fresh recovery codes; the former ones no longer work. Shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecoveryCodes {
    /// Eight codes, each usable once.
    pub codes: Vec<SecretString>,
}

/// A recovery code, to be turned into a recovery link's token: `POST /api/v1/recoveries`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecoveryRequest {
    /// The code as printed; case, spaces and dashes do not matter.
    pub code: SecretString,
}

/// A token for [`RegistrationRequest`], usable once within ten minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RegistrationGrant {
    /// The token.
    pub token: SecretString,
}

/// A signed-in browser of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignIn {
    /// Its id.
    pub id: SignInId,
    /// Whether it is the one that asks.
    pub current: bool,
    /// The browser, from its `User-Agent`, shortened.
    pub browser: String,
    /// Its address when it was last used.
    pub address: String,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it was last used.
    pub last_used_at: UnixMillis,
}

/// What a bearer token may do, as far as its account may do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TokenScope {
    /// Claim devices, approve them, get them signed.
    #[serde(rename = "enrol")]
    Enrol,
    /// Read the fleet. Its former name, `read`, is understood.
    #[serde(rename = "fleet:read", alias = "read")]
    FleetRead,
    /// Read the fleet; rename, label, renew and identify devices, and write down what was ended at their signers.
    #[serde(rename = "fleet:write")]
    FleetWrite,
    /// Read who belongs to an organisation and who is invited.
    #[serde(rename = "organisation:read")]
    OrganisationRead,
    /// Read what [`Self::OrganisationRead`] reads; make, rename, move and archive organisations, and invite to roles below those of
    /// admins.
    #[serde(rename = "organisation:write")]
    OrganisationWrite,
    /// Read, verify and export the record of what was done.
    #[serde(rename = "audit:read")]
    AuditRead,
}

impl TokenScope {
    /// Every scope, in the order in which they are offered.
    pub const ALL: [Self; 6] = [
        Self::Enrol,
        Self::FleetRead,
        Self::FleetWrite,
        Self::OrganisationRead,
        Self::OrganisationWrite,
        Self::AuditRead,
    ];

    /// The name as stored, on the wire and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enrol => "enrol",
            Self::FleetRead => "fleet:read",
            Self::FleetWrite => "fleet:write",
            Self::OrganisationRead => "organisation:read",
            Self::OrganisationWrite => "organisation:write",
            Self::AuditRead => "audit:read",
        }
    }

    /// The scope of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "read" {
            return Some(Self::FleetRead);
        }
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }

    /// Whether a role gives what the scope names.
    #[must_use]
    pub fn is_given_by(self, role: Role) -> bool {
        match self {
            Self::Enrol => role.may_enrol(),
            Self::FleetRead => role.may_see_fleet(),
            Self::FleetWrite => role.may_operate(),
            Self::OrganisationRead | Self::OrganisationWrite | Self::AuditRead => role.may_administer(),
        }
    }
}

/// Asks for a bearer token: `POST /api/v1/account/tokens`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenRequest {
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<TokenScope>,
    /// The organisation it is confined to.
    pub organisation: OrganisationId,
    /// For how long, 1 to 366.
    pub valid_days: u32,
}

/// A bearer token of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<TokenScope>,
    /// The organisation it is confined to.
    pub organisation: OrganisationId,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it stops working.
    pub expires_at: UnixMillis,
    /// When it was last used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<UnixMillis>,
    /// From which address that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_from: Option<String>,
    /// The token itself, `gw_pat_…`. Only in the reply that creates it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretString>,
}
