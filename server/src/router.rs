//! Everything the server answers, in one place: the table of contents.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use gangway_protocol::path;
use http::{HeaderMap, header};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;

use crate::api::csrf;
use crate::api::description;
use crate::api::flood;
use crate::api::problem::RequestError;
use crate::authority::Error;
use crate::conditional::CompressedText;
use crate::state::Gangway;
use crate::{api, assets, est, headers, health, host, idprov, log, panel, security_txt, thingspeak};

/// The whole server as one service.
pub fn router(gangway: Arc<Gangway>) -> Router {
    let (api, _description) = api().split_for_parts();
    let api = api.layer(from_fn_with_state(gangway.clone(), csrf::refuse_foreign_changes));
    let inner = api.clone().with_state(gangway.clone());
    let mut router = Router::new();
    // A proxy that ends TLS for devices has but this listener to pass them on to.
    if !gangway.config.client_certificate_proxies.is_empty() {
        router = router.nest(path::IDPROV, idprov::router().layer(from_fn(forget_cookies)));
    }
    router
        .merge(api)
        .merge(panel::router(gangway.clone(), inner))
        .merge(api::sockets::router())
        .nest(path::THINGSPEAK, thingspeak::router())
        .nest(path::EST, est::router())
        .nest(path::PLGD, api::plgd::router(gangway.clone()))
        .merge(health::router())
        .merge(security_txt::router())
        .route(path::OPENAPI, get(show_description))
        .route("/api/{*unknown}", any(refuse_unknown_path))
        .route(assets::ASSETS, get(assets::get_asset))
        .method_not_allowed_fallback(refuse_method)
        .layer(CatchPanicLayer::custom(answer_panic))
        .layer(from_fn_with_state(gangway.clone(), headers::add_security_headers))
        .layer(from_fn(host::refuse_malformed_hosts))
        .layer(from_fn_with_state(gangway.clone(), flood::refuse_floods))
        .layer(from_fn(log::observe_request))
        .with_state(gangway)
}

/// The issuers and revocation lists of the built-in CA, for a listener without TLS.
pub fn ca_router(gangway: Arc<Gangway>) -> Router {
    let (router, _description) = api::ca::router().split_for_parts();
    router
        .method_not_allowed_fallback(refuse_method)
        .fallback(refuse_unknown_path)
        .layer(from_fn(host::refuse_malformed_hosts))
        .layer(from_fn_with_state(gangway.clone(), flood::refuse_floods))
        .layer(from_fn(log::observe_request))
        .with_state(gangway)
}

/// What devices ask for with certificates of the built-in CA, for a listener that takes those.
pub fn device_router(gangway: Arc<Gangway>) -> Router {
    let (router, _description) = api::ca::router().split_for_parts();
    let router = router
        .merge(api::sockets::router())
        .nest(path::EST, est::router())
        .nest(path::IDPROV, idprov::router());
    answering_devices(router, gangway)
}

/// idprov, for a listener of its own.
pub fn idprov_router(gangway: Arc<Gangway>) -> Router {
    answering_devices(Router::new().nest(path::IDPROV, idprov::router()), gangway)
}

fn answering_devices(router: Router<Arc<Gangway>>, gangway: Arc<Gangway>) -> Router {
    router
        .method_not_allowed_fallback(refuse_method)
        .fallback(refuse_unknown_path)
        .layer(CatchPanicLayer::custom(answer_panic))
        .layer(from_fn(forget_cookies))
        .layer(from_fn(host::refuse_malformed_hosts))
        .layer(from_fn_with_state(gangway.clone(), flood::refuse_floods))
        .layer(from_fn(log::observe_request))
        .with_state(gangway)
}

/// Cookies know no ports: whoever is signed in at the panel is nobody here.
async fn forget_cookies(mut request: Request, next: Next) -> Response {
    // Threat model: PRE-11.
    request.headers_mut().remove(header::COOKIE);
    next.run(request).await
}

async fn show_description(headers: HeaderMap) -> Response {
    static TEXT: LazyLock<CompressedText> = LazyLock::new(|| {
        let text = description().to_json().expect("the description is JSON");
        CompressedText::new("application/json", &text)
    });
    TEXT.answer(&headers)
}

async fn refuse_unknown_path() -> Error {
    Error::NotFound
}

async fn refuse_method() -> RequestError {
    RequestError::MethodNotAllowed
}

/// A handler that panics costs its own request, not the connection. The panic's text goes to the log alone.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the layer hands over what the panic carried"
)]
fn answer_panic(panic: Box<dyn std::any::Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a text");
    Error::internal(format!("a handler panicked: {text}")).into_response()
}

/// The HTTP API's description, OpenAPI 3.1.
#[must_use]
pub fn description() -> utoipa::openapi::OpenApi {
    description::completed(api().split_for_parts().1)
}

/// The HTTP API with its description.
pub fn api() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::with_openapi(description::outline())
        .merge(api::links::router())
        .merge(api::sign_ins::router())
        .merge(api::account::router())
        .merge(api::passkeys::router())
        .merge(api::tokens::router())
        .merge(api::organisations::router())
        .merge(api::members::router())
        .merge(api::invitations::router())
        .merge(api::audit::router())
        .merge(api::enrolments::router())
        .merge(api::devices::router())
        .merge(api::signers::router())
        .merge(api::bulk_jobs::router())
        .merge(api::permits::router())
        .merge(api::feeds::router())
        .merge(api::saved_views::router())
        .merge(api::webhooks::router())
        .merge(api::single_sign_on::router())
        .merge(api::certificates::router())
        .merge(api::fleet_changes::router())
        .merge(api::ca::router())
}
