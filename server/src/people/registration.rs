//! Becoming somebody by a one-time link.
//!
//! 1. The link is looked at, and the authenticator is asked for a passkey. Nothing has changed yet.
//! 2. One transaction uses the link up and does what it is for: set-up makes the first organisation and its owner, an
//!    invitation makes a member, a recovery adds the passkey to the account and signs its other browsers out.
//! 3. The browser is signed in.

use gangway_protocol::account::{Account, Ceremony, RegistrationRequest};
use gangway_protocol::id::{AccountId, CeremonyId, LinkId, OrganisationId, PasskeyId, SignerId};
use gangway_protocol::json::Verbatim;
use gangway_protocol::organisation::Role;
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;
use serde_json::Value;
use webauthn_rs::prelude::{Passkey, PasskeyRegistration, Uuid};

use super::ceremony::{self, Pending};
use super::ending;
use super::links;
use super::passkeys::{self, Made, Passkeys};
use super::sign_in;
use super::sign_in::{Browser, Fresh};
use crate::authority::fit_name;
use crate::authority::{Error, Result};
use crate::context::Context;
use crate::db::accounts::{AccountKind, NewAccount};
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::links::{Link, Purpose};
use crate::db::passkeys::NewPasskey;
use crate::db::{
    Conn, DbError, accounts, audit, links as link_rows, memberships, organisations, passkeys as passkey_rows,
    settings, sign_ins, signers, write,
};
use crate::relay::Relay;

/// The setting that the one set-up of a server leaves behind, so that two of them at once cannot both succeed.
const SET_UP_BY: &str = "set_up_by";

/// Starts a registration.
///
/// # Errors
/// [`Error::LinkUnknown`]; [`Error::Invalid`] with the field that is wrong.
pub async fn start(context: &Context, passkeys: &Passkeys, request: RegistrationRequest) -> Result<Ceremony> {
    let now = context.clock.now();
    let mut reader = context.db.reader().await?;
    let conn = &mut reader.conn();
    let Link {
        id: link, purpose, ..
    } = links::open(conn, &request.token, now).await?;
    let (account, user_handle, name, known) = match &purpose {
        Purpose::Recovery { account } => {
            let (name, user_handle) = accounts::name_and_handle(conn, account).await?;
            (
                account.clone(),
                user_handle,
                name,
                known_passkeys(conn, account).await?,
            )
        }
        Purpose::Setup | Purpose::Invitation { .. } => (
            AccountId::new(now, context.random.for_id()),
            super::user_handle(&*context.random).to_string(),
            fit_name("name", &request.name)?,
            Vec::new(),
        ),
    };
    drop(reader);
    let organisation = match purpose {
        Purpose::Setup => Some(fit_name(
            "organisation",
            request.organisation.as_deref().unwrap_or_default(),
        )?),
        Purpose::Invitation { .. } | Purpose::Recovery { .. } => None,
    };
    let (options, state) = start_making(passkeys, &user_handle, &name, &known)?;
    let pending = Pending::Registration {
        link,
        account,
        user_handle,
        name,
        organisation,
        state,
    };
    ceremony::begin(context, &pending, &options).await
}

/// Finishes a registration and signs the browser in.
///
/// # Errors
/// [`Error::PasskeyRefused`]; [`Error::LinkUnknown`] when the link was used up meanwhile.
pub async fn finish(
    context: &Context,
    passkeys: &Passkeys,
    relay: &Relay,
    id: CeremonyId,
    reply: &Verbatim,
    passkey_name: String,
    browser: Browser,
) -> Result<(Account, SecretString)> {
    let Pending::Registration {
        link,
        account,
        user_handle,
        name,
        organisation,
        state,
    } = ceremony::take(context, id).await?
    else {
        return Err(ceremony::over());
    };
    let now = context.clock.now();
    let made = passkeys.finish_making(reply, &state)?;
    let passkey = new_passkey(context, &account, &made, &passkey_name)?;
    let fresh = Fresh::new(
        context,
        account.clone(),
        passkey.id.clone(),
        made.assertion,
        browser,
    );
    let secret = fresh.secret.clone();
    let person = Person {
        link,
        account: NewAccount {
            id: account.clone(),
            user_handle,
            name,
            kind: AccountKind::Person,
        },
        organisation,
        organisation_id: OrganisationId::new(now, context.random.for_id()),
        signer: SignerId::new(now, context.random.for_id()),
    };
    write!(context.db, |tx| -> Result<()> {
        let event = person.come_in(tx, now).await?;
        passkey_rows::insert(tx, &passkey, now).await.map_err(taken)?;
        fresh.open(tx, now).await?;
        event.record(tx, &person.account, now).await?;
        Ok(())
    })?;
    let account = sign_in::describe(context, &account, None, Some(now)).await?;
    // A recovery has signed the account's other browsers out.
    ending::look_again(context, relay, &account.id).await;
    Ok((account, secret))
}

/// Asks for a new passkey of an account.
pub(super) fn start_making(
    passkeys: &Passkeys,
    user_handle: &str,
    name: &str,
    known: &[Passkey],
) -> Result<(Value, PasskeyRegistration)> {
    let handle = Uuid::parse_str(user_handle).map_err(Error::internal)?;
    passkeys
        .start_making(handle, name, known)
        .map_err(Error::internal)
}

/// The passkeys that an account has.
pub(super) async fn known_passkeys(conn: &mut Conn<'_>, account: &AccountId) -> Result<Vec<Passkey>> {
    let credentials = passkey_rows::credentials(conn, account).await?;
    credentials
        .iter()
        .map(|credential| serde_json::from_str(credential).map_err(Error::internal))
        .collect()
}

/// The row of a passkey that was just made.
pub(super) fn new_passkey(
    context: &Context,
    account: &AccountId,
    made: &Made,
    name: &str,
) -> Result<NewPasskey> {
    let name = fit_name("passkey_name", name)?;
    Ok(NewPasskey {
        id: PasskeyId::new(context.clock.now(), context.random.for_id()),
        account: account.clone(),
        credential_id: passkeys::credential_id(&made.passkey),
        credential: serde_json::to_string(&made.passkey).map_err(Error::internal)?,
        name,
    })
}

/// WebAuthn Level 3 §7.1 step 26: a credential id belongs to one account.
pub(super) fn taken(error: DbError) -> Error {
    match error {
        DbError::Unique => Error::PasskeyRefused("this passkey is registered already: sign in with it"),
        other => other.into(),
    }
}

/// Somebody at the door with a link.
#[derive(Clone)]
struct Person {
    link: LinkId,
    account: NewAccount,
    /// On set-up, the organisation's name.
    organisation: Option<String>,
    /// Ids for what set-up makes.
    organisation_id: OrganisationId,
    signer: SignerId,
}

/// What the link did, for the record.
enum Event {
    SetUp(OrganisationId),
    Joined(OrganisationId, Role),
    Recovered,
}

impl Person {
    async fn come_in(&self, tx: &mut Conn<'_>, now: UnixMillis) -> Result<Event> {
        let purpose = links::take(tx, &self.link, now).await?;
        let account = &self.account;
        Ok(match purpose {
            Purpose::Setup => {
                let organisation = self.set_up(tx, now).await?;
                accounts::insert(tx, account, now).await?;
                memberships::set(tx, &organisation, &account.id, Role::Owner, now).await?;
                Event::SetUp(organisation)
            }
            Purpose::Invitation { organisation, role } => {
                accounts::insert(tx, account, now).await?;
                memberships::set(tx, &organisation, &account.id, role, now).await?;
                Event::Joined(organisation, role)
            }
            Purpose::Recovery { account } => {
                // Whoever lost a passkey may have lost a signed-in browser with it, and a recovery that somebody else has
                // begun meanwhile shall not come second.
                sign_ins::delete_all(tx, &account).await?;
                link_rows::void_recoveries(tx, &account).await?;
                Event::Recovered
            }
        })
    }

    /// The first organisation: the one that tokens have been confined to already, or a new one.
    async fn set_up(&self, tx: &mut Conn<'_>, now: UnixMillis) -> Result<OrganisationId> {
        let set_up_by = settings::keep(tx, SET_UP_BY, self.account.id.as_str()).await?;
        if set_up_by != self.account.id.as_str() || accounts::any_person(tx).await? {
            return Err(Error::LinkUnknown);
        }
        let name = self.organisation.as_deref().unwrap_or_default();
        if let Some(organisation) = organisations::first_root(tx).await? {
            organisations::rename(tx, &organisation, name).await?;
            return Ok(organisation);
        }
        let id = self.organisation_id.clone();
        organisations::insert_root(tx, &id, name, now).await?;
        signers::add_builtin(tx, &id, now, self.signer.clone()).await?;
        Ok(id)
    }
}

impl Event {
    async fn record(&self, tx: &mut Conn<'_>, account: &NewAccount, now: UnixMillis) -> Result<()> {
        let (scope, action, detail) = match self {
            Self::SetUp(organisation) => (
                Scope::Organisation(organisation),
                "organisation.set_up",
                Role::Owner.as_str(),
            ),
            Self::Joined(organisation, role) => {
                (Scope::Organisation(organisation), "member.joined", role.as_str())
            }
            Self::Recovered => (Scope::Server, "account.recovered", "a passkey was added"),
        };
        let entry = Entry {
            scope,
            at: now,
            actor: Actor::Account {
                id: &account.id,
                name: &account.name,
            },
            action,
            subject: account.id.as_str(),
            detail,
        };
        Ok(audit::append(tx, &entry).await?)
    }
}
