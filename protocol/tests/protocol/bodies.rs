//! The HTTP bodies that a claimant needs, pinned by their literal JSON. `docs/protocol.md` shows these very lines.

use gangway_protocol::certificate::{
    Approval, ApprovalRequest, Certificate, CertificateRequest, ClaimReport, ClaimReportReason,
    EnrolmentStage, Recording, RevocationReason, SigningUpdate,
};
use gangway_protocol::error::ProblemDetails;
use gangway_protocol::signer::{Signer, SignerKind};
use serde::Serialize;
use serde::de::DeserializeOwned;

const APPROVAL_REQUEST: &str = r#"{"organisation":"org_01jd8r3k5m7n9p1q3s5t7v9x1z","csr":"-----BEGIN CERTIFICATE REQUEST-----\n…\n-----END CERTIFICATE REQUEST-----\n","facts":{"hostname":"thermometer-7","os":"linux","os_version":"Debian GNU/Linux 12","arch":"aarch64","software":"gangway-device","software_version":"0.1.0"},"signer":"sgn_01jd8r3k5m7n9p1q3s5t7v9x1z","name":"thermometer-7","labels":["hall 3"],"replace":true}"#;
const APPROVAL: &str = r#"{"claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z","device":{"id":"dev_01jd8r3k5m7n9p1q3s5t7v9x1z","name":"thermometer-7","state":{"name":"enrolling","since":1790000000000}},"organisation":"org_01jd8r3k5m7n9p1q3s5t7v9x1z","organisation_name":"Harbour Works","approver":"Ada Lindqvist","signer":"sgn_01jd8r3k5m7n9p1q3s5t7v9x1z","stage":"approved","approved_at":1790000000000}"#;
const SIGN: &str = r#"{"csr":"-----BEGIN CERTIFICATE REQUEST-----\n…\n-----END CERTIFICATE REQUEST-----\n"}"#;
const SIGN_AGAIN: &str =
    r#"{"csr":"-----BEGIN CERTIFICATE REQUEST-----\n…\n-----END CERTIFICATE REQUEST-----\n","again":true}"#;
const RECORD: &str = r#"{"claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z","chain":"-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n","external_id":"5c1d0e"}"#;
const CERTIFICATE: &str = r#"{"sha256":"ec40f4e3cbeda7d7df2ca23032cb7e56d0b0bbd8a69f5c1ce68487b95f815f63","serial":"4f3c","device":"dev_01jd8r3k5m7n9p1q3s5t7v9x1z","organisation":"org_01jd8r3k5m7n9p1q3s5t7v9x1z","spki_sha256":"ec40f4e3cbeda7d7df2ca23032cb7e56d0b0bbd8a69f5c1ce68487b95f815f63","subject":"CN=dev_01jd8r3k5m7n9p1q3s5t7v9x1z","issuer":"CN=Gangway Intermediate","key":"P-256","signer":"sgn_01jd8r3k5m7n9p1q3s5t7v9x1z","not_before":1790000000000,"not_after":1797776000000,"chain":"-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n","issued_at":1790000000000}"#;
const BUILTIN: &str = r#"{"id":"sgn_01jd8r3k5m7n9p1q3s5t7v9x1z","name":"Built-in CA","kind":"builtin","least_role":"installer"}"#;
const AWS: &str = r#"{"id":"sgn_01jd8r3k5m7n9p1q3s5t7v9x1z","name":"AWS, Frankfurt","kind":"aws_iot","region":"eu-central-1","data_endpoint":"a1b2c3-ats.iot.eu-central-1.amazonaws.com","activate":true,"least_role":"installer","disabled":true}"#;
const AWS_COGNITO: &str = r#"{"id":"sgn_01jd8r3k5m7n9p1q3s5t7v9x1z","name":"AWS, Dublin","kind":"aws_iot","region":"eu-west-1","data_endpoint":"d4e5f6-ats.iot.eu-west-1.amazonaws.com:443","activate":false,"provisioning":{"template":"gangway","parameters":{"Device":"device","SerialNumber":"serial"}},"sign_in":{"by":"cognito","domain":"https://plant.auth.eu-west-1.amazoncognito.com","user_pool":"eu-west-1_a1B2c3D4e","client_id":"3n4b5urk1ft4fl3mg5e62d9ado","identity_pool":"eu-west-1:0a1b2c3d-0000-1111-2222-333344445555"},"least_role":"installer"}"#;
const AWS_WEB_IDENTITY: &str = r#"{"id":"sgn_01jd8r3k5m7n9p1q3s5t7v9x1z","name":"AWS, Paris","kind":"aws_iot","region":"eu-west-3","activate":true,"sign_in":{"by":"web_identity","client":{"issuer":"https://login.example/realms/plant","client_id":"gangway","scopes":["offline_access"]},"role":"arn:aws:iam::123456789012:role/enrol"},"least_role":"installer"}"#;
const HUB: &str = r#"{"id":"sgn_01jd8r3k5m7n9p1q3s5t7v9x1z","name":"Hub, Hall 3","kind":"plgd_hub","certificate_authority":"https://api.hub.example","sign_in":{"issuer":"https://auth.hub.example","client_id":"web","audience":"https://hub.example"},"coap_gateway":"coaps+tcp://hub.example:5684","least_role":"installer"}"#;
const EST: &str = r#"{"id":"sgn_01jd8r3k5m7n9p1q3s5t7v9x1z","name":"Works CA","kind":"est","url":"https://est.works.example:8443","label":"devices","least_role":"installer"}"#;
const STEP_CA: &str = r#"{"id":"sgn_01jd8r3k5m7n9p1q3s5t7v9x1z","name":"Works CA","kind":"step_ca","url":"https://ca.works.example","provisioner":"gangway","least_role":"installer"}"#;
const VAULT: &str = r#"{"id":"sgn_01jd8r3k5m7n9p1q3s5t7v9x1z","name":"Works CA","kind":"vault","url":"https://vault.works.example:8200","mount":"pki","role":"devices","approle_mount":"approle","least_role":"installer"}"#;
const BEGUN: &str = r#"{"state":"begun","again":true}"#;
const REFUSED: &str = r#"{"state":"refused"}"#;
const REPLY_LOST: &str = r#"{"state":"reply_lost"}"#;
const REPORT: &str = r#"{"reason":"not_mine"}"#;
const PROBLEM: &str = r#"{"type":"about:blank","title":"This key belongs to a device","status":409,"code":"key_known","detail":"The key belongs to thermometer-7. Replace its certificate, or refuse: a copied disk image looks like this.","device":{"id":"dev_01jd8r3k5m7n9p1q3s5t7v9x1z","name":"thermometer-7","state":{"name":"active","since":1790000000000}}}"#;

/// Every line that the document must show.
pub(crate) const LITERALS: [&str; 19] = [
    APPROVAL_REQUEST,
    APPROVAL,
    SIGN,
    SIGN_AGAIN,
    RECORD,
    CERTIFICATE,
    BUILTIN,
    AWS,
    AWS_COGNITO,
    AWS_WEB_IDENTITY,
    HUB,
    EST,
    STEP_CA,
    VAULT,
    BEGUN,
    REFUSED,
    REPLY_LOST,
    REPORT,
    PROBLEM,
];

/// The literal is read, and written as it was.
pub(crate) fn survives<T: Serialize + DeserializeOwned>(literal: &str) -> T {
    let value: T = serde_json::from_str(literal).expect(literal);
    assert_eq!(serde_json::to_string(&value).expect("JSON"), literal);
    value
}

#[test]
fn an_approval_is_asked_for_and_given() {
    let request: ApprovalRequest = survives(APPROVAL_REQUEST);
    assert!(request.replace);
    let approval: Approval = survives(APPROVAL);
    assert_eq!(approval.stage, EnrolmentStage::Approved);
    let shorter = APPROVAL_REQUEST.replace(
        r#","name":"thermometer-7","labels":["hall 3"],"replace":true"#,
        "",
    );
    let request: ApprovalRequest = survives(&shorter);
    assert_eq!(
        (request.name, request.labels, request.replace),
        (None, Vec::new(), false)
    );
}

#[test]
fn a_certificate_is_asked_for_in_two_ways() {
    assert!(matches!(
        survives(SIGN),
        CertificateRequest::Sign { again: false, .. }
    ));
    assert!(matches!(
        survives(SIGN_AGAIN),
        CertificateRequest::Sign { again: true, .. }
    ));
    assert!(matches!(
        survives(RECORD),
        CertificateRequest::Record(Recording {
            external_id: Some(_),
            ..
        })
    ));
    let certificate: Certificate = survives(CERTIFICATE);
    assert_eq!(certificate.revocation, None);
}

#[test]
fn a_signer_says_what_it_is_and_a_claimant_what_it_is_about() {
    assert!(survives::<Signer>(BUILTIN).kind.is_builtin());
    let aws: Signer = survives(AWS);
    assert!(aws.disabled && matches!(aws.kind, SignerKind::AwsIot(_)));
    for signer in [AWS_COGNITO, AWS_WEB_IDENTITY, HUB, EST, STEP_CA, VAULT] {
        assert_eq!(survives::<Signer>(signer).kind.check(), Ok(()));
    }
    for signer in [EST, STEP_CA, VAULT] {
        assert!(survives::<Signer>(signer).kind.signs_at_server());
    }
    assert_eq!(
        survives::<SigningUpdate>(BEGUN),
        SigningUpdate::Begun { again: true }
    );
    assert_eq!(survives::<SigningUpdate>(REFUSED), SigningUpdate::Refused);
    assert_eq!(survives::<SigningUpdate>(REPLY_LOST), SigningUpdate::ReplyLost);
}

#[test]
fn a_report_and_a_problem() {
    let report: ClaimReport = survives(REPORT);
    assert_eq!(report.reason, ClaimReportReason::NotMine);
    let problem: ProblemDetails = survives(PROBLEM);
    assert_eq!(problem.status, 409);
}

#[test]
fn stored_names_are_those_on_the_wire() {
    for name in [
        "approved",
        "consented",
        "signing",
        "issued",
        "delivered",
        "proven",
        "withdrawn",
        "reply_lost",
    ] {
        let stage = EnrolmentStage::from_name(name).expect("a stage");
        assert_eq!(stage.as_str(), name);
        assert_eq!(serde_json::to_value(stage).expect("JSON"), name);
    }
    for reason in RevocationReason::ALL {
        assert_eq!(serde_json::to_value(reason).expect("JSON"), reason.as_str());
        assert_eq!(RevocationReason::from_name(reason.as_str()), reason);
    }
    assert_eq!(EnrolmentStage::from_name("lost"), None);
    assert_eq!(RevocationReason::from_name("lost"), RevocationReason::Unspecified);
}
