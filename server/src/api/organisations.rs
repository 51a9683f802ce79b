//! Organisations and their rules, for those who hold a role in them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::{Organisation, Policy, PolicyUpdate};
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::request::{JsonBody, Paged, PathId};
use crate::authority::{Caller, Credential, Result};
use crate::db::organisations as stored;
use crate::people::organisations;
use crate::state::Gangway;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(list_organisations))
        .routes(routes!(change_policy))
}

/// The organisations in which the caller holds a role, directly or from above; with a token, those it is confined to.
#[utoipa::path(get, path = path::ORGANISATIONS, tag = "organisations", params(PageQuery),
    responses((status = 200, body = Page<Organisation>), (status = 422)))]
async fn list_organisations(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    paged: Paged,
) -> Result<Json<Page<Organisation>>> {
    let root = match &caller.credential {
        Credential::SignIn { .. } => None,
        Credential::Token { organisation, .. } => Some(organisation),
    };
    let mut reader = gangway.db.reader().await?;
    let conn = &mut reader.conn();
    let rows = stored::of_account(conn, &caller.account, root, paged.after(), paged.fetch()).await?;
    Ok(Json(paged.page(rows, |row| row.id.to_string())))
}

/// Changes rules of an organisation.
#[utoipa::path(patch, path = path::ORGANISATION_POLICY, tag = "organisations",
    params(("id" = OrganisationId, Path)), request_body = PolicyUpdate,
    responses((status = 200, body = Policy), (status = 403), (status = 404), (status = 422)))]
async fn change_policy(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<OrganisationId>,
    JsonBody(update): JsonBody<PolicyUpdate>,
) -> Result<Json<Policy>> {
    organisations::change_policy(&gangway, &caller, id, update)
        .await
        .map(Json)
}
