//! EST (RFC 7030), for devices and programs that speak it: below `/.well-known/est`, and with an organisation's id as the label. A foreign
//! contract, and hence in no description of ours.
//!
//! 1. `simpleenroll` by HTTP Basic: a registration key or ticket (its halves as user and password, or all of it as the password), or the
//!    id and secret of a pre-approved device. [`simple_enrolment`] does the rest.
//! 2. `simplereenroll`, and `simpleenroll` of a device that has a certificate already: by client certificate, on the listener that takes
//!    them or through a proxy that passes them on.
//! 3. `serverkeygen` and `fullcmc` do not exist: no private key leaves its device.

mod body;

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use data_encoding::BASE64;
use gangway_protocol::certificate::{Certificate, Csr, split_chain};
use gangway_protocol::device::Facts;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::permit::DevicePermit;
use gangway_protocol::secret::SecretString;
use gangway_signing::common_name;
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::api::problem::RequestError;
use crate::authority::Error;
use crate::ca::message::certificates_only;
use crate::limits::ClientAddress;
use crate::listen::ClientCertificate;
use crate::session::GateError;
use crate::simple_enrolment::{self, Application, Outcome, identify};
use crate::state::Gangway;
use body::{CERTIFICATES, CONTENT_TRANSFER_ENCODING, CSR_ATTRIBUTES};

/// The challenge for whoever brings neither a permit nor a certificate.
const CHALLENGE: &str = r#"Basic realm="devices", charset="UTF-8""#;

/// The routes below [`gangway_protocol::path::EST`].
pub fn router() -> Router<Arc<Gangway>> {
    let mut router = Router::new();
    for label in ["", "/{label}"] {
        router = router
            .route(&format!("{label}/cacerts"), get(show_ca))
            .route(&format!("{label}/csrattrs"), get(show_attributes))
            .route(&format!("{label}/simpleenroll"), post(enrol))
            .route(&format!("{label}/simplereenroll"), post(enrol_again));
    }
    router
}

/// What a request of EST is not done for: text for people, as RFC 7030 §4.2.3 has it.
enum Refusal {
    /// Neither permit nor certificate, or one that does not fit.
    Unauthenticated(&'static str),
    /// It is not done, for this reason.
    Refused(String),
    /// It was not even understood, or is a fault of ours.
    Problem(RequestError),
}

impl<E: Into<RequestError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Problem(error.into())
    }
}

impl axum::response::IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Unauthenticated(why) => {
                let headers = [(WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE))];
                (StatusCode::UNAUTHORIZED, headers, format!("{why}\n")).into_response()
            }
            Self::Refused(why) => (StatusCode::FORBIDDEN, format!("{why}\n")).into_response(),
            Self::Problem(error) => error.into_response(),
        }
    }
}

type Answer = Result<Response, Refusal>;

/// The label of a path, if it has one.
type Label = Option<Path<String>>;

fn place(label: Label) -> Result<Option<OrganisationId>, Refusal> {
    let label = label.map(|Path(label)| label.parse().map_err(|_| Error::NotFound));
    Ok(label.transpose()?)
}

async fn show_ca(State(gangway): State<Arc<Gangway>>, label: Label) -> Answer {
    place(label)?;
    let mut all = split_chain(&gangway.ca.trust_anchor()).map_err(Error::internal)?;
    all.extend(gangway.ca.signing_chain());
    certificates(&all)
}

async fn show_attributes(label: Label) -> Answer {
    place(label)?;
    Ok(encoded("application/csrattrs", CSR_ATTRIBUTES))
}

async fn enrol(
    State(gangway): State<Arc<Gangway>>,
    ClientAddress(address): ClientAddress,
    certificate: Option<Extension<ClientCertificate>>,
    label: Label,
    request: Request,
) -> Answer {
    let within = place(label)?;
    let credentials = basic(request.headers());
    let csr = body::csr(request).await?;
    if credentials.is_empty() {
        let Some(Extension(certificate)) = certificate else {
            return Err(Refusal::Unauthenticated(
                "Send a registration key, a ticket, or the id and secret of a pre-approved device by HTTP Basic, or come with your \
                 certificate.",
            ));
        };
        return renew(gangway, certificate, csr).await;
    }
    let enrolling = gangway.clone();
    let outcome = gangway
        .supervisor
        .see_through(async move { apply(&enrolling, credentials, csr, address, within).await })
        .await;
    match outcome.map_err(Error::internal)?? {
        Outcome::Certified(certificate) => issued(&certificate),
        Outcome::Waits {
            reason,
            retry_after_secs,
        } => {
            let headers = [(RETRY_AFTER, HeaderValue::from(retry_after_secs))];
            Ok((StatusCode::ACCEPTED, headers, format!("{reason}\n")).into_response())
        }
        Outcome::Refused(reason) => Err(Refusal::Refused(reason)),
        Outcome::Unfit | Outcome::Unknown => Err(Refusal::Unauthenticated(
            "There is no such key or device, or its secret is another one.",
        )),
    }
}

/// What the credentials may stand for is tried in turn: halves of a key look like the id and secret of a device.
async fn apply(
    gangway: &Gangway,
    credentials: Vec<DevicePermit>,
    csr: Csr,
    address: IpAddr,
    within: Option<OrganisationId>,
) -> Result<Outcome, RequestError> {
    let name = common_name(&csr).ok().flatten();
    for credential in credentials {
        let stated = credential.secret().clone();
        let application = Application {
            lookup: credential.lookup,
            fits: &|permit: &DevicePermit| permit.has_secret(&stated),
            csr: csr.clone(),
            is_signed: true,
            facts: Facts {
                hostname: name.clone().unwrap_or_default(),
                serial: name.clone(),
                software: "EST".to_owned(),
                ..Facts::default()
            },
            known_as: None,
            address: Some(address),
            may_wait: false,
            within: within.clone(),
        };
        match simple_enrolment::enrol(gangway, &gangway.limits, application).await {
            Ok((Outcome::Unknown, _)) => {}
            Ok((outcome, _)) => return Ok(outcome),
            Err(error) => return Err(Error::from(error).into()),
        }
    }
    Ok(Outcome::Unknown)
}

async fn enrol_again(
    State(gangway): State<Arc<Gangway>>,
    certificate: Option<Extension<ClientCertificate>>,
    label: Label,
    request: Request,
) -> Answer {
    place(label)?;
    let csr = body::csr(request).await?;
    match certificate {
        Some(Extension(certificate)) => renew(gangway, certificate, csr).await,
        None => Err(Refusal::Unauthenticated(
            "Come with the certificate that is to be renewed, to the address that takes client certificates.",
        )),
    }
}

async fn renew(gangway: Arc<Gangway>, ClientCertificate(der): ClientCertificate, csr: Csr) -> Answer {
    let pass = match identify(&gangway, &der).await {
        Ok(pass) => pass,
        Err(GateError::Refused(problem)) => return Err(Refusal::Refused(problem.message)),
        Err(error) => return Err(Error::internal(error).into()),
    };
    let renewing = gangway.clone();
    let renewed = gangway
        .supervisor
        .see_through(async move { simple_enrolment::renew(&renewing, &pass, &der, csr).await })
        .await;
    match renewed.map_err(Error::internal)?.map_err(Error::from) {
        Ok(certificate) => issued(&certificate),
        Err(error @ (Error::KeyRevoked | Error::Conflict(_) | Error::CsrRefused(_))) => {
            Err(Refusal::Refused(error.to_string()))
        }
        Err(error) => Err(error.into()),
    }
}

fn issued(certificate: &Certificate) -> Answer {
    certificates(&split_chain(&certificate.chain).map_err(Error::internal)?)
}

fn certificates(all: &[Vec<u8>]) -> Answer {
    let der = certificates_only(all).map_err(Error::internal)?;
    Ok(encoded(CERTIFICATES, &der))
}

/// RFC 7030 §4: base64, in lines or without.
fn encoded(content_type: &'static str, der: &[u8]) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (CONTENT_TRANSFER_ENCODING, HeaderValue::from_static("base64")),
    ];
    (headers, BASE64.encode(der)).into_response()
}

/// What the credentials of HTTP Basic (RFC 7617) may stand for; nothing where there are none, or they cannot be read.
fn basic(headers: &HeaderMap) -> Vec<DevicePermit> {
    let Some(text) = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()) else {
        return Vec::new();
    };
    let Some((scheme, encoded)) = text.split_once(' ') else {
        return Vec::new();
    };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Vec::new();
    }
    let decoded = BASE64.decode(encoded.trim().as_bytes()).ok();
    let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    let Some((user, password)) = decoded.as_deref().and_then(|text| text.split_once(':')) else {
        return Vec::new();
    };
    // RFC 7617 §2: the first colon ends the user. Ids such as a MAC address have colons themselves, and are tried with the last one.
    let splits = [
        Some((user, password)),
        decoded.as_deref().and_then(|text| text.rsplit_once(':')),
    ];
    let devices = splits.into_iter().flatten();
    let devices =
        devices.flat_map(|(id, secret)| DevicePermit::of_device(id, &SecretString::new(secret.to_owned())));
    let mut devices: Vec<DevicePermit> = devices.collect();
    devices.dedup();
    DevicePermit::of_key(password)
        .into_iter()
        .chain(DevicePermit::of_key(&format!("{user}-{password}")))
        .chain(devices)
        .collect()
}
