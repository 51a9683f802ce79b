//! Every kind of request that goes to AWS is accepted by botocore's verifier, and no changed one is.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use gangway_protocol::certificate::{Csr, UncheckedCsr};
use gangway_protocol::device::Facts;
use gangway_protocol::secret::SecretString;
use gangway_protocol::signer;
use gangway_protocol::time::UnixMillis;
use gangway_signing::{
    AwsCredentials, NoAnswer, Order, Request, Response, Signer, Step, Target, Trial, TrialStep, Wallet,
};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use serde_json::{Value, json};

const NOW: UnixMillis = UnixMillis(1_795_780_800_000);
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// What goes to AWS when a reply is lost (the request to sign, the list, a look at a certificate), the removal of what was
/// signed for a trial, and the request for a claim.
fn requests(endpoint: Option<&str>, session_token: Option<&str>) -> Vec<Value> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
    let pem = CertificateParams::default()
        .serialize_request(&key)
        .and_then(|request| request.pem());
    let csr = UncheckedCsr::from_pem(&pem.expect("a CSR")).expect("a CSR");
    let configured: signer::Signer =
        serde_json::from_value(json!({"id": "sgn_0000000001zzzzzzzzzzzzzzzz", "name": "AWS",
        "kind": "aws_iot", "region": "eu-central-1", "endpoint": endpoint}))
        .expect("a signer");
    let mut wallet = Wallet::default();
    let credentials = AwsCredentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: SecretString::new(SECRET.to_owned()),
        session_token: session_token.map(|token| SecretString::new(token.to_owned())),
        expires_at: None,
    };
    wallet.put_aws(configured.id.clone(), credentials);
    let csr = csr.conclude(true).expect("a good one");
    let order_csr = csr.clone();
    let order = Order {
        claim: "clm_0000000001zzzzzzzzzzzzzzzz".parse().expect("an id"),
        device: "dev_0000000001zzzzzzzzzzzzzzzz".parse().expect("an id"),
        csr,
        organisation: "org_0000000001zzzzzzzzzzzzzzzz".parse().expect("an id"),
        name: "thermometer-7".to_owned(),
        facts: Facts::default(),
        again: false,
    };
    let mut signer = Signer::of(&configured, order).expect("a known kind");
    let answers = [
        json!({"claim": "clm_0000000001zzzzzzzzzzzzzzzz", "device": {"id": "dev_0000000001zzzzzzzzzzzzzzzz", "name": "x",
            "state": {"name": "enrolling", "since": 1}}, "organisation": "org_0000000001zzzzzzzzzzzzzzzz",
            "organisation_name": "Works", "approver": "Ada", "signer": "sgn_0000000001zzzzzzzzzzzzzzzz", "stage": "signing",
            "approved_at": 1}),
        Value::Null,
        json!({"certificates": [{"certificateId": "a".repeat(64), "creationDate": 1_795_780_800.5}]}),
        Value::Null,
    ];
    let mut step = signer.start(&wallet, NOW);
    let mut sent = vec![
        claim(&configured, order_csr.clone(), &wallet),
        removal(&configured, &key, order_csr, &mut wallet),
    ];
    for answer in answers {
        let Ok(Step::Send(sending)) = step else {
            panic!("a request, not {step:?}")
        };
        if sending.target == Target::Elsewhere {
            sent.push(as_case(&sending.request));
        }
        let answer = match answer {
            Value::Null => Err(NoAnswer {
                detail: "lost".to_owned(),
            }),
            body => Ok(Response::new(body.to_string().into_bytes())),
        };
        step = signer.answer(answer, &mut wallet, NOW);
    }
    sent
}

/// The request for a claim with which a device fetches its certificate itself.
fn claim(configured: &signer::Signer, csr: Csr, wallet: &Wallet) -> Value {
    let mut configured = configured.clone();
    let signer::SignerKind::AwsIot(aws) = &mut configured.kind else {
        panic!("AWS")
    };
    aws.data_endpoint = Some("a1b2-ats.iot.example".to_owned());
    aws.provisioning = Some(signer::FleetProvisioning {
        template: "plant".to_owned(),
        parameters: BTreeMap::new(),
    });
    let mut trial = Trial::of(&configured, csr).expect("a trial");
    match trial.start(wallet, NOW) {
        Ok(TrialStep::Send(sending)) => as_case(&sending.request),
        other => panic!("AWS is asked, not {other:?}"),
    }
}

/// The removal of what was signed for a trial.
fn removal(configured: &signer::Signer, key: &KeyPair, csr: Csr, wallet: &mut Wallet) -> Value {
    let mut trial = Trial::of(configured, csr).expect("a trial");
    let Ok(TrialStep::Send(_)) = trial.start(wallet, NOW) else {
        panic!("AWS is asked")
    };
    let certificate = CertificateParams::default()
        .self_signed(key)
        .expect("a certificate");
    let created = json!({"certificateId": "a".repeat(64), "certificatePem": certificate.pem()}).to_string();
    match trial.answer(Ok(Response::new(created.into_bytes())), wallet, NOW) {
        Ok(TrialStep::Send(sending)) => as_case(&sending.request),
        other => panic!("a removal, not {other:?}"),
    }
}

/// A request as the verifier reads it.
fn as_case(request: &Request) -> Value {
    let host = request.uri().authority().expect("a host").as_str();
    let headers: serde_json::Map<String, Value> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().expect("text").into()))
        .chain([("host".to_owned(), host.into())])
        .collect();
    let body = std::str::from_utf8(request.body()).expect("text");
    json!({"method": request.method().as_str(), "url": request.uri().to_string(), "headers": headers, "body": body,
        "secret": SECRET, "now": NOW.as_secs()})
}

/// What botocore says of each.
#[expect(
    clippy::disallowed_methods,
    reason = "the tools of tests are named in the environment (scripts/test)"
)]
fn verified(cases: &[Value]) -> Vec<String> {
    let python = std::env::var_os("GANGWAY_PYTHON").unwrap_or_else(|| "python3".into());
    let mut child = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/signature/verify.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python runs (scripts/setup)");
    let mut input = child.stdin.take().expect("an input");
    for case in cases {
        writeln!(input, "{case}").expect("it reads");
    }
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "botocore is there (scripts/setup)");
    String::from_utf8(output.stdout)
        .expect("text")
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_request_that_is_sent_to_aws_is_accepted_by_botocore() {
    let mut cases = Vec::new();
    for endpoint in [
        None,
        Some("http://127.0.0.1:5593"),
        Some("https://iot-fips.us-east-1.amazonaws.com"),
    ] {
        for token in [None, Some("IQoJb3JpZ2luX2VjE+/w==")] {
            cases.extend(requests(endpoint, token));
        }
    }
    assert_eq!(
        cases.len(),
        30,
        "five kinds of request, three endpoints, with a session token and without"
    );
    assert_eq!(verified(&cases), vec!["good"; 30]);
}

#[test]
fn no_changed_request_is_accepted_by_botocore() {
    let base = requests(None, Some("t0ken")).remove(2);
    let changed = |field: &str, value: Value| {
        let mut case = base.clone();
        match field.strip_prefix("header ") {
            Some(name) => case["headers"][name] = value,
            None => case[field] = value,
        }
        case
    };
    let elsewhere = "https://iot.eu-central-1.amazonaws.com/certificates?setAsActive=false";
    let cases = [
        changed("body", "{}".into()),
        changed("url", elsewhere.into()),
        changed("method", "PUT".into()),
        changed("secret", "another".into()),
        changed("header x-amz-security-token", "another".into()),
        changed("header x-amz-target", "unsigned".into()),
        changed("now", (NOW.as_secs() + 301).into()),
    ];
    let said = verified(&cases);
    assert_eq!(said.len(), cases.len());
    assert!(said.iter().all(|said| said != "good"), "{said:?}");
}
