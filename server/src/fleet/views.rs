//! Views of the fleet that somebody keeps under a name. A view is a question: what it finds is what its reader may see.

use std::collections::HashMap;

use gangway_protocol::device::DeviceQuery;
use gangway_protocol::id::SavedViewId;
use gangway_protocol::organisation::Role;
use gangway_protocol::path;
use gangway_protocol::saved_view::{MAX_SAVED_VIEWS, SavedView, SavedViewRequest};
use gangway_protocol::secret::SecretString;

use super::Request;
use crate::authority::{Caller, Error, Result, Right, fit_name};
use crate::context::Context;
use crate::db::saved_views::{self, SavedViewRecord};
use crate::db::{accounts, organisations, write};
use crate::once::Once;

/// The caller's own views, and those of the organisations whose fleets they see, by name.
///
/// # Errors
/// [`Error::InsufficientScope`] when a token's scopes do not go that far.
pub async fn list(context: &Context, caller: &Caller) -> Result<Vec<SavedView>> {
    let visible = caller.visible_fleets(&context.db).await?;
    let mut found = {
        let mut reader = context.db.reader().await?;
        let conn = &mut reader.conn();
        let mut found = saved_views::of_account(conn, &caller.account).await?;
        found.extend(saved_views::shared_in(conn, &visible).await?);
        found
    };
    found.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
    let mut roles = HashMap::new();
    for organisation in found.iter().filter_map(|view| view.shared_in.as_ref()) {
        if !roles.contains_key(organisation) {
            let role = caller.role_at(&context.db, organisation).await?;
            roles.insert(organisation.clone(), role);
        }
    }
    let shown = |view: SavedViewRecord| {
        let role = view
            .shared_in
            .as_ref()
            .and_then(|id| roles.get(id).copied().flatten());
        let removable = may_remove(caller, &view, role);
        present(view, removable)
    };
    Ok(found.into_iter().map(shown).collect())
}

/// Keeps a view. Under the same `key` it is kept once.
///
/// # Errors
/// [`Error::Invalid`] naming what is wrong; [`Error::NotFound`] and [`Error::Forbidden`] for an organisation to share it in;
/// [`Error::Conflict`] when there are too many.
pub async fn keep(
    context: &Context,
    caller: &Caller,
    key: Option<SecretString>,
    request: SavedViewRequest,
) -> Result<SavedView> {
    let (db, now) = (&context.db, context.clock.now());
    caller.require_scope(Right::SeeFleet)?;
    if let Some(organisation) = &request.shared_in {
        caller.require(db, organisation, Right::Operate).await?;
    }
    if let Some(organisation) = &request.organisation {
        caller.require(db, organisation, Right::SeeFleet).await?;
    }
    let once = Once::of(
        key,
        &caller.account,
        &(path::SAVED_VIEWS, &request),
        &*context.random,
    )?;
    // What no list would take is no view.
    let query = DeviceQuery {
        sort: request.sort.clone(),
        ..request.filter.clone().into()
    };
    Request::read(&query, now)?;
    let view = SavedViewRecord {
        id: SavedViewId::new(now, context.random.for_id()),
        account: caller.account.clone(),
        name: fit_name("name", &request.name)?,
        filter: request.filter,
        organisation: request.organisation,
        sort: request.sort,
        shared_in: request.shared_in,
    };
    write!(context.db, |tx| -> Result<SavedView> {
        if let Some(once) = &once
            && let Some(kept) = once.begin(tx, now).await?
        {
            return Ok(kept);
        }
        // Of two at once, one counts the other.
        let count = match &view.shared_in {
            Some(organisation) => {
                organisations::bump_revision(tx, organisation).await?;
                saved_views::shared_in(tx, std::slice::from_ref(organisation))
                    .await?
                    .len()
            }
            None => {
                accounts::lock(tx, &view.account).await?;
                saved_views::of_account(tx, &view.account).await?.len()
            }
        };
        if count >= MAX_SAVED_VIEWS {
            return Err(Error::Conflict(format!(
                "{MAX_SAVED_VIEWS} views are kept here: remove one that is not used"
            )));
        }
        saved_views::insert(tx, &view, now).await?;
        let kept = present(view.clone(), true);
        if let Some(once) = &once {
            once.end(tx, &kept).await?;
        }
        Ok(kept)
    })
}

/// Removes a view: one's own, or a shared one of an organisation that one administers.
///
/// # Errors
/// [`Error::NotFound`] for another's as for an unknown one; [`Error::Forbidden`].
pub async fn remove(context: &Context, caller: &Caller, id: &SavedViewId) -> Result<()> {
    caller.require_scope(Right::SeeFleet)?;
    let found = saved_views::find(&mut context.db.reader().await?.conn(), id).await?;
    let view = found.ok_or(Error::NotFound)?;
    let role = match &view.shared_in {
        Some(organisation) => caller.role_at(&context.db, organisation).await?,
        None => None,
    };
    if !may_remove(caller, &view, role) {
        return match &view.shared_in {
            Some(organisation) => {
                caller.require(&context.db, organisation, Right::SeeFleet).await?;
                Err(Error::Forbidden(
                    "a shared view is removed by whoever made it, or by an admin of its organisation",
                ))
            }
            None => Err(Error::NotFound),
        };
    }
    let id = id.clone();
    Ok(write!(context.db, |tx| { saved_views::remove(tx, &id).await })?)
}

/// Whether the caller may remove a view, with this role where it is shared.
fn may_remove(caller: &Caller, view: &SavedViewRecord, role: Option<Role>) -> bool {
    let own = view.account == caller.account;
    match view.shared_in {
        None => own,
        Some(_) => role.is_some_and(|role| role.may_administer() || (role.may_operate() && own)),
    }
}

fn present(view: SavedViewRecord, removable: bool) -> SavedView {
    SavedView {
        id: view.id,
        name: view.name,
        filter: view.filter,
        organisation: view.organisation,
        sort: view.sort,
        shared_in: view.shared_in,
        removable,
    }
}
