//! The record of an organisation, for those who administer it: listed, shown, verified, exported.

mod export;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use gangway_protocol::audit::{AuditDetail, AuditEntry, AuditQuery, AuditVerification};
use gangway_protocol::id::OrganisationId;
use gangway_protocol::page::Page;
use gangway_protocol::path;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::request::{PathId, QueryOf};
use crate::audit::{checkpoints, reading, verification};
use crate::authority::{Caller, Result};
use crate::state::Gangway;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(list_entries))
        .routes(routes!(show_entry))
        .routes(routes!(verify_record))
        .routes(routes!(sign_checkpoint))
        .merge(export::router())
}

/// What was done in an organisation and those below it, newest first.
#[utoipa::path(get, path = path::AUDIT, tag = "audit", params(("id" = OrganisationId, Path), AuditQuery),
    responses((status = 200, body = Page<AuditEntry>), (status = 403), (status = 404), (status = 422)))]
async fn list_entries(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<OrganisationId>,
    QueryOf(query): QueryOf<AuditQuery>,
) -> Result<Json<Page<AuditEntry>>> {
    reading::page(&gangway.db, &caller, &id, &query).await.map(Json)
}

/// One entry of an organisation's own record, with the passkey assertion that confirmed it where there is one.
#[utoipa::path(get, path = path::AUDIT_ENTRY, tag = "audit",
    params(("id" = OrganisationId, Path), ("seq" = u64, Path, description = "Its place in the record, from 1")),
    responses((status = 200, body = AuditDetail), (status = 403), (status = 404)))]
async fn show_entry(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, seq)): PathId<(OrganisationId, u64)>,
) -> Result<Json<AuditDetail>> {
    reading::detail(&gangway.db, &caller, &id, seq).await.map(Json)
}

/// Follows the chain of an organisation's own record from its first entry: whether each is what its hash says.
#[utoipa::path(get, path = path::AUDIT_VERIFICATION, tag = "audit", params(("id" = OrganisationId, Path)),
    responses((status = 200, body = AuditVerification), (status = 403), (status = 404), (status = 503)))]
async fn verify_record(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<OrganisationId>,
) -> Result<Json<AuditVerification>> {
    verification::verify_organisation(&gangway, &gangway.verifications, &caller, &id)
        .await
        .map(Json)
}

/// The present state of an organisation's record, signed by the built-in CA: signed data of CMS in PEM, with JSON inside. Keep it
/// where the server cannot reach it.
#[utoipa::path(get, path = path::AUDIT_CHECKPOINT, tag = "audit", params(("id" = OrganisationId, Path)),
    responses((status = 200, content_type = "application/x-pem-file", body = String), (status = 403), (status = 404),
        (status = 503)))]
async fn sign_checkpoint(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<OrganisationId>,
) -> Result<Response> {
    let signed = checkpoints::signed_of(&gangway, &caller, &id).await?;
    let headers = [
        (CONTENT_TYPE, "application/x-pem-file".to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"checkpoint-{id}.pem\""),
        ),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, signed).into_response())
}
