//! Invitations to an organisation.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use gangway_protocol::id::{LinkId, OrganisationId};
use gangway_protocol::organisation::{Invitation, InvitationRequest};
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::idempotency::IdempotencyKey;
use super::request::{JsonBody, Paged, PathId};
use crate::authority::Result;
use crate::authority::{Caller, Right};
use crate::db::links;
use crate::people::invitations;
use crate::state::Gangway;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(list_invitations, create_invitation))
        .routes(routes!(withdraw_invitation))
}

/// Invitations that wait to be taken, without their links.
#[utoipa::path(get, path = path::INVITATIONS, tag = "organisations",
    params(("id" = OrganisationId, Path), PageQuery),
    responses((status = 200, body = Page<Invitation>), (status = 403), (status = 404), (status = 422)))]
async fn list_invitations(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<OrganisationId>,
    paged: Paged,
) -> Result<Json<Page<Invitation>>> {
    caller.require(&gangway.db, &id, Right::SeeInvitations).await?;
    let now = gangway.clock.now();
    let mut reader = gangway.db.reader().await?;
    let rows = links::invitations(&mut reader.conn(), &id, now, paged.after(), paged.fetch()).await?;
    Ok(Json(paged.page(rows, |row| row.id.to_string())))
}

/// Invites somebody; the reply holds the link, this once.
#[utoipa::path(post, path = path::INVITATIONS, tag = "organisations", request_body = InvitationRequest,
    params(("id" = OrganisationId, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "Drawn at random, 16 to 128 characters")),
    responses((status = 200, body = Invitation), (status = 403), (status = 404), (status = 409), (status = 422)))]
async fn create_invitation(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    PathId(id): PathId<OrganisationId>,
    JsonBody(request): JsonBody<InvitationRequest>,
) -> Result<Json<Invitation>> {
    invitations::create(&gangway, &caller, key, id, &request)
        .await
        .map(Json)
}

/// Takes an invitation back.
#[utoipa::path(delete, path = path::INVITATION, tag = "organisations",
    params(("id" = OrganisationId, Path), ("link" = LinkId, Path)),
    responses((status = 204), (status = 403), (status = 404)))]
async fn withdraw_invitation(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, link)): PathId<(OrganisationId, LinkId)>,
) -> Result<StatusCode> {
    invitations::withdraw(&gangway, &caller, id, link).await?;
    Ok(StatusCode::NO_CONTENT)
}
