//! Passkey ceremonies between their two steps: what was asked, of whom, kept in the database until the reply comes.
//!
//! Taking a ceremony out deletes it, before the reply is even looked at: a failed reply spends it as well, so that nothing
//! can be tried twice on one challenge (WebAuthn Level 3 §13.4.3).

use gangway_protocol::account::Ceremony;
use gangway_protocol::id::{AccountId, CeremonyId, IdentityProviderId, LinkId, SignInId};
use gangway_protocol::json::Verbatim;
use gangway_protocol::time::UnixMillis;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use webauthn_rs::prelude::{DiscoverableAuthentication, PasskeyRegistration};

use crate::authority::{Error, Result};
use crate::context::Context;
use crate::db::{ceremonies, write};

/// Long enough to find a security key and its PIN, twice what browsers wait.
const LIFE: i64 = 10 * UnixMillis::MINUTE;
/// Sign-ins also wait in pages that offer passkeys as autofill, for as long as somebody leaves them open. The page asks
/// for another one when this is over.
const SIGN_IN_LIFE: i64 = UnixMillis::HOUR;

/// A ceremony that waits for its reply.
#[derive(Serialize, Deserialize)]
pub enum Pending {
    /// Somebody with a one-time link makes a passkey.
    Registration {
        /// The link, to be used up by the second step.
        link: LinkId,
        /// Who it will be; on recovery, who it is.
        account: AccountId,
        /// The account's user handle.
        user_handle: String,
        /// The person's name.
        name: String,
        /// Where a customer is made, its name.
        organisation: Option<String>,
        /// webauthn-rs's.
        state: PasskeyRegistration,
    },
    /// Somebody signed in makes another passkey.
    Addition {
        /// For whom.
        account: AccountId,
        /// In which browser.
        sign_in: SignInId,
        /// webauthn-rs's.
        state: PasskeyRegistration,
    },
    /// Somebody signs in.
    SignIn {
        /// webauthn-rs's.
        state: DiscoverableAuthentication,
    },
    /// Somebody is at an identity provider.
    SingleSignOn {
        /// Which.
        provider: IdentityProviderId,
        /// The hash of the secret in the browser that began it.
        binding: String,
        /// When.
        begun_at: UnixMillis,
        /// What for.
        purpose: SingleSignOnFor,
    },
    /// Somebody signed in proves a passkey again.
    StepUp {
        /// In which browser.
        sign_in: SignInId,
        /// webauthn-rs's.
        state: DiscoverableAuthentication,
    },
}

/// What somebody is at an identity provider for.
#[derive(Serialize, Deserialize)]
pub enum SingleSignOnFor {
    /// To sign in.
    SignIn,
    /// To prove again who they are.
    StepUp {
        /// In which browser.
        sign_in: SignInId,
    },
    /// To link their account.
    Link {
        /// In which browser.
        sign_in: SignInId,
        /// Which account.
        account: AccountId,
    },
}

/// Keeps a ceremony and gives what the browser needs for it.
///
/// # Errors
/// Only faults.
pub async fn begin(context: &Context, pending: &Pending, public_key: &Value) -> Result<Ceremony> {
    let public_key = Verbatim::of(public_key).map_err(Error::internal)?;
    let id = keep(context, pending).await?;
    Ok(Ceremony { id, public_key })
}

/// Keeps a ceremony.
///
/// # Errors
/// Only faults.
pub async fn keep(context: &Context, pending: &Pending) -> Result<CeremonyId> {
    let now = context.clock.now();
    let life = match pending {
        Pending::SignIn { .. } => SIGN_IN_LIFE,
        Pending::Registration { .. }
        | Pending::Addition { .. }
        | Pending::StepUp { .. }
        | Pending::SingleSignOn { .. } => LIFE,
    };
    let state = serde_json::to_string(pending).map_err(Error::internal)?;
    let id = CeremonyId::new(now, context.random.for_id());
    let kept = id.clone();
    write!(context.db, |tx| {
        ceremonies::insert(tx, &kept, &state, now.plus(life)).await
    })?;
    Ok(id)
}

/// Takes a ceremony out.
///
/// # Errors
/// [`Error::PasskeyRefused`] when it is unknown, taken or expired: which one, nobody needs to know.
pub async fn take(context: &Context, id: CeremonyId) -> Result<Pending> {
    let now = context.clock.now();
    let state = write!(context.db, |tx| { ceremonies::take(tx, &id, now).await })?;
    let state = state.ok_or_else(over)?;
    serde_json::from_str(&state).map_err(Error::internal)
}

/// What a reply to no open ceremony is told.
#[must_use]
pub fn over() -> Error {
    Error::PasskeyRefused("this took too long, or was answered already: try again")
}
