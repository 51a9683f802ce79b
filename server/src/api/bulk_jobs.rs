//! Actions on many devices: asked for, looked at, confirmed, cancelled.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use gangway_protocol::bulk::{BulkFailure, BulkJob, BulkJobRequest};
use gangway_protocol::id::{BulkJobId, OrganisationId};
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::idempotency::IdempotencyKey;
use super::request::{JsonBody, Paged, PathId};
use crate::authority::{Caller, Result};
use crate::fleet::bulk;
use crate::state::Gangway;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(list_bulk_jobs, request_bulk_job))
        .routes(routes!(show_bulk_job, cancel_bulk_job))
        .routes(routes!(confirm_bulk_job))
        .routes(routes!(list_bulk_failures))
}

/// Actions on many devices of an organisation, newest first.
#[utoipa::path(get, path = path::BULK_JOBS, tag = "devices", params(("id" = OrganisationId, Path), PageQuery),
    responses((status = 200, body = Page<BulkJob>), (status = 403), (status = 404)))]
async fn list_bulk_jobs(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<OrganisationId>,
    paged: Paged,
) -> Result<Json<Page<BulkJob>>> {
    let jobs = bulk::list(&gangway, &caller, &id, paged.after(), paged.fetch()).await?;
    Ok(Json(paged.page(jobs, |job| job.id.to_string())))
}

/// Asks for an action on many devices of an organisation and below it. It begins after some seconds, in which it can be cancelled
/// as if it had never been asked for.
#[utoipa::path(post, path = path::BULK_JOBS, tag = "devices", request_body = BulkJobRequest,
    params(("id" = OrganisationId, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "Drawn at random, 16 to 128 characters")),
    responses((status = 200, body = BulkJob), (status = 403), (status = 404), (status = 409), (status = 422)))]
async fn request_bulk_job(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    PathId(id): PathId<OrganisationId>,
    JsonBody(request): JsonBody<BulkJobRequest>,
) -> Result<Json<BulkJob>> {
    bulk::request(&gangway, &caller, key, id, request).await.map(Json)
}

/// How far an action on many devices is.
#[utoipa::path(get, path = path::BULK_JOB, tag = "devices", params(("id" = OrganisationId, Path), ("job" = BulkJobId, Path)),
    responses((status = 200, body = BulkJob), (status = 403), (status = 404)))]
async fn show_bulk_job(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, job)): PathId<(OrganisationId, BulkJobId)>,
) -> Result<Json<BulkJob>> {
    bulk::show(&gangway, &caller, &id, &job).await.map(Json)
}

/// Cancels an action on many devices. Those that had their turn stay as they are.
#[utoipa::path(delete, path = path::BULK_JOB, tag = "devices", params(("id" = OrganisationId, Path), ("job" = BulkJobId, Path)),
    responses((status = 200, body = BulkJob), (status = 403), (status = 404), (status = 409)))]
async fn cancel_bulk_job(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, job)): PathId<(OrganisationId, BulkJobId)>,
) -> Result<Json<BulkJob>> {
    bulk::cancel(&gangway, &caller, &id, &job).await.map(Json)
}

/// Confirms an action on many devices that the rules ask a second person for.
#[utoipa::path(put, path = path::BULK_JOB_CONFIRMATION, tag = "devices", params(("id" = OrganisationId, Path), ("job" = BulkJobId, Path)),
    responses((status = 200, body = BulkJob), (status = 403), (status = 404), (status = 409)))]
async fn confirm_bulk_job(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, job)): PathId<(OrganisationId, BulkJobId)>,
) -> Result<Json<BulkJob>> {
    bulk::confirm(&gangway, &caller, &id, &job).await.map(Json)
}

/// Devices for which it failed, and why.
#[utoipa::path(get, path = path::BULK_JOB_FAILURES, tag = "devices", params(("id" = OrganisationId, Path), ("job" = BulkJobId, Path), PageQuery),
    responses((status = 200, body = Page<BulkFailure>), (status = 403), (status = 404)))]
async fn list_bulk_failures(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, job)): PathId<(OrganisationId, BulkJobId)>,
    paged: Paged,
) -> Result<Json<Page<BulkFailure>>> {
    let failures = bulk::failures(&gangway, &caller, &id, &job, paged.after(), paged.fetch()).await?;
    Ok(Json(paged.page(failures, |failure| failure.device.to_string())))
}
