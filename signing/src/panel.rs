//! What every signer says to Gangway's own API: that it begins, what became of it, and the certificate to be recorded.

use gangway_protocol::certificate::{Certificate, CertificateRequest, Recording, SigningUpdate};
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::json;
use gangway_protocol::path;
use http::Method;
use http::header::CONTENT_TYPE;
use serde::Serialize;

use crate::{NoAnswer, Order, Request, Response, Sending, SigningError, Step, Target, malformed};

/// A request to our own API. All of these may be repeated.
pub(crate) fn send(method: Method, path: &str, body: &impl Serialize) -> Result<Step, SigningError> {
    let body = serde_json::to_vec(body).map_err(malformed)?;
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header(CONTENT_TYPE, "application/json")
        .body(body)
        .map_err(malformed)?;
    Ok(to_panel(request))
}

fn to_panel(request: Request) -> Step {
    Step::Send(Box::new(Sending {
        request,
        target: Target::Panel,
        is_idempotent: true,
    }))
}

/// Says what this claimant is about.
pub(crate) fn update(order: &Order, update: SigningUpdate) -> Result<Step, SigningError> {
    send(Method::PUT, &path::signing(&order.claim), &update)
}

/// Has a certificate recorded that somebody else has signed.
pub(crate) fn record(
    order: &Order,
    chain: String,
    external_id: Option<String>,
) -> Result<Step, SigningError> {
    let request = CertificateRequest::Record(Recording {
        claim: order.claim.clone(),
        chain,
        external_id,
    });
    send(Method::POST, &path::device_certificates(&order.device), &request)
}

/// The response, if it tells success.
pub(crate) fn accepted(answer: Result<Response, NoAnswer>) -> Result<Response, SigningError> {
    let response = answer.map_err(SigningError::Unanswered)?;
    if response.status().is_success() {
        return Ok(response);
    }
    Err(match json::read(response.body()) {
        Ok(problem) => SigningError::Problem(Box::new(problem)),
        Err(_) => SigningError::Unexplained {
            status: response.status().as_u16(),
        },
    })
}

/// Asks for a certificate that is recorded.
pub(crate) fn fetch(certificate: &Sha256Hex) -> Result<Step, SigningError> {
    let request = http::Request::get(path::certificate(certificate))
        .body(Vec::new())
        .map_err(malformed)?;
    Ok(to_panel(request))
}

/// The recorded certificate, if it is for this order.
pub(crate) fn certificate(order: &Order, answer: Result<Response, NoAnswer>) -> Result<Step, SigningError> {
    let certificate: Certificate = json::read(accepted(answer)?.body()).map_err(malformed)?;
    if certificate.spki_sha256 == order.csr.spki_sha256() && certificate.device == order.device {
        Ok(Step::Recorded(Box::new(certificate)))
    } else {
        Err(SigningError::OtherKey)
    }
}
