//! A person's account, looked after by that person: its name, and the browsers that are signed in to it.

use gangway_protocol::account::Account;
use gangway_protocol::audit::Action;
use gangway_protocol::id::SignInId;

use super::{ending, sign_in};
use crate::authority::{Caller, fit_name};
use crate::authority::{Error, Result};
use crate::context::Context;
use crate::db::audit::{Entry, Scope};
use crate::db::{accounts, audit, sign_ins, write};
use crate::relay::Relay;

/// Gives the caller's account another name.
///
/// # Errors
/// [`Error::Invalid`] for a name that is none.
pub async fn rename(context: &Context, caller: &Caller, name: &str) -> Result<Account> {
    caller.require_own_sign_in()?;
    let name = fit_name("name", name)?;
    let (member, now) = (caller.clone(), context.clock.now());
    write!(context.db, |tx| {
        accounts::rename(tx, &member.account, &name).await?;
        let entry = Entry {
            scope: Scope::Server,
            at: now,
            actor: member.actor(),
            action: Action::AccountRenamed,
            subject: member.account.as_str(),
            detail: &name,
        };
        audit::append(tx, &entry).await
    })?;
    sign_in::account_of(context, caller).await
}

/// Signs a browser of the caller's account out.
///
/// # Errors
/// [`Error::NotFound`] for one of somebody else, too.
pub async fn end_sign_in(context: &Context, relay: &Relay, caller: &Caller, id: SignInId) -> Result<()> {
    caller.require_person()?;
    let (now, member) = (context.clock.now(), caller.clone());
    write!(context.db, |tx| -> Result<()> {
        if !sign_ins::delete(tx, &member.account, &id).await? {
            return Err(Error::NotFound);
        }
        let entry = Entry {
            scope: Scope::Server,
            at: now,
            actor: member.actor(),
            action: Action::SignInEnded,
            subject: id.as_str(),
            detail: "",
        };
        Ok(audit::append(tx, &entry).await?)
    })?;
    ending::look_again(context, relay, &caller.account).await;
    Ok(())
}
