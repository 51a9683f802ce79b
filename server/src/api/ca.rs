//! Certificates and revocation lists of the built-in CA, for anyone.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use gangway_protocol::id::IssuerId;
use gangway_protocol::path;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::request::PathId;
use crate::authority::{Error, Result};
use crate::state::Gangway;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(show_issuer_certificate))
        .routes(routes!(show_issuer_crl))
}

/// The certificate of an issuer, DER.
#[utoipa::path(get, path = path::ISSUER_CERTIFICATE, tag = "certificates", security(()), params(("issuer" = IssuerId, Path)),
    responses((status = 200, content_type = "application/pkix-cert", body = Vec<u8>), (status = 404)))]
async fn show_issuer_certificate(
    State(gangway): State<Arc<Gangway>>,
    PathId(issuer): PathId<IssuerId>,
) -> Result<Response> {
    let der = gangway.ca.certificate_der(&issuer).ok_or(Error::NotFound)?;
    // RFC 2585 §4.1. An issuer's certificate never changes: another one has another id.
    let headers = [
        (CONTENT_TYPE, "application/pkix-cert"),
        (CACHE_CONTROL, "public, max-age=86400, immutable"),
    ];
    Ok((headers, der).into_response())
}

/// The revocation list of an issuer, DER. It tells everything that has been revoked up to this request.
#[utoipa::path(get, path = path::ISSUER_CRL, tag = "certificates", security(()), params(("issuer" = IssuerId, Path)),
    responses((status = 200, content_type = "application/pkix-crl", body = Vec<u8>), (status = 404)))]
async fn show_issuer_crl(
    State(gangway): State<Arc<Gangway>>,
    PathId(issuer): PathId<IssuerId>,
) -> Result<Response> {
    let crl = gangway
        .ca
        .crl(&gangway.db, &issuer, gangway.clock.now())
        .await?
        .ok_or(Error::NotFound)?;
    // RFC 2585 §4.2. Proxies ask again every time: a revocation must not wait for them.
    let headers = [
        (CONTENT_TYPE, "application/pkix-crl"),
        (CACHE_CONTROL, "no-cache"),
    ];
    Ok((headers, crl.der.clone()).into_response())
}
