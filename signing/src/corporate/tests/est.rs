//! EST, as RFC 7030 and RFC 8951 have it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use gangway_protocol::certificate::split_chain;

use super::*;

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("short enough").to_be_bytes();
    [&[tag, 0x82], length.as_slice(), content].concat()
}

/// A certs-only message in base64 with line breaks.
pub(super) fn certs_only(certificates: &[&str]) -> Vec<u8> {
    let certificates: Vec<u8> = certificates
        .iter()
        .flat_map(|pem| split_chain(pem).expect("certificates").concat())
        .collect();
    let signed_data = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
    let data = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
    let fields = [
        vec![0x02, 0x01, 0x01],
        vec![0x31, 0x00],
        der(0x30, &data),
        der(0xa0, &certificates),
        vec![0x31, 0x00],
    ];
    let message = der(
        0x30,
        &[&signed_data[..], &der(0xa0, &der(0x30, &fields.concat()))].concat(),
    );
    super::super::est::in_lines(&message)
}

fn configured() -> SignerKind {
    kind(json!({"kind": "est", "url": "https://est.works.example:8443", "label": "devices"}))
}

fn basic() -> CorporateCredential {
    credential(&configured(), &json!({"username": "gangway", "password": "Öl"}))
}

/// As far as the enrolment's request.
fn asked(order: CorporateOrder, issuers: &[&str]) -> (Corporate, Request) {
    let mut ca = Corporate::signing(&configured(), &basic(), order)
        .expect("a good request")
        .expect("EST");
    let request = sent(ca.start(&fresh())).request;
    assert_eq!(
        (request.method().as_str(), request.uri().to_string().as_str()),
        (
            "GET",
            "https://est.works.example:8443/.well-known/est/devices/cacerts"
        )
    );
    let sending = sent(ca.answer(says(200, certs_only(issuers)), &fresh()));
    assert!(!sending.is_idempotent);
    (ca, sending.request)
}

#[test]
fn it_signs_what_is_sent_in_base64_and_its_chain_comes_from_its_certificates() {
    let (key, hierarchy) = (key(), Hierarchy::new());
    let csr = csr_of(&named("thermometer-7"), &key);
    // In any order, and with the root that comes next.
    let next = Hierarchy::new();
    let (mut ca, request) = asked(
        order(csr.clone()),
        &[&next.root, &hierarchy.root, &hierarchy.intermediate],
    );
    assert_eq!(
        request.uri().to_string(),
        "https://est.works.example:8443/.well-known/est/devices/simpleenroll"
    );
    assert_eq!(request.headers()["content-type"], "application/pkcs10");
    assert_eq!(request.headers()["content-transfer-encoding"], "base64");
    assert_eq!(
        request.headers()["authorization"],
        format!("Basic {}", BASE64_STANDARD.encode("gangway:Öl"))
    );
    let text = String::from_utf8(request.body().clone()).expect("text");
    assert!(text.lines().all(|line| line.len() <= 76) && text.ends_with("\r\n"));
    let sent: String = text.split_whitespace().collect();
    assert_eq!(BASE64_STANDARD.decode(sent).expect("base64"), csr.der());
    let leaf = hierarchy.sign(&key, "thermometer-7");
    let got = signed(ca.answer(says(200, certs_only(&[&leaf])), &fresh()));
    assert_eq!(got.chain, normal(&format!("{leaf}{}", hierarchy.intermediate)));
    assert_eq!(
        got.trust_anchors,
        Some(normal(&hierarchy.root)),
        "of two with one name the one with the key"
    );
}

#[test]
fn a_chain_that_ends_below_a_root_has_its_last_certificate_for_an_anchor() {
    let (key, hierarchy) = (key(), Hierarchy::new());
    let leaf = hierarchy.sign(&key, "x");
    let (mut ca, _) = asked(order(csr_of(&named("x"), &key)), &[&hierarchy.intermediate]);
    // Some servers answer with the issuers as well, in whatever order, and without base64.
    let with_issuers = certs_only(&[&hierarchy.intermediate, &leaf]);
    let bare: String = String::from_utf8(with_issuers)
        .expect("text")
        .split_whitespace()
        .collect();
    let message = BASE64_STANDARD.decode(bare).expect("base64");
    let got = signed(ca.answer(says(200, message), &fresh()));
    assert_eq!(got.chain, normal(&format!("{leaf}{}", hierarchy.intermediate)));
    assert_eq!(got.trust_anchors, Some(normal(&hierarchy.intermediate)));
}

#[test]
fn a_renewal_is_one_where_the_subject_stays() {
    let (key, hierarchy) = (key(), Hierarchy::new());
    for (of_certificate, of_request, operation) in [
        ("thermometer-7", "thermometer-7", "simplereenroll"),
        ("as the CA named it", "thermometer-7", "simpleenroll"),
    ] {
        let order = CorporateOrder {
            renews: Some(hierarchy.sign(&key, of_certificate)),
            ..order(csr_of(&named(of_request), &key))
        };
        let (_, request) = asked(order, &[&hierarchy.root]);
        assert_eq!(
            request.uri().path(),
            format!("/.well-known/est/devices/{operation}")
        );
    }
}

#[test]
fn what_somebody_has_to_decide_comes_later() {
    let (key, hierarchy) = (key(), Hierarchy::new());
    let (ca, _) = asked(order(csr_of(&named("x"), &key)), &[&hierarchy.root]);
    let answered = |status, headers: &[(&'static str, &'static str)], body: &str| {
        let mut response = says(status, body).expect("an answer");
        for &(name, value) in headers {
            response
                .headers_mut()
                .insert(name, http::HeaderValue::from_static(value));
        }
        ca.clone()
            .answer(Ok(response), &fresh())
            .expect_err("no certificate")
    };
    let later = |headers: &[(&'static str, &'static str)]| match answered(202, headers, "") {
        CorporateError::Later { retry_after_secs, .. } => retry_after_secs,
        other => panic!("later, not {other:?}"),
    };
    assert_eq!(later(&[("retry-after", "3600")]), 3600);
    let dates = [
        ("date", "Fri, 15 Jan 2027 08:00:00 GMT"),
        ("retry-after", "Fri, 15 Jan 2027 08:02:00 GMT"),
    ];
    assert_eq!(later(&dates), 120);
    assert_eq!(later(&[]), 300);
    let text = [("content-type", "text/plain; charset=utf-8")];
    assert_eq!(
        answered(400, &text, "the subject is not one of ours\n"),
        CorporateError::Refused {
            detail: "the subject is not one of ours".to_owned()
        }
    );
    assert_eq!(
        answered(401, &[("www-authenticate", "Basic realm=\"est\"")], ""),
        CorporateError::Unaccepted {
            detail: "HTTP status 401".to_owned()
        }
    );
    let busy = answered(503, &[("retry-after", "5")], "");
    assert!(
        matches!(
            busy,
            CorporateError::Later {
                retry_after_secs: 5,
                ..
            }
        ),
        "{busy:?}"
    );
}

#[test]
fn it_revokes_nothing() {
    let revocation = CorporateRevocation {
        serial: "01".to_owned(),
        external_id: None,
        reason: RevocationReason::KeyCompromise,
    };
    assert!(Corporate::revoking(&configured(), &basic(), revocation).is_none());
}
