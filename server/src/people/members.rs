//! Members of an organisation: another role, and the end of a membership.
//!
//! Nobody gives a role above their own, changes somebody above them, or leaves an organisation without an owner
//! (threat model, ACC-7). These rules span several rows, so each change first bumps the organisation's revision.

use gangway_protocol::id::{AccountId, OrganisationId};
use gangway_protocol::organisation::{Member, Role};

use super::ending::{self, Ended};
use crate::authority::{Caller, Right};
use crate::authority::{Error, Result};
use crate::context::Context;
use crate::db::{Conn, accounts, memberships, organisations, write};
use crate::relay::Relay;

/// Gives a member another role.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::NotFound`] for somebody who is no member; [`Error::Forbidden`] above the caller's own
/// role; [`Error::LastOwner`].
pub async fn change_role(
    context: &Context,
    relay: &Relay,
    caller: &Caller,
    organisation: OrganisationId,
    account: AccountId,
    role: Role,
) -> Result<Member> {
    let now = context.clock.now();
    caller
        .require(&context.db, &organisation, Right::Administer)
        .await?;
    caller.require_fresh_person(now)?;
    let caller = caller.clone();
    let (member, ended) = write!(context.db, |tx| -> Result<(Member, Vec<Ended>)> {
        let (own, former) = roles(tx, &organisation, &caller, &account).await?;
        if !own.may_administer() || role > own || former > own {
            return Err(ABOVE);
        }
        memberships::set(tx, &organisation, &account, role, now).await?;
        keep_an_owner(tx, &organisation, former).await?;
        let mut ended = ending::end_what_exceeds(tx, &account, now).await?;
        let (name, _) = accounts::name_and_handle(tx, &account).await?;
        let detail = format!("{name}: {} to {}", former.as_str(), role.as_str());
        ended.insert(
            0,
            Ended {
                organisation,
                action: "member.role_changed",
                subject: account.to_string(),
                detail,
                device: None,
            },
        );
        ending::record(tx, &ended, caller.actor(), now).await?;
        Ok((Member { account, name, role }, ended))
    })?;
    ending::tell_devices(context, &ended);
    ending::look_again(context, relay, &member.account).await;
    Ok(member)
}

/// Ends a membership: an admin's of somebody else, or one's own.
///
/// # Errors
/// As [`change_role`].
pub async fn remove(
    context: &Context,
    relay: &Relay,
    caller: &Caller,
    organisation: OrganisationId,
    account: AccountId,
) -> Result<()> {
    let now = context.clock.now();
    let leaves = caller.account == account;
    let right = if leaves { Right::Belong } else { Right::Administer };
    caller.require(&context.db, &organisation, right).await?;
    caller.require_fresh_person(now)?;
    let (caller, removed) = (caller.clone(), account.clone());
    let ended = write!(context.db, |tx| -> Result<Vec<Ended>> {
        let (own, former) = roles(tx, &organisation, &caller, &account).await?;
        if !leaves && (!own.may_administer() || former > own) {
            return Err(ABOVE);
        }
        memberships::delete(tx, &organisation, &account).await?;
        keep_an_owner(tx, &organisation, former).await?;
        let mut ended = ending::end_what_exceeds(tx, &account, now).await?;
        let (name, _) = accounts::name_and_handle(tx, &account).await?;
        ended.insert(
            0,
            Ended {
                organisation,
                action: if leaves { "member.left" } else { "member.removed" },
                subject: account.to_string(),
                detail: name,
                device: None,
            },
        );
        ending::record(tx, &ended, caller.actor(), now).await?;
        Ok(ended)
    })?;
    ending::tell_devices(context, &ended);
    ending::look_again(context, relay, &removed).await;
    Ok(())
}

const ABOVE: Error =
    Error::Forbidden("this is above your own role in this organisation: ask one of its owners");

/// The caller's role, held here or above, and the role that `account` holds at this very organisation; no other change
/// comes between from here on.
async fn roles(
    tx: &mut Conn<'_>,
    organisation: &OrganisationId,
    caller: &Caller,
    account: &AccountId,
) -> Result<(Role, Role)> {
    organisations::bump_revision(tx, organisation).await?;
    // Whoever makes a token of this account at the same time waits, and then makes it by the role that is left.
    accounts::lock(tx, account).await?;
    let own = organisations::role_at(tx, organisation, &caller.account).await?;
    let former = memberships::role(tx, organisation, account).await?;
    own.zip(former).ok_or(Error::NotFound)
}

async fn keep_an_owner(tx: &mut Conn<'_>, organisation: &OrganisationId, former: Role) -> Result<()> {
    if former == Role::Owner && memberships::owners(tx, organisation).await? == 0 {
        return Err(Error::LastOwner);
    }
    Ok(())
}
