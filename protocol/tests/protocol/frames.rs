//! Every frame and sealed message, pinned by its literal JSON. `docs/protocol.md` shows these very lines.

use gangway_protocol::encoding::{Base64, Sha256Hex};
use gangway_protocol::enrolment::{
    ClaimantToDevice, ClaimantToServer, ClosedReason, Credential, CredentialKind, DeviceToClaimant,
    DeviceToServer, Endpoint, NetworkComparison, Outcome, ReplaceReason, ServerToClaimant, ServerToDevice,
};
use gangway_protocol::error::{Problem, ProblemCode};
use gangway_protocol::id::ClaimId;
use gangway_protocol::secret::SecretString;
use gangway_protocol::session::{self, Configuration, Series, SessionAbility};
use gangway_protocol::time::UnixMillis;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::device::facts_of_the_document as facts;

const CSR: &str = "-----BEGIN CERTIFICATE REQUEST-----\n…\n-----END CERTIFICATE REQUEST-----\n";
const CHAIN: &str = "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n";
const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

/// Every problem code.
pub(crate) const PROBLEM_CODES: [&str; 31] = [
    "unauthenticated",
    "forbidden",
    "code_unknown",
    "busy",
    "rate_limited",
    "device_gone",
    "timeout",
    "malformed",
    "too_large",
    "unknown_type",
    "shutting_down",
    "certificate_unknown",
    "certificate_revoked",
    "grace_over",
    "proof_invalid",
    "suspended",
    "retired",
    "key_in_use",
    "not_found",
    "invalid",
    "conflict",
    "step_up_required",
    "link_unknown",
    "passkey_refused",
    "csr_refused",
    "key_known",
    "key_revoked",
    "last_owner",
    "idempotency_mismatch",
    "unavailable",
    "internal",
];

fn text(words: &str) -> String {
    words.to_owned()
}

fn claim() -> ClaimId {
    "clm_01jd8r3k5m7n9p1q3s5t7v9x1z".parse().expect("an id")
}

fn base64(literal: &str) -> Base64 {
    serde_json::from_value(json!(literal)).expect("base64")
}

fn digest() -> Sha256Hex {
    "ec40f4e3cbeda7d7df2ca23032cb7e56d0b0bbd8a69f5c1ce68487b95f815f63"
        .parse()
        .expect("a digest")
}

fn map(value: serde_json::Value) -> serde_json::Map<String, serde_json::Value> {
    serde_json::from_value(value).expect("an object")
}

type Pinned<T> = Vec<(T, &'static str)>;

fn enrolment_device_to_server() -> Pinned<DeviceToServer> {
    vec![
        (
            DeviceToServer::Hello {
                agent: text("gangway-device/0.1.0 (linux x86_64)"),
                resume: None,
            },
            r#"{"type":"hello","agent":"gangway-device/0.1.0 (linux x86_64)"}"#,
        ),
        (
            DeviceToServer::Hello {
                agent: text("gangway-device/0.1.0 (linux x86_64)"),
                resume: Some(text("v1.QkNERg.3.4f0e")),
            },
            r#"{"type":"hello","agent":"gangway-device/0.1.0 (linux x86_64)","resume":"v1.QkNERg.3.4f0e"}"#,
        ),
        (
            DeviceToServer::Decline {
                claim: claim(),
                code: ProblemCode::Busy,
            },
            r#"{"type":"decline","claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z","code":"busy"}"#,
        ),
        (
            DeviceToServer::Answer {
                claim: claim(),
                pake: base64("QRfLGTN1V3MfovZsdFmEhze3pzgsKwOBWx+Hkp9Xec9u"),
                confirm: base64("327AHoAyKtKnsmGZDZ7e1C5Gi8kVXdVInnc43haDyLQ="),
            },
            r#"{"type":"answer","claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z","pake":"QRfLGTN1V3MfovZsdFmEhze3pzgsKwOBWx+Hkp9Xec9u","confirm":"327AHoAyKtKnsmGZDZ7e1C5Gi8kVXdVInnc43haDyLQ="}"#,
        ),
        (
            DeviceToServer::Sealed {
                claim: claim(),
                sealed: base64("xmdzyu3AwJh9WKLPlsqh3VTalZvNGTYcYu4eU7a6nE5sxRR4sNih9vfwyX1sLJ3rqDw="),
            },
            r#"{"type":"sealed","claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z","box":"xmdzyu3AwJh9WKLPlsqh3VTalZvNGTYcYu4eU7a6nE5sxRR4sNih9vfwyX1sLJ3rqDw="}"#,
        ),
        (
            DeviceToServer::Outcome {
                claim: claim(),
                outcome: Outcome::Enrolled,
            },
            r#"{"type":"outcome","claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z","outcome":"enrolled"}"#,
        ),
        (
            DeviceToServer::Replace {
                reason: ReplaceReason::Expired,
            },
            r#"{"type":"replace","reason":"expired"}"#,
        ),
    ]
}

fn enrolment_server_to_device() -> Pinned<ServerToDevice> {
    vec![
        (
            ServerToDevice::Nameplate {
                nameplate: "BCDF".parse().expect("a nameplate"),
                expires_in_secs: 600,
                verification_uri: text("https://panel.example/link"),
                resume: text("v1.QkNERg.3.4f0e"),
                server_time: NOW,
            },
            r#"{"type":"nameplate","nameplate":"BCDF","expires_in_secs":600,"verification_uri":"https://panel.example/link","resume":"v1.QkNERg.3.4f0e","server_time":1790000000000}"#,
        ),
        (
            ServerToDevice::Claim {
                claim: claim(),
                nameplate: "BCDF".parse().expect("a nameplate"),
                pake: base64("QjO1tIvkt19SL6X8ARLHWvPmCK4qhaDS1X9EOK9/hv17"),
            },
            r#"{"type":"claim","claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z","nameplate":"BCDF","pake":"QjO1tIvkt19SL6X8ARLHWvPmCK4qhaDS1X9EOK9/hv17"}"#,
        ),
        (
            ServerToDevice::Confirm {
                claim: claim(),
                confirm: base64("gaKTPhZtQyP+HpU1xczNyasL2SZ/ROt9H3xjczNwa4g="),
            },
            r#"{"type":"confirm","claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z","confirm":"gaKTPhZtQyP+HpU1xczNyasL2SZ/ROt9H3xjczNwa4g="}"#,
        ),
        (
            ServerToDevice::Sealed {
                claim: claim(),
                sealed: base64(
                    "mO0GU58tYc2aF1BXrb5vqRWHWOEsAn4Qrry5ggYLNLJmE15x9BDrKC+hDEvM+/1zTP6AVVRi+K9sMusederdkgp2WanxbJvD",
                ),
            },
            r#"{"type":"sealed","claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z","box":"mO0GU58tYc2aF1BXrb5vqRWHWOEsAn4Qrry5ggYLNLJmE15x9BDrKC+hDEvM+/1zTP6AVVRi+K9sMusederdkgp2WanxbJvD"}"#,
        ),
        (
            ServerToDevice::Approval {
                claim: claim(),
                organisation: text("Harbour Works"),
                approver: text("Ada Lindqvist"),
            },
            r#"{"type":"approval","claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z","organisation":"Harbour Works","approver":"Ada Lindqvist"}"#,
        ),
        (
            ServerToDevice::Closed {
                claim: claim(),
                reason: ClosedReason::Left,
            },
            r#"{"type":"closed","claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z","reason":"left"}"#,
        ),
        (
            ServerToDevice::Problem(Problem {
                code: ProblemCode::Timeout,
                message: text("no hello within 10 seconds"),
                retry_after_secs: None,
            }),
            r#"{"type":"problem","code":"timeout","message":"no hello within 10 seconds"}"#,
        ),
    ]
}

fn claimant_to_server() -> Pinned<ClaimantToServer> {
    vec![
        (
            ClaimantToServer::Claim {
                pake: base64("QjO1tIvkt19SL6X8ARLHWvPmCK4qhaDS1X9EOK9/hv17"),
            },
            r#"{"type":"claim","pake":"QjO1tIvkt19SL6X8ARLHWvPmCK4qhaDS1X9EOK9/hv17"}"#,
        ),
        (
            ClaimantToServer::Confirm {
                claim: claim(),
                confirm: base64("gaKTPhZtQyP+HpU1xczNyasL2SZ/ROt9H3xjczNwa4g="),
            },
            r#"{"type":"confirm","claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z","confirm":"gaKTPhZtQyP+HpU1xczNyasL2SZ/ROt9H3xjczNwa4g="}"#,
        ),
        (
            ClaimantToServer::Sealed {
                claim: claim(),
                sealed: base64(
                    "mO0GU58tYc2aF1BXrb5vqRWHWOEsAn4Qrry5ggYLNLJmE15x9BDrKC+hDEvM+/1zTP6AVVRi+K9sMusederdkgp2WanxbJvD",
                ),
            },
            r#"{"type":"sealed","claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z","box":"mO0GU58tYc2aF1BXrb5vqRWHWOEsAn4Qrry5ggYLNLJmE15x9BDrKC+hDEvM+/1zTP6AVVRi+K9sMusederdkgp2WanxbJvD"}"#,
        ),
    ]
}

fn server_to_claimant() -> Pinned<ServerToClaimant> {
    vec![
        (
            ServerToClaimant::Accepted { claim: claim() },
            r#"{"type":"accepted","claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z"}"#,
        ),
        (
            ServerToClaimant::Answer {
                claim: claim(),
                pake: base64("QRfLGTN1V3MfovZsdFmEhze3pzgsKwOBWx+Hkp9Xec9u"),
                confirm: base64("327AHoAyKtKnsmGZDZ7e1C5Gi8kVXdVInnc43haDyLQ="),
            },
            r#"{"type":"answer","claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z","pake":"QRfLGTN1V3MfovZsdFmEhze3pzgsKwOBWx+Hkp9Xec9u","confirm":"327AHoAyKtKnsmGZDZ7e1C5Gi8kVXdVInnc43haDyLQ="}"#,
        ),
        (
            ServerToClaimant::Sealed {
                claim: claim(),
                sealed: base64("xmdzyu3AwJh9WKLPlsqh3VTalZvNGTYcYu4eU7a6nE5sxRR4sNih9vfwyX1sLJ3rqDw="),
            },
            r#"{"type":"sealed","claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z","box":"xmdzyu3AwJh9WKLPlsqh3VTalZvNGTYcYu4eU7a6nE5sxRR4sNih9vfwyX1sLJ3rqDw="}"#,
        ),
        (
            ServerToClaimant::Context {
                network: NetworkComparison::Same,
                first_seen: NOW,
            },
            r#"{"type":"context","network":"same","first_seen":1790000000000}"#,
        ),
        (
            ServerToClaimant::Problem(Problem {
                code: ProblemCode::RateLimited,
                message: text("too many attempts; wait ten minutes"),
                retry_after_secs: Some(600),
            }),
            r#"{"type":"problem","code":"rate_limited","message":"too many attempts; wait ten minutes","retry_after_secs":600}"#,
        ),
    ]
}

fn device_to_claimant() -> Pinned<DeviceToClaimant> {
    vec![
        (
            DeviceToClaimant::Introduction {
                csr: text(CSR),
                facts: facts(),
                link: text("https://panel.example/link"),
                accepts: vec![CredentialKind::Certificate],
            },
            r#"{"type":"introduction","csr":"-----BEGIN CERTIFICATE REQUEST-----\n…\n-----END CERTIFICATE REQUEST-----\n","facts":{"hostname":"thermometer-7","os":"linux","os_version":"Debian GNU/Linux 12","arch":"aarch64","model":"Raspberry Pi 5 Model B","serial":"10000000abcdef01","machine_id":"8ac1c6a4f3cf4f0a9d0f6f3b1f5c2d7e","software":"gangway-device","software_version":"0.1.0","addresses":"192.0.2.7 2001:db8::7"},"link":"https://panel.example/link","accepts":["certificate"]}"#,
        ),
        (
            DeviceToClaimant::Consent {
                accepted: true,
                reason: None,
            },
            r#"{"type":"consent","accepted":true}"#,
        ),
        (
            DeviceToClaimant::Consent {
                accepted: false,
                reason: Some(text("the person at the device said no")),
            },
            r#"{"type":"consent","accepted":false,"reason":"the person at the device said no"}"#,
        ),
        (
            DeviceToClaimant::Installed {
                certificate_sha256: digest(),
                chain: None,
            },
            r#"{"type":"installed","certificate_sha256":"ec40f4e3cbeda7d7df2ca23032cb7e56d0b0bbd8a69f5c1ce68487b95f815f63"}"#,
        ),
        (
            DeviceToClaimant::Failed {
                code: text("chain_invalid"),
                message: text("the certificate is for another key; approve the device again"),
            },
            r#"{"type":"failed","code":"chain_invalid","message":"the certificate is for another key; approve the device again"}"#,
        ),
    ]
}

fn claimant_to_device() -> Pinned<ClaimantToDevice> {
    vec![
        (
            ClaimantToDevice::Offer {
                organisation: text("Harbour Works"),
                approver: text("Ada Lindqvist"),
                panel: text("https://panel.example"),
            },
            r#"{"type":"offer","organisation":"Harbour Works","approver":"Ada Lindqvist","panel":"https://panel.example"}"#,
        ),
        (
            ClaimantToDevice::Credential(Box::new(Credential::Certificate {
                chain: text(CHAIN),
                trust_anchors: Some(text(CHAIN)),
                endpoints: vec![Endpoint {
                    name: text("session"),
                    url: text("wss://panel.example/api/v1/session"),
                    trust_anchors: None,
                }],
                configuration: map(json!({"interval_secs": 60})),
            })),
            r#"{"type":"credential","kind":"certificate","chain":"-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n","trust_anchors":"-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n","endpoints":[{"name":"session","url":"wss://panel.example/api/v1/session"}],"configuration":{"interval_secs":60}}"#,
        ),
        (
            ClaimantToDevice::Credential(Box::new(Credential::ProvisioningClaim {
                certificate: text(CHAIN),
                private_key: SecretString::new(text(
                    "-----BEGIN PRIVATE KEY-----\n…\n-----END PRIVATE KEY-----\n",
                )),
                expires_at: NOW,
                endpoint: text("a1b2c3-ats.iot.eu-central-1.amazonaws.com"),
                template: text("gangway"),
                parameters: map(json!({"SerialNumber": "10000000abcdef01"})),
                trust_anchors: None,
            })),
            r#"{"type":"credential","kind":"provisioning_claim","certificate":"-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n","private_key":"-----BEGIN PRIVATE KEY-----\n…\n-----END PRIVATE KEY-----\n","expires_at":1790000000000,"endpoint":"a1b2c3-ats.iot.eu-central-1.amazonaws.com","template":"gangway","parameters":{"SerialNumber":"10000000abcdef01"}}"#,
        ),
        (
            ClaimantToDevice::Refusal {
                reason: text("this is not my device"),
            },
            r#"{"type":"refusal","reason":"this is not my device"}"#,
        ),
    ]
}

fn session_server_to_device() -> Pinned<session::ServerToDevice> {
    vec![
        (
            session::ServerToDevice::Challenge {
                nonce: base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
                server_time: NOW,
            },
            r#"{"type":"challenge","nonce":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=","server_time":1790000000000}"#,
        ),
        (
            session::ServerToDevice::Welcome {
                device: "dev_01jd8r3k5m7n9p1q3s5t7v9x1z".parse().expect("an id"),
                organisation: "org_01jd8r3k5m7n9p1q3s5t7v9x1z".parse().expect("an id"),
                configuration: Configuration {
                    revision: 3,
                    values: map(json!({"interval_secs": 60})),
                },
                renew_after: UnixMillis(1_793_900_000_000),
                server_time: NOW,
                only: None,
            },
            r#"{"type":"welcome","device":"dev_01jd8r3k5m7n9p1q3s5t7v9x1z","organisation":"org_01jd8r3k5m7n9p1q3s5t7v9x1z","configuration":{"revision":3,"values":{"interval_secs":60}},"renew_after":1793900000000,"server_time":1790000000000}"#,
        ),
        (
            session::ServerToDevice::Welcome {
                device: "dev_01jd8r3k5m7n9p1q3s5t7v9x1z".parse().expect("an id"),
                organisation: "org_01jd8r3k5m7n9p1q3s5t7v9x1z".parse().expect("an id"),
                configuration: Configuration::default(),
                renew_after: NOW,
                server_time: NOW,
                only: Some(vec![SessionAbility::Renew]),
            },
            r#"{"type":"welcome","device":"dev_01jd8r3k5m7n9p1q3s5t7v9x1z","organisation":"org_01jd8r3k5m7n9p1q3s5t7v9x1z","configuration":{"revision":0,"values":{}},"renew_after":1790000000000,"server_time":1790000000000,"only":["renew"]}"#,
        ),
        (
            session::ServerToDevice::Configuration {
                configuration: Configuration {
                    revision: 4,
                    values: map(json!({"interval_secs": 10})),
                },
            },
            r#"{"type":"configuration","configuration":{"revision":4,"values":{"interval_secs":10}}}"#,
        ),
        (
            session::ServerToDevice::Certificate {
                chain: text(CHAIN),
                trust_anchors: None,
            },
            r#"{"type":"certificate","chain":"-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n"}"#,
        ),
        (session::ServerToDevice::RenewNow {}, r#"{"type":"renew_now"}"#),
        (session::ServerToDevice::Identify {}, r#"{"type":"identify"}"#),
        (
            session::ServerToDevice::Revoked {
                reason: text("the device was reported lost"),
            },
            r#"{"type":"revoked","reason":"the device was reported lost"}"#,
        ),
        (
            session::ServerToDevice::Problem(Problem {
                code: ProblemCode::Suspended,
                message: text("this device is suspended; it may try again in an hour"),
                retry_after_secs: Some(3600),
            }),
            r#"{"type":"problem","code":"suspended","message":"this device is suspended; it may try again in an hour","retry_after_secs":3600}"#,
        ),
    ]
}

fn session_device_to_server() -> Pinned<session::DeviceToServer> {
    vec![
        (
            session::DeviceToServer::Proof {
                chain: text(CHAIN),
                signature: base64("MEUCIQA="),
                counter: 42,
                agent: text("gangway-device/0.1.0 (linux x86_64)"),
            },
            r#"{"type":"proof","chain":"-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n","signature":"MEUCIQA=","counter":42,"agent":"gangway-device/0.1.0 (linux x86_64)"}"#,
        ),
        (
            session::DeviceToServer::Facts { facts: facts() },
            r#"{"type":"facts","facts":{"hostname":"thermometer-7","os":"linux","os_version":"Debian GNU/Linux 12","arch":"aarch64","model":"Raspberry Pi 5 Model B","serial":"10000000abcdef01","machine_id":"8ac1c6a4f3cf4f0a9d0f6f3b1f5c2d7e","software":"gangway-device","software_version":"0.1.0","addresses":"192.0.2.7 2001:db8::7"}}"#,
        ),
        (
            session::DeviceToServer::Measurements {
                series: vec![Series {
                    name: text("temperature"),
                    points: vec![(NOW, 21.5), (UnixMillis(1_790_000_060_000), 21.75)],
                }],
            },
            r#"{"type":"measurements","series":[{"name":"temperature","points":[[1790000000000,21.5],[1790000060000,21.75]]}]}"#,
        ),
        (
            session::DeviceToServer::Renew {
                csr: text(CSR),
                endorsement: base64("MEUCIQA="),
            },
            r#"{"type":"renew","csr":"-----BEGIN CERTIFICATE REQUEST-----\n…\n-----END CERTIFICATE REQUEST-----\n","endorsement":"MEUCIQA="}"#,
        ),
        (
            session::DeviceToServer::Installed {
                certificate_sha256: digest(),
            },
            r#"{"type":"installed","certificate_sha256":"ec40f4e3cbeda7d7df2ca23032cb7e56d0b0bbd8a69f5c1ce68487b95f815f63"}"#,
        ),
    ]
}

fn check<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(pinned: Pinned<T>) {
    for (value, literal) in pinned {
        assert_eq!(serde_json::to_string(&value).expect("JSON"), literal);
        assert_eq!(serde_json::from_str::<T>(literal).expect(literal), value);
        // Unknown fields are ignored; an unknown type is a problem.
        let extended = literal.replacen('{', r#"{"since_version_9":{"a":[1]},"#, 1);
        assert_eq!(serde_json::from_str::<T>(&extended).expect(&extended), value);
    }
    serde_json::from_str::<T>(r#"{"type":"gossip"}"#).expect_err("an unknown type");
    serde_json::from_str::<T>(r"{}").expect_err("no type");
    serde_json::from_str::<T>(r"[]").expect_err("no object");
}

/// Every line that the document must show.
pub(crate) fn literals() -> Vec<&'static str> {
    fn of<T>(pinned: Pinned<T>) -> Vec<&'static str> {
        pinned.into_iter().map(|(_, literal)| literal).collect()
    }
    [
        of(enrolment_device_to_server()),
        of(enrolment_server_to_device()),
        of(claimant_to_server()),
        of(server_to_claimant()),
        of(device_to_claimant()),
        of(claimant_to_device()),
        of(session_server_to_device()),
        of(session_device_to_server()),
    ]
    .concat()
}

#[test]
fn frames_between_waiting_device_and_server() {
    check(enrolment_device_to_server());
    check(enrolment_server_to_device());
}

#[test]
fn frames_between_claimant_and_server() {
    check(claimant_to_server());
    check(server_to_claimant());
}

#[test]
fn sealed_messages_between_device_and_claimant() {
    check(device_to_claimant());
    check(claimant_to_device());
}

#[test]
fn frames_between_enrolled_device_and_server() {
    check(session_server_to_device());
    check(session_device_to_server());
}

#[test]
fn what_is_left_out_has_its_default() {
    let short = r#"{"type":"credential","kind":"certificate","chain":"","endpoints":[]}"#;
    let Ok(ClaimantToDevice::Credential(credential)) = serde_json::from_str(short) else {
        panic!("a credential")
    };
    let expected = Credential::Certificate {
        chain: String::new(),
        trust_anchors: None,
        endpoints: Vec::new(),
        configuration: serde_json::Map::new(),
    };
    assert_eq!(*credential, expected);
}

#[test]
fn names_that_this_version_does_not_know_are_read_as_unknown() {
    let read = |json: serde_json::Value| serde_json::from_value::<ServerToDevice>(json);
    let closed = read(json!({"type": "closed", "claim": claim(), "reason": "eclipse"}));
    let reason = ClosedReason::Unknown;
    assert_eq!(
        closed.expect("readable"),
        ServerToDevice::Closed {
            claim: claim(),
            reason
        }
    );
    let problem = read(json!({"type": "problem", "code": "eclipse", "message": "dark"}));
    assert!(matches!(problem, Ok(ServerToDevice::Problem(problem)) if problem.code == ProblemCode::Unknown));
    let network = serde_json::from_value(json!("eclipsed"));
    assert_eq!(network.ok(), Some(NetworkComparison::Unknown));
    let ability = serde_json::from_value(json!("eclipse"));
    assert_eq!(ability.ok(), Some(SessionAbility::Unknown));
    let kind = serde_json::from_value(json!("letter_of_marque"));
    assert_eq!(kind.ok(), Some(CredentialKind::Unknown));
}

#[test]
fn values_of_the_wrong_shape_are_refused() {
    let wrong = [
        json!({"type": "claim", "claim": "clm_1", "nameplate": "BCDF", "pake": ""}),
        json!({"type": "claim", "claim": claim(), "nameplate": "ABC", "pake": ""}),
        json!({"type": "claim", "claim": claim(), "nameplate": "BCDF", "pake": "====", }),
        json!({"type": "claim", "claim": claim(), "nameplate": "BCDF", "pake": "QQ"}),
        json!({"type": "claim", "claim": claim(), "nameplate": "BCDF", "pake": "-_-_"}),
        json!({"type": "claim", "claim": claim(), "nameplate": "BCDF", "pake": "QR=="}),
        json!({"type": "claim", "claim": claim(), "nameplate": "BCDF"}),
        json!({"type": "claim", "claim": null, "nameplate": "BCDF", "pake": ""}),
    ];
    for frame in wrong {
        assert!(
            serde_json::from_value::<ServerToDevice>(frame.clone()).is_err(),
            "{frame}"
        );
    }
    for digest in [
        "",
        "EC40",
        &"EC".repeat(32),
        &"ec".repeat(31),
        &"ec".repeat(33),
        &"zz".repeat(32),
    ] {
        let frame = json!({"type": "installed", "certificate_sha256": digest});
        assert!(
            serde_json::from_value::<session::DeviceToServer>(frame).is_err(),
            "{digest}"
        );
    }
}

#[test]
fn problem_codes_have_the_same_name_on_every_wire() {
    for name in PROBLEM_CODES {
        let code: ProblemCode = serde_json::from_value(json!(name)).expect("a code");
        assert_ne!(code, ProblemCode::Unknown, "{name}");
        assert_eq!(code.as_str(), name);
        assert_eq!(serde_json::to_value(code).expect("JSON"), json!(name));
    }
}

#[test]
fn the_signed_bytes_of_a_session() {
    let nonce: Vec<u8> = (0..32).collect();
    let message = session::proof_message(&nonce, "https://panel.example", &digest());
    let expected = [
        b"gangway session v1\0".as_slice(),
        &nonce,
        b"https://panel.example\0",
        &digest().0,
    ]
    .concat();
    assert_eq!(message, expected);
    let endorsed = session::renewal_message(b"a request");
    assert_eq!(
        endorsed,
        [b"gangway renew v1\0".as_slice(), &Sha256Hex::of(b"a request").0].concat()
    );
}

#[test]
fn secrets_in_messages_are_not_printed() {
    let (messages, _): (Vec<_>, Vec<_>) = claimant_to_device().into_iter().unzip();
    let printed = format!("{messages:?}");
    assert!(printed.contains("SecretString(…)"));
    assert!(!printed.contains("BEGIN PRIVATE KEY"));
}
