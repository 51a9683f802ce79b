//! Becoming somebody by a one-time link.
//!
//! 1. The link is looked at, and the authenticator is asked for a passkey. Nothing has changed yet.
//! 2. One transaction uses the link up and does what it is for: set-up makes the first organisation and its owner, a sign-up a
//!    further customer, an invitation makes a member, a recovery adds the passkey to the account and signs its other browsers out.
//! 3. The browser is signed in.

use gangway_protocol::account::{Account, Ceremony, RegistrationRequest, SignUpMode};
use gangway_protocol::audit::Action;
use gangway_protocol::id::{AccountId, CeremonyId, LinkId, PasskeyId};
use gangway_protocol::json::Verbatim;
use gangway_protocol::organisation::Role;
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;
use serde_json::Value;
use webauthn_rs::prelude::{Passkey, PasskeyRegistration, Uuid};

use super::ceremony::{self, Pending};
use super::customers::{self, NewCustomer};
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
use crate::db::links::Purpose;
use crate::db::passkeys::NewPasskey;
use crate::db::{
    Conn, DbError, accounts, audit, links as link_rows, memberships, organisations, passkeys as passkey_rows,
    settings, sign_ins, write,
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
    let link = links::open(conn, &request.token, context.config.sign_up, now).await?;
    let (account, user_handle, name, known) = match &link.purpose {
        Purpose::Recovery { account } => {
            let (name, user_handle) = accounts::name_and_handle(conn, account).await?;
            (
                account.clone(),
                user_handle,
                name,
                known_passkeys(conn, account).await?,
            )
        }
        Purpose::Setup | Purpose::Customer | Purpose::SignUp | Purpose::Invitation { .. } => (
            AccountId::new(now, context.random.for_id()),
            super::user_handle(&*context.random).to_string(),
            fit_name("name", &request.name)?,
            Vec::new(),
        ),
    };
    drop(reader);
    let organisation = customers::name_for(&link, request.organisation.as_deref())?;
    let (options, state) = start_making(passkeys, &user_handle, &name, &known)?;
    let pending = Pending::Registration {
        link: link.id,
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
        customer: NewCustomer::new(context, now),
        mode: context.config.sign_up,
    };
    write!(context.db, |tx| -> Result<()> {
        person.come_in(tx, now).await?;
        passkey_rows::insert(tx, &passkey, now).await.map_err(taken)?;
        Ok(fresh.open(tx, now).await?)
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
    /// Where a customer is made, its name.
    organisation: Option<String>,
    customer: NewCustomer,
    /// How customers are made here.
    mode: SignUpMode,
}

impl Person {
    async fn come_in(&self, tx: &mut Conn<'_>, now: UnixMillis) -> Result<()> {
        let purpose = links::take(tx, &self.link, self.mode, now).await?.purpose;
        let account = &self.account;
        let name = self.organisation.as_deref().unwrap_or_default();
        match &purpose {
            Purpose::Setup => self.set_up(tx, name, now).await,
            Purpose::Customer | Purpose::SignUp => {
                accounts::insert(tx, account, now).await?;
                self.customer
                    .make_by(tx, &purpose, name, &self.actor(), &account.id, now)
                    .await
            }
            Purpose::Invitation { organisation, role } => {
                accounts::insert(tx, account, now).await?;
                memberships::set(tx, organisation, &account.id, *role, now).await?;
                let scope = Scope::Organisation(organisation);
                self.record(tx, scope, Action::MemberJoined, role.as_str(), now)
                    .await
            }
            Purpose::Recovery { account } => {
                // Whoever lost a passkey may have lost a signed-in browser with it, and a recovery that somebody else has
                // begun meanwhile shall not come second.
                sign_ins::delete_all(tx, account).await?;
                link_rows::void_recoveries(tx, account).await?;
                self.record(
                    tx,
                    Scope::Server,
                    Action::AccountRecovered,
                    "a passkey was added",
                    now,
                )
                .await
            }
        }
    }

    /// The first organisation: the one that tokens have been confined to already, or a new one.
    async fn set_up(&self, tx: &mut Conn<'_>, name: &str, now: UnixMillis) -> Result<()> {
        let set_up_by = settings::keep(tx, SET_UP_BY, self.account.id.as_str()).await?;
        if set_up_by != self.account.id.as_str() || accounts::any_person(tx).await? {
            return Err(Error::LinkUnknown);
        }
        let organisation = match organisations::customers::first(tx).await? {
            Some(organisation) => {
                organisations::rename(tx, &organisation, name).await?;
                organisation
            }
            None => {
                let NewCustomer { id, signer, .. } = &self.customer;
                customers::make(tx, id, signer, name, None, now).await?;
                id.clone()
            }
        };
        let account = &self.account;
        accounts::insert(tx, account, now).await?;
        memberships::set(tx, &organisation, &account.id, Role::Owner, now).await?;
        let scope = Scope::Organisation(&organisation);
        self.record(tx, scope, Action::OrganisationSetUp, Role::Owner.as_str(), now)
            .await
    }

    async fn record(
        &self,
        tx: &mut Conn<'_>,
        scope: Scope<'_>,
        action: Action,
        detail: &str,
        now: UnixMillis,
    ) -> Result<()> {
        let entry = Entry {
            scope,
            at: now,
            actor: self.actor(),
            action,
            subject: self.account.id.as_str(),
            detail,
        };
        Ok(audit::append(tx, &entry).await?)
    }

    fn actor(&self) -> Actor<'_> {
        Actor::Account {
            id: &self.account.id,
            name: &self.account.name,
        }
    }
}
