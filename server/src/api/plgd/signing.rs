//! Requests in, chains out.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde_json::json;

use super::super::request::whole_body;
use super::shape::Shape;
use super::status::Status;
use super::{Place, caller_of, organisation_of, target_of};
use crate::authority::{Error, Result};
use crate::ca::ocf::Usage;
use crate::plgd::signing::{Order, sign};
use crate::state::Gangway;

const BEGIN: &str = "-----BEGIN CERTIFICATE REQUEST-----";
const END: &str = "-----END CERTIFICATE REQUEST-----";

/// protobuf's JSON writes base64 in the alphabet of RFC 4648 §4 with padding, and reads it with or without; [`read_bytes`] takes
/// the alphabet of §5 too.
const BYTES: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Signs for an identity of OCF.
pub(super) async fn sign_identity(
    State(gangway): State<Arc<Gangway>>,
    place: Place,
    request: Request,
) -> Response {
    answer(&gangway, place, request, Usage::Identity).await
}

/// Signs for a client and server of anything else.
pub(super) async fn sign_general(
    State(gangway): State<Arc<Gangway>>,
    place: Place,
    request: Request,
) -> Response {
    answer(&gangway, place, request, Usage::General).await
}

async fn answer(gangway: &Gangway, place: Place, request: Request, usage: Usage) -> Response {
    let shape = Shape::of(request.headers());
    let doing = match usage {
        Usage::Identity => "cannot sign identity certificate",
        Usage::General => "cannot sign certificate",
    };
    match try_sign(gangway, place, request, usage, doing).await {
        Ok(chain) => shape.answer(json!({ "certificate": STANDARD.encode(chain) })),
        Err(status) => status.answer(shape),
    }
}

async fn try_sign(
    gangway: &Gangway,
    place: Place,
    request: Request,
    usage: Usage,
    doing: &str,
) -> std::result::Result<String, Status> {
    let refused = |error: Error| Status::of(&error, Some(doing));
    let (parts, body) = request.into_parts();
    let caller = caller_of(gangway, &parts)
        .await
        .map_err(|error| Status::of_caller(&error, &target_of(&place, &parts), doing))?;
    let organisation = organisation_of(place).map_err(refused)?;
    let body = whole_body(Request::from_parts(parts, body))
        .await
        .map_err(|error| Status::of_request(error, doing))?;
    let csr = read_request(&body).map_err(refused)?;
    let order = Order {
        organisation: &organisation,
        csr: &csr,
        usage,
    };
    sign(gangway, &caller, order).await.map_err(refused)
}

/// `SignCertificateRequest`; further fields are not looked at.
#[derive(Default, Deserialize)]
#[serde(default)]
struct SigningRequest {
    #[serde(rename = "certificateSigningRequest", alias = "certificate_signing_request")]
    csr: Option<String>,
}

/// The first block of PEM in the request.
fn read_request(body: &[u8]) -> Result<String> {
    let request: SigningRequest = if body.trim_ascii().is_empty() {
        SigningRequest::default()
    } else {
        serde_json::from_slice(body)
            .map_err(|_| Error::Malformed("the body is not JSON with certificateSigningRequest".to_owned()))?
    };
    let bytes = read_bytes(&request.csr.unwrap_or_default())
        .ok_or_else(|| Error::Malformed("certificateSigningRequest is not base64".to_owned()))?;
    let text = String::from_utf8(bytes).unwrap_or_default();
    let block = text.find(BEGIN).and_then(|begin| {
        let rest = text.get(begin..)?;
        rest.get(..rest.find(END)? + END.len())
    });
    block
        .map(str::to_owned)
        .ok_or_else(|| Error::Malformed("pem not found".to_owned()))
}

fn read_bytes(text: &str) -> Option<Vec<u8>> {
    BYTES.decode(text.replace('-', "+").replace('_', "/")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----";

    fn read(field: &str, text: &str) -> Result<String> {
        read_request(json!({ field: text, "more": 1 }).to_string().as_bytes())
    }

    #[test]
    fn a_request_is_read_as_protobuf_reads_json() {
        // Text before the block is not looked at; this one makes base64 with both of the letters that differ.
        let encoded = STANDARD.encode(format!("subject=\u{ffff}\u{fbff}?>\n{PEM}\nrest"));
        let url_safe = encoded.replace('+', "-").replace('/', "_");
        for text in [encoded.as_str(), encoded.trim_end_matches('='), &url_safe] {
            for field in ["certificateSigningRequest", "certificate_signing_request"] {
                assert_eq!(read(field, text).expect("a request"), PEM);
            }
        }
    }

    #[test]
    fn without_pem_there_is_nothing_to_sign() {
        for body in [&b""[..], b"{}", br#"{"certificateSigningRequest":"MAA="}"#] {
            let error = read_request(body).expect_err("nothing");
            assert_eq!(error.to_string(), "pem not found");
        }
        assert!(read_request(b"[").is_err());
        assert!(read("certificateSigningRequest", "%").is_err());
    }
}
