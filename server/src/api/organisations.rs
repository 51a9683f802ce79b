//! Organisations, their tree and their rules, for those who hold a role in them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::{
    Organisation, OrganisationRequest, OrganisationUpdate, Policy, PolicyDetail, PolicyUpdate,
};
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::idempotency::IdempotencyKey;
use super::request::{JsonBody, Paged, PathId};
use crate::authority::{Caller, Result};
use crate::db::organisations as stored;
use crate::people::{organisations, policy};
use crate::state::Gangway;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(list_organisations, create_organisation))
        .routes(routes!(change_organisation))
        .routes(routes!(archive_organisation, open_organisation))
        .routes(routes!(show_policy, change_policy))
}

/// The organisations in which the caller holds a role, directly or from above; with a token, those it is confined to.
#[utoipa::path(get, path = path::ORGANISATIONS, tag = "organisations", params(PageQuery),
    responses((status = 200, body = Page<Organisation>), (status = 422)))]
async fn list_organisations(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    paged: Paged,
) -> Result<Json<Page<Organisation>>> {
    let root = caller.credential.within();
    let mut reader = gangway.db.reader().await?;
    let conn = &mut reader.conn();
    let rows = stored::of_account(conn, &caller.account, root, paged.after(), paged.fetch()).await?;
    Ok(Json(paged.page(rows, |row| row.id.to_string())))
}

/// Makes an organisation below another one, which it inherits members, signers and rules from.
#[utoipa::path(post, path = path::ORGANISATIONS, tag = "organisations", request_body = OrganisationRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Drawn at random, 16 to 128 characters")),
    responses((status = 200, body = Organisation), (status = 403), (status = 404), (status = 409), (status = 422)))]
async fn create_organisation(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(request): JsonBody<OrganisationRequest>,
) -> Result<Json<Organisation>> {
    organisations::create(&gangway, &caller, key, &request)
        .await
        .map(Json)
}

/// Renames an organisation, or moves it below another one of the same customer.
#[utoipa::path(patch, path = path::ORGANISATION, tag = "organisations", params(("id" = OrganisationId, Path)),
    request_body = OrganisationUpdate,
    responses((status = 200, body = Organisation), (status = 403), (status = 404), (status = 409), (status = 422)))]
async fn change_organisation(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<OrganisationId>,
    JsonBody(update): JsonBody<OrganisationUpdate>,
) -> Result<Json<Organisation>> {
    organisations::change(&gangway, &gangway.relay, &caller, id, update)
        .await
        .map(Json)
}

/// Archives an organisation that holds neither devices nor open organisations.
#[utoipa::path(put, path = path::ORGANISATION_ARCHIVAL, tag = "organisations", params(("id" = OrganisationId, Path)),
    responses((status = 200, body = Organisation), (status = 403), (status = 404), (status = 409)))]
async fn archive_organisation(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<OrganisationId>,
) -> Result<Json<Organisation>> {
    organisations::archive(&gangway, &caller, id).await.map(Json)
}

/// Opens an archived organisation again.
#[utoipa::path(delete, path = path::ORGANISATION_ARCHIVAL, tag = "organisations", params(("id" = OrganisationId, Path)),
    responses((status = 200, body = Organisation), (status = 403), (status = 404), (status = 409)))]
async fn open_organisation(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<OrganisationId>,
) -> Result<Json<Organisation>> {
    organisations::open_again(&gangway, &caller, id).await.map(Json)
}

/// The rules of an organisation: what holds, what is set here, and what would hold without.
#[utoipa::path(get, path = path::ORGANISATION_POLICY, tag = "organisations", params(("id" = OrganisationId, Path)),
    responses((status = 200, body = PolicyDetail), (status = 404)))]
async fn show_policy(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<OrganisationId>,
) -> Result<Json<PolicyDetail>> {
    policy::show(&gangway, &caller, &id).await.map(Json)
}

/// Changes rules of an organisation. Below another one they can only be tighter than above.
#[utoipa::path(patch, path = path::ORGANISATION_POLICY, tag = "organisations",
    params(("id" = OrganisationId, Path)), request_body = PolicyUpdate,
    responses((status = 200, body = Policy), (status = 403), (status = 404), (status = 422)))]
async fn change_policy(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<OrganisationId>,
    JsonBody(update): JsonBody<PolicyUpdate>,
) -> Result<Json<Policy>> {
    policy::change(&gangway, &caller, id, update).await.map(Json)
}
