//! Members of an organisation: somebody who belongs to the customer already, another role, a membership suspended or ended.
//!
//! Nobody gives a role above their own, changes somebody above them, or leaves an organisation without an owner
//! (threat model, ACC-7). These rules span several rows, so each change first bumps the organisation's revision.

use gangway_protocol::audit::Action;
use gangway_protocol::id::{AccountId, OrganisationId};
use gangway_protocol::organisation::{Member, Role};
use gangway_protocol::time::UnixMillis;

use super::ending::{self, Ended};
use crate::authority::open_place;
use crate::authority::{Caller, Right};
use crate::authority::{Error, Result};
use crate::context::Context;
use crate::db::organisations::tree;
use crate::db::{Conn, accounts, identities, memberships, organisations, write};
use crate::relay::Relay;

/// Makes somebody a member who belongs to another organisation of the customer that the caller administers. Everybody else is
/// invited.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::NotFound`] for somebody whom the caller does not administer anywhere;
/// [`Error::Forbidden`] above the caller's own role; [`Error::Conflict`] for a member.
pub async fn add(
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
    let member = write!(context.db, |tx| -> Result<Member> {
        organisations::bump_revision(tx, &organisation).await?;
        accounts::lock(tx, &account).await?;
        let own = organisations::role_at(tx, &organisation, &caller.account)
            .await?
            .ok_or(Error::NotFound)?;
        if !is_known(tx, &caller, &organisation, &account).await? {
            return Err(Error::NotFound);
        }
        if !own.may_administer() || role > own {
            return Err(ABOVE);
        }
        open_place(tx, &organisation).await?;
        if memberships::find(tx, &organisation, &account).await?.is_some() {
            return Err(Error::Conflict(
                "they are a member of this organisation already: change their role instead".to_owned(),
            ));
        }
        memberships::set(tx, &organisation, &account, role, now).await?;
        let (name, _) = accounts::name_and_handle(tx, &account).await?;
        let ended = Ended {
            organisation,
            action: Action::MemberAdded,
            subject: account.to_string(),
            detail: format!("{name}, as {}", role.as_str()),
            device: None,
        };
        ending::record(tx, &[ended], caller.actor(), now).await?;
        Ok(Member {
            account,
            name,
            role,
            suspended_at: None,
        })
    })?;
    ending::look_again(context, relay, &member.account).await;
    Ok(member)
}

/// Whether the caller administers an organisation of the same customer that `account` is a member of.
async fn is_known(
    tx: &mut Conn<'_>,
    caller: &Caller,
    target: &OrganisationId,
    account: &AccountId,
) -> Result<bool> {
    let customer = tree::find(tx, target).await?.ok_or(Error::NotFound)?.root;
    for (organisation, _) in memberships::of_account(tx, account, MAX_MEMBERSHIPS).await? {
        let place = tree::find(tx, &organisation).await?.ok_or(Error::NotFound)?;
        if place.root != customer {
            continue;
        }
        let role = organisations::role_at(tx, &organisation, &caller.account).await?;
        if role.is_some_and(Role::may_administer) {
            return Ok(true);
        }
    }
    Ok(false)
}

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
        let (own, former, suspended_at) = roles(tx, &organisation, &caller, &account).await?;
        if !own.may_administer() || role > own || former > own {
            return Err(ABOVE);
        }
        refuse_claimed(tx, &organisation, &account).await?;
        memberships::set(tx, &organisation, &account, role, now).await?;
        keep_an_owner(tx, &organisation, former).await?;
        let mut ended = ending::end_what_exceeds(tx, &account, now).await?;
        let (name, _) = accounts::name_and_handle(tx, &account).await?;
        let detail = format!("{name}: {} to {}", former.as_str(), role.as_str());
        ended.insert(
            0,
            Ended {
                organisation,
                action: Action::MemberRoleChanged,
                subject: account.to_string(),
                detail,
                device: None,
            },
        );
        ending::record(tx, &ended, caller.actor(), now).await?;
        let member = Member {
            account,
            name,
            role,
            suspended_at,
        };
        Ok((member, ended))
    })?;
    ending::tell_devices(context, &ended);
    ending::look_again(context, relay, &member.account).await;
    Ok(member)
}

/// Suspends a membership: it gives no right until it is let count again, and what rested on it ends as if it had ended.
/// Repeating it changes nothing.
///
/// # Errors
/// As [`change_role`]; [`Error::Conflict`] for one's own.
pub async fn suspend(
    context: &Context,
    relay: &Relay,
    caller: &Caller,
    organisation: OrganisationId,
    account: AccountId,
) -> Result<Member> {
    set_suspended(context, relay, caller, organisation, account, true).await
}

/// Lets a suspended membership count again. Repeating it changes nothing.
///
/// # Errors
/// As [`suspend`].
pub async fn resume(
    context: &Context,
    relay: &Relay,
    caller: &Caller,
    organisation: OrganisationId,
    account: AccountId,
) -> Result<Member> {
    set_suspended(context, relay, caller, organisation, account, false).await
}

async fn set_suspended(
    context: &Context,
    relay: &Relay,
    caller: &Caller,
    organisation: OrganisationId,
    account: AccountId,
    suspended: bool,
) -> Result<Member> {
    let now = context.clock.now();
    caller
        .require(&context.db, &organisation, Right::Administer)
        .await?;
    caller.require_fresh_person(now)?;
    if caller.account == account {
        return Err(Error::Conflict(
            "nobody suspends themselves: leave the organisation, or ask another admin".to_owned(),
        ));
    }
    let caller = caller.clone();
    let (member, ended) = write!(context.db, |tx| -> Result<(Member, Vec<Ended>)> {
        let (own, role, former) = roles(tx, &organisation, &caller, &account).await?;
        if !own.may_administer() || role > own {
            return Err(ABOVE);
        }
        let (name, _) = accounts::name_and_handle(tx, &account).await?;
        let mut member = Member {
            account,
            name,
            role,
            suspended_at: former,
        };
        if suspended == former.is_some() {
            return Ok((member, Vec::new()));
        }
        member.suspended_at = suspended.then_some(now);
        memberships::set_suspended(tx, &organisation, &member.account, member.suspended_at).await?;
        keep_an_owner(tx, &organisation, role).await?;
        let mut ended = ending::end_what_exceeds(tx, &member.account, now).await?;
        ended.insert(
            0,
            Ended {
                organisation,
                action: if suspended {
                    Action::MemberSuspended
                } else {
                    Action::MemberResumed
                },
                subject: member.account.to_string(),
                detail: member.name.clone(),
                device: None,
            },
        );
        ending::record(tx, &ended, caller.actor(), now).await?;
        Ok((member, ended))
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
        let (own, former, _) = roles(tx, &organisation, &caller, &account).await?;
        if !leaves && (!own.may_administer() || former > own) {
            return Err(ABOVE);
        }
        if !leaves {
            refuse_claimed(tx, &organisation, &account).await?;
        }
        memberships::delete(tx, &organisation, &account).await?;
        keep_an_owner(tx, &organisation, former).await?;
        let mut ended = ending::end_what_exceeds(tx, &account, now).await?;
        let (name, _) = accounts::name_and_handle(tx, &account).await?;
        ended.insert(
            0,
            Ended {
                organisation,
                action: if leaves {
                    Action::MemberLeft
                } else {
                    Action::MemberRemoved
                },
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

/// Most memberships of an account that are looked at for one that the caller administers.
const MAX_MEMBERSHIPS: i64 = 200;

const ABOVE: Error =
    Error::Forbidden("this is above your own role in this organisation: ask one of its owners");

/// The caller's role, held here or above, and the role that `account` holds at this very organisation; no other change
/// comes between from here on.
async fn roles(
    tx: &mut Conn<'_>,
    organisation: &OrganisationId,
    caller: &Caller,
    account: &AccountId,
) -> Result<(Role, Role, Option<UnixMillis>)> {
    organisations::bump_revision(tx, organisation).await?;
    // Whoever makes a token of this account at the same time waits, and then makes it by the role that is left.
    accounts::lock(tx, account).await?;
    let own = organisations::role_at(tx, organisation, &caller.account).await?;
    let former = memberships::find(tx, organisation, account).await?;
    let (own, (former, suspended_at)) = own.zip(former).ok_or(Error::NotFound)?;
    Ok((own, former, suspended_at))
}

/// What a provider says comes back with the next sign-in: to change it here would be no more than a pretence.
async fn refuse_claimed(tx: &mut Conn<'_>, organisation: &OrganisationId, account: &AccountId) -> Result<()> {
    if identities::is_claimed(tx, organisation, account).await? {
        return Err(Error::Conflict(
            "this role comes from your identity provider: change it there, or suspend the membership here"
                .to_owned(),
        ));
    }
    Ok(())
}

async fn keep_an_owner(tx: &mut Conn<'_>, organisation: &OrganisationId, former: Role) -> Result<()> {
    if former == Role::Owner && memberships::owners(tx, organisation).await? == 0 {
        return Err(Error::LastOwner);
    }
    Ok(())
}
