//! What our server signs, by its own CA or by a corporate CA that it asks: one request to our API, which records and answers
//! (`protocol.md` §4). Repeating it is harmless: the same key gets the certificate that stands. Where the reply of a corporate CA was
//! lost, the server says so, and nothing is signed again before the person wants it.

use gangway_protocol::certificate::CertificateRequest;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::path;
use gangway_protocol::signer::SignerKind;

use crate::{NoAnswer, Order, Response, SigningError, Step, panel};

/// One signing at our server.
#[derive(Clone, Debug)]
pub struct AtServer {
    order: Order,
    /// Where a corporate CA is.
    place: Option<String>,
}

impl AtServer {
    pub(crate) fn new(kind: &SignerKind, order: Order) -> Self {
        Self {
            order,
            place: kind.corporate_place(),
        }
    }

    pub(crate) fn allow_another(&mut self) {
        self.order.again = true;
    }

    pub(crate) fn start(&self) -> Result<Step, SigningError> {
        let request = CertificateRequest::Sign {
            csr: self.order.csr.to_pem(),
            again: self.order.again,
        };
        panel::send(
            http::Method::POST,
            &path::device_certificates(&self.order.device),
            &request,
        )
    }

    pub(crate) fn answer(&mut self, answer: Result<Response, NoAnswer>) -> Result<Step, SigningError> {
        self.order.again = false;
        match (panel::certificate(&self.order, answer), &self.place) {
            (Err(SigningError::Problem(problem)), Some(place)) if problem.code == ProblemCode::ReplyLost => {
                Ok(Step::ReplyLost {
                    lost: None,
                    find: place.clone(),
                })
            }
            (outcome, _) => outcome,
        }
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
        asked_of(json!({"id": SIGNER, "name": "Built-in CA", "kind": "builtin"}))
    }

    fn asked_of(signer: Value) -> (Signer, crate::Request) {
        let signer: gangway_protocol::signer::Signer = serde_json::from_value(signer).expect("a signer");
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

    #[test]
    fn after_a_lost_reply_of_a_corporate_ca_the_person_decides() {
        let (mut signer, _) = asked_of(json!({
            "id": SIGNER, "name": "Works CA", "kind": "vault", "url": "https://vault.works.example", "role": "devices",
        }));
        let lost = json!({"type": "about:blank", "title": "Reply lost", "status": 409, "code": "reply_lost"});
        match take(&mut signer, response(409, &lost)) {
            Ok(Step::ReplyLost { lost: None, find }) => {
                assert_eq!(find, "https://vault.works.example · pki/devices");
            }
            other => panic!("a lost reply, not {other:?}"),
        }
        signer.allow_another();
        match signer.start(&Wallet::default(), NOW) {
            Ok(Step::Send(sending)) => {
                let body: Value = serde_json::from_slice(sending.request.body()).expect("JSON");
                assert_eq!(body, json!({"csr": CSR, "again": true}));
            }
            other => panic!("a request, not {other:?}"),
        }
        assert!(matches!(
            take(&mut signer, response(409, &lost)),
            Ok(Step::ReplyLost { .. })
        ));
        // Our own CA loses none.
        let (mut own, _) = asked();
        assert!(take(&mut own, response(409, &lost)).is_err());
    }
}
