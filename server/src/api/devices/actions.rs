//! What members do with a device: have it renew or show itself, suspend, resume, revoke, retire it, answer its alarm;
//! and revoke many at once.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use gangway_protocol::certificate::{BulkRevocation, BulkRevocationRequest, RevocationRequest};
use gangway_protocol::device::DeviceDetail;
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::path;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::request::{JsonBody, PathId};
use super::shown;
use crate::authority::{Caller, Result, Right};
use crate::enrolment::exclusion;
use crate::fleet::actions;
use crate::state::Gangway;

pub(super) fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(renew_device))
        .routes(routes!(identify_device))
        .routes(routes!(suspend_device, resume_device))
        .routes(routes!(revoke_device))
        .routes(routes!(retire_device))
        .routes(routes!(dismiss_alarm))
        .routes(routes!(revoke_in_bulk))
}

/// Has a device ask for a new certificate: now when it is connected, otherwise when it comes back.
#[utoipa::path(post, path = path::DEVICE_RENEWAL, tag = "devices", params(("id" = DeviceId, Path)),
    responses((status = 204), (status = 403), (status = 404), (status = 409)))]
async fn renew_device(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
) -> Result<StatusCode> {
    actions::request_renewal(&gangway, &gangway.relay, &caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Has a device show itself: blink, beep, print.
#[utoipa::path(post, path = path::DEVICE_IDENTIFICATION, tag = "devices", params(("id" = DeviceId, Path)),
    responses((status = 204), (status = 403), (status = 404), (status = 409)))]
async fn identify_device(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
) -> Result<StatusCode> {
    actions::identify(&gangway, &gangway.relay, &caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Keeps a device out for the time being.
#[utoipa::path(post, path = path::DEVICE_SUSPENSION, tag = "devices", params(("id" = DeviceId, Path)),
    responses((status = 200, body = DeviceDetail), (status = 403), (status = 404), (status = 409)))]
async fn suspend_device(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
) -> Result<Json<DeviceDetail>> {
    decide(&gangway, &caller, &id).await?;
    exclusion::suspend(&gangway, &gangway.relay, &id, caller.member()).await?;
    shown(&gangway, &caller, &id).await
}

/// Lets a suspended device in again.
#[utoipa::path(delete, path = path::DEVICE_SUSPENSION, tag = "devices", params(("id" = DeviceId, Path)),
    responses((status = 200, body = DeviceDetail), (status = 403), (status = 404), (status = 409)))]
async fn resume_device(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
) -> Result<Json<DeviceDetail>> {
    decide(&gangway, &caller, &id).await?;
    exclusion::resume(&gangway, &gangway.relay, &id, caller.member()).await?;
    shown(&gangway, &caller, &id).await
}

/// Revokes all certificates of a device and refuses its keys: it must be enrolled anew.
#[utoipa::path(post, path = path::DEVICE_REVOCATION, tag = "devices", params(("id" = DeviceId, Path)),
    request_body = RevocationRequest,
    responses((status = 200, body = DeviceDetail), (status = 403), (status = 404), (status = 422)))]
async fn revoke_device(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
    JsonBody(request): JsonBody<RevocationRequest>,
) -> Result<Json<DeviceDetail>> {
    decide(&gangway, &caller, &id).await?;
    exclusion::revoke_device(&gangway, &gangway.relay, &id, request.reason, caller.member()).await?;
    shown(&gangway, &caller, &id).await
}

/// Takes a device out of the fleet.
#[utoipa::path(post, path = path::DEVICE_RETIREMENT, tag = "devices", params(("id" = DeviceId, Path)),
    responses((status = 200, body = DeviceDetail), (status = 403), (status = 404), (status = 409)))]
async fn retire_device(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
) -> Result<Json<DeviceDetail>> {
    decide(&gangway, &caller, &id).await?;
    exclusion::retire(&gangway, &gangway.relay, &id, caller.member()).await?;
    shown(&gangway, &caller, &id).await
}

/// Answers a clone alarm with "restored from backup".
#[utoipa::path(delete, path = path::DEVICE_ALARM, tag = "devices", params(("id" = DeviceId, Path)),
    responses((status = 200, body = DeviceDetail), (status = 403), (status = 404), (status = 409)))]
async fn dismiss_alarm(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
) -> Result<Json<DeviceDetail>> {
    actions::dismiss_alarm(&gangway, &caller, &id).await?;
    shown(&gangway, &caller, &id).await
}

/// Undo for a bad day: revokes what one approver, or one address, enrolled in a span of time.
#[utoipa::path(post, path = path::BULK_REVOCATION, tag = "devices", params(("id" = OrganisationId, Path)),
    request_body = BulkRevocationRequest,
    responses((status = 200, body = BulkRevocation), (status = 403), (status = 404), (status = 422)))]
async fn revoke_in_bulk(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<OrganisationId>,
    JsonBody(request): JsonBody<BulkRevocationRequest>,
) -> Result<Json<BulkRevocation>> {
    caller.require(&gangway.db, &id, Right::Operate).await?;
    if !request.dry_run {
        caller.require_fresh_person(gangway.clock.now())?;
    }
    Ok(Json(
        exclusion::revoke_many(&gangway, &gangway.relay, &id, request, caller.member()).await?,
    ))
}

/// Makes sure that the caller may shut this device out or let it in again, and is there.
async fn decide(gangway: &Gangway, caller: &Caller, id: &DeviceId) -> Result<()> {
    let now = gangway.clock.now();
    caller.decide_on_device(&gangway.db, now, id).await.map(drop)
}
