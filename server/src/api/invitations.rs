//! Invitations to an organisation.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use gangway_protocol::device::check_text;
use gangway_protocol::id::{LinkId, OrganisationId};
use gangway_protocol::organisation::{Invitation, InvitationRequest};
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use http::{HeaderMap, StatusCode};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::request::{JsonBody, Paged, PathId};
use crate::api::idempotency::Once;
use crate::authority::{Caller, Right};
use crate::authority::{Error, Result};
use crate::db::audit::{Entry, Scope};
use crate::db::{audit, links as link_rows, organisations, write};
use crate::people::links;
use crate::state::Gangway;

/// Most invitations of one organisation that wait to be taken.
const MAX_WAITING: u64 = 500;
/// Longest reminder of whom an invitation is for.
pub(super) const MAX_NOTE_LEN: usize = 128;

const ABOVE: Error =
    Error::Forbidden("nobody invites to a role above their own: choose a lesser one, or ask an owner");

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
    caller.require(&gangway.db, &id, Right::Administer).await?;
    let now = gangway.clock.now();
    let mut reader = gangway.db.reader().await?;
    let rows = link_rows::invitations(&mut reader.conn(), &id, now, paged.after(), paged.fetch()).await?;
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
    headers: HeaderMap,
    PathId(id): PathId<OrganisationId>,
    JsonBody(request): JsonBody<InvitationRequest>,
) -> Result<Json<Invitation>> {
    let now = gangway.clock.now();
    let own = caller.require(&gangway.db, &id, Right::Administer).await?;
    caller.require_fresh_person(now)?;
    if !links::may_invite(own, request.role) {
        return Err(ABOVE);
    }
    let note = request.note.trim();
    check_text("note", note, MAX_NOTE_LEN)?;
    let place = path::invitations(&id);
    let once = Once::of(&headers, &caller.account, &(&place, &request), &*gangway.random)?;
    let made = links::invitation(
        id.clone(),
        request.role,
        note.to_owned(),
        caller.account.clone(),
        now,
        &*gangway.random,
    );
    let invitation = Invitation {
        id: made.link.id.clone(),
        role: request.role,
        note: made.link.note.clone(),
        expires_at: made.link.expires_at,
        link: Some(made.url(&gangway.config)),
    };
    write!(gangway.db, |tx| -> Result<Invitation> {
        if let Some(once) = &once
            && let Some(invitation) = once.begin(tx, now).await?
        {
            return Ok(invitation);
        }
        organisations::bump_revision(tx, &id).await?;
        // The role may have changed since it was looked at; from here on it stays.
        let own = organisations::role_at(tx, &id, &caller.account).await?;
        if !own.is_some_and(|own| links::may_invite(own, invitation.role)) {
            return Err(ABOVE);
        }
        if link_rows::count_invitations(tx, &id, now).await? >= MAX_WAITING {
            return Err(Error::Conflict(format!(
                "{MAX_WAITING} invitations wait to be taken already: take some back first"
            )));
        }
        made.keep(tx, now).await?;
        if let Some(once) = &once {
            once.end(tx, &invitation).await?;
        }
        let detail = format!("as {}: {}", invitation.role.as_str(), invitation.note);
        let entry = Entry {
            scope: Scope::Organisation(&id),
            at: now,
            actor: caller.actor(),
            action: "invitation.created",
            subject: invitation.id.as_str(),
            detail: &detail,
        };
        audit::append(tx, &entry).await?;
        Ok(invitation)
    })
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
    caller.require(&gangway.db, &id, Right::Administer).await?;
    let now = gangway.clock.now();
    write!(gangway.db, |tx| -> Result<()> {
        if !link_rows::withdraw(tx, &id, &link, now).await? {
            return Err(Error::NotFound);
        }
        let entry = Entry {
            scope: Scope::Organisation(&id),
            at: now,
            actor: caller.actor(),
            action: "invitation.withdrawn",
            subject: link.as_str(),
            detail: "",
        };
        Ok(audit::append(tx, &entry).await?)
    })?;
    Ok(StatusCode::NO_CONTENT)
}
