//! Approval of claims: given, consented to, taken back, reported.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use gangway_protocol::certificate::{Approval, ApprovalRequest, ClaimReport, SigningUpdate};
use gangway_protocol::id::ClaimId;
use gangway_protocol::path;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::request::{JsonBody, PathId};
use crate::authority::{Caller, Result};
use crate::enrolment::claims;
use crate::state::Gangway;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(show_approval, give_approval, withdraw_approval))
        .routes(routes!(record_consent))
        .routes(routes!(update_signing))
        .routes(routes!(report_claim))
}

/// The approval of a claim.
#[utoipa::path(get, path = path::APPROVAL, tag = "enrolment", params(("claim" = ClaimId, Path)),
    responses((status = 200, body = Approval), (status = 404)))]
async fn show_approval(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(claim): PathId<ClaimId>,
) -> Result<Json<Approval>> {
    claims::own_approval(&gangway, &caller, &claim).await.map(Json)
}

/// Approves the device that was introduced in a claim. Repeating it gives the approval that stands.
#[utoipa::path(post, path = path::APPROVAL, tag = "enrolment", params(("claim" = ClaimId, Path)),
    request_body = ApprovalRequest,
    responses((status = 200, body = Approval), (status = 403), (status = 404), (status = 409), (status = 422)))]
async fn give_approval(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(claim): PathId<ClaimId>,
    JsonBody(request): JsonBody<ApprovalRequest>,
) -> Result<Json<Approval>> {
    claims::approve(&gangway, &gangway.relay, &caller, claim, request)
        .await
        .map(Json)
}

/// Takes an approval back: consent was refused, or the person cancelled.
#[utoipa::path(delete, path = path::APPROVAL, tag = "enrolment", params(("claim" = ClaimId, Path)),
    responses((status = 204), (status = 404), (status = 409)))]
async fn withdraw_approval(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(claim): PathId<ClaimId>,
) -> Result<StatusCode> {
    claims::withdraw(&gangway, &caller, &claim).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Records that the device has consented: from now on its certificate may be signed.
#[utoipa::path(post, path = path::CONSENT, tag = "enrolment", params(("claim" = ClaimId, Path)),
    responses((status = 200, body = Approval), (status = 404), (status = 409)))]
async fn record_consent(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(claim): PathId<ClaimId>,
) -> Result<Json<Approval>> {
    claims::consent(&gangway, &caller, &claim).await.map(Json)
}

/// Notes what the claimant is about with a signer elsewhere: it begins to ask, was refused, or lost the reply. Repeating it
/// changes nothing.
#[utoipa::path(put, path = path::SIGNING, tag = "enrolment", params(("claim" = ClaimId, Path)),
    request_body = SigningUpdate,
    responses((status = 200, body = Approval), (status = 404), (status = 409), (status = 422), (status = 503)))]
async fn update_signing(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(claim): PathId<ClaimId>,
    JsonBody(update): JsonBody<SigningUpdate>,
) -> Result<Json<Approval>> {
    claims::update_signing(&gangway, &caller, &claim, update)
        .await
        .map(Json)
}

/// Ends a claim for good: the device is not the person's, or they changed their mind.
#[utoipa::path(post, path = path::CLAIM_REPORT, tag = "enrolment", params(("claim" = ClaimId, Path)),
    request_body = ClaimReport, responses((status = 204), (status = 404), (status = 409)))]
async fn report_claim(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(claim): PathId<ClaimId>,
    JsonBody(report): JsonBody<ClaimReport>,
) -> Result<StatusCode> {
    claims::report(&gangway, &gangway.relay, &caller, &claim, report.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}
