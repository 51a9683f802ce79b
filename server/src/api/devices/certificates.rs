//! Certificates of one device: listed, and asked for.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use gangway_protocol::certificate::{Approval, Certificate, CertificateQuery, CertificateRequest};
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::DeviceId;
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::certificates::page_of;
use super::super::request::{JsonBody, PathId, QueryOf};
use crate::authority::{Caller, Right};
use crate::authority::{Error, Result};
use crate::enrolment::issuance::{Grounds, Order, issue};
use crate::enrolment::{EnrolmentError, check_csr, claims, present};
use crate::state::Gangway;

pub(super) fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(list_device_certificates, request_certificate))
        .routes(routes!(show_signing))
}

/// Certificates of a device, newest first.
#[utoipa::path(get, path = path::DEVICE_CERTIFICATES, tag = "certificates", params(("id" = DeviceId, Path), PageQuery),
    responses((status = 200, body = Page<Certificate>), (status = 403), (status = 404), (status = 422)))]
async fn list_device_certificates(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<Certificate>>> {
    let device = caller.see_device(&gangway.db, &id).await?.device;
    let query = CertificateQuery {
        device: Some(id),
        limit: query.limit,
        after: query.after,
        ..CertificateQuery::default()
    };
    page_of(&gangway, &[device.organisation], &query).await.map(Json)
}

/// The approval for which a device has a certificate signed elsewhere, for this key. A hook of the signer asks before it registers
/// the device.
#[utoipa::path(get, path = path::DEVICE_SIGNING, tag = "certificates",
    params(("id" = DeviceId, Path), ("spki_sha256" = Sha256Hex, Path)),
    responses((status = 200, body = Approval), (status = 403), (status = 404)))]
async fn show_signing(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, spki)): PathId<(DeviceId, Sha256Hex)>,
) -> Result<Json<Approval>> {
    let device = caller.see_device(&gangway.db, &id).await?.device;
    claims::being_signed(&gangway, &device, &spki).await.map(Json)
}

/// Has a certificate signed for an approved device that has consented, or records one that was signed elsewhere. Repeating it
/// gives the certificate that stands.
#[utoipa::path(post, path = path::DEVICE_CERTIFICATES, tag = "certificates", params(("id" = DeviceId, Path)),
    request_body = CertificateRequest,
    responses((status = 200, body = Certificate), (status = 403), (status = 404), (status = 409), (status = 422)))]
async fn request_certificate(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
    JsonBody(request): JsonBody<CertificateRequest>,
) -> Result<Json<Certificate>> {
    let record = match request {
        CertificateRequest::Sign { csr, again } => {
            caller.reach_device(&gangway.db, &id, Right::Enrol).await?;
            let order = Order {
                device: id,
                csr: check_csr(&csr).map_err(EnrolmentError::from)?,
                grounds: Grounds::Approval(caller.member()),
                known_as: None,
                again,
            };
            // A corporate CA may be asked, whose answer is recorded also when the caller has gone.
            let issuing = gangway.clone();
            let issued = gangway
                .supervisor
                .see_through(async move { issue(&issuing, &order).await })
                .await;
            issued.map_err(Error::internal)??
        }
        CertificateRequest::Record(recording) => {
            claims::record_signed(&gangway, &caller, id, recording).await?
        }
    };
    Ok(Json(present(&gangway, record)?))
}
