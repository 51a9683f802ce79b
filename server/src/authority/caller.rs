//! Who asks: an account, how it proved to be that account, and from where.

use gangway_protocol::account::TokenScope;
use gangway_protocol::id::{AccountId, OrganisationId, PermitId, SignInId, TokenId};
use gangway_protocol::time::UnixMillis;

use super::{Error, Result};
use crate::db::CallerCredential;
use crate::db::audit::Actor;
use crate::db::sign_ins::Vouched;
use crate::limits::ClientAddress;

/// For how long a passkey assertion counts as fresh (RFC 10027: step up close to the decision).
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
        /// That assertion: what the authenticator signed, as JSON; or what the provider said.
        assertion: String,
        /// The provider that opened it, if one did: it counts at that provider's customer alone.
        vouched: Option<Vouched>,
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

impl Credential {
    /// How the database knows it.
    #[must_use]
    pub fn kept_as(&self) -> CallerCredential {
        match self {
            Self::SignIn { id, .. } => CallerCredential::SignIn(id.clone()),
            Self::Token { id, .. } => CallerCredential::Token(id.clone()),
        }
    }

    /// The organisation that it is confined to: it counts there and below.
    ///
    /// Whoever runs a customer's provider can sign in as everybody whom it knows. So what a provider vouches for counts at its
    /// customer, and not wherever else the account belongs (threat model, SSO-1).
    #[must_use]
    pub fn within(&self) -> Option<&OrganisationId> {
        match self {
            Self::SignIn { vouched, .. } => vouched.as_ref().map(|vouched| &vouched.customer),
            Self::Token { organisation, .. } => Some(organisation),
        }
    }

    /// The provider that opened the sign-in.
    #[must_use]
    pub fn vouched(&self) -> Option<&Vouched> {
        match self {
            Self::SignIn { vouched, .. } => vouched.as_ref(),
            Self::Token { .. } => None,
        }
    }
}

/// What an approval stores as the proof that its approver was there (RFC 10027: step up close to the decision).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A passkey assertion, as JSON.
    Assertion(String),
    /// The token that stands in its place.
    Token(TokenId),
}

/// A member who does something, or whose program does; kept for as long as the doing takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// By what they do it.
    pub means: Means,
}

/// By what a member does something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Means {
    /// By themselves.
    Own,
    /// By a program with a token.
    Token(TokenId),
    /// By a permit that they gave in advance; the member's name is what the permit is called.
    Permit(PermitId),
}

impl Member {
    /// The actor of an entry.
    #[must_use]
    pub fn actor(&self) -> Actor<'_> {
        let name = &self.name;
        match &self.means {
            Means::Own => Actor::Account {
                id: &self.account,
                name,
            },
            Means::Token(id) => Actor::Token { id, name },
            Means::Permit(id) => Actor::Permit { id, name },
        }
    }
}

impl Caller {
    /// The caller as the record names them.
    #[must_use]
    pub fn member(&self) -> Member {
        let means = match &self.credential {
            Credential::Token { id, .. } => Means::Token(id.clone()),
            Credential::SignIn { .. } => Means::Own,
        };
        Member {
            account: self.account.clone(),
            name: self.name.clone(),
            means,
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

    /// Makes sure that a person in a browser asks, not a program with a token.
    ///
    /// # Errors
    /// [`Error::InsufficientScope`]: no scope goes that far.
    pub fn require_person(&self) -> Result<&SignInId> {
        match &self.credential {
            Credential::SignIn { id, .. } => Ok(id),
            Credential::Token { .. } => Err(Error::InsufficientScope(
                "this cannot be done with a token: sign in with a passkey",
            )),
        }
    }

    /// Makes sure that a person asks who signed in with a passkey: for what concerns the account itself, wherever it belongs.
    ///
    /// # Errors
    /// [`Error::InsufficientScope`] with a token; [`Error::Forbidden`] where a provider opened the sign-in.
    pub fn require_own_sign_in(&self) -> Result<&SignInId> {
        let id = self.require_person()?;
        match self.credential.vouched() {
            None => Ok(id),
            // Threat model: SSO-2.
            Some(_) => Err(Error::Forbidden(
                "you are signed in by your organisation's provider, which counts in that organisation alone: for this, sign in with a passkey of your own",
            )),
        }
    }

    /// Makes sure that a person in a browser has proved a passkey in the last minutes, and gives that assertion.
    ///
    /// # Errors
    /// [`Error::InsufficientScope`] with a token, [`Error::StepUpRequired`] when the assertion is too old.
    pub fn require_fresh_person(&self, now: UnixMillis) -> Result<String> {
        self.require_person()?;
        match self.fresh_proof(now)? {
            Proof::Assertion(assertion) => Ok(assertion),
            Proof::Token(_) => Err(Error::StepUpRequired),
        }
    }

    /// The proof that the approver is there now: an assertion not older than [`FRESH_FOR`], or the token.
    ///
    /// # Errors
    /// [`Error::StepUpRequired`] when the sign-in's assertion is too old.
    pub fn fresh_proof(&self, now: UnixMillis) -> Result<Proof> {
        match &self.credential {
            Credential::SignIn {
                verified_at,
                assertion,
                ..
            } => {
                if now.since(*verified_at) < FRESH_FOR {
                    Ok(Proof::Assertion(assertion.clone()))
                } else {
                    Err(Error::StepUpRequired)
                }
            }
            Credential::Token { id, .. } => Ok(Proof::Token(id.clone())),
        }
    }
}
