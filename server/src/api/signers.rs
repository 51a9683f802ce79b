//! Signers of an organisation.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use gangway_protocol::id::{OrganisationId, SignerId};
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use gangway_protocol::signer::{Signer, SignerRequest, SignerUpdate};
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::idempotency::IdempotencyKey;
use super::request::{JsonBody, Paged, PathId};
use crate::authority::Result;
use crate::authority::{Caller, Right};
use crate::db::signers as stored;
use crate::signers;
use crate::state::Gangway;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(list_signers, add_signer))
        .routes(routes!(change_signer, remove_signer))
}

/// Signers that an organisation may use, for whoever belongs to it: its own in its order, then those from above, which name
/// where they come from.
#[utoipa::path(get, path = path::SIGNERS, tag = "organisations", params(("id" = OrganisationId, Path), PageQuery),
    responses((status = 200, body = Page<Signer>), (status = 404)))]
async fn list_signers(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<OrganisationId>,
    paged: Paged,
) -> Result<Json<Page<Signer>>> {
    caller.require(&gangway.db, &id, Right::Belong).await?;
    let mut signers = stored::usable_at(&mut gangway.db.reader().await?.conn(), &id).await?;
    // They stand in an order of their own, and their number is bounded.
    if let Some(place) = signers
        .iter()
        .position(|signer| signer.id.as_str() == paged.after())
    {
        signers.drain(..=place);
    }
    Ok(Json(paged.page(signers, |signer| signer.id.to_string())))
}

/// Adds a signing endpoint at the end of the list. Its configuration is public; credentials never come here.
#[utoipa::path(post, path = path::SIGNERS, tag = "organisations", request_body = SignerRequest,
    params(("id" = OrganisationId, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "Drawn at random, 16 to 128 characters")),
    responses((status = 200, body = Signer), (status = 403), (status = 404), (status = 409), (status = 422)))]
async fn add_signer(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    PathId(id): PathId<OrganisationId>,
    JsonBody(request): JsonBody<SignerRequest>,
) -> Result<Json<Signer>> {
    signers::add(&gangway, &caller, key, id, request).await.map(Json)
}

/// Changes a signing endpoint, or its place in the list.
#[utoipa::path(patch, path = path::SIGNER, tag = "organisations",
    params(("id" = OrganisationId, Path), ("signer" = SignerId, Path)), request_body = SignerUpdate,
    responses((status = 200, body = Signer), (status = 403), (status = 404), (status = 422)))]
async fn change_signer(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, signer)): PathId<(OrganisationId, SignerId)>,
    JsonBody(update): JsonBody<SignerUpdate>,
) -> Result<Json<Signer>> {
    signers::change(&gangway, &caller, id, signer, update)
        .await
        .map(Json)
}

/// Removes a signing endpoint that no device was ever approved for.
#[utoipa::path(delete, path = path::SIGNER, tag = "organisations",
    params(("id" = OrganisationId, Path), ("signer" = SignerId, Path)),
    responses((status = 204), (status = 403), (status = 404), (status = 409)))]
async fn remove_signer(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, signer)): PathId<(OrganisationId, SignerId)>,
) -> Result<StatusCode> {
    signers::remove(&gangway, &caller, id, signer).await?;
    Ok(StatusCode::NO_CONTENT)
}
