//! Trials, with literals for what signers say.

use gangway_protocol::certificate::UncheckedCsr;
use gangway_protocol::secret::SecretString;
use http::{Method, StatusCode};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use serde_json::{Value, json};

use super::*;
use crate::{AwsCredentials, Target, Tokens};

const NOW: UnixMillis = UnixMillis(1_795_780_800_000);

struct Play {
    key: KeyPair,
    trial: Trial,
    wallet: Wallet,
}

fn signer(kind: &Value) -> signer::Signer {
    let mut signer = json!({"id": "sgn_0000000001zzzzzzzzzzzzzzzz", "name": "x"});
    let fields = signer.as_object_mut().expect("an object");
    fields.extend(kind.as_object().expect("an object").clone());
    serde_json::from_value(signer).expect("a signer")
}

impl Play {
    fn of(kind: &Value) -> Self {
        let signer = signer(kind);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
        let pem = CertificateParams::default()
            .serialize_request(&key)
            .and_then(|request| request.pem());
        let csr = UncheckedCsr::from_pem(&pem.expect("a CSR")).expect("a CSR");
        let mut wallet = Wallet::default();
        match signer.kind {
            SignerKind::AwsIot(_) => wallet.put_aws(
                signer.id.clone(),
                AwsCredentials {
                    access_key_id: "AKIAX".to_owned(),
                    secret_access_key: SecretString::new("s3cret".to_owned()),
                    session_token: None,
                    expires_at: None,
                },
            ),
            _ => wallet.put_session(
                signer.id.clone(),
                Tokens {
                    access_token: SecretString::new("t0ken".to_owned()),
                    id_token: None,
                    refresh_token: None,
                    expires_at: None,
                    token_endpoint: String::new(),
                },
            ),
        }
        Self {
            key,
            trial: Trial::of(&signer, csr.conclude(true).expect("a good one")).expect("a trial"),
            wallet,
        }
    }

    fn aws() -> Self {
        Self::of(&json!({"kind": "aws_iot", "region": "eu-central-1", "activate": true}))
    }

    fn hub() -> Self {
        Self::of(
            &json!({"kind": "plgd_hub", "certificate_authority": "https://api.hub.example",
            "sign_in": {"issuer": "https://auth.hub.example", "client_id": "web"}}),
        )
    }

    fn start(&mut self) -> Sending {
        sent(self.trial.start(&self.wallet, NOW))
    }

    fn take(&mut self, status: u16, body: &str) -> Result<TrialStep, SigningError> {
        let mut response = Response::new(body.as_bytes().to_vec());
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        self.trial.answer(Ok(response), &mut self.wallet, NOW)
    }

    fn pem(&self) -> String {
        CertificateParams::default()
            .self_signed(&self.key)
            .expect("a certificate")
            .pem()
    }

    fn created(&self) -> String {
        json!({"certificateId": "a".repeat(64), "certificatePem": self.pem()}).to_string()
    }
}

fn sent(step: Result<TrialStep, SigningError>) -> Sending {
    match step {
        Ok(TrialStep::Send(sending)) => {
            assert_eq!(
                sending.target,
                Target::Elsewhere,
                "our server hears nothing of it"
            );
            *sending
        }
        other => panic!("a request, not {other:?}"),
    }
}

fn end(step: Result<TrialStep, SigningError>) -> TrialEnd {
    match step {
        Ok(TrialStep::Done(end)) => end,
        other => panic!("the end, not {other:?}"),
    }
}

#[test]
fn what_aws_signs_for_a_trial_is_inactive_and_deleted() {
    let mut play = Play::aws();
    assert_eq!(play.trial.stage(), TrialStage::Credentials);
    let asked = play.start();
    assert_eq!(asked.request.uri().query(), Some("setAsActive=false"));
    assert_eq!(play.trial.stage(), TrialStage::Signing);
    let created = play.created();
    let removing = sent(play.take(200, &created));
    assert_eq!(
        (removing.request.method(), removing.request.uri().path()),
        (
            &Method::DELETE,
            format!("/certificates/{}", "a".repeat(64)).as_str()
        )
    );
    assert_eq!(play.trial.stage(), TrialStage::Removing);
    assert_eq!(end(play.take(204, "")), TrialEnd::Gone);
}

#[test]
fn whoever_may_not_delete_is_told_where_it_was_left() {
    let mut play = Play::aws();
    play.start();
    let created = play.created();
    sent(play.take(200, &created));
    match end(play.take(403, r#"{"__type": "AccessDeniedException", "message": "no"}"#)) {
        TrialEnd::Left { find, why } => {
            assert!(find.contains("console.aws.amazon.com"), "{find}");
            assert!(why.contains("iot:DeleteCertificate"), "{why}");
        }
        TrialEnd::Gone | TrialEnd::Claim => panic!("it was not deleted"),
    }
}

#[test]
fn what_a_hub_signs_for_a_trial_is_removed_by_its_record_alone() {
    let mut play = Play::hub();
    play.start();
    let chain = play.pem();
    let signed = {
        use base64::Engine as _;
        json!({"certificate": base64::prelude::BASE64_STANDARD.encode(&chain)}).to_string()
    };
    let listing = sent(play.take(200, &signed));
    assert_eq!(listing.request.method(), Method::GET);
    let record = json!({"result": {"id": "7 7", "credential": {"certificatePem": chain, "date": (NOW.0 * 1_000_000).to_string()}}}).to_string();
    let removing = sent(play.take(200, &record));
    assert_eq!(removing.request.method(), Method::DELETE);
    assert_eq!(removing.request.uri().query(), Some("idFilter=7+7"));
    assert_eq!(end(play.take(200, r#"{"count": "1"}"#)), TrialEnd::Gone);
}

#[test]
fn what_a_hub_has_no_record_of_is_not_removed() {
    for records in ["", r#"{"result": {"id": "", "credential": null}}"#] {
        let mut play = Play::hub();
        play.start();
        let signed = {
            use base64::Engine as _;
            json!({"certificate": base64::prelude::BASE64_STANDARD.encode(play.pem())}).to_string()
        };
        sent(play.take(200, &signed));
        assert!(matches!(end(play.take(200, records)), TrialEnd::Left { .. }));
    }
}

#[test]
fn what_hinders_the_signer_is_told() {
    let mut play = Play::aws();
    play.start();
    let denied = play.take(403, r#"{"__type": "AccessDeniedException", "message": "no"}"#);
    assert!(
        denied
            .expect_err("refused")
            .to_string()
            .contains("iot:CreateCertificateFromCsr")
    );
    let mut play = Play::aws();
    play.start();
    let lost = play.trial.answer(
        Err(NoAnswer {
            detail: "Failed to fetch".to_owned(),
        }),
        &mut play.wallet,
        NOW,
    );
    assert!(matches!(lost, Err(SigningError::NoReply { .. })));
    let mut play = Play::aws();
    play.start();
    let other = Play::aws().created();
    assert!(matches!(play.take(200, &other), Err(SigningError::OtherKey)));
    let mut play = Play::aws();
    play.start();
    let expired = r#"{"__type": "ExpiredTokenException", "message": "it has"}"#;
    assert!(matches!(
        play.take(403, expired),
        Ok(TrialStep::NeedCredentials { refused: Some(_) })
    ));
    assert!(matches!(
        play.trial.start(&play.wallet, NOW),
        Ok(TrialStep::NeedCredentials { refused: None })
    ));
}

#[test]
fn our_own_ca_is_not_tried() {
    let csr = Play::aws().trial.csr;
    for kind in [json!({"kind": "builtin"}), json!({"kind": "of_tomorrow"})] {
        assert!(Trial::of(&signer(&kind), csr.clone()).is_none());
    }
}
