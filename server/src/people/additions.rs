//! Passkeys of somebody who is signed in: another one is added, one is renamed, one is removed.

use gangway_protocol::account::{Ceremony, Passkey};
use gangway_protocol::audit::Action;
use gangway_protocol::id::{AccountId, CeremonyId, PasskeyId};
use gangway_protocol::json::Verbatim;

use super::ceremony::{self, Pending};
use super::ending;
use super::passkeys::Passkeys;
use super::registration::{known_passkeys, new_passkey, start_making, taken};
use crate::authority::{Caller, fit_name};
use crate::authority::{Error, Result};
use crate::context::Context;
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::{accounts, audit, passkeys, recovery_codes, sign_ins, write};
use crate::relay::Relay;

/// Most passkeys of one account: every device of a person who has many, several times over.
const MAX_PASSKEYS: u32 = 32;

/// Starts adding a passkey.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::Conflict`] when there are too many already.
pub async fn start(context: &Context, passkeys: &Passkeys, caller: &Caller) -> Result<Ceremony> {
    caller.require_fresh_person(context.clock.now())?;
    let sign_in = caller.require_own_sign_in()?.clone();
    let mut reader = context.db.reader().await?;
    let conn = &mut reader.conn();
    if passkeys::count(conn, &caller.account).await? >= MAX_PASSKEYS {
        return Err(full());
    }
    let known = known_passkeys(conn, &caller.account).await?;
    let (name, user_handle) = accounts::name_and_handle(conn, &caller.account).await?;
    drop(reader);
    let (options, state) = start_making(passkeys, &user_handle, &name, &known)?;
    let account = caller.account.clone();
    let pending = Pending::Addition {
        account,
        sign_in,
        state,
    };
    ceremony::begin(context, &pending, &options).await
}

/// Finishes adding a passkey.
///
/// # Errors
/// [`Error::PasskeyRefused`].
pub async fn finish(
    context: &Context,
    passkeys: &Passkeys,
    caller: &Caller,
    id: CeremonyId,
    reply: &Verbatim,
    name: String,
) -> Result<Passkey> {
    let current = caller.require_own_sign_in()?;
    let state = match ceremony::take(context, id).await? {
        Pending::Addition {
            account,
            sign_in,
            state,
        } if account == caller.account && sign_in == *current => state,
        _ => return Err(ceremony::over()),
    };
    let now = context.clock.now();
    let made = passkeys.finish_making(reply, &state)?;
    let passkey = new_passkey(context, &caller.account, &made, &name)?;
    let added = Passkey {
        id: passkey.id.clone(),
        name: passkey.name.clone(),
        created_at: now,
        last_used_at: None,
    };
    let caller = caller.clone();
    write!(context.db, |tx| -> Result<()> {
        accounts::lock(tx, &caller.account).await?;
        if passkeys::count(tx, &caller.account).await? >= MAX_PASSKEYS {
            return Err(full());
        }
        passkeys::insert(tx, &passkey, now).await.map_err(taken)?;
        let entry = Entry {
            scope: Scope::Server,
            at: now,
            actor: caller.actor(),
            action: Action::PasskeyAdded,
            subject: passkey.id.as_str(),
            detail: &passkey.name,
        };
        Ok(audit::append(tx, &entry).await?)
    })?;
    Ok(added)
}

/// Gives a passkey another name.
///
/// # Errors
/// [`Error::Invalid`] for a name that is none; [`Error::NotFound`] for a passkey of somebody else, too.
pub async fn rename(context: &Context, caller: &Caller, id: PasskeyId, name: &str) -> Result<Passkey> {
    caller.require_own_sign_in()?;
    let (name, account) = (fit_name("name", name)?, caller.account.clone());
    let renamed = write!(context.db, |tx| {
        passkeys::rename(tx, &account, &id, &name).await
    })?;
    renamed.ok_or(Error::NotFound)
}

/// Removes a passkey, and signs out the browsers that proved it last, except the one that asks: whoever removes a lost
/// laptop's passkey means that laptop. The last one stays while there is no recovery code: without either, nobody could come
/// in again.
///
/// # Errors
/// [`Error::StepUpRequired`], [`Error::NotFound`], [`Error::Conflict`].
pub async fn remove(context: &Context, relay: &Relay, caller: &Caller, id: PasskeyId) -> Result<()> {
    let now = context.clock.now();
    caller.require_fresh_person(now)?;
    let current = caller.require_own_sign_in()?.clone();
    let (account, by): (AccountId, String) = (caller.account.clone(), caller.name.clone());
    write!(context.db, |tx| -> Result<()> {
        accounts::lock(tx, &account).await?;
        let name = passkeys::delete(tx, &account, &id)
            .await?
            .ok_or(Error::NotFound)?;
        if passkeys::count(tx, &account).await? == 0 && recovery_codes::count(tx, &account).await? == 0 {
            return Err(Error::Conflict(
                "this is your last passkey, and you have no recovery codes: add another passkey or make recovery codes first"
                    .to_owned(),
            ));
        }
        let signed_out = sign_ins::delete_by_passkey(tx, &account, &id, &current).await?;
        let entry = Entry {
            scope: Scope::Server,
            at: now,
            actor: Actor::Account {
                id: &account,
                name: &by,
            },
            action: Action::PasskeyRemoved,
            subject: id.as_str(),
            detail: &format!("{name}; browsers signed out with it: {signed_out}"),
        };
        Ok(audit::append(tx, &entry).await?)
    })?;
    ending::look_again(context, relay, &caller.account).await;
    Ok(())
}

fn full() -> Error {
    Error::Conflict(format!(
        "an account has at most {MAX_PASSKEYS} passkeys: remove one that you do not use"
    ))
}
