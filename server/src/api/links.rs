//! What somebody may do who is not signed in: sign up, look at a one-time link, use a recovery code.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use gangway_protocol::account::{
    LinkInspectionRequest, LinkPurpose, RecoveryRequest, RegistrationGrant, SignUps,
};
use gangway_protocol::path;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::request::JsonBody;
use crate::authority::Result;
use crate::limits::ClientAddress;
use crate::people::{customers, links, recovery};
use crate::state::Gangway;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(read_sign_ups, sign_up))
        .routes(routes!(inspect_link))
        .routes(routes!(redeem_recovery_code))
}

/// Whether somebody may sign up as a customer.
#[utoipa::path(get, path = path::SIGN_UPS, tag = "sign-in", security(()),
    responses((status = 200, body = SignUps)))]
async fn read_sign_ups(State(gangway): State<Arc<Gangway>>) -> Json<SignUps> {
    Json(customers::sign_ups(&gangway))
}

/// Begins to sign up as a customer: a token for a registration, or for the account that is signed in, usable once within an hour.
#[utoipa::path(post, path = path::SIGN_UPS, tag = "sign-in", security(()),
    responses((status = 200, body = RegistrationGrant), (status = 403), (status = 429)))]
async fn sign_up(
    State(gangway): State<Arc<Gangway>>,
    address: ClientAddress,
) -> Result<Json<RegistrationGrant>> {
    customers::sign_up(&gangway, &gangway.limits, address)
        .await
        .map(Json)
}

/// Tells what a one-time link is for, without using it up.
#[utoipa::path(post, path = path::LINK_INSPECTION, tag = "sign-in", security(()),
    request_body = LinkInspectionRequest,
    responses((status = 200, body = LinkPurpose), (status = 404), (status = 429)))]
async fn inspect_link(
    State(gangway): State<Arc<Gangway>>,
    address: ClientAddress,
    JsonBody(request): JsonBody<LinkInspectionRequest>,
) -> Result<Json<LinkPurpose>> {
    address.may_try_to_sign_in(&gangway)?;
    links::inspect(&gangway, &request.token).await.map(Json)
}

/// Turns a recovery code into a token for a registration, usable once within ten minutes.
#[utoipa::path(post, path = path::RECOVERIES, tag = "sign-in", security(()),
    request_body = RecoveryRequest,
    responses((status = 200, body = RegistrationGrant), (status = 404), (status = 429)))]
async fn redeem_recovery_code(
    State(gangway): State<Arc<Gangway>>,
    address: ClientAddress,
    JsonBody(request): JsonBody<RecoveryRequest>,
) -> Result<Json<RegistrationGrant>> {
    address.may_try_to_sign_in(&gangway)?;
    recovery::redeem(&gangway, &request.code, address).await.map(Json)
}
