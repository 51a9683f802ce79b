//! Certificates and revocation lists of the built-in CA, for anyone, in DER and in PEM.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use gangway_protocol::id::IssuerId;
use gangway_protocol::path;
use http::HeaderMap;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::description::Binary;
use super::request::PathId;
use crate::authority::{Error, Result};
use crate::ca::PublishedCrl;
use crate::conditional::Entity;
use crate::state::Gangway;

/// RFC 2585 §4.1.
const CERTIFICATE: &str = "application/pkix-cert";
/// RFC 2585 §4.2.
const CRL: &str = "application/pkix-crl";
/// PEM has no registered type; this is what OpenSSL's and Apache's lists call it.
const PEM: &str = "application/x-pem-file";

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(show_issuer_certificate))
        .routes(routes!(show_issuer_certificate_as_pem))
        .routes(routes!(show_issuer_crl))
        .routes(routes!(show_issuer_crl_as_pem))
}

/// The certificate of an issuer, DER.
#[utoipa::path(get, path = path::ISSUER_CERTIFICATE, tag = "certificates", security(()), params(("issuer" = IssuerId, Path)),
    responses((status = 200, content_type = "application/pkix-cert", body = inline(Binary)), (status = 404)))]
async fn show_issuer_certificate(
    State(gangway): State<Arc<Gangway>>,
    PathId(issuer): PathId<IssuerId>,
) -> Result<Response> {
    let der = gangway.ca.certificate_der(&issuer);
    Ok(unchanging(CERTIFICATE, der.ok_or(Error::NotFound)?))
}

/// The certificate of an issuer, PEM.
#[utoipa::path(get, path = path::ISSUER_CERTIFICATE_PEM, tag = "certificates", security(()),
    params(("issuer" = IssuerId, Path)),
    responses((status = 200, content_type = "application/x-pem-file", body = String), (status = 404)))]
async fn show_issuer_certificate_as_pem(
    State(gangway): State<Arc<Gangway>>,
    PathId(issuer): PathId<IssuerId>,
) -> Result<Response> {
    let pem = gangway.ca.certificate_pem(&issuer);
    Ok(unchanging(PEM, pem.ok_or(Error::NotFound)?))
}

/// An issuer's certificate never changes: another one has another id.
fn unchanging(content_type: &'static str, body: impl IntoResponse) -> Response {
    let headers = [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, "public, max-age=86400, immutable"),
    ];
    (headers, body).into_response()
}

/// The revocation list of an issuer, DER. It tells everything that has been revoked up to this request.
#[utoipa::path(get, path = path::ISSUER_CRL, tag = "certificates", security(()), params(("issuer" = IssuerId, Path)),
    responses((status = 200, content_type = "application/pkix-crl", body = inline(Binary)),
        (status = 304, description = "The list has not changed since the one that the request names"), (status = 404)))]
async fn show_issuer_crl(
    State(gangway): State<Arc<Gangway>>,
    PathId(issuer): PathId<IssuerId>,
    headers: HeaderMap,
) -> Result<Response> {
    answer_crl(&gangway, &headers, &issuer).await
}

/// The revocation list of an issuer, DER.
pub(super) async fn answer_crl(
    gangway: &Gangway,
    request: &HeaderMap,
    issuer: &IssuerId,
) -> Result<Response> {
    let list = newest(gangway, issuer).await?;
    Ok(answer(gangway, request, &list, CRL, list.der.clone()))
}

/// The revocation list of an issuer, PEM.
#[utoipa::path(get, path = path::ISSUER_CRL_PEM, tag = "certificates", security(()), params(("issuer" = IssuerId, Path)),
    responses((status = 200, content_type = "application/x-pem-file", body = String),
        (status = 304, description = "The list has not changed since the one that the request names"), (status = 404)))]
async fn show_issuer_crl_as_pem(
    State(gangway): State<Arc<Gangway>>,
    PathId(issuer): PathId<IssuerId>,
    headers: HeaderMap,
) -> Result<Response> {
    let list = newest(&gangway, &issuer).await?;
    Ok(answer(&gangway, &headers, &list, PEM, list.pem()?))
}

async fn newest(gangway: &Gangway, issuer: &IssuerId) -> Result<Arc<PublishedCrl>> {
    let now = gangway.clock.now();
    let list = gangway.ca.crl(&gangway.db, issuer, now).await?;
    list.ok_or(Error::NotFound)
}

/// Caches ask again every time: a revocation must not wait for them.
fn answer(
    gangway: &Gangway,
    request: &HeaderMap,
    list: &PublishedCrl,
    content_type: &'static str,
    bytes: Bytes,
) -> Response {
    Entity::numbered(content_type, bytes, list.number).answer_at(gangway.clock.now(), request)
}
