//! How devices of an organisation join without a person at the screen: permits, lobby.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use gangway_protocol::device::DeviceSummary;
use gangway_protocol::id::{DeviceId, OrganisationId, PermitId};
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use gangway_protocol::permit::{
    Admission, ImportOutcome, LobbyEntry, LobbyQuery, Permit, PermitMade, PermitQuery, PermitReplacement,
    PermitRequest, PreapprovalImport, SerialsRequest,
};
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::idempotency::IdempotencyKey;
use super::request::{JsonBody, Paged, PathId, QueryOf};
use crate::authority::{Caller, Result};
use crate::permits;
use crate::permits::{lobby, preapproval};
use crate::state::Gangway;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(list_permits, make_permit))
        .routes(routes!(revoke_permit))
        .routes(routes!(replace_permit))
        .routes(routes!(add_permit_serials))
        .routes(routes!(list_permit_devices))
        .routes(routes!(preapprove_devices))
        .routes(routes!(list_lobby))
        .routes(routes!(settle_device))
}

/// Permits of one kind in an organisation, newest first.
#[utoipa::path(get, path = path::PERMITS, tag = "permits", params(("id" = OrganisationId, Path), PermitQuery),
    responses((status = 200, body = Page<Permit>), (status = 403), (status = 404), (status = 422)))]
async fn list_permits(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<OrganisationId>,
    QueryOf(query): QueryOf<PermitQuery>,
) -> Result<Json<Page<Permit>>> {
    let paged = Paged::new(&PageQuery {
        limit: query.limit,
        after: query.after,
    })?;
    let found = permits::list(&gangway, &caller, &id, query.kind, paged.after(), paged.fetch()).await?;
    Ok(Json(paged.page(found, |permit| permit.id.to_string())))
}

/// Makes a registration key or a ticket. It is in the reply, and nowhere again.
#[utoipa::path(post, path = path::PERMITS, tag = "permits", request_body = PermitRequest,
    params(("id" = OrganisationId, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "Drawn at random, 16 to 128 characters")),
    responses((status = 200, body = PermitMade), (status = 403), (status = 404), (status = 409), (status = 422)))]
async fn make_permit(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    PathId(id): PathId<OrganisationId>,
    JsonBody(request): JsonBody<PermitRequest>,
) -> Result<Json<PermitMade>> {
    permits::make(&gangway, &caller, key, id, request).await.map(Json)
}

/// Takes a permit back. Devices that came by it stay.
#[utoipa::path(delete, path = path::PERMIT, tag = "permits",
    params(("id" = OrganisationId, Path), ("permit" = PermitId, Path)),
    responses((status = 204), (status = 403), (status = 404)))]
async fn revoke_permit(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, permit)): PathId<(OrganisationId, PermitId)>,
) -> Result<StatusCode> {
    permits::revoke(&gangway, &caller, id, permit).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes another key in the place of one, which works beside it for a while.
#[utoipa::path(post, path = path::PERMIT_REPLACEMENT, tag = "permits", request_body = PermitReplacement,
    params(("id" = OrganisationId, Path), ("permit" = PermitId, Path)),
    responses((status = 200, body = PermitMade), (status = 403), (status = 404), (status = 409), (status = 422)))]
async fn replace_permit(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, permit)): PathId<(OrganisationId, PermitId)>,
    JsonBody(request): JsonBody<PermitReplacement>,
) -> Result<Json<PermitMade>> {
    permits::replace(&gangway, &caller, id, permit, request)
        .await
        .map(Json)
}

/// Adds serial numbers to the list of a key that lets in only those on it.
#[utoipa::path(post, path = path::PERMIT_SERIALS, tag = "permits", request_body = SerialsRequest,
    params(("id" = OrganisationId, Path), ("permit" = PermitId, Path)),
    responses((status = 204), (status = 403), (status = 404), (status = 409), (status = 422)))]
async fn add_permit_serials(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, permit)): PathId<(OrganisationId, PermitId)>,
    JsonBody(request): JsonBody<SerialsRequest>,
) -> Result<StatusCode> {
    permits::add_serials(&gangway, &caller, id, permit, request.serials).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The devices that came by a permit.
#[utoipa::path(get, path = path::PERMIT_DEVICES, tag = "permits",
    params(("id" = OrganisationId, Path), ("permit" = PermitId, Path), PageQuery),
    responses((status = 200, body = Page<DeviceSummary>), (status = 403), (status = 404)))]
async fn list_permit_devices(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, permit)): PathId<(OrganisationId, PermitId)>,
    paged: Paged,
) -> Result<Json<Page<DeviceSummary>>> {
    let found = permits::devices(&gangway, &caller, &id, &permit, paged.after(), paged.fetch()).await?;
    Ok(Json(paged.page(found, |device| device.id.to_string())))
}

/// Approves devices before they appear, or only looks whether that could be done. Repeating it changes nothing; when a row is refused,
/// nothing of the request is kept.
#[utoipa::path(post, path = path::PREAPPROVALS, tag = "permits", request_body = PreapprovalImport,
    params(("id" = OrganisationId, Path)),
    responses((status = 200, body = ImportOutcome), (status = 403), (status = 404), (status = 409), (status = 422)))]
async fn preapprove_devices(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<OrganisationId>,
    JsonBody(request): JsonBody<PreapprovalImport>,
) -> Result<Json<ImportOutcome>> {
    preapproval::import(&gangway, &caller, id, request)
        .await
        .map(Json)
}

/// Devices of an organisation and below it that came by a permit and wait for a decision, or were rejected.
#[utoipa::path(get, path = path::LOBBY, tag = "permits", params(("id" = OrganisationId, Path), LobbyQuery),
    responses((status = 200, body = Page<LobbyEntry>), (status = 403), (status = 404), (status = 422)))]
async fn list_lobby(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<OrganisationId>,
    QueryOf(query): QueryOf<LobbyQuery>,
) -> Result<Json<Page<LobbyEntry>>> {
    let paged = Paged::new(&PageQuery {
        limit: query.limit,
        after: query.after,
    })?;
    let found = lobby::list(
        &gangway,
        &caller,
        &id,
        query.rejected,
        paged.after(),
        paged.fetch(),
    )
    .await?;
    Ok(Json(paged.page(found, |entry| entry.device.id.to_string())))
}

/// Lets a device of the lobby in, or does not. It learns that when it asks again.
#[utoipa::path(post, path = path::DEVICE_ADMISSION, tag = "devices", request_body = Admission,
    params(("id" = DeviceId, Path)),
    responses((status = 204), (status = 403), (status = 404), (status = 409), (status = 422)))]
async fn settle_device(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
    JsonBody(request): JsonBody<Admission>,
) -> Result<StatusCode> {
    lobby::settle(&gangway, &caller, &id, request.admit).await?;
    Ok(StatusCode::NO_CONTENT)
}
