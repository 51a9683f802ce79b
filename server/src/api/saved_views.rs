//! Views of the fleet that are kept under a name.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use gangway_protocol::id::SavedViewId;
use gangway_protocol::page::Page;
use gangway_protocol::path;
use gangway_protocol::saved_view::{SavedView, SavedViewRequest};
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::idempotency::IdempotencyKey;
use super::request::{JsonBody, PathId};
use crate::authority::{Caller, Result};
use crate::fleet::views;
use crate::state::Gangway;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(list_saved_views, keep_view))
        .routes(routes!(remove_saved_view))
}

/// The caller's own views and those that are shared with them, by name, all in one page.
#[utoipa::path(get, path = path::SAVED_VIEWS, tag = "devices",
    responses((status = 200, body = Page<SavedView>), (status = 403)))]
async fn list_saved_views(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
) -> Result<Json<Page<SavedView>>> {
    let found = views::list(&gangway, &caller).await?;
    Ok(Json(Page::new(found, None)))
}

/// Keeps a view, for oneself or for everybody who sees an organisation's fleet.
#[utoipa::path(post, path = path::SAVED_VIEWS, tag = "devices", request_body = SavedViewRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Drawn at random, 16 to 128 characters")),
    responses((status = 200, body = SavedView), (status = 403), (status = 404), (status = 409), (status = 422)))]
async fn keep_view(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(request): JsonBody<SavedViewRequest>,
) -> Result<Json<SavedView>> {
    views::keep(&gangway, &caller, key, request).await.map(Json)
}

/// Removes a view.
#[utoipa::path(delete, path = path::SAVED_VIEW, tag = "devices", params(("view" = SavedViewId, Path)),
    responses((status = 204), (status = 403), (status = 404)))]
async fn remove_saved_view(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(view): PathId<SavedViewId>,
) -> Result<StatusCode> {
    views::remove(&gangway, &caller, &view).await?;
    Ok(StatusCode::NO_CONTENT)
}
