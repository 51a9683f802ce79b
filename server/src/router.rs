//! Everything the server answers, in one place: the table of contents.

use std::sync::Arc;

use axum::Router;
use utoipa_axum::router::OpenApiRouter;

use crate::state::Gangway;
use crate::{api, health, log, relay};

/// The whole server as one service.
pub fn router(gangway: Arc<Gangway>) -> Router {
    let (api, _description) = api().split_for_parts();
    Router::new()
        .merge(api)
        .merge(relay::router())
        .merge(health::router())
        .layer(axum::middleware::from_fn(log::observe_request))
        .with_state(gangway)
}

/// The HTTP API's description, OpenAPI 3.1.
#[must_use]
pub fn description() -> utoipa::openapi::OpenApi {
    api().split_for_parts().1
}

/// The HTTP API with its description.
pub fn api() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .merge(api::links::router())
        .merge(api::sign_ins::router())
        .merge(api::account::router())
        .merge(api::tokens::router())
        .merge(api::organisations::router())
        .merge(api::enrolments::router())
        .merge(api::devices::router())
        .merge(api::certificates::router())
        .merge(api::fleet_changes::router())
        .merge(api::ca::router())
}
