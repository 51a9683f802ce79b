//! Gangway's own CA: one request to our API, which signs, records and answers at once (`protocol.md` §4). Repeating it is
//! harmless: the same key gets the certificate that stands.

use gangway_protocol::certificate::CertificateRequest;
use gangway_protocol::path;

use crate::{NoAnswer, Order, Response, SigningError, Step, panel};

/// One signing by the built-in CA.
#[derive(Clone, Debug)]
pub struct Builtin {
    order: Order,
}

impl Builtin {
    pub(crate) fn new(order: Order) -> Self {
        Self { order }
    }

    pub(crate) fn start(&self) -> Result<Step, SigningError> {
        let request = CertificateRequest::Sign {
            csr: self.order.csr.to_pem(),
        };
        panel::send(
            http::Method::POST,
            &path::device_certificates(&self.order.device),
            &request,
        )
    }

    pub(crate) fn answer(&self, answer: Result<Response, NoAnswer>) -> Result<Step, SigningError> {
        panel::certificate(&self.order, answer)
    }
}

#[cfg(test)]
mod tests {
    use gangway_protocol::certificate::UncheckedCsr;
    use gangway_protocol::device::Facts;
    use gangway_protocol::time::UnixMillis;
    use serde_json::{Value, json};

    use super::*;
    use crate::{Signer, Target, Wallet};

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
        let signer: gangway_protocol::signer::Signer =
            serde_json::from_value(json!({"id": SIGNER, "name": "Built-in CA", "kind": "builtin"}))
                .expect("a signer");
        let csr = UncheckedCsr::from_pem(CSR)
            .expect("a CSR")
            .conclude(true)
            .expect("a good one");
        let order = Order {
            claim: "clm_0000000001zzzzzzzzzzzzzzzz".parse().expect("an id"),
            device: DEVICE.parse().expect("an id"),
            csr,
            organisation: "org_0000000001zzzzzzzzzzzzzzzz".parse().expect("an id"),
            name: "thermometer-7".to_owned(),
            facts: Facts::default(),
            again: false,
        };
        let mut signer = Signer::of(&signer, order).expect("a known kind");
        match signer.start(&Wallet::default(), NOW) {
            Ok(Step::Send(sending)) => {
                assert_eq!((sending.target, sending.is_idempotent), (Target::Panel, true));
                (signer, sending.request)
            }
            other => panic!("a request comes first, not {other:?}"),
        }
    }

    fn take(signer: &mut Signer, response: Response) -> Result<Step, SigningError> {
        signer.answer(Ok(response), &mut Wallet::default(), NOW)
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
        let good = take(&mut signer, response(201, &certificate(DEVICE, &key)));
        assert!(matches!(good, Ok(Step::Recorded(certificate)) if certificate.serial == "0a1b"));
        for other in [
            certificate("dev_0000000002zzzzzzzzzzzzzzzz", &key),
            certificate(DEVICE, &"0".repeat(64)),
        ] {
            assert_eq!(
                take(&mut signer, response(201, &other)).err(),
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
            let error = take(&mut signer, response(status, &body)).expect_err("no certificate");
            assert_eq!(error.is_temporary(), temporary, "{status} {body}");
        }
    }
}
