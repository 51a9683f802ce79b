//! Certificates of all devices: searched, shown, exported, delivered, revoked; and those that are held.

mod held;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gangway_protocol::certificate::{Certificate, CertificateQuery, RevocationRequest};
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::page::{DEFAULT_PAGE_LIMIT, MAX_PAGE_LIMIT, Page, PageQuery};
use gangway_protocol::path;
use gangway_protocol::time::UnixMillis;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::request::{JsonBody, Paged, PathId, QueryOf};
use crate::authority::{Caller, Right};
use crate::authority::{Error, Result};
use crate::db::certificates::{self, CertificateFilter, CertificateRecord};
use crate::db::signers;
use crate::enrolment::delivery::{self, Witness};
use crate::enrolment::{endings, exclusion, present};
use crate::state::Gangway;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(list_certificates))
        .routes(routes!(show_certificate))
        .routes(routes!(record_delivery))
        .routes(routes!(revoke_certificate))
        .routes(routes!(list_endings_due))
        .routes(routes!(record_ending))
        .merge(held::router())
}

/// In which form a certificate is wanted.
#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Form {
    /// `pem`: the chain as a file to download, leaf first. Absent: JSON.
    #[param(inline)]
    format: Option<Format>,
}

#[derive(Clone, Copy, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum Format {
    Pem,
}

/// Certificates, searched, newest first.
#[utoipa::path(get, path = path::CERTIFICATES, tag = "certificates", params(CertificateQuery),
    responses((status = 200, body = Page<Certificate>), (status = 403), (status = 404), (status = 422)))]
async fn list_certificates(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    QueryOf(query): QueryOf<CertificateQuery>,
) -> Result<Json<Page<Certificate>>> {
    let organisations = caller
        .chosen_organisations(&gangway.db, query.organisation.as_ref())
        .await?;
    page_of(&gangway, &organisations, &query).await.map(Json)
}

/// One certificate, as JSON or as a PEM file.
#[utoipa::path(get, path = path::CERTIFICATE, tag = "certificates", params(("sha256" = Sha256Hex, Path), Form),
    responses((status = 200, content((Certificate = "application/json"), (String = "application/pem-certificate-chain"))),
        (status = 403), (status = 404)))]
async fn show_certificate(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(sha256): PathId<Sha256Hex>,
    QueryOf(form): QueryOf<Form>,
) -> Result<Response> {
    let record = find(&gangway, &sha256).await?;
    caller.see_device(&gangway.db, &record.device).await?;
    let certificate = present(&gangway, record)?;
    Ok(match form.format {
        None => Json(certificate).into_response(),
        Some(Format::Pem) => {
            // RFC 8555 §9.1: the type of a chain in PEM.
            let disposition = format!("attachment; filename=\"{}.pem\"", certificate.device);
            let headers = [
                (CONTENT_TYPE, "application/pem-certificate-chain".to_owned()),
                (CONTENT_DISPOSITION, disposition),
            ];
            (headers, certificate.chain).into_response()
        }
    })
}

/// Records that the device has said this certificate is installed. Repeating it changes nothing.
#[utoipa::path(post, path = path::CERTIFICATE_DELIVERY, tag = "certificates", params(("sha256" = Sha256Hex, Path)),
    responses((status = 200, body = Certificate), (status = 403), (status = 404)))]
async fn record_delivery(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(sha256): PathId<Sha256Hex>,
) -> Result<Json<Certificate>> {
    let record = find(&gangway, &sha256).await?;
    caller
        .reach_device(&gangway.db, &record.device, Right::Enrol)
        .await?;
    let witness = Witness::Claimant(caller.member());
    let delivered = delivery::deliver(&gangway, sha256, witness).await?;
    Ok(Json(present(&gangway, delivered)?))
}

/// Certificates that an organisation's signers have signed, that were revoked here and go on there, for whoever may end them.
#[utoipa::path(get, path = path::ENDINGS_DUE, tag = "certificates", params(("id" = OrganisationId, Path), PageQuery),
    responses((status = 200, body = Page<Certificate>), (status = 403), (status = 404)))]
async fn list_endings_due(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<OrganisationId>,
    paged: Paged,
) -> Result<Json<Page<Certificate>>> {
    caller.require(&gangway.db, &id, Right::Operate).await?;
    let now = gangway.clock.now();
    let due = {
        let mut reader = gangway.db.reader().await?;
        certificates::endings_due(&mut reader.conn(), &id, now, paged.after(), paged.fetch()).await?
    };
    let shown = due
        .into_iter()
        .map(|record| present(&gangway, record))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(Json(
        paged.page(shown, |certificate| certificate.sha256.to_string()),
    ))
}

/// Records that a certificate was ended at its signer, after it was revoked here. Repeating it changes nothing.
#[utoipa::path(put, path = path::CERTIFICATE_ENDING, tag = "certificates", params(("sha256" = Sha256Hex, Path)),
    responses((status = 200, body = Certificate), (status = 403), (status = 404), (status = 409)))]
async fn record_ending(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(sha256): PathId<Sha256Hex>,
) -> Result<Json<Certificate>> {
    let record = find(&gangway, &sha256).await?;
    // Whoever runs the signer's organisation ends what it signed, wherever the device was moved.
    let signer = signers::organisation_of(&mut gangway.db.reader().await?.conn(), &record.signer).await?;
    let by_signer = match &signer {
        Some(home) => caller.require(&gangway.db, home, Right::Operate).await.is_ok(),
        None => false,
    };
    if !by_signer {
        caller
            .reach_device(&gangway.db, &record.device, Right::Operate)
            .await?;
    }
    let ended = endings::record(&gangway, sha256, caller.member()).await?;
    Ok(Json(present(&gangway, ended)?))
}

/// Revokes a certificate; its key is refused from then on, unless a newer certificate stands in its place.
#[utoipa::path(post, path = path::CERTIFICATE_REVOCATION, tag = "certificates", params(("sha256" = Sha256Hex, Path)),
    request_body = RevocationRequest,
    responses((status = 200, body = Certificate), (status = 403), (status = 404), (status = 409), (status = 422)))]
async fn revoke_certificate(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(sha256): PathId<Sha256Hex>,
    JsonBody(request): JsonBody<RevocationRequest>,
) -> Result<Json<Certificate>> {
    let record = find(&gangway, &sha256).await?;
    caller
        .decide_on_device(&gangway.db, gangway.clock.now(), &record.device)
        .await?;
    exclusion::revoke_certificate(&gangway, &gangway.relay, sha256, request.reason, caller.member()).await?;
    Ok(Json(present(&gangway, find(&gangway, &sha256).await?)?))
}

async fn find(gangway: &Gangway, sha256: &Sha256Hex) -> Result<CertificateRecord> {
    certificates::find(&mut gangway.db.reader().await?.conn(), sha256)
        .await?
        .ok_or(Error::NotFound)
}

/// One page of certificates of these organisations.
pub(super) async fn page_of(
    gangway: &Gangway,
    organisations: &[OrganisationId],
    query: &CertificateQuery,
) -> Result<Page<Certificate>> {
    let limit = read_limit(query.limit)?;
    if query.query.as_deref().is_some_and(|text| text.contains('\0')) {
        return Err(Error::invalid("query", "a search holds no control characters"));
    }
    let filter = CertificateFilter {
        device: query.device.clone(),
        query: query
            .query
            .as_deref()
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(str::to_lowercase),
        after: query.after.as_deref().map(read_place).transpose()?,
    };
    let mut reader = gangway.db.reader().await?;
    let mut found = certificates::page(&mut reader.conn(), organisations, &filter, limit + 1).await?;
    let size = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > size;
    found.truncate(size);
    let next = found
        .last()
        .filter(|_| more)
        .map(|last| write_place(last.issued_at, &last.sha256));
    let items = found
        .into_iter()
        .map(|record| present(gangway, record))
        .collect::<Result<_, _>>()?;
    Ok(Page::new(items, next))
}

fn read_limit(limit: Option<u32>) -> Result<u32> {
    let limit = limit.unwrap_or(DEFAULT_PAGE_LIMIT);
    if (1..=MAX_PAGE_LIMIT).contains(&limit) {
        Ok(limit)
    } else {
        Err(Error::invalid("limit", format!("limit is 1 to {MAX_PAGE_LIMIT}")))
    }
}

/// A place in an order by instant and digest.
fn write_place(at: UnixMillis, sha256: &Sha256Hex) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}.{sha256}", at.0))
}

fn read_place(after: &str) -> Result<(UnixMillis, Sha256Hex)> {
    let read = || {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(after).ok()?).ok()?;
        let (at, sha256) = text.split_once('.')?;
        Some((UnixMillis(at.parse().ok()?), sha256.parse().ok()?))
    };
    read().ok_or_else(|| Error::invalid("after", "after is what the page before gave as its next"))
}
