//! One signing by AWS, with literals for what AWS and our server say.

use gangway_protocol::certificate::UncheckedCsr;
use gangway_protocol::device::Facts;
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::error::ProblemDetails;
use gangway_protocol::secret::SecretString;
use http::header::DATE;
use http::{Method, StatusCode};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};
use serde_json::{Value, json};

use gangway_protocol::time::UnixMillis;

use crate::{AwsCredentials, NoAnswer, Order, Response, Sending, Signer, SigningError, Step, Target, Wallet};

/// 2026-11-27T12:00:00Z by the clock here, which is two hours slow.
const NOW: UnixMillis = UnixMillis(1_795_780_800_000 - 7_200_000);
const SERVER_DATE: &str = "Fri, 27 Nov 2026 12:00:00 GMT";
const DEVICE: &str = "dev_0000000001zzzzzzzzzzzzzzzz";
const CLAIM: &str = "clm_0000000001zzzzzzzzzzzzzzzz";
const SIGNER: &str = "sgn_0000000001zzzzzzzzzzzzzzzz";

struct Play {
    key: KeyPair,
    spki: Sha256Hex,
    signer: Signer,
    wallet: Wallet,
}

impl Play {
    fn new() -> Self {
        Self::with_key(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key"))
    }

    fn with_key(key: KeyPair) -> Self {
        Self::with(key, &json!({}), Facts::default())
    }

    /// With further configuration of the signer, and what the device states.
    fn with(key: KeyPair, more: &Value, facts: Facts) -> Self {
        let pem = CertificateParams::default()
            .serialize_request(&key)
            .and_then(|request| request.pem())
            .expect("a CSR");
        let csr = UncheckedCsr::from_pem(&pem)
            .expect("a CSR")
            .conclude(true)
            .expect("a good one");
        let spki = csr.spki_sha256();
        let mut configured =
            json!({"id": SIGNER, "name": "AWS", "kind": "aws_iot", "region": "eu-central-1"});
        for (name, value) in more.as_object().expect("an object") {
            configured[name] = value.clone();
        }
        let configured: gangway_protocol::signer::Signer =
            serde_json::from_value(configured).expect("a signer");
        let order = Order {
            claim: CLAIM.parse().expect("an id"),
            device: DEVICE.parse().expect("an id"),
            csr,
            organisation: "org_0000000001zzzzzzzzzzzzzzzz".parse().expect("an id"),
            name: "thermometer-7".to_owned(),
            facts,
            again: false,
        };
        let mut wallet = Wallet::default();
        wallet.put_aws(
            configured.id.clone(),
            AwsCredentials {
                access_key_id: "ASIAEXAMPLE".to_owned(),
                secret_access_key: SecretString::new("s3cret".to_owned()),
                session_token: Some(SecretString::new("t0ken".to_owned())),
                expires_at: None,
            },
        );
        Self {
            key,
            spki,
            signer: Signer::of(&configured, order).expect("a known kind"),
            wallet,
        }
    }

    fn start(&mut self) -> Result<Step, SigningError> {
        self.signer.start(&self.wallet, NOW)
    }

    fn take(&mut self, answer: Result<Response, NoAnswer>) -> Result<Step, SigningError> {
        self.signer.answer(answer, &mut self.wallet, NOW)
    }

    /// Up to the request that AWS gets.
    fn begun(&mut self) -> Sending {
        let begin = sending(self.start());
        assert_eq!(
            begin.request.uri().path(),
            format!("/api/v1/enrolments/{CLAIM}/signing")
        );
        assert_eq!(body(&begin), json!({"state": "begun"}));
        sending(self.take(Ok(approval("signing"))))
    }

    /// A certificate for this key, as AWS tells of it.
    fn pem(&self) -> String {
        CertificateParams::default()
            .self_signed(&self.key)
            .expect("a certificate")
            .pem()
    }

    fn recorded(&self) -> Value {
        json!({
            "sha256": "ec40f4e3cbeda7d7df2ca23032cb7e56d0b0bbd8a69f5c1ce68487b95f815f63", "serial": "0a1b",
            "device": DEVICE, "organisation": "org_0000000001zzzzzzzzzzzzzzzz",
            "spki_sha256": self.spki.to_string(),
            "subject": "CN=AWS IoT Certificate", "issuer": "CN=y", "key": "P-256", "signer": SIGNER,
            "not_before": 1_795_780_000_000_i64, "not_after": 2_524_607_999_000_i64, "chain": "…",
            "issued_at": 1_795_780_800_000_i64,
        })
    }
}

fn sending(step: Result<Step, SigningError>) -> Sending {
    match step {
        Ok(Step::Send(sending)) => *sending,
        other => panic!("a request, not {other:?}"),
    }
}

fn body(sending: &Sending) -> Value {
    serde_json::from_slice(sending.request.body()).expect("JSON")
}

fn response(status: u16, body: &Value) -> Response {
    let mut response = Response::new(body.to_string().into_bytes());
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response
        .headers_mut()
        .insert(DATE, SERVER_DATE.parse().expect("a value"));
    response
}

fn approval(stage: &str) -> Response {
    response(
        200,
        &json!({"claim": CLAIM, "device": {"id": DEVICE, "name": "x", "state": {"name": "enrolling", "since": 1}},
            "organisation": "org_0000000001zzzzzzzzzzzzzzzz", "organisation_name": "Works", "approver": "Ada",
            "signer": SIGNER, "stage": stage, "approved_at": 1}),
    )
}

fn refusal(status: u16, code: &str, message: &str) -> Response {
    let mut refusal = response(status, &json!({ "message": message }));
    let header = format!("{code}:http://internal.amazon.com/coral/");
    refusal
        .headers_mut()
        .insert("x-amzn-errortype", header.parse().expect("a value"));
    refusal
}

fn lost() -> Result<Response, NoAnswer> {
    Err(NoAnswer {
        detail: "the connection broke".to_owned(),
    })
}

fn state_told(sending: &Sending) -> Value {
    assert_eq!((sending.target, sending.is_idempotent), (Target::Panel, true));
    body(sending)["state"].clone()
}

#[test]
fn aws_is_asked_once_and_what_it_signed_is_recorded() {
    let mut play = Play::new();
    let asked = play.begun();
    assert_eq!((asked.target, asked.is_idempotent), (Target::Elsewhere, false));
    assert_eq!(asked.request.method(), Method::POST);
    assert_eq!(
        asked.request.uri().to_string(),
        "https://iot.eu-central-1.amazonaws.com/certificates?setAsActive=true"
    );
    assert!(
        body(&asked)["certificateSigningRequest"]
            .as_str()
            .expect("a CSR")
            .starts_with("-----BEGIN CERT")
    );
    let pem = play.pem();
    let created = json!({"certificateArn": "arn:aws:iot:eu-central-1:1:cert/x", "certificateId": "ab12", "certificatePem": pem});
    let recording = sending(play.take(Ok(response(200, &created))));
    assert_eq!((recording.target, recording.is_idempotent), (Target::Panel, true));
    assert_eq!(
        body(&recording),
        json!({"claim": CLAIM, "chain": pem, "external_id": "ab12"})
    );
    let recorded = play.recorded();
    assert!(matches!(
        play.take(Ok(response(200, &recorded))),
        Ok(Step::Recorded(_))
    ));
}

/// Threat model: ENR-27.
#[test]
fn a_request_carries_a_signature_by_the_servers_clock_and_no_secret() {
    let asked = Play::new().begun();
    let header = |name: &str| {
        let value = asked.request.headers().get(name).expect(name);
        value.to_str().expect("text").to_owned()
    };
    assert_eq!(
        header("x-amz-date"),
        "20261127T120000Z",
        "two hours are made good"
    );
    assert_eq!(header("x-amz-security-token"), "t0ken");
    let authorization = header("authorization");
    assert!(
        authorization
            .starts_with("AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE/20261127/eu-central-1/iot/aws4_request, "),
        "{authorization}"
    );
    assert!(authorization.contains("SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, "));
    let mut names: Vec<&str> = asked
        .request
        .headers()
        .keys()
        .map(http::HeaderName::as_str)
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "authorization",
            "content-type",
            "x-amz-date",
            "x-amz-security-token"
        ]
    );
    assert!(!format!("{asked:?}").contains("s3cret"));
}

#[test]
fn a_missing_right_is_told_by_its_name_and_nothing_is_left_in_doubt() {
    let mut play = Play::new();
    play.begun();
    let denied = refusal(403, "AccessDeniedException", "User is not authorized");
    assert_eq!(state_told(&sending(play.take(Ok(denied)))), "refused");
    let error = play.take(Ok(approval("consented"))).expect_err("no certificate");
    assert!(
        error.to_string().contains("iot:CreateCertificateFromCsr"),
        "{error}"
    );
    assert!(!error.is_temporary());
}

#[test]
fn throttling_passes_though_its_status_says_otherwise() {
    let mut play = Play::new();
    play.begun();
    let throttled = refusal(400, "ThrottlingException", "Rate exceeded");
    assert_eq!(state_told(&sending(play.take(Ok(throttled)))), "refused");
    // Whether our server hears of it does not matter: its lease ends.
    assert!(play.take(lost()).expect_err("no certificate").is_temporary());
}

#[test]
fn expired_credentials_are_forgotten_and_asked_for_again() {
    let mut play = Play::new();
    play.begun();
    let expired = refusal(
        403,
        "ExpiredTokenException",
        "The security token included in the request is expired",
    );
    assert_eq!(state_told(&sending(play.take(Ok(expired)))), "refused");
    match play.take(Ok(approval("consented"))) {
        Ok(Step::NeedCredentials {
            refused: Some(refused),
        }) => assert!(refused.contains("ExpiredTokenException"), "{refused}"),
        other => panic!("credentials are needed, not {other:?}"),
    }
    assert!(matches!(
        play.start(),
        Ok(Step::NeedCredentials { refused: None })
    ));
}

#[test]
fn a_certificate_whose_reply_was_lost_is_found_and_recorded() {
    let mut play = Play::new();
    play.begun();
    let listing = sending(play.take(lost()));
    assert_eq!((listing.target, listing.is_idempotent), (Target::Elsewhere, true));
    assert_eq!(listing.request.method(), Method::GET);
    let (ours, others, old) = ("a".repeat(64), "b".repeat(64), "c".repeat(64));
    let at = 1_795_780_800.5;
    let listed = json!({"certificates": [
        {"certificateArn": "x", "certificateId": others, "status": "ACTIVE", "creationDate": at},
        {"certificateArn": "x", "certificateId": ours, "status": "ACTIVE", "creationDate": at - 1.0},
        {"certificateArn": "x", "certificateId": "../things", "status": "ACTIVE", "creationDate": at},
        {"certificateArn": "x", "certificateId": old, "status": "ACTIVE", "creationDate": at - 3_600.0},
    ]});
    let first = sending(play.take(Ok(response(200, &listed))));
    assert_eq!(first.request.uri().path(), format!("/certificates/{others}"));
    let described = |id: &str, pem: &str| {
        response(
            200,
            &json!({"certificateDescription": {"certificateId": id, "certificatePem": pem}}),
        )
    };
    let second = sending(play.take(Ok(described(&others, &Play::new().pem()))));
    assert_eq!(second.request.uri().path(), format!("/certificates/{ours}"));
    let pem = play.pem();
    let recording = sending(play.take(Ok(described(&ours, &pem))));
    assert_eq!(body(&recording)["external_id"], ours);
}

#[test]
fn what_cannot_be_found_is_left_to_the_person() {
    for (answer, then) in [
        (lost(), Ok(refusal(403, "AccessDeniedException", "no"))),
        (lost(), Ok(response(200, &json!({"certificates": []})))),
        (lost(), lost()),
        (Ok(response(200, &json!("not a certificate"))), lost()),
        (Ok(response(502, &json!({}))), lost()),
    ] {
        let mut play = Play::new();
        play.begun();
        sending(play.take(answer));
        assert_eq!(state_told(&sending(play.take(then))), "reply_lost");
        match play.take(Ok(approval("reply_lost"))) {
            Ok(Step::ReplyLost { lost: Some(_), find }) => {
                assert!(
                    find.starts_with("https://eu-central-1.console.aws.amazon.com/"),
                    "{find}"
                );
            }
            other => panic!("the reply is lost, not {other:?}"),
        }
        play.signer.allow_another();
        assert_eq!(
            body(&sending(play.start())),
            json!({"state": "begun", "again": true})
        );
    }
}

#[test]
fn a_reply_that_was_lost_before_is_told_before_aws_is_asked() {
    let mut play = Play::new();
    sending(play.start());
    let problem: ProblemDetails = serde_json::from_value(
        json!({"type": "about:blank", "title": "Reply lost", "status": 409, "code": "reply_lost"}),
    )
    .expect("a problem");
    let refused = response(409, &serde_json::to_value(&problem).expect("JSON"));
    assert!(matches!(
        play.take(Ok(refused)),
        Ok(Step::ReplyLost { lost: None, .. })
    ));
}

#[test]
fn what_was_recorded_before_is_given_out_and_nothing_is_signed() {
    let mut play = Play::new();
    sending(play.start());
    let standing = play.recorded();
    let mut issued: Value = serde_json::from_slice(approval("issued").body()).expect("JSON");
    issued["certificate"] = standing["sha256"].clone();
    let fetching = sending(play.take(Ok(response(200, &issued))));
    assert_eq!(
        (fetching.target, fetching.request.method()),
        (Target::Panel, &Method::GET)
    );
    assert_eq!(
        fetching.request.uri().path(),
        format!(
            "/api/v1/certificates/{}",
            standing["sha256"].as_str().expect("a digest")
        )
    );
    assert!(matches!(
        play.take(Ok(response(200, &standing))),
        Ok(Step::Recorded(_))
    ));
}

#[test]
fn a_kind_of_key_that_aws_does_not_take_is_told_before_anything_is_asked() {
    let mut play = Play::with_key(KeyPair::generate_for(&PKCS_ED25519).expect("a key"));
    assert!(matches!(play.start(), Err(SigningError::KeyKind { .. })));
}

mod provisioning;
