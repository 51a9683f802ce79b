//! What configurations are taken, and that nothing in them leads elsewhere.

use serde_json::json;

use super::*;

fn aws(region: &str) -> AwsIot {
    AwsIot {
        region: region.to_owned(),
        endpoint: None,
        data_endpoint: None,
        trust_anchors: None,
        activate: true,
        provisioning: None,
        sign_in: None,
    }
}

#[test]
fn a_kind_that_is_not_known_yet_can_be_read() {
    let of = |kind: &str| -> Signer {
        let text = json!({"id": "sgn_0000000001zzzzzzzzzzzzzzzz", "name": "x", "kind": kind, "region": "eu-central-1"});
        serde_json::from_value(text).expect("a signer")
    };
    assert_eq!(of("builtin").kind, SignerKind::Builtin);
    assert_eq!(of("aws_iot").kind, SignerKind::AwsIot(aws("eu-central-1")));
    assert_eq!(of("of_tomorrow").kind, SignerKind::Unknown);
    assert!(SignerKind::Unknown.check().is_err());
}

#[test]
fn a_signer_is_written_flat() {
    let signer = Signer {
        id: "sgn_0000000001zzzzzzzzzzzzzzzz".parse().expect("an id"),
        name: "AWS".to_owned(),
        kind: SignerKind::AwsIot(aws("eu-central-1")),
        least_role: Role::Operator,
        disabled: false,
        inherited: false,
    };
    let text = serde_json::to_value(&signer).expect("JSON");
    assert_eq!(
        text,
        json!({"id": "sgn_0000000001zzzzzzzzzzzzzzzz", "name": "AWS", "kind": "aws_iot", "region": "eu-central-1",
            "activate": true, "least_role": "operator"})
    );
    assert_eq!(serde_json::from_value::<Signer>(text).expect("a signer"), signer);
}

#[test]
fn each_partition_has_its_domain() {
    for (region, origin) in [
        ("eu-central-1", "https://iot.eu-central-1.amazonaws.com"),
        ("us-gov-west-1", "https://iot.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "https://iot.cn-north-1.amazonaws.com.cn"),
        ("eusc-de-east-1", "https://iot.eusc-de-east-1.amazonaws.eu"),
    ] {
        assert_eq!(aws(region).origin(), origin);
        assert_eq!(aws(region).check(), Ok(()));
    }
}

#[test]
fn what_leads_elsewhere_is_refused() {
    for region in [
        "",
        "eu",
        "eu-central-1.evil.example/",
        "EU-central-1",
        "eu--1",
        "eu-central-1\n",
    ] {
        assert_eq!(aws(region).check().expect_err(region).field, "region");
    }
    for endpoint in [
        "iot.example",
        "http://iot.example",
        "https://",
        "https://user@iot.example",
        "https://iot.example/path",
        "https://iot.example:0",
        "https://iot.example:99999",
        "https://iot.example; script-src *",
        "https://*.example",
    ] {
        let kind = SignerKind::AwsIot(AwsIot {
            endpoint: Some(endpoint.to_owned()),
            ..aws("eu-central-1")
        });
        assert_eq!(kind.check().expect_err(endpoint).field, "endpoint");
    }
    for endpoint in [
        "https://iot-fips.us-east-1.amazonaws.com",
        "https://aws.example:8443",
        "http://127.0.0.1:5593",
    ] {
        let kind = SignerKind::AwsIot(AwsIot {
            endpoint: Some(endpoint.to_owned()),
            ..aws("eu-central-1")
        });
        assert_eq!(kind.check(), Ok(()), "{endpoint}");
        assert_eq!(kind.origins(), [endpoint]);
    }
}

#[test]
fn what_goes_into_a_path_and_a_topic_is_a_name() {
    let of = |field: &str, value: serde_json::Value| {
        let mut aws = json!({"kind": "aws_iot", "region": "eu-central-1", "data_endpoint": "a1-ats.iot.example:443",
            "provisioning": {"template": "plant", "parameters": {"SerialNumber": "serial"}}});
        match field.strip_prefix("provisioning.") {
            Some(field) => aws["provisioning"][field] = value,
            None => aws[field] = value,
        }
        serde_json::from_value::<SignerKind>(aws).expect("a kind")
    };
    let good = of("activate", true.into());
    assert_eq!(good.check(), Ok(()));
    let endpoint = good.device_endpoint("", "thing-1").expect("an endpoint");
    assert_eq!(
        (endpoint.url.as_str(), endpoint.client_id.as_deref()),
        ("mqtts://a1-ats.iot.example:443", Some("thing-1"))
    );
    for (field, value) in [
        ("provisioning.template", json!("plant/provision")),
        ("provisioning.template", json!("#")),
        ("provisioning.template", json!("")),
        ("provisioning.template", json!("a".repeat(37))),
        ("provisioning.parameters", json!({"a b": "serial"})),
        ("provisioning.parameters", json!({"SerialNumber": "of_tomorrow"})),
        ("data_endpoint", json!(null)),
        ("data_endpoint", json!("a1.example:0")),
        ("data_endpoint", json!("mqtts://a1.example")),
        ("trust_anchors", json!("no certificate")),
    ] {
        let unfit = of(field, value.clone()).check().expect_err(&value.to_string());
        assert_eq!(unfit.field, field.trim_start_matches("provisioning."), "{value}");
    }
}

#[test]
fn a_sign_in_and_a_hub_lead_nowhere_else() {
    let of = |kind: serde_json::Value| serde_json::from_value::<SignerKind>(kind).expect("a kind");
    let hub = |field: &str, value: &str| {
        let mut hub = json!({"kind": "plgd_hub", "certificate_authority": "https://api.hub.example/x",
            "sign_in": {"issuer": "https://auth.hub.example/realms/plant", "client_id": "web"},
            "coap_gateway": "coaps+tcp://hub.example:5684"});
        match field.strip_prefix("sign_in.") {
            Some(field) => hub["sign_in"][field] = value.into(),
            None => hub[field] = value.into(),
        }
        of(hub)
    };
    let good = hub("hub_id", "0a1b");
    assert_eq!(good.check(), Ok(()));
    assert_eq!(
        good.origins(),
        ["https://api.hub.example", "https://auth.hub.example"]
    );
    for (field, value) in [
        ("certificate_authority", "https://api.hub.example/"),
        ("certificate_authority", "https://api.hub.example/x?y"),
        ("certificate_authority", "https://user@api.hub.example"),
        ("certificate_authority", "javascript:alert(1)"),
        ("coap_gateway", "coap+tcp://hub.example:5683"),
        ("coap_gateway", "coaps+tcp://hub.example:+5684"),
        ("coap_gateway", "coaps+tcp://hub.example:00005684"),
        ("coap_gateway", "coaps+tcp://hub.example"),
        ("sign_in.issuer", "http://auth.hub.example"),
        ("sign_in.issuer", "https://auth.hub.example/; script-src *"),
        ("sign_in.client_id", "a b"),
        ("sign_in.token_origin", "https://tokens.example/path"),
    ] {
        let unfit = hub(field, value).check().expect_err(value);
        assert_eq!(unfit.field, field.trim_start_matches("sign_in."), "{value}");
    }
    let cognito = |field: &str, value: &str| {
        let mut aws = json!({"kind": "aws_iot", "region": "eu-central-1", "sign_in": {"by": "cognito",
            "domain": "https://plant.auth.eu-central-1.amazoncognito.com", "user_pool": "eu-central-1_a1B2c3D4e",
            "client_id": "web", "identity_pool": "eu-central-1:0a1b2c3d-0000-1111-2222-333344445555"}});
        aws["sign_in"][field] = value.into();
        of(aws)
    };
    let good = cognito("role", "arn:aws:iam::123456789012:role/enrol");
    assert_eq!(good.check(), Ok(()));
    assert_eq!(
        good.origins(),
        [
            "https://iot.eu-central-1.amazonaws.com",
            "https://plant.auth.eu-central-1.amazoncognito.com",
            "https://cognito-identity.eu-central-1.amazonaws.com",
        ]
    );
    for (field, value) in [
        ("domain", "https://plant.example/path"),
        ("user_pool", "evil.example/_x"),
        (
            "identity_pool",
            "eu-central-1.evil.example:0a1b2c3d-0000-1111-2222-333344445555",
        ),
        ("role", "arn:aws:iam::1:role/x"),
        ("identity_endpoint", "http://identity.example"),
    ] {
        assert_eq!(cognito(field, value).check().expect_err(value).field, field);
    }
}

#[test]
fn a_corporate_ca_is_asked_where_it_is_and_nowhere_else() {
    let of = |kind: serde_json::Value| serde_json::from_value::<SignerKind>(kind).expect("a kind");
    let est = |field: &str, value: &str| {
        let mut est = json!({"kind": "est", "url": "https://est.works.example:8443"});
        est[field] = value.into();
        of(est)
    };
    let good = est("label", "devices");
    assert_eq!(good.check(), Ok(()));
    assert!(good.signs_at_server() && good.is_corporate() && good.origins().is_empty());
    assert_eq!(
        good.corporate_place().as_deref(),
        Some("https://est.works.example:8443/.well-known/est/devices")
    );
    let step = |field: &str, value: &str| {
        let mut ca = json!({"kind": "step_ca", "url": "https://ca.works.example", "provisioner": "gangway"});
        ca[field] = value.into();
        of(ca)
    };
    assert_eq!(step("provisioner", "an admin@works.example").check(), Ok(()));
    let vault = |field: &str, value: &str| {
        let mut vault =
            json!({"kind": "vault", "url": "https://vault.works.example:8200/below", "role": "devices"});
        vault[field] = value.into();
        of(vault)
    };
    let good = vault("mount", "pki/devices");
    assert_eq!(good.check(), Ok(()));
    assert!(matches!(&good, SignerKind::Vault(vault) if vault.approle_mount == "approle"));
    assert!(!good.is_same_place(&vault("mount", "pki")));
    for (kind, field) in [
        (est("url", "https://est.works.example/est"), "url"),
        (est("url", "http://est.works.example"), "url"),
        (est("label", ""), "label"),
        (est("label", "../x"), "label"),
        (est("label", ".."), "label"),
        (est("tls_trust_anchors", "no certificate"), "tls_trust_anchors"),
        (step("url", "https://user@ca.works.example"), "url"),
        (step("provisioner", ""), "provisioner"),
        (step("provisioner", "a\u{202e}b"), "provisioner"),
        (vault("url", "https://vault.works.example/?x"), "url"),
        (vault("mount", "pki/../sys"), "mount"),
        (vault("mount", "/pki"), "mount"),
        (vault("mount", "pki?x"), "mount"),
        (vault("role", "a/b"), "role"),
        (vault("role", ".."), "role"),
        (vault("namespace", "a//b"), "namespace"),
        (vault("approle_mount", ""), "approle_mount"),
    ] {
        assert_eq!(kind.check().expect_err(field).field, field, "{kind:?}");
    }
}

#[test]
fn an_address_to_go_to_is_https_and_says_where_it_leads() {
    for good in [
        "https://auth.example/authorize?realm=x",
        "https://auth.example:8443",
        "http://localhost:1/a#b",
    ] {
        assert!(is_address(good), "{good}");
    }
    for bad in [
        "",
        "http://auth.example/",
        "javascript:alert(1)",
        "https://login.example@evil.example/",
        "http://localhost:x@evil.example/",
        "https://auth.example/\u{1b}[2J",
        "https://auth.example/\u{202e}",
        "https:///path",
        "https://auth.example/<b>",
    ] {
        assert!(!is_address(bad), "{bad}");
    }
}
