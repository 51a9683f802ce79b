//! One signing by a hub, with literals for what it says (hub 2025-07).

use gangway_protocol::certificate::UncheckedCsr;
use gangway_protocol::device::Facts;
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;
use http::Method;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use serde_json::{Value, json};

use super::*;
use crate::{Order, Sending, Signer, Step, Target, Wallet};

const NOW: UnixMillis = UnixMillis(1_795_780_800_000);
const SIGNER: &str = "sgn_0000000001zzzzzzzzzzzzzzzz";

struct Play {
    key: KeyPair,
    signer: Signer,
    wallet: Wallet,
}

impl Play {
    fn new() -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
        let pem = CertificateParams::default()
            .serialize_request(&key)
            .and_then(|request| request.pem())
            .expect("a CSR");
        let csr = UncheckedCsr::from_pem(&pem)
            .expect("a CSR")
            .conclude(true)
            .expect("a good one");
        let configured: signer::Signer = serde_json::from_value(json!({
            "id": SIGNER, "name": "Hub", "kind": "plgd_hub", "certificate_authority": "https://api.hub.example/x",
            "sign_in": {"issuer": "https://auth.hub.example", "client_id": "web"},
        }))
        .expect("a signer");
        let mut wallet = Wallet::default();
        wallet.put_session(
            configured.id.clone(),
            Tokens {
                access_token: SecretString::new("t0ken".to_owned()),
                id_token: None,
                refresh_token: None,
                expires_at: Some(NOW.plus(UnixMillis::HOUR)),
                token_endpoint: "https://auth.hub.example/token".to_owned(),
            },
        );
        let order = Order {
            claim: "clm_0000000001zzzzzzzzzzzzzzzz".parse().expect("an id"),
            device: "dev_0000000001zzzzzzzzzzzzzzzz".parse().expect("an id"),
            csr,
            organisation: "org_0000000001zzzzzzzzzzzzzzzz".parse().expect("an id"),
            name: "thermometer-7".to_owned(),
            facts: Facts::default(),
            again: false,
        };
        let signer = Signer::of(&configured, order).expect("a known kind");
        Self { key, signer, wallet }
    }

    fn take(&mut self, answer: Result<Response, NoAnswer>) -> Result<Step, SigningError> {
        self.signer.answer(answer, &mut self.wallet, NOW)
    }

    /// Up to the request that the hub gets.
    fn begun(&mut self) -> Sending {
        sending(self.signer.start(&self.wallet, NOW));
        sending(self.take(Ok(approval("signing"))))
    }

    fn chain(&self) -> String {
        let leaf = CertificateParams::default()
            .self_signed(&self.key)
            .expect("a certificate");
        let root = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
        let root = CertificateParams::default()
            .self_signed(&root)
            .expect("a certificate");
        format!("{}{}", leaf.pem(), root.pem())
    }
}

fn sending(step: Result<Step, SigningError>) -> Sending {
    match step {
        Ok(Step::Send(sending)) => *sending,
        other => panic!("a request, not {other:?}"),
    }
}

fn response(status: u16, body: &str) -> Response {
    let mut response = Response::new(body.as_bytes().to_vec());
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response
}

fn approval(stage: &str) -> Response {
    let approval = json!({"claim": "clm_0000000001zzzzzzzzzzzzzzzz", "device": {"id": "dev_0000000001zzzzzzzzzzzzzzzz",
        "name": "x", "state": {"name": "enrolling", "since": 1}}, "organisation": "org_0000000001zzzzzzzzzzzzzzzz",
        "organisation_name": "Works", "approver": "Ada", "signer": SIGNER, "stage": stage, "approved_at": 1});
    response(200, &approval.to_string())
}

fn body(sending: &Sending) -> Value {
    serde_json::from_slice(sending.request.body()).expect("JSON")
}

#[test]
fn a_hub_gets_the_request_twice_encoded_and_its_chain_goes_on_unchanged() {
    let mut play = Play::new();
    let asked = play.begun();
    assert_eq!((asked.target, asked.is_idempotent), (Target::Elsewhere, false));
    assert_eq!(
        asked.request.uri(),
        "https://api.hub.example/x/api/v1/sign/identity-csr"
    );
    assert_eq!(asked.request.headers()[AUTHORIZATION], "Bearer t0ken");
    let csr = body(&asked)["certificateSigningRequest"]
        .as_str()
        .expect("text")
        .to_owned();
    assert!(
        BASE64_STANDARD
            .decode(csr)
            .expect("base64")
            .starts_with(b"-----BEGIN CERTIFICATE REQUEST")
    );
    let chain = play.chain();
    let signed = json!({"certificate": BASE64_STANDARD.encode(&chain)}).to_string();
    let recording = sending(play.take(Ok(response(200, &signed))));
    assert_eq!(recording.target, Target::Panel);
    assert_eq!(body(&recording)["chain"], chain);
}

/// Threat model: ENR-27.
#[test]
fn a_request_to_a_hub_does_not_print_its_token() {
    let asked = Play::new().begun();
    assert!(!format!("{asked:?} {:?}", asked.request.headers()).contains("t0ken"));
}

#[test]
fn a_token_that_the_hub_does_not_take_is_forgotten() {
    let mut play = Play::new();
    play.begun();
    let told = json!({"code": 16, "message": "cannot access to /api/v1/sign/identity-csr: token is expired", "details": []});
    assert_eq!(
        body(&sending(play.take(Ok(response(401, &told.to_string()))))),
        json!({"state": "refused"})
    );
    match play.take(Ok(approval("consented"))) {
        Ok(Step::NeedCredentials {
            refused: Some(refused),
        }) => assert!(refused.contains("token is expired")),
        other => panic!("credentials are needed, not {other:?}"),
    }
    assert!(matches!(
        play.signer.start(&play.wallet, NOW),
        Ok(Step::NeedCredentials { refused: None })
    ));
}

#[test]
fn a_refusal_is_told_in_the_hubs_words() {
    let mut play = Play::new();
    play.begun();
    let told = json!({"code": 3, "message": "cannot sign identity certificate: common name x with different public key fingerprint exists"});
    assert_eq!(
        body(&sending(play.take(Ok(response(400, &told.to_string()))))),
        json!({"state": "refused"})
    );
    let error = play.take(Ok(approval("consented"))).expect_err("no certificate");
    assert!(
        error.to_string().contains("different public key fingerprint"),
        "{error}"
    );
    assert!(!error.is_temporary());
}

#[test]
fn a_certificate_whose_reply_was_lost_is_found_among_the_hubs_records() {
    for lost in [
        Err(NoAnswer {
            detail: "the connection broke".to_owned(),
        }),
        Ok(response(504, "")),
        Ok(response(200, "<html>")),
    ] {
        let mut play = Play::new();
        play.begun();
        let listing = sending(play.take(lost));
        assert_eq!(
            (listing.request.method(), listing.is_idempotent),
            (&Method::GET, true)
        );
        assert_eq!(
            listing.request.uri().path(),
            "/x/certificate-authority/api/v1/signing/records"
        );
        let record = |id: &str, chain: &str| {
            json!({"result": {"id": id, "commonName": "x", "credential": {"certificatePem": chain, "serial": "1", "date": (NOW.0 * 1_000_000).to_string()}}}).to_string()
        };
        let ours = play.chain();
        let stream = format!(
            "{}\n\n{}\n\n{}",
            record("1", &Play::new().chain()),
            record("2", &ours),
            record("3", "")
        );
        let recording = sending(play.take(Ok(response(200, &stream))));
        assert_eq!(body(&recording)["external_id"], "2");
        assert_eq!(body(&recording)["chain"], ours);
    }
}

/// A certificate that the same key had before is not the one whose reply was lost.
#[test]
fn a_record_of_before_is_not_taken_for_the_lost_one() {
    let mut play = Play::new();
    play.begun();
    sending(play.take(Ok(response(502, ""))));
    let hour_ago = ((NOW.0 - UnixMillis::HOUR) * 1_000_000).to_string();
    let record =
        json!({"result": {"id": "1", "credential": {"certificatePem": play.chain(), "date": hour_ago}}});
    assert_eq!(
        body(&sending(play.take(Ok(response(200, &record.to_string()))))),
        json!({"state": "reply_lost"})
    );
}

#[test]
fn what_the_hub_has_no_record_of_is_left_to_the_person() {
    for answer in [
        Ok(response(200, "")),
        Ok(response(401, "{}")),
        Err(NoAnswer {
            detail: "no".to_owned(),
        }),
    ] {
        let mut play = Play::new();
        play.begun();
        sending(play.take(Err(NoAnswer {
            detail: "the connection broke".to_owned(),
        })));
        assert_eq!(body(&sending(play.take(answer))), json!({"state": "reply_lost"}));
        assert!(matches!(
            play.take(Ok(approval("reply_lost"))),
            Ok(Step::ReplyLost { lost: Some(_), find }) if find.starts_with("https://api.hub.example/x/")
        ));
    }
}
