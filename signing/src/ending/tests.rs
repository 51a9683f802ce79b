//! Endings, with literals for what signers say.

use gangway_protocol::secret::SecretString;
use http::{Method, StatusCode};
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};

use super::*;
use crate::{AwsCredentials, Tokens};

const NOW: UnixMillis = UnixMillis(1_795_780_800_000);
const SIGNER: &str = "sgn_0000000001zzzzzzzzzzzzzzzz";

struct Play {
    pem: String,
    ending: Ending,
    wallet: Wallet,
}

impl Play {
    fn of(kind: &Value, name: Option<&str>) -> Self {
        let mut configured = json!({"id": SIGNER, "name": "x"});
        let fields = configured.as_object_mut().expect("an object");
        fields.extend(kind.as_object().expect("an object").clone());
        let signer: signer::Signer = serde_json::from_value(configured).expect("a signer");
        let key = KeyPair::generate().expect("a key");
        let pem = CertificateParams::default()
            .self_signed(&key)
            .expect("a certificate")
            .pem();
        let certificate: Certificate = serde_json::from_value(json!({
            "sha256": leaf(&pem).expect("a digest"), "serial": "0a", "device": "dev_0000000001zzzzzzzzzzzzzzzz",
            "organisation": "org_0000000001zzzzzzzzzzzzzzzz",
            "spki_sha256": "ec40f4e3cbeda7d7df2ca23032cb7e56d0b0bbd8a69f5c1ce68487b95f815f63", "subject": "CN=x",
            "issuer": "CN=y", "key": "P-256", "signer": SIGNER, "not_before": 1, "not_after": 2, "chain": pem,
            "issued_at": 1, "external_id": name, "ending_due": true,
        }))
        .expect("a certificate");
        let mut wallet = Wallet::default();
        wallet.put_aws(
            signer.id.clone(),
            AwsCredentials {
                access_key_id: "AKIAX".to_owned(),
                secret_access_key: SecretString::new("s3cret".to_owned()),
                session_token: None,
                expires_at: None,
            },
        );
        wallet.put_session(
            signer.id.clone(),
            Tokens {
                access_token: SecretString::new("t0ken".to_owned()),
                id_token: None,
                refresh_token: None,
                expires_at: None,
                token_endpoint: String::new(),
            },
        );
        Self {
            ending: Ending::of(&signer, &certificate).expect("it is elsewhere"),
            pem,
            wallet,
        }
    }

    fn aws(name: Option<&str>) -> Self {
        Self::of(&json!({"kind": "aws_iot", "region": "eu-central-1"}), name)
    }

    fn hub() -> Self {
        Self::of(
            &json!({"kind": "plgd_hub", "certificate_authority": "https://api.hub.example",
                "sign_in": {"issuer": "https://auth.hub.example", "client_id": "web"}}),
            None,
        )
    }

    fn start(&mut self) -> Sending {
        sent(self.ending.start(&self.wallet, NOW))
    }

    fn take(&mut self, status: u16, body: &str) -> Result<EndingStep, SigningError> {
        let mut response = Response::new(body.as_bytes().to_vec());
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        self.ending.answer(Ok(response), &mut self.wallet, NOW)
    }

    fn described(&self) -> String {
        json!({"certificateDescription": {"certificateId": id(), "certificatePem": self.pem}}).to_string()
    }
}

fn id() -> String {
    "a".repeat(64)
}

fn sent(step: Result<EndingStep, SigningError>) -> Sending {
    match step {
        Ok(EndingStep::Send(sending)) => *sending,
        other => panic!("a request, not {other:?}"),
    }
}

fn told(step: Result<EndingStep, SigningError>) {
    let telling = sent(step);
    assert_eq!(telling.target, Target::Panel);
    assert_eq!(telling.request.method(), Method::PUT);
    assert!(telling.request.uri().path().ends_with("/ending"));
}

#[test]
fn aws_deactivates_what_it_shows_to_be_the_recorded_one() {
    let mut play = Play::aws(Some(&id()));
    let showing = play.start();
    assert_eq!(showing.request.uri().path(), format!("/certificates/{}", id()));
    let described = play.described();
    let ending = sent(play.take(200, &described));
    assert_eq!(ending.request.method(), Method::PUT);
    assert_eq!(
        ending.request.uri().path_and_query().expect("a path").as_str(),
        format!("/certificates/{}?newStatus=INACTIVE", id())
    );
    told(play.take(200, ""));
    assert!(matches!(play.take(200, "{}"), Ok(EndingStep::Done)));
}

/// Threat model: ENR-29. Whoever records a certificate says under which name its signer knows it.
#[test]
fn a_certificate_of_somebody_else_is_not_ended_by_its_name() {
    let mut play = Play::aws(Some(&id()));
    play.start();
    let others = Play::aws(Some(&id())).described();
    assert!(matches!(play.take(200, &others), Err(SigningError::OtherKey)));
}

#[test]
fn what_is_gone_there_is_ended() {
    let mut play = Play::aws(Some(&id()));
    play.start();
    told(play.take(404, r#"{"__type": "ResourceNotFoundException", "message": "no"}"#));
    let mut play = Play::hub();
    play.start();
    told(play.take(200, ""));
}

#[test]
fn a_hub_removes_the_record_of_this_certificate_alone() {
    let mut play = Play::hub();
    let listing = play.start();
    assert_eq!(listing.request.method(), Method::GET);
    let record = |id: &str, pem: &str| {
        json!({"result": {"id": id, "credential": {"certificatePem": pem}}}).to_string()
    };
    let stream = format!("{}\n\n{}", record("1", &Play::hub().pem), record("2", &play.pem));
    let removing = sent(play.take(200, &stream));
    assert_eq!(removing.request.method(), Method::DELETE);
    assert_eq!(removing.request.uri().query(), Some("idFilter=2"));
    told(play.take(200, r#"{"count": "1"}"#));
}

#[test]
fn what_hinders_it_is_told_and_nothing_is_recorded() {
    let mut play = Play::aws(Some(&id()));
    play.start();
    let described = play.described();
    sent(play.take(200, &described));
    let denied = play.take(403, r#"{"__type": "AccessDeniedException", "message": "no"}"#);
    assert!(
        denied
            .expect_err("refused")
            .to_string()
            .contains("iot:UpdateCertificate")
    );
    let mut play = Play::aws(None);
    assert!(
        play.ending.start(&play.wallet, NOW).is_err(),
        "AWS’s name for it is not known"
    );
    let mut play = Play::hub();
    play.start();
    assert!(matches!(
        play.take(401, "{}"),
        Ok(EndingStep::NeedCredentials { refused: Some(_) })
    ));
}
