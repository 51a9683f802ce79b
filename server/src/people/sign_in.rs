//! Signing in, and proving a passkey again while signed in.
//!
//! 1. The authenticator is asked to prove any passkey that it has for us (sign-in), or one of the account's (step-up).
//! 2. The proof is checked against the passkey as it is kept, and the passkey's counter moves on.
//! 3. The browser gets a new secret as its cookie, at step-up as well: a cookie that leaked before is worth nothing fresh
//!    (threat model, ACC-4).
//!
//! What fails is recorded too ([`failing`]).

use gangway_protocol::account::{Account, Ceremony};
use gangway_protocol::audit::Action;
use gangway_protocol::id::{AccountId, CeremonyId, OrganisationId, PasskeyId, SignInId};
use gangway_protocol::json::Verbatim;
use gangway_protocol::secret::SecretString;
use gangway_protocol::single_sign_on::{ProviderName, SignedInBy};
use gangway_protocol::time::UnixMillis;
use webauthn_rs::prelude::{DiscoverableAuthentication, Passkey};

use super::ceremony::{self, Pending};
use super::failing;
use super::passkeys::{Passkeys, Proof, Refusal};
use super::registration::known_passkeys;
use crate::authority::secret::SecretKind;
use crate::authority::{Caller, Credential, FRESH_FOR};
use crate::authority::{Error, Result};
use crate::context::Context;
use crate::db::SecretHash;
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::passkeys::Kept;
use crate::db::sign_ins::{NewSignIn, OpenedBy, Vouched};
use crate::db::{
    Conn, DbError, accounts, audit, identity_providers, organisations, passkeys as passkey_rows,
    recovery_codes, sign_ins, write,
};
use crate::limits::{AddressKey, Attempt, ClientAddress, Who};

/// How many organisations an account's description names; the list endpoint has all of them.
const ORGANISATIONS_NAMED: i64 = 1_000;

const UNKNOWN_PASSKEY: Refusal = Refusal(
    "this passkey is not known here: it was removed, or it belongs to another server. Use another one, or a recovery code",
);
const FOREIGN_PASSKEY: Refusal =
    Refusal("this is not one of your passkeys: use one that your account page lists");

/// The browser that signs in.
#[derive(Clone, Debug)]
pub struct Browser {
    /// What it calls itself, shortened.
    pub name: String,
    /// Where it is.
    pub address: ClientAddress,
    /// The cookie that it showed, if any: it ends with the new sign-in.
    pub former: Option<SecretString>,
}

/// A sign-in that is about to be opened.
#[derive(Clone)]
pub struct Fresh {
    /// The cookie's value.
    pub secret: SecretString,
    /// What is written down.
    pub sign_in: NewSignIn,
    former: Option<SecretString>,
}

impl Fresh {
    /// One by a passkey that was proved now.
    pub(super) fn new(
        context: &Context,
        account: AccountId,
        passkey: PasskeyId,
        assertion: String,
        browser: Browser,
    ) -> Self {
        let now = context.clock.now();
        Self::opened(
            context,
            account,
            OpenedBy::Passkey(passkey),
            now,
            assertion,
            browser,
        )
    }

    /// One that was proved at `verified_at`.
    #[must_use]
    pub fn opened(
        context: &Context,
        account: AccountId,
        opened_by: OpenedBy,
        verified_at: UnixMillis,
        assertion: String,
        browser: Browser,
    ) -> Self {
        Self {
            secret: SecretKind::SignIn.mint(&*context.random),
            sign_in: NewSignIn {
                id: SignInId::new(context.clock.now(), context.random.for_id()),
                account,
                browser: browser.name,
                address: browser.address.0.to_canonical().to_string(),
                opened_by,
                verified_at,
                assertion,
            },
            former: browser.former,
        }
    }

    /// Signs the browser in, and out of what it was signed in to before.
    ///
    /// # Errors
    /// What the database says.
    pub async fn open(&self, tx: &mut Conn<'_>, now: UnixMillis) -> Result<(), DbError> {
        if let Some(former) = &self.former {
            sign_ins::delete_by_secret(tx, &SecretHash::of(former)).await?;
        }
        sign_ins::insert(tx, &SecretHash::of(&self.secret), &self.sign_in, now).await
    }
}

/// Starts a sign-in, for a button and for the browser's autofill alike.
///
/// # Errors
/// Only faults.
pub async fn start(context: &Context, passkeys: &Passkeys) -> Result<Ceremony> {
    let (options, state) = passkeys.start_proving(&[]).map_err(Error::internal)?;
    ceremony::begin(context, &Pending::SignIn { state }, &options).await
}

/// Finishes a sign-in.
///
/// # Errors
/// [`Error::PasskeyRefused`].
pub async fn finish(
    context: &Context,
    passkeys: &Passkeys,
    id: CeremonyId,
    reply: &Verbatim,
    browser: Browser,
) -> Result<(Account, SecretString)> {
    let Pending::SignIn { state } = ceremony::take(context, id).await? else {
        return Err(ceremony::over());
    };
    let proof = Proof::read(reply)?;
    let now = context.clock.now();
    let mut reader = context.db.reader().await?;
    let found = passkey_rows::by_credential_id(&mut reader.conn(), &proof.credential_id()).await?;
    drop(reader);
    // WebAuthn Level 3 §7.2 step 6: the authenticator has to say whose passkey it is, and it has to be theirs.
    let kept = match found {
        Some(kept) if proof.is_of(&kept.user_handle) == Some(true) => kept,
        _ => {
            let who = Who::Address(AddressKey::from(browser.address.0));
            failing::note(context, Attempt::Passkey, who, UNKNOWN_PASSKEY.0).await?;
            return Err(UNKNOWN_PASSKEY.into());
        }
    };
    let credential = check(context, passkeys, &proof, state, &kept).await?;
    let fresh = Fresh::new(
        context,
        kept.account.clone(),
        kept.id.clone(),
        proof.assertion,
        browser,
    );
    let (secret, account) = (fresh.secret.clone(), kept.account.clone());
    write!(context.db, |tx| -> Result<()> {
        move_on(tx, &kept, &credential, now).await?;
        fresh.open(tx, now).await?;
        let detail = format!("{} with {}", fresh.sign_in.browser, kept.name);
        record(
            tx,
            &kept,
            Action::SignInOpened,
            fresh.sign_in.id.as_str(),
            &detail,
            now,
        )
        .await
    })?;
    Ok((describe(context, &account, None, Some(now)).await?, secret))
}

/// Starts a step-up.
///
/// # Errors
/// [`Error::Forbidden`] with a token: a token has no passkey.
pub async fn start_step_up(context: &Context, passkeys: &Passkeys, caller: &Caller) -> Result<Ceremony> {
    let sign_in = caller.require_person()?.clone();
    let mut reader = context.db.reader().await?;
    let allowed = known_passkeys(&mut reader.conn(), &caller.account).await?;
    drop(reader);
    let (options, state) = passkeys.start_proving(&allowed).map_err(Error::internal)?;
    ceremony::begin(context, &Pending::StepUp { sign_in, state }, &options).await
}

/// Finishes a step-up: the sign-in is fresh again, under another secret.
///
/// # Errors
/// [`Error::PasskeyRefused`].
pub async fn finish_step_up(
    context: &Context,
    passkeys: &Passkeys,
    caller: &Caller,
    id: CeremonyId,
    reply: &Verbatim,
) -> Result<(Account, SecretString)> {
    let current = caller.require_person()?.clone();
    let state = match ceremony::take(context, id).await? {
        Pending::StepUp { sign_in, state } if sign_in == current => state,
        _ => return Err(ceremony::over()),
    };
    let proof = Proof::read(reply)?;
    let now = context.clock.now();
    let mut reader = context.db.reader().await?;
    let found = passkey_rows::by_credential_id(&mut reader.conn(), &proof.credential_id()).await?;
    drop(reader);
    let kept = match found {
        Some(kept) if kept.account == caller.account && proof.is_of(&kept.user_handle) != Some(false) => kept,
        _ => {
            let who = Who::Account(caller.account.clone());
            failing::note(context, Attempt::Passkey, who, FOREIGN_PASSKEY.0).await?;
            return Err(FOREIGN_PASSKEY.into());
        }
    };
    let credential = check(context, passkeys, &proof, state, &kept).await?;
    let secret = SecretKind::SignIn.mint(&*context.random);
    let hash = SecretHash::of(&secret);
    let sign_in = current.clone();
    write!(context.db, |tx| -> Result<()> {
        move_on(tx, &kept, &credential, now).await?;
        if !sign_ins::rotate(tx, &sign_in, &hash, &kept.id, &proof.assertion, now).await? {
            return Err(Error::Unauthenticated);
        }
        record(
            tx,
            &kept,
            Action::SignInSteppedUp,
            sign_in.as_str(),
            &kept.name,
            now,
        )
        .await
    })?;
    let (root, vouched) = (caller.credential.within(), caller.credential.vouched());
    let account = describe_by(context, &caller.account, root, Some(now), vouched).await?;
    Ok((account, secret))
}

/// The account of a caller, for itself.
///
/// # Errors
/// Only faults.
pub async fn account_of(context: &Context, caller: &Caller) -> Result<Account> {
    let verified_at = match &caller.credential {
        Credential::SignIn { verified_at, .. } => Some(*verified_at),
        Credential::Token { .. } => None,
    };
    let root = caller.credential.within();
    describe_by(
        context,
        &caller.account,
        root,
        verified_at,
        caller.credential.vouched(),
    )
    .await
}

pub(super) async fn describe(
    context: &Context,
    id: &AccountId,
    root: Option<&OrganisationId>,
    verified_at: Option<UnixMillis>,
) -> Result<Account> {
    describe_by(context, id, root, verified_at, None).await
}

/// An account, as the sign-in that a provider vouched for sees it, if one did.
///
/// # Errors
/// Only faults.
pub async fn describe_by(
    context: &Context,
    id: &AccountId,
    root: Option<&OrganisationId>,
    verified_at: Option<UnixMillis>,
    vouched: Option<&Vouched>,
) -> Result<Account> {
    let mut reader = context.db.reader().await?;
    let conn = &mut reader.conn();
    let (name, _) = accounts::name_and_handle(conn, id).await?;
    let provider = match vouched {
        Some(vouched) => identity_providers::find(conn, &vouched.provider).await?,
        None => None,
    };
    Ok(Account {
        id: id.clone(),
        name,
        organisations: organisations::of_account(conn, id, root, "", ORGANISATIONS_NAMED).await?,
        passkeys: passkey_rows::count(conn, id).await?,
        recovery_codes: recovery_codes::count(conn, id).await?,
        verified_at,
        verified_until: verified_at.map(|at| at.plus(FRESH_FOR)),
        signed_in_by: provider.map(|provider| SignedInBy {
            provider: ProviderName {
                id: provider.id,
                name: provider.name,
            },
            organisation: provider.organisation,
        }),
    })
}

/// Checks a proof; gives the passkey as it is to be kept from now on.
async fn check(
    context: &Context,
    passkeys: &Passkeys,
    proof: &Proof,
    state: DiscoverableAuthentication,
    kept: &Kept,
) -> Result<String> {
    let mut passkey: Passkey = serde_json::from_str(&kept.credential).map_err(Error::internal)?;
    if let Err(refusal) = passkeys.check(proof, state, &mut passkey) {
        let who = Who::Account(kept.account.clone());
        failing::note(context, Attempt::Passkey, who, refusal.0).await?;
        return Err(refusal.into());
    }
    serde_json::to_string(&passkey).map_err(Error::internal)
}

/// Keeps a passkey's new state. Where another proof of it was checked at the same moment, only one of the two counts:
/// otherwise two copies of a passkey could use one counter value.
async fn move_on(tx: &mut Conn<'_>, kept: &Kept, credential: &str, now: UnixMillis) -> Result<()> {
    if passkey_rows::note_use(tx, &kept.id, &kept.credential, credential, now).await? {
        return Ok(());
    }
    Err(Error::PasskeyRefused(
        "this passkey was used elsewhere at the same moment, or has been removed: try again",
    ))
}

async fn record(
    tx: &mut Conn<'_>,
    kept: &Kept,
    action: Action,
    subject: &str,
    detail: &str,
    now: UnixMillis,
) -> Result<()> {
    let entry = Entry {
        scope: Scope::Server,
        at: now,
        actor: Actor::Account {
            id: &kept.account,
            name: &kept.account_name,
        },
        action,
        subject,
        detail,
    };
    Ok(audit::append(tx, &entry).await?)
}
