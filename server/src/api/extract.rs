//! What handlers take out of a request: who asks, from where, and what they may do.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;

use gangway_protocol::account::TokenScope;
use gangway_protocol::id::{AccountId, OrganisationId, SignInId, TokenId};
use gangway_protocol::organisation::Role;
use gangway_protocol::time::UnixMillis;

use crate::api::problem::{ApiError, ApiResult};
use crate::audit::Actor;
use crate::auth::identify;
use crate::db::{Db, organisations};
use crate::limits::AddressKey;
use crate::state::Gangway;

/// For how long a passkey assertion counts as fresh (security.md, Enrolment 6).
pub const FRESH_FOR: i64 = 5 * UnixMillis::MINUTE;

/// Who asks: the extractor of every endpoint that is not for anyone.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The account.
    pub account: AccountId,
    /// Its name, as approvals and audit entries show it.
    pub name: String,
    /// Since when the account exists: limits slow young ones first.
    pub account_since: UnixMillis,
    /// How it proved to be that account.
    pub credential: Credential,
    /// The address it asks from.
    pub address: ClientAddress,
}

/// How a caller proved who it is.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A browser, by its cookie.
    SignIn {
        /// The sign-in.
        id: SignInId,
        /// When it last proved a passkey.
        verified_at: UnixMillis,
        /// That assertion: what the authenticator signed, as JSON.
        assertion: String,
    },
    /// A program, by a bearer token.
    Token {
        /// The token.
        id: TokenId,
        /// What it may do.
        scopes: Vec<TokenScope>,
        /// Where it may do it: here and below.
        organisation: OrganisationId,
    },
}

/// What an approval stores as the proof that its approver was there (security.md, Enrolment 6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A passkey assertion, as JSON.
    Assertion(String),
    /// The token that stands in its place.
    Token(TokenId),
}

/// What somebody wants to do at an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Be there at all: know its name, its signers, what one has enrolled oneself.
    Belong,
    /// See its devices.
    SeeFleet,
    /// Enrol devices.
    Enrol,
    /// Rename, renew, suspend, revoke devices.
    Operate,
    /// Manage members, invitations, policy.
    Administer,
}

impl Right {
    fn held_by(self, role: Role) -> bool {
        match self {
            Self::Belong => true,
            Self::SeeFleet => role.may_see_fleet(),
            Self::Enrol => role.may_enrol(),
            Self::Operate => role.may_operate(),
            Self::Administer => role.may_administer(),
        }
    }

    fn within(self, scopes: &[TokenScope]) -> bool {
        match self {
            Self::Belong => true,
            Self::SeeFleet => scopes.contains(&TokenScope::Read),
            Self::Enrol => scopes.contains(&TokenScope::Enrol),
            Self::Operate | Self::Administer => false,
        }
    }
}

impl Caller {
    /// The caller's role at `organisation`, held there or above; `None` also outside a token's organisation.
    ///
    /// # Errors
    /// Only what the database says.
    pub async fn role_at(&self, db: &Db, organisation: &OrganisationId) -> ApiResult<Option<Role>> {
        let mut reader = db.reader().await?;
        let conn = &mut reader.conn();
        if let Credential::Token {
            organisation: root, ..
        } = &self.credential
            && !organisations::is_within(conn, organisation, root).await?
        {
            return Ok(None);
        }
        Ok(organisations::role_at(conn, organisation, &self.account).await?)
    }

    /// Makes sure that the caller may do this at `organisation`, and says in which role.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] without any role there: a foreign id answers as an unknown one.
    /// [`ApiError::Forbidden`] when the role or the token's scope is too small.
    pub async fn require(&self, db: &Db, organisation: &OrganisationId, right: Right) -> ApiResult<Role> {
        let role = self.role_at(db, organisation).await?.ok_or(ApiError::NotFound)?;
        if !right.held_by(role) {
            return Err(ApiError::Forbidden(
                "your role in this organisation does not allow this: ask one of its admins",
            ));
        }
        self.require_scope(right)?;
        Ok(role)
    }

    /// Makes sure that the credential, wherever it is used, allows this: tokens only what their scopes name.
    ///
    /// # Errors
    /// [`ApiError::Forbidden`].
    pub fn require_scope(&self, right: Right) -> ApiResult<()> {
        match &self.credential {
            Credential::Token { scopes, .. } if !right.within(scopes) => Err(ApiError::Forbidden(
                "this token's scopes do not allow this: sign in, or use a token made for it",
            )),
            _ => Ok(()),
        }
    }

    /// Makes sure that a person in a browser asks, not a program with a token.
    ///
    /// # Errors
    /// [`ApiError::Forbidden`].
    pub fn require_person(&self) -> ApiResult<&SignInId> {
        match &self.credential {
            Credential::SignIn { id, .. } => Ok(id),
            Credential::Token { .. } => Err(ApiError::Forbidden(
                "this cannot be done with a token: sign in with a passkey",
            )),
        }
    }

    /// The caller as the record names it.
    #[must_use]
    pub fn actor(&self) -> Actor<'_> {
        let name = &self.name;
        match &self.credential {
            Credential::SignIn { .. } => Actor::Account {
                id: &self.account,
                name,
            },
            Credential::Token { id, .. } => Actor::Token { id, name },
        }
    }

    /// Makes sure that a person in a browser has proved a passkey in the last minutes, and gives that assertion.
    ///
    /// # Errors
    /// [`ApiError::Forbidden`] with a token, [`ApiError::StepUpRequired`] when the assertion is too old.
    pub fn require_fresh_person(&self, now: UnixMillis) -> ApiResult<String> {
        self.require_person()?;
        match self.fresh_proof(now)? {
            Proof::Assertion(assertion) => Ok(assertion),
            Proof::Token(_) => Err(ApiError::StepUpRequired),
        }
    }

    /// The proof that the approver is there now: an assertion not older than [`FRESH_FOR`], or the token.
    ///
    /// # Errors
    /// [`ApiError::StepUpRequired`] when the sign-in's assertion is too old.
    pub fn fresh_proof(&self, now: UnixMillis) -> ApiResult<Proof> {
        match &self.credential {
            Credential::SignIn {
                verified_at,
                assertion,
                ..
            } => {
                if now.since(*verified_at) < FRESH_FOR {
                    Ok(Proof::Assertion(assertion.clone()))
                } else {
                    Err(ApiError::StepUpRequired)
                }
            }
            Credential::Token { id, .. } => Ok(Proof::Token(id.clone())),
        }
    }
}

/// The address a request comes from: the socket's, or what a trusted proxy says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// Counts an attempt to sign in, to open a one-time link or to use a recovery code.
    ///
    /// # Errors
    /// [`ApiError::RateLimited`] when this address has tried too often.
    pub fn may_try_to_sign_in(self, gangway: &Gangway) -> ApiResult<()> {
        let key = AddressKey::from(self.0);
        Ok(gangway.limits.sign_in(key, gangway.clock.now())?)
    }
}

impl FromRequestParts<Arc<Gangway>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, gangway: &Arc<Gangway>) -> ApiResult<Self> {
        let address = ClientAddress::from_request_parts(parts, gangway).await?;
        identify::caller(gangway, &parts.headers, address).await
    }
}

impl FromRequestParts<Arc<Gangway>> for ClientAddress {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &Arc<Gangway>) -> ApiResult<Self> {
        parts
            .extensions
            .get()
            .copied()
            .ok_or_else(|| ApiError::internal("the request has no client address"))
    }
}
