//! The tree of a customer's organisations: made, renamed, moved, archived.
//!
//! A customer is the root of a tree. Roles, signers and rules of an organisation hold below it. Whoever administers an
//! organisation shapes what is below it; its own place is decided by those who administer the one above.

use gangway_protocol::audit::Action;
use gangway_protocol::id::{AccountId, OrganisationId};
use gangway_protocol::organisation::{
    MAX_ORGANISATION_DEPTH, MAX_ORGANISATIONS, Organisation, OrganisationRequest, OrganisationUpdate, Role,
};
use gangway_protocol::path;
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;

use super::ending::{self, Ended};
use super::policy::hand_down;
use crate::authority::{Caller, Right};
use crate::authority::{Error, Result, fit_name, open_place};
use crate::context::Context;
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::organisations::tree::{self, Content, Place};
use crate::db::{Conn, accounts, audit, links, organisations, write};
use crate::once::Once;
use crate::relay::Relay;

const NOT_ABOVE: Error =
    Error::Forbidden("only those who administer the organisation above decide this: ask one of its admins");

/// Somebody whose rights a move may have changed, and what ended by that.
struct Affected {
    account: AccountId,
    ended: Vec<Ended>,
}

/// Makes an organisation below another one. Under the same `key` it is made once, and the same comes back.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::Invalid`] for a name that is none; [`Error::Conflict`] when there are too many, too deep,
/// or below one that is archived.
pub async fn create(
    context: &Context,
    caller: &Caller,
    key: Option<SecretString>,
    request: &OrganisationRequest,
) -> Result<Organisation> {
    let now = context.clock.now();
    caller
        .require(&context.db, &request.parent, Right::Administer)
        .await?;
    caller.fresh_proof(now)?;
    let name = fit_name("name", &request.name)?;
    let once = Once::of(
        key,
        &caller.account,
        &(path::ORGANISATIONS, request),
        &*context.random,
    )?;
    let id = OrganisationId::new(now, context.random.for_id());
    let root = place(context, &request.parent).await?.root;
    let (caller, parent) = (caller.clone(), request.parent.clone());
    write!(context.db, |tx| -> Result<Organisation> {
        if let Some(once) = &once
            && let Some(organisation) = once.begin(tx, now).await?
        {
            return Ok(organisation);
        }
        organisations::bump_revisions(tx, &[&root, &parent]).await?;
        let role = administers(tx, &parent, &caller.account).await?;
        let above = open_place(tx, &parent).await?;
        if tree::count_of_customer(tx, &root).await? >= u64::from(MAX_ORGANISATIONS) {
            return Err(Error::Conflict(format!(
                "a customer has at most {MAX_ORGANISATIONS} organisations: archive or reuse one"
            )));
        }
        require_depth(tree::path(tx, &parent).await?.len())?;
        tree::insert(tx, &id, &above, &name, now).await?;
        let made = Organisation {
            id,
            parent: Some(parent),
            name,
            role,
            policy: above.policy,
            archived_at: None,
        };
        if let Some(once) = &once {
            once.end(tx, &made).await?;
        }
        record(
            tx,
            &caller,
            &made.id,
            now,
            Action::OrganisationCreated,
            &made.name,
        )
        .await?;
        Ok(made)
    })
}

/// Renames an organisation, or puts it below another one of its customer.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::Forbidden`] to move it without administering what is above it, before and after;
/// [`Error::Conflict`] for a place below itself, too deep, or archived, and while a device is being enrolled in it.
pub async fn change(
    context: &Context,
    relay: &Relay,
    caller: &Caller,
    id: OrganisationId,
    update: OrganisationUpdate,
) -> Result<Organisation> {
    let now = context.clock.now();
    caller.require(&context.db, &id, Right::Administer).await?;
    caller.fresh_proof(now)?;
    let name = update
        .name
        .as_deref()
        .map(|name| fit_name("name", name))
        .transpose()?;
    let former = place(context, &id).await?;
    let target = update
        .parent
        .filter(|parent| former.parent.as_ref() != Some(parent));
    if let Some(target) = &target {
        require_target(context, caller, &former, target).await?;
    }
    let doing = caller.clone();
    let moved_id = id.clone();
    let (changed, affected) = write!(context.db, |tx| -> Result<(Organisation, Vec<Affected>)> {
        let mut held = vec![&former.root, &moved_id];
        held.extend(former.parent.as_ref());
        held.extend(target.as_ref());
        organisations::bump_revisions(tx, &held).await?;
        if target.is_some() {
            tree::close_below(tx, &moved_id).await?;
        }
        let mut place = tree::find(tx, &moved_id).await?.ok_or(Error::NotFound)?;
        if place.parent != former.parent {
            return Err(Error::Conflict(
                "somebody else has moved this organisation meanwhile: look where it is now".to_owned(),
            ));
        }
        administers(tx, &moved_id, &doing.account).await?;
        if let Some(name) = name.filter(|name| *name != place.name) {
            organisations::rename(tx, &moved_id, &name).await?;
            record(tx, &doing, &moved_id, now, Action::OrganisationRenamed, &name).await?;
            place.name = name;
        }
        let affected = match &target {
            None => Vec::new(),
            Some(target) => move_below(tx, &doing, &mut place, target, now).await?,
        };
        Ok((shown(tx, place, &doing.account).await?, affected))
    })?;
    for Affected { account, ended } in &affected {
        ending::tell_devices(context, ended);
        ending::look_again(context, relay, account).await;
    }
    Ok(changed)
}

/// Makes sure that the caller decides where an organisation is and where it goes, and that it stays with its customer.
async fn require_target(
    context: &Context,
    caller: &Caller,
    former: &Place,
    target: &OrganisationId,
) -> Result<()> {
    let Some(parent) = &former.parent else {
        return Err(Error::Conflict(
            "a customer's first organisation is below no other one".to_owned(),
        ));
    };
    require_above(context, caller, parent).await?;
    caller.require(&context.db, target, Right::Administer).await?;
    if place(context, target).await?.root != former.root {
        return Err(Error::Conflict(
            "that organisation is another customer's: an organisation moves within its own".to_owned(),
        ));
    }
    Ok(())
}

/// Makes sure that the caller administers what is above an organisation, by this credential.
async fn require_above(context: &Context, caller: &Caller, parent: &OrganisationId) -> Result<()> {
    match caller.require(&context.db, parent, Right::Administer).await {
        Ok(_) => Ok(()),
        Err(Error::NotFound | Error::Forbidden(_)) => Err(NOT_ABOVE),
        Err(other) => Err(other),
    }
}

/// Archives an organisation that holds nothing any more: it takes no devices, members or organisations until it is opened
/// again. Repeating it changes nothing.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::Forbidden`] without administering what is above it; [`Error::Conflict`] while it holds
/// devices or open organisations.
pub async fn archive(context: &Context, caller: &Caller, id: OrganisationId) -> Result<Organisation> {
    set_archived(context, caller, id, true).await
}

/// Opens an archived organisation again. Repeating it changes nothing.
///
/// # Errors
/// As [`archive`]; [`Error::Conflict`] below one that is archived itself.
pub async fn open_again(context: &Context, caller: &Caller, id: OrganisationId) -> Result<Organisation> {
    set_archived(context, caller, id, false).await
}

async fn set_archived(
    context: &Context,
    caller: &Caller,
    id: OrganisationId,
    archived: bool,
) -> Result<Organisation> {
    let now = context.clock.now();
    caller.require(&context.db, &id, Right::Administer).await?;
    caller.fresh_proof(now)?;
    let former = place(context, &id).await?;
    let Some(parent) = former.parent.clone() else {
        return Err(Error::Conflict(
            "a customer's first organisation is not archived: whoever operates this server ends a customer"
                .to_owned(),
        ));
    };
    require_above(context, caller, &parent).await?;
    let caller = caller.clone();
    write!(context.db, |tx| -> Result<Organisation> {
        organisations::bump_revisions(tx, &[&former.root, &parent, &id]).await?;
        tree::close(tx, &id).await?;
        let mut place = tree::find(tx, &id).await?.ok_or(Error::NotFound)?;
        if place.parent.as_ref() != Some(&parent) || !is_admin(tx, &parent, &caller.account).await? {
            return Err(NOT_ABOVE);
        }
        if archived != place.is_open() {
            return shown(tx, place, &caller.account).await;
        }
        if archived {
            require_empty(tx, &id).await?;
            void_invitations(tx, &id, caller.actor(), now).await?;
        } else {
            open_place(tx, &parent).await?;
        }
        place.archived_at = archived.then_some(now);
        tree::set_archived(tx, &id, place.archived_at).await?;
        let action = if archived {
            Action::OrganisationArchived
        } else {
            Action::OrganisationOpened
        };
        record(tx, &caller, &id, now, action, &place.name).await?;
        shown(tx, place, &caller.account).await
    })
}

/// Takes back the invitations that wait, as each that is taken back is recorded.
async fn void_invitations(
    tx: &mut Conn<'_>,
    id: &OrganisationId,
    actor: Actor<'_>,
    now: UnixMillis,
) -> Result<()> {
    let ended: Vec<Ended> = links::void_invitations(tx, id)
        .await?
        .into_iter()
        .map(|link| Ended {
            organisation: id.clone(),
            action: Action::InvitationVoided,
            subject: link.to_string(),
            detail: "its organisation was archived".to_owned(),
            device: None,
        })
        .collect();
    Ok(ending::record(tx, &ended, actor, now).await?)
}

/// Moves an organisation, in a transaction that holds it, its customer, and both parents; says whose rights that ended.
async fn move_below(
    tx: &mut Conn<'_>,
    caller: &Caller,
    place: &mut Place,
    target: &OrganisationId,
    now: UnixMillis,
) -> Result<Vec<Affected>> {
    for above in place.parent.iter().chain([target]) {
        if !is_admin(tx, above, &caller.account).await? {
            return Err(NOT_ABOVE);
        }
    }
    let above = open_place(tx, target).await?;
    let (before, after) = (tree::path(tx, &place.id).await?, tree::path(tx, target).await?);
    if after.contains(&place.id) {
        return Err(Error::Conflict(format!(
            "“{}” is below “{}” itself: choose a place outside of it",
            above.name, place.name
        )));
    }
    let levels = tree::below(tx, &place.id)
        .await?
        .last()
        .map_or(0, |last| last.distance);
    require_depth(after.len() + usize::try_from(levels).unwrap_or_default())?;
    // What was begun by a right that ends here would have to end with it, under the locks of its devices.
    if tree::is_enrolling(tx, &place.id).await? {
        return Err(Error::Conflict(format!(
            "a device is being enrolled in “{}” or below it: wait until that has ended",
            place.name
        )));
    }
    tree::set_parent(tx, &place.id, target).await?;
    place.parent = Some(target.clone());
    place.policy = above.policy.tightened_by(&place.own);
    tree::set_policy(tx, &place.id, &place.policy, Some(&place.own)).await?;
    hand_down(tx, &place.id, &place.policy).await?;
    let elsewhere: Vec<OrganisationId> = before.into_iter().chain(after).collect();
    let mut affected = Vec::new();
    let members = tree::members_of(tx, &elsewhere).await?;
    // Whoever has something signed or makes a token by the former right has done it by now, or finds the new one.
    for account in &members {
        accounts::lock(tx, account).await?;
    }
    for account in members {
        let ended = ending::end_what_exceeds(tx, &account, now).await?;
        ending::record(tx, &ended, caller.actor(), now).await?;
        affected.push(Affected { account, ended });
    }
    let detail = format!("{} below {}", place.name, above.name);
    record(tx, caller, &place.id, now, Action::OrganisationMoved, &detail).await?;
    Ok(affected)
}

fn require_depth(levels: usize) -> Result<()> {
    if levels > usize::try_from(MAX_ORGANISATION_DEPTH).unwrap_or_default() {
        return Err(Error::Conflict(format!(
            "organisations go at most {MAX_ORGANISATION_DEPTH} levels down: choose a place further up"
        )));
    }
    Ok(())
}

async fn require_empty(tx: &mut Conn<'_>, id: &OrganisationId) -> Result<()> {
    let why = match tree::content(tx, id).await? {
        None => return Ok(()),
        Some(Content::Organisations) => "there are organisations below it: move or archive them first",
        Some(Content::Devices) => "there are devices in it: move or retire them first",
    };
    Err(Error::Conflict(why.to_owned()))
}

async fn place(context: &Context, id: &OrganisationId) -> Result<Place> {
    let mut reader = context.db.reader().await?;
    tree::find(&mut reader.conn(), id).await?.ok_or(Error::NotFound)
}

async fn is_admin(tx: &mut Conn<'_>, id: &OrganisationId, account: &AccountId) -> Result<bool> {
    let role = organisations::role_at(tx, id, account).await?;
    Ok(role.is_some_and(Role::may_administer))
}

/// The role of somebody who still administers an organisation.
async fn administers(tx: &mut Conn<'_>, id: &OrganisationId, account: &AccountId) -> Result<Role> {
    organisations::role_at(tx, id, account)
        .await?
        .filter(|role| role.may_administer())
        .ok_or(Error::NotFound)
}

/// An organisation as one of its members may see it: one above it that they hold no role in is not named.
async fn shown(tx: &mut Conn<'_>, place: Place, account: &AccountId) -> Result<Organisation> {
    let role = organisations::role_at(tx, &place.id, account).await?;
    let parent = match place.parent {
        Some(parent) => organisations::role_at(tx, &parent, account)
            .await?
            .map(|_| parent),
        None => None,
    };
    Ok(Organisation {
        id: place.id,
        parent,
        name: place.name,
        role: role.ok_or(Error::NotFound)?,
        policy: place.policy,
        archived_at: place.archived_at,
    })
}

async fn record(
    tx: &mut Conn<'_>,
    caller: &Caller,
    id: &OrganisationId,
    at: UnixMillis,
    action: Action,
    detail: &str,
) -> Result<()> {
    let entry = Entry {
        scope: Scope::Organisation(id),
        at,
        actor: caller.actor(),
        action,
        subject: id.as_str(),
        detail,
    };
    Ok(audit::append(tx, &entry).await?)
}
