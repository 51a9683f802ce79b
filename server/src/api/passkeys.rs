//! Passkeys of the signed-in account.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use gangway_protocol::account::{Ceremony, CeremonyReply, Passkey, Rename};
use gangway_protocol::id::{CeremonyId, PasskeyId};
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use http::{HeaderMap, StatusCode};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::request::{JsonBody, Paged, PathId};
use crate::authority::{Caller, Result};
use crate::db::passkeys;
use crate::people::{additions, browser};
use crate::state::Gangway;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(list_passkeys, start_adding_passkey))
        .routes(routes!(finish_adding_passkey))
        .routes(routes!(rename_passkey, remove_passkey))
}

/// The account's passkeys.
#[utoipa::path(get, path = path::PASSKEYS, tag = "account", params(PageQuery),
    responses((status = 200, body = Page<Passkey>), (status = 403), (status = 422)))]
async fn list_passkeys(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    paged: Paged,
) -> Result<Json<Page<Passkey>>> {
    caller.require_person()?;
    // A sign-in by a provider does not become the account: whoever runs it is not told by which keys others reach it.
    if caller.credential.vouched().is_some() {
        return Ok(Json(paged.page(Vec::new(), |row: &Passkey| row.id.to_string())));
    }
    let mut reader = gangway.db.reader().await?;
    let rows =
        passkeys::of_account(&mut reader.conn(), &caller.account, paged.after(), paged.fetch()).await?;
    Ok(Json(paged.page(rows, |row| row.id.to_string())))
}

/// Starts adding a passkey.
#[utoipa::path(post, path = path::PASSKEYS, tag = "account",
    responses((status = 200, body = Ceremony), (status = 403), (status = 409)))]
async fn start_adding_passkey(State(gangway): State<Arc<Gangway>>, caller: Caller) -> Result<Json<Ceremony>> {
    additions::start(&gangway, &gangway.passkeys, &caller)
        .await
        .map(Json)
}

/// Finishes adding a passkey.
#[utoipa::path(post, path = path::PASSKEY_CEREMONY, tag = "account",
    params(("ceremony" = CeremonyId, Path)), request_body = CeremonyReply,
    responses((status = 200, body = Passkey), (status = 403), (status = 404), (status = 409), (status = 422)))]
async fn finish_adding_passkey(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    headers: HeaderMap,
    PathId(ceremony): PathId<CeremonyId>,
    JsonBody(reply): JsonBody<CeremonyReply>,
) -> Result<Json<Passkey>> {
    additions::finish(
        &gangway,
        &gangway.passkeys,
        &caller,
        ceremony,
        &reply.credential,
        reply.passkey_name.unwrap_or_else(|| browser::name(&headers)),
    )
    .await
    .map(Json)
}

/// Gives a passkey another name.
#[utoipa::path(patch, path = path::PASSKEY, tag = "account", params(("id" = PasskeyId, Path)),
    request_body = Rename,
    responses((status = 200, body = Passkey), (status = 403), (status = 404), (status = 422)))]
async fn rename_passkey(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<PasskeyId>,
    JsonBody(request): JsonBody<Rename>,
) -> Result<Json<Passkey>> {
    additions::rename(&gangway, &caller, id, &request.name)
        .await
        .map(Json)
}

/// Removes a passkey; the last one only while there are recovery codes. Browsers that signed in with it are signed out,
/// except the one that asks.
#[utoipa::path(delete, path = path::PASSKEY, tag = "account", params(("id" = PasskeyId, Path)),
    responses((status = 204), (status = 403), (status = 404), (status = 409)))]
async fn remove_passkey(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<PasskeyId>,
) -> Result<StatusCode> {
    additions::remove(&gangway, &gangway.relay, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
