//! Measurement feeds of an organisation: made, changed, given keys, written, read.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use gangway_protocol::id::{FeedKeyId, OrganisationId};
use gangway_protocol::measurement::{
    ChannelNumber, Feed, FeedKey, FeedKeyReplacement, FeedKeyRequest, FeedRequest, FeedUpdate,
    MeasurementQuery, Measurements,
};
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::idempotency::IdempotencyKey;
use super::request::{JsonBody, Paged, PathId, QueryOf};
use crate::authority::{Caller, Error, Result};
use crate::measurements::{feeds, keys, metrics, reading};
use crate::state::Gangway;

/// Digits of a channel number at most, as the description has it.
const MAX_NUMBER_LEN: usize = 18;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(list_feeds, add_feed))
        .routes(routes!(show_feed, change_feed, remove_feed))
        .routes(routes!(show_feed_measurements))
        .routes(routes!(show_feed_metrics))
        .routes(routes!(list_feed_keys, add_feed_key))
        .routes(routes!(remove_feed_key))
        .routes(routes!(replace_feed_key))
}

/// Measurement feeds of an organisation, by their numbers.
#[utoipa::path(get, path = path::FEEDS, tag = "measurements", params(("id" = OrganisationId, Path), PageQuery),
    responses((status = 200, body = Page<Feed>), (status = 403), (status = 404)))]
async fn list_feeds(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<OrganisationId>,
    paged: Paged,
) -> Result<Json<Page<Feed>>> {
    let after = match paged.after() {
        "" => 0,
        number => {
            let read = (number.len() <= MAX_NUMBER_LEN).then(|| number.parse().ok());
            read.flatten()
                .ok_or_else(|| Error::invalid("after", "after is what the page before gave as its next"))?
        }
    };
    let found = feeds::list(&gangway, &caller, &id, after, paged.fetch()).await?;
    Ok(Json(paged.page(found, |feed| feed.channel.to_string())))
}

/// Makes a measurement feed for a program. Its keys are in the reply, and nowhere again.
#[utoipa::path(post, path = path::FEEDS, tag = "measurements", request_body = FeedRequest,
    params(("id" = OrganisationId, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "Drawn at random, 16 to 128 characters")),
    responses((status = 200, body = Feed), (status = 403), (status = 404), (status = 409), (status = 422)))]
async fn add_feed(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    PathId(id): PathId<OrganisationId>,
    JsonBody(request): JsonBody<FeedRequest>,
) -> Result<Json<Feed>> {
    feeds::add(&gangway, &caller, key, id, request).await.map(Json)
}

/// A measurement feed.
#[utoipa::path(get, path = path::FEED, tag = "measurements",
    params(("id" = OrganisationId, Path), ("channel" = ChannelNumber, Path)),
    responses((status = 200, body = Feed), (status = 403), (status = 404)))]
async fn show_feed(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, channel)): PathId<(OrganisationId, ChannelNumber)>,
) -> Result<Json<Feed>> {
    feeds::show(&gangway, &caller, &id, channel).await.map(Json)
}

/// Changes a measurement feed: its name, its fields, for how long it is kept.
#[utoipa::path(patch, path = path::FEED, tag = "measurements", request_body = FeedUpdate,
    params(("id" = OrganisationId, Path), ("channel" = ChannelNumber, Path)),
    responses((status = 200, body = Feed), (status = 403), (status = 404), (status = 422)))]
async fn change_feed(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, channel)): PathId<(OrganisationId, ChannelNumber)>,
    JsonBody(update): JsonBody<FeedUpdate>,
) -> Result<Json<Feed>> {
    feeds::change(&gangway, &caller, id, channel, update)
        .await
        .map(Json)
}

/// Removes a measurement feed, its keys, and what was measured. A device that goes on measuring gets another one.
#[utoipa::path(delete, path = path::FEED, tag = "measurements",
    params(("id" = OrganisationId, Path), ("channel" = ChannelNumber, Path)),
    responses((status = 204), (status = 403), (status = 404)))]
async fn remove_feed(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, channel)): PathId<(OrganisationId, ChannelNumber)>,
) -> Result<StatusCode> {
    feeds::remove(&gangway, &gangway.measurements, &caller, id, channel).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is in a measurement feed: values as they came, or what those of a span have in common.
#[utoipa::path(get, path = path::FEED_MEASUREMENTS, tag = "measurements",
    params(("id" = OrganisationId, Path), ("channel" = ChannelNumber, Path), MeasurementQuery),
    responses((status = 200, body = Measurements), (status = 403), (status = 404), (status = 422)))]
async fn show_feed_measurements(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, channel)): PathId<(OrganisationId, ChannelNumber)>,
    QueryOf(query): QueryOf<MeasurementQuery>,
) -> Result<Json<Measurements>> {
    reading::of_feed(&gangway, &gangway.measurements, &caller, &id, channel, &query)
        .await
        .map(Json)
}

/// The last values of an organisation's measurement feeds in OpenMetrics, for Prometheus and Grafana: of the first 1,000 feeds.
#[utoipa::path(get, path = path::FEED_METRICS, tag = "measurements", params(("id" = OrganisationId, Path)),
    responses((status = 200, content_type = "application/openmetrics-text", body = String), (status = 403), (status = 404)))]
async fn show_feed_metrics(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<OrganisationId>,
) -> Result<Response> {
    let text = metrics::last_values(&gangway, &gangway.measurements, &caller, &id).await?;
    Ok(([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response())
}

/// Keys of a measurement feed, oldest first, without their secrets.
#[utoipa::path(get, path = path::FEED_KEYS, tag = "measurements",
    params(("id" = OrganisationId, Path), ("channel" = ChannelNumber, Path), PageQuery),
    responses((status = 200, body = Page<FeedKey>), (status = 403), (status = 404)))]
async fn list_feed_keys(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, channel)): PathId<(OrganisationId, ChannelNumber)>,
    paged: Paged,
) -> Result<Json<Page<FeedKey>>> {
    let mut found = keys::list(&gangway, &caller, &id, channel).await?;
    found.retain(|key| key.id.as_str() > paged.after());
    Ok(Json(paged.page(found, |key| key.id.to_string())))
}

/// Makes a key of a measurement feed. The key itself is in the reply, and nowhere again.
#[utoipa::path(post, path = path::FEED_KEYS, tag = "measurements", request_body = FeedKeyRequest,
    params(("id" = OrganisationId, Path), ("channel" = ChannelNumber, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "Drawn at random, 16 to 128 characters")),
    responses((status = 200, body = FeedKey), (status = 403), (status = 404), (status = 409), (status = 422)))]
async fn add_feed_key(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    PathId((id, channel)): PathId<(OrganisationId, ChannelNumber)>,
    JsonBody(request): JsonBody<FeedKeyRequest>,
) -> Result<Json<FeedKey>> {
    keys::add(&gangway, &caller, key, id, channel, request)
        .await
        .map(Json)
}

/// Puts another key in the place of one, which goes on for a day, or for as long as is asked.
#[utoipa::path(post, path = path::FEED_KEY_REPLACEMENT, tag = "measurements", request_body = FeedKeyReplacement,
    params(("id" = OrganisationId, Path), ("channel" = ChannelNumber, Path), ("key" = FeedKeyId, Path)),
    responses((status = 200, body = FeedKey), (status = 403), (status = 404), (status = 409), (status = 422)))]
async fn replace_feed_key(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, channel, key)): PathId<(OrganisationId, ChannelNumber, FeedKeyId)>,
    JsonBody(request): JsonBody<FeedKeyReplacement>,
) -> Result<Json<FeedKey>> {
    keys::replace(&gangway, &caller, id, channel, key, request)
        .await
        .map(Json)
}

/// Ends a key of a measurement feed at once.
#[utoipa::path(delete, path = path::FEED_KEY, tag = "measurements",
    params(("id" = OrganisationId, Path), ("channel" = ChannelNumber, Path), ("key" = FeedKeyId, Path)),
    responses((status = 204), (status = 403), (status = 404)))]
async fn remove_feed_key(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, channel, key)): PathId<(OrganisationId, ChannelNumber, FeedKeyId)>,
) -> Result<StatusCode> {
    keys::remove(&gangway, &caller, id, channel, key).await?;
    Ok(StatusCode::NO_CONTENT)
}
