//! idprov, the provisioning protocol of WoST (<https://github.com/wostzone/idprov-standard>): a device asks with its public key and an HMAC
//! by a secret that somebody entered beforehand, and gets a certificate. A foreign contract, and hence in no description of ours.
//!
//! 1. The secret is that of a pre-approved device. [`simple_enrolment`] finds it, bounds guesses, and does the rest.
//! 2. A device that comes with its certificate renews it; that is the handshake's and the record's word, and needs no secret.
//! 3. Who enters secrets or asks how a device stands is somebody with a token of theirs: the protocol's certificates for administrators do
//!    not exist here (`docs/decisions/0041-protocols-of-others.md`).

mod message;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts as _, Path, Query, Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gangway_protocol::certificate::{Certificate, Csr, PublicKey};
use gangway_protocol::device::Facts;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::path;
use gangway_protocol::permit::{DevicePermit, Lookup};
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;
use serde::Deserialize;
use serde_json::json;

use crate::api::problem::RequestError;
use crate::api::request::{MAX_BODY_LEN, body_up_to};
use crate::authority::{Caller, Error, Result};
use crate::ca::Presented;
use crate::ca::verify::is_on_curve;
use crate::limits::ClientAddress;
use crate::listen::ClientCertificate;
use crate::permits::one_device::{self, Entered};
use crate::session::{GateError, Pass};
use crate::simple_enrolment::{self, Application, Outcome, identify, renew_in_secs};
use crate::state::Gangway;
use message::{ProvisionRequest, ProvisionResponse, Status};

/// When a device asks again of which nobody has entered anything.
const ASK_AGAIN_SECS: u32 = 3600;
/// For how long a secret holds that says nothing of it.
const SECRET_LIFE: i64 = 3 * UnixMillis::DAY;
/// Of a device id in a path.
const DEVICE_ID: &str = "{deviceID}";

/// The routes below [`path::IDPROV`].
pub fn router() -> Router<Arc<Gangway>> {
    Router::new()
        .route("/directory", get(show_directory))
        .route("/oobsecret", post(enter_secret))
        .route("/provreq", post(provision))
        .route("/status/{device}", get(show_status))
        .route("/request", post(refuse_successor))
}

/// What there is, and the CA that a device is to trust.
async fn show_directory(State(gangway): State<Arc<Gangway>>) -> Response {
    Json(json!({
        "endpoints": {
            "directory": format!("{}/directory", path::IDPROV),
            "status": format!("{}/status/{DEVICE_ID}", path::IDPROV),
            "postOobSecret": format!("{}/oobsecret", path::IDPROV),
            "postProvisionRequest": format!("{}/provreq", path::IDPROV),
        },
        // Go's JSON has bytes in base64.
        "caCert": STANDARD.encode(gangway.ca.trust_anchor()),
        "version": "1",
        "services": {},
    }))
    .into_response()
}

/// The certificate by which a client came, if it did.
type Certified = Option<Extension<ClientCertificate>>;

async fn provision(
    State(gangway): State<Arc<Gangway>>,
    ClientAddress(address): ClientAddress,
    certificate: Certified,
    request: Request,
) -> Result<Response, RequestError> {
    let request: ProvisionRequest = read(request).await?;
    request.check()?;
    let key = public_key(&request.public_key_pem)?;
    let csr = Csr::unsigned(key).map_err(|refusal| Error::Malformed(refusal.to_string()))?;
    // The handshake has shown the key of the certificate and no other: for another one it takes the secret.
    let own = certificate.filter(|Extension(certificate)| has_key(certificate, csr.key()));
    if let Some(Extension(certificate)) = own
        && let Some(pass) = whose(&gangway, &certificate, &request.device_id).await?
    {
        return Ok(renew(gangway, pass, certificate, csr).await?);
    }
    // A request that somebody went away from is carried through: what is signed is told to whoever asks again.
    let enrolling = gangway.clone();
    let answer = gangway
        .supervisor
        .see_through(async move { enrol(&enrolling, request, csr, address).await })
        .await;
    Ok(Json(answer.map_err(Error::internal)??).into_response())
}

/// The device of a certificate that is presented, if it is the one that asks: with that of another one it needs the secret.
async fn whose(gangway: &Gangway, certificate: &ClientCertificate, device_id: &str) -> Result<Option<Pass>> {
    let known_as = Presented::from_der(&certificate.0)
        .ok()
        .and_then(|presented| presented.known_as());
    if known_as.as_deref() != Some(device_id) {
        return Ok(None);
    }
    match identify(gangway, &certificate.0).await {
        Ok(pass) => Ok(Some(pass)),
        Err(GateError::Refused(problem)) => {
            tracing::debug!(code = ?problem.code, "a client certificate does not stand");
            Ok(None)
        }
        Err(error) => Err(Error::internal(error)),
    }
}

fn has_key(certificate: &ClientCertificate, key: &PublicKey) -> bool {
    Presented::from_der(&certificate.0).is_ok_and(|presented| presented.key() == key)
}

async fn renew(
    gangway: Arc<Gangway>,
    pass: Pass,
    ClientCertificate(der): ClientCertificate,
    csr: Csr,
) -> Result<Response> {
    let renewing = gangway.clone();
    let renewed = gangway
        .supervisor
        .see_through(async move { simple_enrolment::renew(&renewing, &pass, &der, csr).await })
        .await;
    let certificate = renewed.map_err(Error::internal)??;
    // The protocol signs with an empty key here: TLS has said who both are.
    Ok(Json(approved(&gangway, &certificate, b"")).into_response())
}

async fn enrol(
    gangway: &Gangway,
    request: ProvisionRequest,
    csr: Csr,
    address: IpAddr,
) -> Result<ProvisionResponse> {
    let application = Application {
        lookups: vec![Lookup::Device(request.device_id.clone())],
        fits: &|permit: &DevicePermit| request.is_signed_by(permit.secret().expose().as_bytes()),
        csr,
        facts: facts(&request),
        known_as: Some(request.device_id.clone()),
        address: Some(address),
        may_wait: true,
        within: None,
    };
    let (outcome, permit) = simple_enrolment::enrol(gangway, &gangway.limits, application).await?;
    Ok(match outcome {
        Outcome::Certified(certificate) => {
            let permit = permit.ok_or_else(|| Error::internal("a certificate without a permit"))?;
            approved(gangway, &certificate, permit.secret().expose().as_bytes())
        }
        Outcome::Waits { retry_after_secs, .. } => {
            ProvisionResponse::without(Status::Waiting, retry_after_secs)
        }
        // Nobody has entered it yet: it may come to that.
        Outcome::Unknown => ProvisionResponse::without(Status::Waiting, ASK_AGAIN_SECS),
        Outcome::Unfit => ProvisionResponse::without(Status::Rejected, ASK_AGAIN_SECS),
        Outcome::Refused(reason) => {
            tracing::info!(%reason, "a device was refused that asked by idprov");
            ProvisionResponse::without(Status::Rejected, ASK_AGAIN_SECS)
        }
    })
}

fn approved(gangway: &Gangway, certificate: &Certificate, secret: &[u8]) -> ProvisionResponse {
    let anchors = certificate.trust_anchors.clone().unwrap_or_default();
    let renew_in = renew_in_secs(certificate, gangway.clock.now());
    ProvisionResponse::approved(anchors, certificate.chain.clone(), renew_in, secret)
}

fn facts(request: &ProvisionRequest) -> Facts {
    Facts {
        hostname: request.device_id.clone(),
        software: "idprov".to_owned(),
        machine_id: Some(request.mac.clone()).filter(|mac| !mac.is_empty()),
        addresses: Some(request.ip.clone()),
        ..Facts::default()
    }
}

/// In which organisation, where somebody may enrol devices in several.
#[derive(Deserialize)]
struct Place {
    organisation: Option<OrganisationId>,
}

#[derive(Deserialize)]
struct SecretRequest {
    #[serde(rename = "deviceID")]
    device_id: String,
    #[serde(rename = "oobSecret")]
    secret: SecretString,
    /// RFC 3339.
    #[serde(rename = "validUntil", default)]
    valid_until: String,
}

async fn enter_secret(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    Query(place): Query<Place>,
    request: Request,
) -> Result<Response, RequestError> {
    let request: SecretRequest = read(request).await?;
    let now = gangway.clock.now();
    let expires_at = match request.valid_until.trim() {
        "" => now.plus(SECRET_LIFE),
        text => {
            let at: jiff::Timestamp = text.parse().map_err(|_| {
                Error::Malformed("validUntil is no time: write it like 2027-01-31T12:00:00Z".to_owned())
            })?;
            UnixMillis(at.as_millisecond())
        }
    };
    let entered = Entered {
        device_id: request.device_id,
        secret: request.secret,
        expires_at,
    };
    one_device::enter(&gangway, &caller, place.organisation, entered).await?;
    Ok(().into_response())
}

async fn show_status(
    State(gangway): State<Arc<Gangway>>,
    certificate: Certified,
    Path(device_id): Path<String>,
    request: Request,
) -> Result<Response> {
    if let Some(Extension(certificate)) = certificate
        && let Some(pass) = whose(&gangway, &certificate, &device_id).await?
    {
        let certificate = simple_enrolment::certificate_of(&gangway, &pass).await?;
        return Ok(status(&device_id, Status::Approved, Some(&certificate)));
    }
    let (mut parts, _) = request.into_parts();
    let caller = Caller::from_request_parts(&mut parts, &gangway).await?;
    let Query(place) = Query::<Place>::try_from_uri(&parts.uri)
        .map_err(|_| Error::Malformed("organisation is no id".to_owned()))?;
    let standing = one_device::standing(&gangway, &caller, place.organisation, &device_id).await?;
    Ok(match standing.certificate {
        Some(certificate) => status(&device_id, Status::Approved, Some(&certificate)),
        None if standing.is_open => status(&device_id, Status::Waiting, None),
        None => status(&device_id, Status::Rejected, None),
    })
}

fn status(device_id: &str, status: Status, certificate: Option<&Certificate>) -> Response {
    let anchors = certificate.and_then(|certificate| certificate.trust_anchors.clone());
    Json(json!({
        "deviceID": device_id,
        "status": status,
        "caCert": anchors.unwrap_or_default(),
        "clientCert": certificate.map(|certificate| STANDARD.encode(&certificate.chain)).unwrap_or_default(),
    }))
    .into_response()
}

/// A bare public key.
fn public_key(pem: &str) -> Result<PublicKey> {
    let unfit = |why: String| Error::Malformed(format!("publicKeyPEM cannot be used: {why}"));
    let key = PublicKey::from_pem(pem).map_err(|refusal| unfit(refusal.to_string()))?;
    // Threat model: PRE-10. No signature has shown that it is a key at all.
    match is_on_curve(&key) {
        true => Ok(key),
        false => Err(unfit("its point is not on its curve".to_owned())),
    }
}

/// The protocol that came after this one gives no certificates, and none of its requests can be served.
async fn refuse_successor() -> Error {
    Error::Malformed(format!(
        "this server speaks version 1 of idprov, which is described at {}/directory: send a provision request there",
        path::IDPROV
    ))
}

async fn read<T: serde::de::DeserializeOwned>(request: Request) -> Result<T, RequestError> {
    let body = body_up_to(request, MAX_BODY_LEN).await?;
    serde_json::from_slice(&body)
        .map_err(|_| Error::Malformed("the body is not the JSON that idprov describes".to_owned()).into())
}
