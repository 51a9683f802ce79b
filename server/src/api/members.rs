//! Members of an organisation and their roles.
//!
//! Nobody gives a role above their own, changes somebody above them, or leaves an organisation without an owner
//! (threat model, ACC-7). These rules span several rows, so each change first bumps the organisation's revision.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use gangway_protocol::id::{AccountId, OrganisationId};
use gangway_protocol::organisation::{Member, MemberUpdate, Role};
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::request::{JsonBody, Paged, PathId};
use crate::authority::{Caller, Right};
use crate::authority::{Error, Result};
use crate::db::{Conn, accounts, memberships, organisations, write};
use crate::people::ending::{self, Ended};
use crate::state::Gangway;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(list_members))
        .routes(routes!(change_role, remove_member))
}

/// Members of an organisation itself; those from above are listed above.
#[utoipa::path(get, path = path::MEMBERS, tag = "organisations", params(("id" = OrganisationId, Path), PageQuery),
    responses((status = 200, body = Page<Member>), (status = 403), (status = 404), (status = 422)))]
async fn list_members(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<OrganisationId>,
    paged: Paged,
) -> Result<Json<Page<Member>>> {
    caller.require(&gangway.db, &id, Right::SeeFleet).await?;
    let mut reader = gangway.db.reader().await?;
    let rows = memberships::of_organisation(&mut reader.conn(), &id, paged.after(), paged.fetch()).await?;
    Ok(Json(paged.page(rows, |row| row.account.to_string())))
}

/// Gives a member another role.
#[utoipa::path(patch, path = path::MEMBER, tag = "organisations",
    params(("id" = OrganisationId, Path), ("account" = AccountId, Path)), request_body = MemberUpdate,
    responses((status = 200, body = Member), (status = 403), (status = 404), (status = 409)))]
async fn change_role(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((organisation, account)): PathId<(OrganisationId, AccountId)>,
    JsonBody(MemberUpdate { role }): JsonBody<MemberUpdate>,
) -> Result<Json<Member>> {
    let now = gangway.clock.now();
    caller
        .require(&gangway.db, &organisation, Right::Administer)
        .await?;
    caller.require_fresh_person(now)?;
    let changed = account.clone();
    let (member, ended) = write!(gangway.db, |tx| -> Result<(Member, Vec<Ended>)> {
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
    ending::tell_devices(&gangway, &ended);
    ending::look_again(&gangway, &gangway.relay, &changed).await;
    Ok(Json(member))
}

/// Ends a membership: an admin's of somebody else, or one's own.
#[utoipa::path(delete, path = path::MEMBER, tag = "organisations",
    params(("id" = OrganisationId, Path), ("account" = AccountId, Path)),
    responses((status = 204), (status = 403), (status = 404), (status = 409)))]
async fn remove_member(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((organisation, account)): PathId<(OrganisationId, AccountId)>,
) -> Result<StatusCode> {
    let now = gangway.clock.now();
    let leaves = caller.account == account;
    let right = if leaves { Right::Belong } else { Right::Administer };
    caller.require(&gangway.db, &organisation, right).await?;
    caller.require_fresh_person(now)?;
    let removed = account.clone();
    let ended = write!(gangway.db, |tx| -> Result<Vec<Ended>> {
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
    ending::tell_devices(&gangway, &ended);
    ending::look_again(&gangway, &gangway.relay, &removed).await;
    Ok(StatusCode::NO_CONTENT)
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
