//! step-ca, as its API has it (`api/sign.go`, `api/revoke.go`).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::*;

/// The private key of RFC 7515 §A.3.
pub(super) const D: &str = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI";

/// A provisioner's key as `step crypto jwe decrypt` prints it.
pub(super) fn jwk() -> Value {
    json!({
        "use": "sig", "kty": "EC", "kid": "6UgCZ3f", "crv": "P-256", "alg": "ES256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0", "d": D,
    })
}

fn configured() -> SignerKind {
    kind(json!({"kind": "step_ca", "url": "https://ca.works.example:9000", "provisioner": "gangway@works"}))
}

/// Header and claims of a token.
fn opened(token: &str) -> (Value, Value) {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        panic!("three parts, not {token}")
    };
    let read = |part| BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url");
    let signed = header.len() + 1 + claims.len();
    assert_eq!(
        read(signature),
        signed.to_be_bytes(),
        "the signature of these tests"
    );
    let json = |part| serde_json::from_slice(&read(part)).expect("JSON");
    (json(header), json(claims))
}

#[test]
fn a_token_says_what_the_certificate_may_say() {
    let (key, hierarchy, configured) = (key(), Hierarchy::new(), configured());
    let credential = credential(&configured, &jwk());
    for (name, subject) in [("thermometer-7", "thermometer-7"), ("", DEVICE)] {
        let csr = csr_of(&named(name), &key);
        let mut ca = begun(&configured, &credential, csr.clone());
        let request = sent(ca.start(&fresh())).request;
        assert_eq!(
            (request.method().as_str(), request.uri().to_string().as_str()),
            ("GET", "https://ca.works.example:9000/roots")
        );
        let roots = says_json(200, &json!({"crts": [hierarchy.root]}));
        let request = sent(ca.answer(roots, &fresh())).request;
        assert_eq!(
            request.uri().to_string(),
            "https://ca.works.example:9000/1.0/sign"
        );
        let body: Value = serde_json::from_slice(request.body()).expect("JSON");
        assert_eq!(body["csr"], csr.to_pem());
        let (header, claims) = opened(body["ott"].as_str().expect("a token"));
        assert_eq!(header, json!({"alg": "ES256", "kid": "6UgCZ3f", "typ": "JWT"}));
        assert_eq!(
            claims,
            json!({
                "iss": "gangway@works", "aud": "https://ca.works.example:9000/1.0/sign", "sub": subject, "sans": [URN],
                "iat": 1_800_000_000, "nbf": 1_800_000_000, "exp": 1_800_000_300, "jti": "BwcHBwcHBwcHBwcHBwcHBw",
            })
        );
        let leaf = hierarchy.sign(&key, subject);
        let answer = json!({
            "crt": leaf, "ca": hierarchy.intermediate, "certChain": [leaf, hierarchy.intermediate], "tlsOptions": {},
        });
        let got = signed(ca.answer(says_json(201, &answer), &fresh()));
        assert_eq!(got.chain, normal(&format!("{leaf}{}", hierarchy.intermediate)));
        assert_eq!(got.trust_anchors, Some(normal(&hierarchy.root)));
    }
}

#[test]
fn what_it_refuses_is_told_in_its_words() {
    let (hierarchy, configured) = (Hierarchy::new(), configured());
    let credential = credential(&configured, &jwk());
    let refused = |status, message: &str| {
        let mut ca = begun(&configured, &credential, csr_of(&named("x"), &key()));
        sent(ca.start(&fresh()));
        sent(ca.answer(says_json(200, &json!({"crts": [hierarchy.root]})), &fresh()));
        let body = json!({"status": status, "message": message});
        ca.answer(says_json(status, &body), &fresh())
            .expect_err("refused")
    };
    let detail = "The request lacked necessary authorization to be completed.".to_owned();
    assert_eq!(
        refused(401, &detail),
        CorporateError::Unaccepted {
            detail: detail.clone()
        }
    );
    let detail = "The request was forbidden by the certificate authority.".to_owned();
    assert_eq!(
        refused(403, &detail),
        CorporateError::Refused {
            detail: detail.clone()
        }
    );
    assert!(matches!(refused(500, "Internal"), CorporateError::Refused { .. }));
}

#[test]
fn it_revokes_with_a_token_for_the_serial_number_and_once_is_enough() {
    let configured = configured();
    let credential = credential(&configured, &jwk());
    let revocation = CorporateRevocation {
        serial: "0de0b6b3a7640000".to_owned(),
        external_id: None,
        reason: RevocationReason::KeyCompromise,
    };
    let mut ca = Corporate::revoking(&configured, &credential, revocation).expect("it revokes");
    let request = sent(ca.start(&fresh())).request;
    assert_eq!(request.uri().path(), "/1.0/revoke");
    let body: Value = serde_json::from_slice(request.body()).expect("JSON");
    let (_, claims) = opened(body["ott"].as_str().expect("a token"));
    assert_eq!(
        (&claims["sub"], &claims["aud"], claims.get("sans")),
        (
            &json!("1000000000000000000"),
            &json!("https://ca.works.example:9000/1.0/revoke"),
            None
        )
    );
    assert_eq!(
        (&body["serial"], &body["passive"], &body["reasonCode"]),
        (&json!("1000000000000000000"), &json!(true), &json!(1))
    );
    let ends = |status, body: Value| ca.clone().answer(says_json(status, &body), &fresh());
    assert!(matches!(
        ends(200, json!({"status": "ok"})),
        Ok(CorporateStep::Revoked)
    ));
    let twice = json!({"status": 403, "message": "certificate with serial number '1' is already revoked"});
    assert!(matches!(ends(403, twice), Ok(CorporateStep::Revoked)));
    let refused = ends(
        501,
        json!({"status": 501, "message": "non-passive revocation not implemented"}),
    );
    assert!(
        matches!(refused, Err(CorporateError::Refused { .. })),
        "{refused:?}"
    );
}
