//! Webhooks of an organisation, and its certificates that end soon.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use gangway_protocol::device::Device;
use gangway_protocol::id::{OrganisationId, WebhookEventId, WebhookId};
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use gangway_protocol::webhook::{
    ExpiringQuery, ReplayRequest, Replayed, Webhook, WebhookDelivery, WebhookRequest, WebhookUpdate,
};
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::idempotency::IdempotencyKey;
use super::request::{JsonBody, Paged, PathId, QueryOf};
use crate::authority::{Caller, Result, Right};
use crate::fleet::expiring;
use crate::state::Gangway;
use crate::webhooks;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(list_webhooks, add_webhook))
        .routes(routes!(change_webhook, remove_webhook))
        .routes(routes!(rotate_webhook_secret))
        .routes(routes!(test_webhook))
        .routes(routes!(list_webhook_deliveries))
        .routes(routes!(replay_webhook_delivery))
        .routes(routes!(replay_failed_deliveries))
        .routes(routes!(list_expiring_devices))
}

/// Webhooks of an organisation, oldest first.
#[utoipa::path(get, path = path::WEBHOOKS, tag = "organisations", params(("id" = OrganisationId, Path), PageQuery),
    responses((status = 200, body = Page<Webhook>), (status = 403), (status = 404)))]
async fn list_webhooks(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<OrganisationId>,
    paged: Paged,
) -> Result<Json<Page<Webhook>>> {
    let mut webhooks = webhooks::list(&gangway, &caller, &id).await?;
    webhooks.retain(|webhook| webhook.id.as_str() > paged.after());
    Ok(Json(paged.page(webhooks, |webhook| webhook.id.to_string())))
}

/// Adds a webhook, which tells of what happens in the organisation and below it. Its secret is in the reply, and nowhere again.
#[utoipa::path(post, path = path::WEBHOOKS, tag = "organisations", request_body = WebhookRequest,
    params(("id" = OrganisationId, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "Drawn at random, 16 to 128 characters")),
    responses((status = 200, body = Webhook), (status = 403), (status = 404), (status = 409), (status = 422)))]
async fn add_webhook(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    PathId(id): PathId<OrganisationId>,
    JsonBody(request): JsonBody<WebhookRequest>,
) -> Result<Json<Webhook>> {
    webhooks::add(&gangway, &caller, key, id, request).await.map(Json)
}

/// Changes a webhook, or switches it on or off.
#[utoipa::path(patch, path = path::WEBHOOK, tag = "organisations",
    params(("id" = OrganisationId, Path), ("webhook" = WebhookId, Path)), request_body = WebhookUpdate,
    responses((status = 200, body = Webhook), (status = 403), (status = 404), (status = 422)))]
async fn change_webhook(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, webhook)): PathId<(OrganisationId, WebhookId)>,
    JsonBody(update): JsonBody<WebhookUpdate>,
) -> Result<Json<Webhook>> {
    webhooks::change(&gangway, &caller, id, webhook, update)
        .await
        .map(Json)
}

/// Removes a webhook and its log.
#[utoipa::path(delete, path = path::WEBHOOK, tag = "organisations",
    params(("id" = OrganisationId, Path), ("webhook" = WebhookId, Path)),
    responses((status = 204), (status = 403), (status = 404)))]
async fn remove_webhook(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, webhook)): PathId<(OrganisationId, WebhookId)>,
) -> Result<StatusCode> {
    webhooks::remove(&gangway, &caller, id, webhook).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a webhook another secret, which is in the reply. For a day the former one signs as well.
#[utoipa::path(post, path = path::WEBHOOK_SECRET, tag = "organisations",
    params(("id" = OrganisationId, Path), ("webhook" = WebhookId, Path)),
    responses((status = 200, body = Webhook), (status = 403), (status = 404)))]
async fn rotate_webhook_secret(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, webhook)): PathId<(OrganisationId, WebhookId)>,
) -> Result<Json<Webhook>> {
    webhooks::rotate_secret(&gangway, &caller, id, webhook)
        .await
        .map(Json)
}

/// Sends a test event, once, and tells what came back.
#[utoipa::path(post, path = path::WEBHOOK_TEST, tag = "organisations",
    params(("id" = OrganisationId, Path), ("webhook" = WebhookId, Path)),
    responses((status = 200, body = WebhookDelivery), (status = 403), (status = 404), (status = 409)))]
async fn test_webhook(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, webhook)): PathId<(OrganisationId, WebhookId)>,
) -> Result<Json<WebhookDelivery>> {
    webhooks::test(&gangway, &gangway.courier, &caller, id, webhook)
        .await
        .map(Json)
}

/// What a webhook has sent and has yet to send, newest first.
#[utoipa::path(get, path = path::WEBHOOK_DELIVERIES, tag = "organisations",
    params(("id" = OrganisationId, Path), ("webhook" = WebhookId, Path), PageQuery),
    responses((status = 200, body = Page<WebhookDelivery>), (status = 403), (status = 404)))]
async fn list_webhook_deliveries(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, webhook)): PathId<(OrganisationId, WebhookId)>,
    paged: Paged,
) -> Result<Json<Page<WebhookDelivery>>> {
    let log = webhooks::log(&gangway, &caller, &id, &webhook, paged.after(), paged.fetch()).await?;
    Ok(Json(paged.page(log, |delivery| delivery.event.to_string())))
}

/// Has one event sent again, as if for the first time. Its id stays.
#[utoipa::path(post, path = path::WEBHOOK_REPLAY, tag = "organisations",
    params(("id" = OrganisationId, Path), ("webhook" = WebhookId, Path), ("event" = WebhookEventId, Path)),
    responses((status = 200, body = WebhookDelivery), (status = 403), (status = 404), (status = 409)))]
async fn replay_webhook_delivery(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, webhook, event)): PathId<(OrganisationId, WebhookId, WebhookEventId)>,
) -> Result<Json<WebhookDelivery>> {
    webhooks::replay(&gangway, &caller, id, webhook, event)
        .await
        .map(Json)
}

/// Has everything sent again that failed and happened since an instant.
#[utoipa::path(post, path = path::WEBHOOK_REPLAYS, tag = "organisations", request_body = ReplayRequest,
    params(("id" = OrganisationId, Path), ("webhook" = WebhookId, Path)),
    responses((status = 200, body = Replayed), (status = 403), (status = 404), (status = 422)))]
async fn replay_failed_deliveries(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, webhook)): PathId<(OrganisationId, WebhookId)>,
    JsonBody(request): JsonBody<ReplayRequest>,
) -> Result<Json<Replayed>> {
    webhooks::replay_failed(&gangway, &caller, id, webhook, request.since)
        .await
        .map(Json)
}

/// Active devices of an organisation and below it whose certificates end soon, soonest first. The first page tells how many.
#[utoipa::path(get, path = path::EXPIRING, tag = "organisations", params(("id" = OrganisationId, Path), ExpiringQuery),
    responses((status = 200, body = Page<Device>), (status = 403), (status = 404), (status = 422)))]
async fn list_expiring_devices(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<OrganisationId>,
    QueryOf(query): QueryOf<ExpiringQuery>,
) -> Result<Json<Page<Device>>> {
    let request = expiring::Request::read(&query, gangway.clock.now())?;
    caller.require(&gangway.db, &id, Right::SeeFleet).await?;
    let mut reader = gangway.db.reader().await?;
    Ok(Json(request.page(&mut reader.conn(), &id).await?))
}
