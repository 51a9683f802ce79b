//! Every frame and sealed message, pinned by its literal JSON. `docs/protocol.md` shows these very lines.

mod claiming;
mod session;
mod waiting;

use gangway_protocol::certificate::EnrolmentStage;
use gangway_protocol::device::{AlarmKind, FleetChangeKind, OfflineReason};
use gangway_protocol::encoding::{Base64, Sha256Hex};
use gangway_protocol::enrolment::{
    ClaimantToDevice, ClosedReason, Credential, CredentialKind, NetworkComparison, Outcome, ReplaceReason,
    ServerToDevice,
};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::id::ClaimId;
use gangway_protocol::session::{DeviceToServer, SessionAbility, proof_message, renewal_message};
use gangway_protocol::time::UnixMillis;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

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
        of(waiting::device_to_server()),
        of(waiting::server_to_device()),
        of(claiming::claimant_to_server()),
        of(claiming::server_to_claimant()),
        of(claiming::device_to_claimant()),
        of(claiming::claimant_to_device()),
        of(session::server_to_device()),
        of(session::device_to_server()),
    ]
    .concat()
}

#[test]
fn frames_between_waiting_device_and_server() {
    check(waiting::device_to_server());
    check(waiting::server_to_device());
}

#[test]
fn frames_between_claimant_and_server() {
    check(claiming::claimant_to_server());
    check(claiming::server_to_claimant());
}

#[test]
fn sealed_messages_between_device_and_claimant() {
    check(claiming::device_to_claimant());
    check(claiming::claimant_to_device());
}

#[test]
fn frames_between_enrolled_device_and_server() {
    check(session::server_to_device());
    check(session::device_to_server());
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
    let network = serde_json::from_value(json!("not_comparable"));
    assert_eq!(network.ok(), Some(NetworkComparison::NotComparable));
    let outcome = serde_json::from_value(json!("eclipsed"));
    assert_eq!(outcome.ok(), Some(Outcome::Unknown));
    let replaced = serde_json::from_value(json!("eclipse"));
    assert_eq!(replaced.ok(), Some(ReplaceReason::Unknown));
    let stage = serde_json::from_value(json!("eclipsed"));
    assert_eq!(stage.ok(), Some(EnrolmentStage::Unknown));
    let offline = serde_json::from_value(json!("eclipse"));
    assert_eq!(offline.ok(), Some(OfflineReason::Unknown));
    let alarm = serde_json::from_value(json!("eclipse"));
    assert_eq!(alarm.ok(), Some(AlarmKind::Unknown));
    let change = serde_json::from_value(json!("eclipsed"));
    assert_eq!(change.ok(), Some(FleetChangeKind::Unknown));
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
            serde_json::from_value::<DeviceToServer>(frame).is_err(),
            "{digest}"
        );
    }
}

#[test]
fn counters_are_whole_numbers_that_every_language_holds_exactly() {
    let proof = |counter: &str| {
        let frame = format!(r#"{{"type":"proof","chain":"","signature":"","counter":{counter},"agent":""}}"#);
        serde_json::from_str::<DeviceToServer>(&frame).is_ok()
    };
    assert!(proof("0") && proof("9007199254740991"));
    assert!(
        [
            "9007199254740992",
            "18446744073709551616",
            "-1",
            "1.5",
            "1e3",
            "\"1\"",
            "null"
        ]
        .into_iter()
        .all(|counter| !proof(counter))
    );
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

/// Threat model: SES-1.
#[test]
fn the_signed_bytes_of_a_session() {
    let nonce: Vec<u8> = (0..32).collect();
    let message = proof_message(&nonce, "https://panel.example", &digest());
    let expected = [
        b"gangway session v1\0".as_slice(),
        &nonce,
        b"https://panel.example\0",
        &digest().0,
    ]
    .concat();
    assert_eq!(message, expected);
    let endorsed = renewal_message(b"a request");
    assert_eq!(
        endorsed,
        [b"gangway renew v1\0".as_slice(), &Sha256Hex::of(b"a request").0].concat()
    );
}

#[test]
fn secrets_in_messages_are_not_printed() {
    let (messages, _): (Vec<_>, Vec<_>) = claiming::claimant_to_device().into_iter().unzip();
    let printed = format!("{messages:?}");
    assert!(printed.contains("SecretString(…)"));
    assert!(!printed.contains("BEGIN PRIVATE KEY"));
}
