//! Bearer tokens of the signed-in account.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use gangway_protocol::account::{Token, TokenRequest};
use gangway_protocol::id::TokenId;
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::idempotency::IdempotencyKey;
use super::request::{JsonBody, Paged, PathId};
use crate::authority::{Caller, Result};
use crate::db::tokens as stored;
use crate::people::tokens;
use crate::state::Gangway;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(list_tokens, create_token))
        .routes(routes!(revoke_token))
}

/// The account's tokens, without their secrets.
#[utoipa::path(get, path = path::TOKENS, tag = "account", params(PageQuery),
    responses((status = 200, body = Page<Token>), (status = 403), (status = 422)))]
async fn list_tokens(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    paged: Paged,
) -> Result<Json<Page<Token>>> {
    caller.require_person()?;
    // A sign-in by a provider makes no tokens, and tells of none that were made elsewhere.
    if caller.credential.vouched().is_some() {
        return Ok(Json(paged.page(Vec::new(), |row: &Token| row.id.to_string())));
    }
    let mut reader = gangway.db.reader().await?;
    let rows = stored::of_account(&mut reader.conn(), &caller.account, paged.after(), paged.fetch()).await?;
    Ok(Json(paged.page(rows, |row| row.id.to_string())))
}

/// Makes a token; the reply holds its secret, this once.
#[utoipa::path(post, path = path::TOKENS, tag = "account", request_body = TokenRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Drawn at random, 16 to 128 characters")),
    responses((status = 200, body = Token), (status = 403), (status = 404), (status = 409), (status = 422)))]
async fn create_token(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(request): JsonBody<TokenRequest>,
) -> Result<Json<Token>> {
    tokens::create(&gangway, &caller, key, &request).await.map(Json)
}

/// Revokes a token.
#[utoipa::path(delete, path = path::TOKEN, tag = "account", params(("id" = TokenId, Path)),
    responses((status = 204), (status = 403), (status = 404)))]
async fn revoke_token(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<TokenId>,
) -> Result<StatusCode> {
    tokens::revoke(&gangway, &gangway.relay, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
