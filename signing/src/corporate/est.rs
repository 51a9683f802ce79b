//! EST (RFC 7030, with the clarifications of RFC 8951): the CA's certificates first, then the enrolment, so that nothing is left to be
//! asked once it has signed.
//!
//! A renewal goes to `simplereenroll` where the request names its subject as the certificate does (§4.2.2), and to `simpleenroll`
//! otherwise. A server that lets somebody decide answers 202 with a time, at which the same request is sent again (§4.2.3).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use gangway_protocol::certificate::{Csr, join_chain, leaf_key, split_chain};
use gangway_protocol::signer;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};

use super::credential::EstCredential;
use super::error::{retry_after_secs, unexplained};
use super::{
    CorporateError, CorporateOrder, CorporateStep, Errand, Silence, asks, ber, chain, requested, signs,
};
use crate::sign_in::shown;
use crate::{Request, Response};

/// Characters in a line of base64 (RFC 2045 §6.8).
const LINE: usize = 76;
/// Where a server gives no time.
const RETRY_SECS: u32 = 300;

/// One conversation with a server of EST.
#[derive(Clone, Debug)]
pub(super) struct Est {
    configured: signer::Est,
    credential: EstCredential,
    /// The CA's certificates, once it has told them.
    issuers: Option<Vec<Vec<u8>>>,
}

impl Est {
    pub(super) fn new(configured: signer::Est, credential: EstCredential) -> Self {
        Self {
            configured,
            credential,
            issuers: None,
        }
    }

    pub(super) fn start(&mut self) -> Result<CorporateStep, CorporateError> {
        self.issuers = None;
        let request = http::Request::get(format!("{}/cacerts", self.configured.place()))
            .header(ACCEPT, "application/pkcs7-mime")
            .body(Vec::new())
            .map_err(CorporateError::unmade)?;
        Ok(asks(request))
    }

    pub(super) fn answer(
        &mut self,
        errand: &Errand,
        answer: Result<Response, Silence>,
    ) -> Result<CorporateStep, CorporateError> {
        let Errand::Sign(order) = errand else {
            return Err(CorporateError::unmade("EST has no operation that revokes"));
        };
        match self.issuers.take() {
            None => {
                let response = answer.map_err(CorporateError::before_signing)?;
                let told = accepted(&response).map_err(CorporateError::where_nothing_is_signed)?;
                let issuers = certificates(told).map_err(|detail| CorporateError::Unreachable {
                    detail: format!("the certificates of its CA (cacerts) could not be read: {detail}"),
                })?;
                self.issuers = Some(issuers);
                self.enrol(order).map(signs)
            }
            Some(issuers) => read(order, &answer.map_err(CorporateError::of_silence)?, issuers),
        }
    }

    fn enrol(&self, order: &CorporateOrder) -> Result<Request, CorporateError> {
        let operation = match &order.renews {
            Some(renewed) if is_named_alike(&order.csr, renewed)? => "simplereenroll",
            _ => "simpleenroll",
        };
        let mut request = http::Request::post(format!("{}/{operation}", self.configured.place()))
            .header(CONTENT_TYPE, "application/pkcs10")
            .header("content-transfer-encoding", "base64");
        if let EstCredential::Basic { username, password } = &self.credential {
            let pair = BASE64_STANDARD.encode(format!("{username}:{}", password.expose()));
            let mut value: HeaderValue = format!("Basic {pair}").parse().map_err(CorporateError::unmade)?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        request
            .body(in_lines(order.csr.der()))
            .map_err(CorporateError::unmade)
    }
}

/// RFC 7030 §4.2.3.
fn read(
    order: &CorporateOrder,
    response: &Response,
    issuers: Vec<Vec<u8>>,
) -> Result<CorporateStep, CorporateError> {
    let body = accepted(response)?;
    let mut given = certificates(body).map_err(CorporateError::unreadable)?;
    let key = order.csr.spki_sha256();
    let ours = given
        .iter()
        .position(|der| leaf_key(&join_chain([der])) == Some(key));
    // Without one for our key the first one is what it means to be ours.
    let leaf = given.swap_remove(ours.unwrap_or_default());
    given.extend(issuers);
    let signed = chain::of(leaf, given, None);
    let signed = signed.ok_or_else(|| CorporateError::unreadable("the certificate is damaged"))?;
    Ok(CorporateStep::Signed(Box::new(signed)))
}

/// The body of a success.
fn accepted(response: &Response) -> Result<&[u8], CorporateError> {
    let status = response.status();
    let detail = words(response);
    match status {
        StatusCode::OK => Ok(response.body()),
        StatusCode::ACCEPTED | StatusCode::TOO_MANY_REQUESTS => Err(CorporateError::Later {
            retry_after_secs: retry_after_secs(response).unwrap_or(RETRY_SECS),
            detail,
        }),
        // §3.2.3 and §3.3.2.
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(CorporateError::Unaccepted { detail }),
        StatusCode::SERVICE_UNAVAILABLE if retry_after_secs(response).is_some() => {
            Err(CorporateError::Later {
                retry_after_secs: retry_after_secs(response).unwrap_or(RETRY_SECS),
                detail,
            })
        }
        // A proxy that gave up waiting says nothing about what stands behind it.
        _ if status.is_server_error() => Err(CorporateError::Unclear { detail }),
        _ => Err(CorporateError::Refused { detail }),
    }
}

/// What a refusal says: text for people, where it is short and says something (§4.2.3).
fn words(response: &Response) -> String {
    let is_text = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("text/plain"));
    let said = std::str::from_utf8(response.body())
        .map(str::trim)
        .unwrap_or_default();
    match is_text && !said.is_empty() {
        true => shown(said),
        false => unexplained(response),
    }
}

/// The certificates of a certs-only message: base64 with whatever line breaks (RFC 8951 §3.2), or the message itself, as some servers
/// send it.
fn certificates(body: &[u8]) -> Result<Vec<Vec<u8>>, &'static str> {
    let bare: Vec<u8> = body
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let decoded = BASE64_STANDARD.decode(bare);
    let message = decoded.as_deref().unwrap_or(body);
    ber::certificates(message).ok_or("it is no certs-only CMS message in base64")
}

pub(super) fn in_lines(der: &[u8]) -> Vec<u8> {
    let text = BASE64_STANDARD.encode(der).into_bytes();
    text.chunks(LINE)
        .flat_map(|line| [line, b"\r\n"].concat())
        .collect()
}

/// Whether a request names its subject as the certificate does that it renews. An alternative name of the certificate is missing in
/// the request, which has none.
fn is_named_alike(csr: &Csr, renewed: &str) -> Result<bool, CorporateError> {
    let subject = requested::subject(csr)?;
    let leaf = split_chain(renewed)
        .ok()
        .and_then(|blocks| blocks.into_iter().next());
    let leaf = leaf.and_then(|der| Certificate::from_der(&der).ok());
    Ok(leaf.is_some_and(|leaf| {
        let tbs = leaf.tbs_certificate;
        let has_names = tbs
            .extensions
            .is_some_and(|extensions| extensions.iter().any(|one| one.extn_id == SUBJECT_ALT_NAME));
        !has_names && tbs.subject.to_der().is_ok_and(|of_leaf| of_leaf == subject)
    }))
}

/// id-ce-subjectAltName (RFC 5280 §4.2.1.6).
const SUBJECT_ALT_NAME: x509_cert::der::asn1::ObjectIdentifier =
    x509_cert::der::asn1::ObjectIdentifier::new_unwrap("2.5.29.17");
