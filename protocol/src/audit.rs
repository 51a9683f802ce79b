//! The record of an organisation: what was done, by whom, to what, chained by hashes.

mod action;

use serde::{Deserialize, Serialize};

use crate::encoding::Sha256Hex;
use crate::id::OrganisationId;
use crate::json::Verbatim;
use crate::time::UnixMillis;

pub use action::Action;

/// An entry of an organisation's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    /// Whose record.
    pub organisation: OrganisationId,
    /// Its place there, from 1.
    pub seq: u64,
    /// When.
    pub at: UnixMillis,
    /// Who did it.
    pub actor: AuditActor,
    /// What, by its name: `device.approved`, `member.joined` and so on. A newer server may know further ones.
    pub action: String,
    /// To what.
    pub subject: AuditSubject,
    /// More, for people; empty when there is no more.
    pub detail: String,
    /// What confirmed it, where the server keeps that: with approvals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_by: Option<Confirmation>,
    /// The hash of the chain with this entry.
    pub hash: Sha256Hex,
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditActor {
    /// What it is.
    pub kind: AuditActorKind,
    /// Its id; absent for the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The name of the person, of the person whose token it is, or of the permit, at that time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What somebody is who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AuditActorKind {
    /// A signed-in person.
    Account,
    /// A program with a bearer token.
    Token,
    /// A permit that a member gave in advance: a pre-approved device, a registration key, a ticket.
    Permit,
    /// A device.
    Device,
    /// The server by itself, or its operator on the command line.
    Server,
}

impl AuditActorKind {
    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Token => "token",
            Self::Permit => "permit",
            Self::Device => "device",
            Self::Server => "server",
        }
    }
}

/// To what something was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditSubject {
    /// Its id.
    pub id: String,
    /// Its name at present, where it has one and the caller may see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What confirmed that whoever did something was there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Confirmation {
    /// A passkey that was proved at most five minutes before.
    Passkey {
        /// What its owner calls it at present; absent when it was removed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Whether the authenticator says that it verified the person; absent where the kept proof is the one of its making.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user_verified: Option<bool>,
    },
    /// A token that a person made for this.
    Token {
        /// Its id.
        id: String,
    },
}

/// An entry in full: `GET /api/v1/organisations/{id}/audit/{seq}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditDetail {
    /// The entry.
    pub entry: AuditEntry,
    /// The hash of the chain before it: 64 zeros before the first.
    pub previous_hash: Sha256Hex,
    /// The assertion of the passkey that confirmed it, as the authenticator gave it: `id` of the credential, `clientDataJSON`,
    /// `authenticatorData` and `signature`, each in base64url (WebAuthn Level 3 §5.2).
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assertion: Option<Verbatim>,
}

/// Which entries of a record: the query of `GET /api/v1/organisations/{id}/audit` and of its exports, which have no pages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default)]
pub struct AuditQuery {
    /// Without those of the organisations below.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub alone: bool,
    /// Only these actions: one by its name (`device.approved`), or a family (`device.`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Only what this account, token or device did; `server` for the server. What a person's tokens did stands under the tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Only what was done to this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Only from this instant on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<UnixMillis>,
    /// Only before this instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<UnixMillis>,
    /// Items of a page, 1 to [`crate::page::MAX_PAGE_LIMIT`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// What came of following an organisation's chain of entries: `GET /api/v1/organisations/{id}/audit/verification`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum AuditVerification {
    /// Every entry is what its hash says.
    Holds {
        /// How many there are.
        entries: u64,
        /// The hash of the last one; 64 zeros while there is none.
        hash: Sha256Hex,
        /// When they were followed.
        at: UnixMillis,
    },
    /// One is not, or some are missing.
    Broken {
        /// The first that does not hold; of a chain that was cut off, the last that is there.
        seq: u64,
        /// How it is broken.
        detail: String,
        /// When that was found.
        at: UnixMillis,
    },
}
