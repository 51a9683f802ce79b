//! plgd's certificate authority API, spoken by our CA at one address for each organisation: `/plgd/{organisation}`. A foreign
//! contract, and hence in no description of ours (`docs/decisions/0030-plgd-api.md`).
//!
//! 1. [`guard`] answers in place of everything else where the API is off, answers what browsers ask before they send a request
//!    across origins, and lets a cookie count for our own pages alone.
//! 2. Who calls is asked in each handler, because even a refusal has plgd's form ([`status`]).
//! 3. The answer has the form that was asked for ([`shape`]).

mod discovery;
mod records;
mod shape;
mod signing;
mod status;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use gangway_protocol::id::OrganisationId;
use gangway_protocol::path;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, AUTHORIZATION, COOKIE, ORIGIN,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::ca::answer_crl;
use super::csrf::{SEC_FETCH_SITE, has_own_origin, may_change};
use crate::authority::{Caller, Error, Result, identify};
use crate::config::Config;
use crate::limits::ClientAddress;
use crate::state::Gangway;
use shape::Shape;
use status::Status;

/// Both spellings of every path: plgd's user interfaces use one for signing and the other for records.
const BASES: [&str; 2] = ["/api/v1", "/certificate-authority/api/v1"];
/// What another origin may send.
const PREFLIGHT: [(HeaderName, &str); 3] = [
    (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, DELETE, OPTIONS"),
    (
        ACCESS_CONTROL_ALLOW_HEADERS,
        "authorization, content-type, accept, correlation-id",
    ),
    (ACCESS_CONTROL_MAX_AGE, "7200"),
];

/// What a path answers; each spelling of it has its own.
type Methods = fn() -> MethodRouter<Arc<Gangway>>;

/// The routes below [`gangway_protocol::path::PLGD`].
pub fn router(gangway: Arc<Gangway>) -> Router<Arc<Gangway>> {
    let below_bases: [(&str, Methods); 4] = [
        ("/sign/identity-csr", || post(signing::sign_identity)),
        ("/sign/csr", || post(signing::sign_general)),
        ("/signing/records", || {
            get(records::list_records).delete(records::delete_records)
        }),
        ("/signing/crl/{issuer}", || get(show_crl)),
    ];
    let mut router = Router::new();
    for (place, methods) in below_bases {
        for base in BASES {
            router = tolerant(router, &format!("{base}{place}"), methods);
        }
    }
    for place in ["/.well-known/configuration", "/.well-known/hub-configuration"] {
        router = tolerant(router, place, || get(discovery::show_configuration));
    }
    router
        .fallback(async || Status::of(&Error::NotFound, None))
        .method_not_allowed_fallback(async || Status::method_not_allowed())
        .layer(from_fn_with_state(gangway, guard))
}

/// plgd takes a path with a slash at its end too.
fn tolerant(router: Router<Arc<Gangway>>, place: &str, methods: Methods) -> Router<Arc<Gangway>> {
    router
        .route(place, methods())
        .route(&format!("{place}/"), methods())
}

/// What comes before every handler.
async fn guard(State(gangway): State<Arc<Gangway>>, mut request: Request, next: Next) -> Response {
    if !gangway.config.plgd_api {
        return Status::of(&Error::NotFound, None).answer(Shape::of(request.headers()));
    }
    if request.method() == Method::OPTIONS {
        return preflight();
    }
    // Threat model: WEB-12. A page of another origin reads answers only to requests that it has given a token, and to what is
    // for anyone; cookies are never part of that.
    let by_token = request.headers().contains_key(AUTHORIZATION);
    if !by_token && !is_own(&request, &gangway.config) {
        if !request.method().is_safe() && request.headers().contains_key(COOKIE) {
            let error = Error::Forbidden("this came from another site, with the cookie of this one");
            return Status::of(&error, None).answer(Shape::of(request.headers()));
        }
        request.headers_mut().remove(COOKIE);
    }
    let mut response = next.run(request).await;
    if by_token {
        open_to_all_origins(response.headers_mut());
    }
    response
}

/// Whether a cookie may count: as for every change of ours, and here for reading too, because this API speaks to other origins.
fn is_own(request: &Request, config: &Config) -> bool {
    let headers = request.headers();
    if !request.method().is_safe() {
        return may_change(headers, config);
    }
    let is_own_site = headers.get(SEC_FETCH_SITE).is_none_or(|site| {
        ["same-origin", "none"]
            .iter()
            .any(|own| site.as_bytes() == own.as_bytes())
    });
    is_own_site && (!headers.contains_key(ORIGIN) || has_own_origin(headers, config))
}

fn preflight() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    for (name, value) in PREFLIGHT {
        headers.insert(name, HeaderValue::from_static(value));
    }
    open_to_all_origins(headers);
    response
}

/// Any origin, and hence never with cookies (Fetch §3.2.5: `*` does not go with credentials).
fn open_to_all_origins(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
}

/// The revocation list of an issuer, for anyone: the same as under our own address.
async fn show_crl(
    State(gangway): State<Arc<Gangway>>,
    place: std::result::Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    let issuer = place
        .ok()
        .and_then(|Path((_, issuer))| gangway.ca.issuer_named(issuer.parse().ok()?));
    let answer = match issuer {
        Some(issuer) => answer_crl(&gangway, &headers, &issuer).await,
        None => Err(Error::NotFound),
    };
    match answer {
        Ok(mut response) => {
            open_to_all_origins(response.headers_mut());
            response
        }
        Err(error) => Status::of(&error, Some("cannot get revocation list")).answer(Shape::of(&headers)),
    }
}

/// Which organisation a request is for.
type Place = std::result::Result<Path<String>, PathRejection>;

/// What a request wanted to reach: routers below an address see only what is behind it.
fn target_of(place: &Place, request: &Parts) -> String {
    let below = request.uri.path();
    place.as_ref().map_or_else(
        |_| below.to_owned(),
        |Path(id)| format!("{}{below}", path::plgd(id)),
    )
}

fn organisation_of(place: Place) -> Result<OrganisationId> {
    let Ok(Path(id)) = place else {
        return Err(Error::NotFound);
    };
    id.parse().map_err(|_| Error::NotFound)
}

/// Who calls.
async fn caller_of(gangway: &Gangway, request: &Parts) -> Result<Caller> {
    let address = request.extensions.get::<ClientAddress>().copied();
    let address = address.ok_or_else(|| Error::internal("the request has no client address"))?;
    identify::caller(&gangway.db, gangway.clock.now(), &request.headers, address).await
}
