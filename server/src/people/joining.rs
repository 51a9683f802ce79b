//! Joining an organisation by an invitation with the account one has: nobody needs a second account, with a second passkey,
//! for a second organisation. Who has none yet registers by the same link ([`super::registration`]).

use gangway_protocol::secret::SecretString;

use super::links;
use crate::authority::Caller;
use crate::authority::{Error, Result};
use crate::context::Context;
use crate::db::audit::{Entry, Scope};
use crate::db::links::Purpose;
use crate::db::{audit, memberships, write};

/// Makes the caller a member by an invitation, which is used up. A greater role than the one they hold replaces it.
///
/// # Errors
/// [`Error::LinkUnknown`] for every other link too; [`Error::Conflict`] when they hold as much already, which leaves
/// the invitation good for whom it was meant.
pub async fn join(context: &Context, caller: &Caller, token: &SecretString) -> Result<()> {
    caller.require_person()?;
    let now = context.clock.now();
    let mut reader = context.db.reader().await?;
    let link = links::open(&mut reader.conn(), token, now).await?.id;
    drop(reader);
    let member = caller.clone();
    write!(context.db, |tx| -> Result<()> {
        // What fails from here on rolls the taking back.
        let Purpose::Invitation { organisation, role } = links::take(tx, &link, now).await? else {
            return Err(Error::LinkUnknown);
        };
        let held = memberships::find(tx, &organisation, &member.account).await?;
        // An invitation opens no door that an admin has closed.
        if held.is_some_and(|(_, suspended_at)| suspended_at.is_some()) {
            return Err(Error::Conflict(
                "your membership of this organisation is suspended: ask one of its admins".to_owned(),
            ));
        }
        if held.is_some_and(|(held, _)| held >= role) {
            return Err(Error::Conflict(
                "you are a member of this organisation already: the invitation is for somebody else"
                    .to_owned(),
            ));
        }
        memberships::set(tx, &organisation, &member.account, role, now).await?;
        let entry = Entry {
            scope: Scope::Organisation(&organisation),
            at: now,
            actor: member.actor(),
            action: "member.joined",
            subject: member.account.as_str(),
            detail: role.as_str(),
        };
        Ok(audit::append(tx, &entry).await?)
    })
}
