//! Gangway's own CA: one request to our API, which signs, records and answers at once (`protocol.md` §4). Repeating it is
//! harmless: the same key gets the certificate that stands.

use gangway_protocol::certificate::{Certificate, CertificateRequest, Csr};
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::DeviceId;
use gangway_protocol::path;

use crate::{Response, SigningError, Step};

/// One signing by the built-in CA.
#[derive(Clone, Debug)]
pub struct Builtin {
    device: DeviceId,
    /// The key that the certificate must be for, once asked.
    key: Option<Sha256Hex>,
}

impl Builtin {
    pub(crate) fn new(device: DeviceId) -> Self {
        Self { device, key: None }
    }

    pub(crate) fn start(&mut self, csr: &Csr) -> Result<Step, SigningError> {
        self.key = Some(csr.spki_sha256());
        let body = serde_json::to_vec(&CertificateRequest::Sign { csr: csr.to_pem() });
        let body = body.map_err(malformed)?;
        let request = http::Request::post(path::device_certificates(&self.device))
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(malformed)?;
        Ok(Step::Send(Box::new(request)))
    }

    pub(crate) fn answer(&self, response: &Response) -> Result<Step, SigningError> {
        if !response.status().is_success() {
            return Err(match serde_json::from_slice(response.body()) {
                Ok(problem) => SigningError::Problem(Box::new(problem)),
                Err(_) => SigningError::Unexplained {
                    status: response.status().as_u16(),
                },
            });
        }
        let certificate: Certificate = serde_json::from_slice(response.body()).map_err(malformed)?;
        if Some(certificate.spki_sha256) == self.key && certificate.device == self.device {
            Ok(Step::Recorded(Box::new(certificate)))
        } else {
            Err(SigningError::OtherKey)
        }
    }
}

fn malformed(error: impl std::fmt::Display) -> SigningError {
    SigningError::Malformed {
        detail: error.to_string(),
    }
}
