//! Members of an organisation and their roles.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use gangway_protocol::id::{AccountId, OrganisationId};
use gangway_protocol::organisation::{Member, MemberUpdate};
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::request::{JsonBody, Paged, PathId};
use crate::authority::Result;
use crate::authority::{Caller, Right};
use crate::db::memberships;
use crate::people::members;
use crate::state::Gangway;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(list_members))
        .routes(routes!(add_member, change_role, remove_member))
        .routes(routes!(suspend_member, resume_member))
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
    caller.require(&gangway.db, &id, Right::SeeMembers).await?;
    let mut reader = gangway.db.reader().await?;
    let rows = memberships::of_organisation(&mut reader.conn(), &id, paged.after(), paged.fetch()).await?;
    Ok(Json(paged.page(rows, |row| row.account.to_string())))
}

/// Makes somebody a member who is one in another organisation that the caller administers.
#[utoipa::path(put, path = path::MEMBER, tag = "organisations",
    params(("id" = OrganisationId, Path), ("account" = AccountId, Path)), request_body = MemberUpdate,
    responses((status = 200, body = Member), (status = 403), (status = 404), (status = 409)))]
async fn add_member(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((organisation, account)): PathId<(OrganisationId, AccountId)>,
    JsonBody(MemberUpdate { role }): JsonBody<MemberUpdate>,
) -> Result<Json<Member>> {
    members::add(&gangway, &gangway.relay, &caller, organisation, account, role)
        .await
        .map(Json)
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
    members::change_role(&gangway, &gangway.relay, &caller, organisation, account, role)
        .await
        .map(Json)
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
    members::remove(&gangway, &gangway.relay, &caller, organisation, account).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Suspends a membership: it gives no right until it is let count again.
#[utoipa::path(put, path = path::MEMBER_SUSPENSION, tag = "organisations",
    params(("id" = OrganisationId, Path), ("account" = AccountId, Path)),
    responses((status = 200, body = Member), (status = 403), (status = 404), (status = 409)))]
async fn suspend_member(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((organisation, account)): PathId<(OrganisationId, AccountId)>,
) -> Result<Json<Member>> {
    members::suspend(&gangway, &gangway.relay, &caller, organisation, account)
        .await
        .map(Json)
}

/// Lets a suspended membership count again.
#[utoipa::path(delete, path = path::MEMBER_SUSPENSION, tag = "organisations",
    params(("id" = OrganisationId, Path), ("account" = AccountId, Path)),
    responses((status = 200, body = Member), (status = 403), (status = 404), (status = 409)))]
async fn resume_member(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((organisation, account)): PathId<(OrganisationId, AccountId)>,
) -> Result<Json<Member>> {
    members::resume(&gangway, &gangway.relay, &caller, organisation, account)
        .await
        .map(Json)
}
