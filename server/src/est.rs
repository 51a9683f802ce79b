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
use headers::HeaderMapExt as _;
use headers::authorization::{Authorization, Basic};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
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

async fn apply(
    gangway: &Gangway,
    credentials: Vec<DevicePermit>,
    csr: Csr,
    address: IpAddr,
    within: Option<OrganisationId>,
) -> Result<Outcome, RequestError> {
    let name = common_name(&csr).ok().flatten();
    let stated = |permit: &DevicePermit, credential: &DevicePermit| {
        credential.lookup == permit.lookup && permit.has_secret(credential.secret())
    };
    let application = Application {
        lookups: credentials
            .iter()
            .map(|credential| credential.lookup.clone())
            .collect(),
        fits: &|permit: &DevicePermit| credentials.iter().any(|credential| stated(permit, credential)),
        csr,
        facts: Facts {
            hostname: name.clone().unwrap_or_default(),
            serial: name,
            software: "EST".to_owned(),
            ..Facts::default()
        },
        known_as: None,
        address: Some(address),
        may_wait: false,
        within,
    };
    let served = simple_enrolment::enrol(gangway, &gangway.limits, application).await;
    Ok(served.map_err(Error::from)?.0)
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

/// RFC 7030 §4.2.3: the certificate that was issued, and no other; those above it are in [`show_ca`].
fn issued(certificate: &Certificate) -> Answer {
    let chain = split_chain(&certificate.chain).map_err(Error::internal)?;
    certificates(chain.get(..1).unwrap_or_default())
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
    let Some(Authorization(basic)) = headers.typed_get::<Authorization<Basic>>() else {
        return Vec::new();
    };
    let (user, password) = (basic.username(), basic.password());
    // RFC 7617 §2: the first colon ends the user. Ids such as a MAC address have colons themselves: then it is the last one.
    let whole = format!("{user}:{password}");
    let (id, secret) = whole.rsplit_once(':').unwrap_or((user, password));
    let device = |id, secret: &str| DevicePermit::of_device(id, &SecretString::new(secret.to_owned())).ok();
    let mut all: Vec<DevicePermit> = [
        device(user, password),
        DevicePermit::of_key(password).ok(),
        DevicePermit::of_key(&format!("{user}-{password}")).ok(),
        device(id, secret),
    ]
    .into_iter()
    .flatten()
    .collect();
    all.dedup();
    all
}
