//! Gangway's own CA: one request to our API, which signs, records and answers at once (`protocol.md` §4). Repeating it is
//! harmless: the same key gets the certificate that stands.

use gangway_protocol::certificate::{Certificate, CertificateRequest, Csr};
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::DeviceId;
use gangway_protocol::json;
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
            return Err(match json::read(response.body()) {
                Ok(problem) => SigningError::Problem(Box::new(problem)),
                Err(_) => SigningError::Unexplained {
                    status: response.status().as_u16(),
                },
            });
        }
        let certificate: Certificate = json::read(response.body()).map_err(malformed)?;
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

#[cfg(test)]
mod tests {
    use gangway_protocol::certificate::UncheckedCsr;
    use gangway_protocol::organisation;
    use gangway_protocol::time::UnixMillis;
    use serde_json::{Value, json};

    use super::*;
    use crate::Signer;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
    const DEVICE: &str = "dev_0000000001zzzzzzzzzzzzzzzz";
    const SIGNER: &str = "sgn_0000000001zzzzzzzzzzzzzzzz";
    const CSR: &str = "-----BEGIN CERTIFICATE REQUEST-----
MIHSMHoCAQAwGDEWMBQGA1UEAwwNdGhlcm1vbWV0ZXItNzBZMBMGByqGSM49AgEG
CCqGSM49AwEHA0IABINMVjH/P1KJcmbS1EyJu+GXzRIceSiaHnHOpDYtYsyKxrl4
HAln6DOf2WqFM/hg0dHib7oYH5hESdBV5osX6IugADAKBggqhkjOPQQDAgNIADBF
AiARDxKaH5sOlNn3tEZ6yXO/ssls84tF95shD9zrWCfTbAIhAMQrz20BxADx5eyr
iJsvYg0Q6eWH5dunU/iGtMhZ/mob
-----END CERTIFICATE REQUEST-----
";

    fn asked() -> (Signer, crate::Request) {
        let signer: organisation::Signer =
            serde_json::from_value(json!({"id": SIGNER, "name": "Built-in CA", "kind": "builtin"}))
                .expect("a signer");
        let csr = UncheckedCsr::from_pem(CSR)
            .expect("a CSR")
            .conclude(true)
            .expect("a good one");
        let mut signer = Signer::of(&signer, &DEVICE.parse().expect("an id"));
        match signer.start(&csr, NOW) {
            Ok(Step::Send(request)) => (signer, *request),
            other => panic!("a request comes first, not {other:?}"),
        }
    }

    fn response(status: u16, body: &Value) -> Response {
        let mut response = Response::new(body.to_string().into_bytes());
        *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
        response
    }

    fn certificate(device: &str, key: &str) -> Value {
        json!({
            "sha256": "ec40f4e3cbeda7d7df2ca23032cb7e56d0b0bbd8a69f5c1ce68487b95f815f63", "serial": "0a1b",
            "device": device, "organisation": "org_0000000001zzzzzzzzzzzzzzzz", "spki_sha256": key,
            "subject": "CN=x", "issuer": "CN=y", "key": "P-256", "signer": SIGNER,
            "not_before": 1_800_000_000_000_i64, "not_after": 1_807_776_000_000_i64,
            "chain": "…", "issued_at": 1_800_000_000_000_i64,
        })
    }

    #[test]
    fn the_request_is_one_of_our_own_api() {
        let (_, request) = asked();
        assert_eq!((request.method().as_str(), request.uri().host()), ("POST", None));
        assert_eq!(
            request.uri().path(),
            format!("/api/v1/devices/{DEVICE}/certificates")
        );
        let body: Value = serde_json::from_slice(request.body()).expect("JSON");
        assert_eq!(body, json!({ "csr": CSR }));
    }

    #[test]
    fn only_a_certificate_for_this_key_and_device_is_one() {
        let (mut signer, _) = asked();
        let key = UncheckedCsr::from_pem(CSR)
            .expect("a CSR")
            .conclude(true)
            .expect("a good one")
            .spki_sha256()
            .to_string();
        let good = signer.answer(&response(201, &certificate(DEVICE, &key)), NOW);
        assert!(matches!(good, Ok(Step::Recorded(certificate)) if certificate.serial == "0a1b"));
        for other in [
            certificate("dev_0000000002zzzzzzzzzzzzzzzz", &key),
            certificate(DEVICE, &"0".repeat(64)),
        ] {
            assert_eq!(
                signer.answer(&response(201, &other), NOW).err(),
                Some(SigningError::OtherKey)
            );
        }
    }

    #[test]
    fn what_may_pass_is_told_from_what_will_not() {
        let (mut signer, _) = asked();
        let problem = |code| json!({"type": "about:blank", "title": "No", "status": 400, "code": code});
        for (status, body, temporary) in [
            (503, problem("unavailable"), true),
            (422, problem("csr_refused"), false),
            (409, problem("key_revoked"), false),
            (502, json!("a proxy’s page"), true),
            (404, json!("a proxy’s page"), false),
            (200, json!("not a certificate"), false),
        ] {
            let error = signer
                .answer(&response(status, &body), NOW)
                .expect_err("no certificate");
            assert_eq!(error.is_temporary(), temporary, "{status} {body}");
        }
    }
}
