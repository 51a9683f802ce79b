//! What requests and answers carry.

use axum::extract::Request;
use data_encoding::BASE64;
use gangway_protocol::certificate::{Csr, UncheckedCsr};
use http::HeaderName;

use crate::api::problem::RequestError;
use crate::api::request::{MAX_BODY_LEN, body_up_to};
use crate::authority::Error;
use crate::ca::verify;

/// RFC 7030 §4.1.3, §4.2.3.
pub(super) const CERTIFICATES: &str = "application/pkcs7-mime; smime-type=certs-only";
/// RFC 7030 §4.
pub(super) const CONTENT_TRANSFER_ENCODING: HeaderName = HeaderName::from_static("content-transfer-encoding");
/// What a request had best hold (RFC 7030 §4.5.2): a key on P-256, and a signature with SHA-256.
pub(super) const CSR_ATTRIBUTES: &[u8] = &[
    0x30, 0x21, // SEQUENCE
    0x30, 0x15, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, // ecPublicKey
    0x31, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, // on secp256r1
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02, // ecdsa-with-SHA256
];

/// The request for a certificate: PKCS#10 in base64 (RFC 7030 §4.2.1); in PEM, or as it is, is taken too.
pub(super) async fn csr(request: Request) -> Result<Csr, RequestError> {
    let body = body_up_to(request, MAX_BODY_LEN).await?;
    let unchecked = match std::str::from_utf8(&body) {
        Ok(text) if text.contains("-----BEGIN") => UncheckedCsr::from_pem(text),
        Ok(text) => {
            let compact: String = text.split_ascii_whitespace().collect();
            let der = BASE64.decode(compact.as_bytes()).map_err(|_| {
                Error::Malformed(
                    "the body is not a certificate request in base64 (RFC 7030 §4.2.1)".to_owned(),
                )
            })?;
            UncheckedCsr::from_der(&der)
        }
        Err(_) => UncheckedCsr::from_der(&body),
    };
    let checked = unchecked.and_then(|unchecked| unchecked.verify(verify::holds));
    Ok(checked.map_err(|refusal| Error::CsrRefused(refusal.to_string()))?)
}
