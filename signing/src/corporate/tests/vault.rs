//! Vault and OpenBao, as their documents have it (API, PKI secrets engine; auth method AppRole).

use super::*;

fn configured() -> SignerKind {
    kind(json!({
        "kind": "vault", "url": "https://vault.works.example:8200", "mount": "pki/devices", "role": "gangway",
        "namespace": "works",
    }))
}

fn signed_for(hierarchy: &Hierarchy, leaf: &str) -> Value {
    json!({
        "request_id": "a", "lease_id": "", "renewable": false, "lease_duration": 0,
        "data": {
            "ca_chain": [hierarchy.intermediate, hierarchy.root], "certificate": leaf.trim_end(), "expiration": 1_807_776_000,
            "issuing_ca": hierarchy.intermediate, "serial_number": "3d:51:0a",
        },
        "warnings": null,
    })
}

#[test]
fn a_token_signs_in_one_request() {
    let (key, hierarchy) = (key(), Hierarchy::new());
    let csr = csr_of(&named("thermometer-7"), &key);
    let configured = configured();
    let token = credential(&configured, &json!({"token": "hvs.CAES"}));
    let mut ca = begun(&configured, &token, csr.clone());
    let sending = sent(ca.start(&fresh()));
    assert!(!sending.is_idempotent && !format!("{sending:?}").contains("hvs"));
    let request = sending.request;
    assert_eq!(
        (request.method().as_str(), request.uri().to_string().as_str()),
        (
            "POST",
            "https://vault.works.example:8200/v1/pki/devices/sign/gangway"
        )
    );
    assert_eq!(request.headers()["x-vault-token"], "hvs.CAES");
    assert_eq!(request.headers()["x-vault-namespace"], "works");
    let body: Value = serde_json::from_slice(request.body()).expect("JSON");
    assert_eq!(
        body,
        json!({"csr": csr.to_pem(), "common_name": DEVICE, "exclude_cn_from_sans": true, "format": "pem"})
    );
    let leaf = hierarchy.sign(&key, "thermometer-7");
    let got = signed(ca.answer(says_json(200, &signed_for(&hierarchy, &leaf)), &fresh()));
    assert_eq!(got.chain, normal(&format!("{leaf}{}", hierarchy.intermediate)));
    assert_eq!(got.trust_anchors, Some(normal(&hierarchy.root)));
    assert_eq!(got.external_id.as_deref(), Some("3d:51:0a"));
}

#[test]
fn an_app_role_logs_in_first() {
    let configured = configured();
    let approle = credential(
        &configured,
        &json!({"role_id": "675a50e7", "secret_id": "ed0a642f"}),
    );
    let mut ca = begun(&configured, &approle, csr_of(&named("x"), &key()));
    let request = sent(ca.start(&fresh())).request;
    assert_eq!(
        request.uri().to_string(),
        "https://vault.works.example:8200/v1/auth/approle/login"
    );
    assert!(request.headers().get("x-vault-token").is_none());
    let body: Value = serde_json::from_slice(request.body()).expect("JSON");
    assert_eq!(body, json!({"role_id": "675a50e7", "secret_id": "ed0a642f"}));
    let mut refused = ca.clone();
    let error = refused.answer(
        says_json(400, &json!({"errors": ["invalid role or secret ID"]})),
        &fresh(),
    );
    assert_eq!(
        error.err(),
        Some(CorporateError::Unaccepted {
            detail: "invalid role or secret ID".to_owned()
        })
    );
    let login = json!({"auth": {"client_token": "hvs.b", "policies": ["default"], "lease_duration": 1200}});
    let request = sent(ca.answer(says_json(200, &login), &fresh())).request;
    assert_eq!(request.headers()["x-vault-token"], "hvs.b");
}

#[test]
fn what_it_refuses_is_told_in_its_words() {
    let configured = configured();
    let token = credential(&configured, &json!({"token": "hvs.CAES"}));
    let refused = |status, body: Value| {
        let mut ca = begun(&configured, &token, csr_of(&named("x"), &key()));
        sent(ca.start(&fresh()));
        ca.answer(says_json(status, &body), &fresh())
            .expect_err("refused")
    };
    let detail = |words: &str| words.to_owned();
    assert_eq!(
        refused(
            403,
            json!({"errors": ["1 error occurred:\n\t* permission denied\n\n"]})
        ),
        CorporateError::Unaccepted {
            detail: detail("1 error occurred:* permission denied")
        }
    );
    assert_eq!(
        refused(
            400,
            json!({"errors": ["common name thermometer-7 not allowed by this role"]})
        ),
        CorporateError::Refused {
            detail: detail("common name thermometer-7 not allowed by this role")
        }
    );
    assert_eq!(
        refused(404, json!({"errors": []})),
        CorporateError::Refused {
            detail: detail("HTTP status 404")
        }
    );
    assert_eq!(
        refused(503, json!({"errors": ["Vault is sealed"]})),
        CorporateError::Later {
            retry_after_secs: 60,
            detail: detail("Vault is sealed")
        }
    );
    // It says itself that it did not.
    assert!(matches!(
        refused(500, json!({"errors": ["error signing"]})),
        CorporateError::Refused { .. }
    ));
}

#[test]
fn a_certificate_for_another_key_is_none() {
    let (hierarchy, configured) = (Hierarchy::new(), configured());
    let token = credential(&configured, &json!({"token": "hvs.CAES"}));
    let mut ca = begun(&configured, &token, csr_of(&named("x"), &key()));
    sent(ca.start(&fresh()));
    let of_another = hierarchy.sign(&key(), "x");
    let answer = ca.answer(says_json(200, &signed_for(&hierarchy, &of_another)), &fresh());
    assert_eq!(answer.err(), Some(CorporateError::OtherKey));
}

#[test]
fn it_revokes_by_the_serial_number_as_it_writes_it() {
    let configured = configured();
    let token = credential(&configured, &json!({"token": "hvs.CAES"}));
    for (external_id, serial, expected) in [
        (Some("3d:51:0a"), "3d510a", "3d:51:0a"),
        (None, "00f3510a", "f3:51:0a"),
    ] {
        let revocation = CorporateRevocation {
            serial: serial.to_owned(),
            external_id: external_id.map(str::to_owned),
            reason: RevocationReason::KeyCompromise,
        };
        let mut ca = Corporate::revoking(&configured, &token, revocation).expect("it revokes");
        let sending = sent(ca.start(&fresh()));
        assert!(sending.is_idempotent);
        assert!(sending.request.uri().path().ends_with("/v1/pki/devices/revoke"));
        let body: Value = serde_json::from_slice(sending.request.body()).expect("JSON");
        assert_eq!(body, json!({ "serial_number": expected }));
        let done = ca.answer(
            says_json(200, &json!({"data": {"revocation_time": 1_800_000_000}})),
            &fresh(),
        );
        assert!(matches!(done, Ok(CorporateStep::Revoked)), "{done:?}");
    }
}
