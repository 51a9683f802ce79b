//! Fleet provisioning by trusted user: the person makes a claim, the device fetches the certificate.

use gangway_protocol::enrolment::{Provisioned, ProvisioningClaim};
use serde_json::Map;

use super::*;
use crate::HandedOver;

/// What AWS says to CreateProvisioningClaim.
fn claim() -> Response {
    response(
        200,
        &json!({"certificateId": "c1", "certificatePem": "-----BEGIN CERTIFICATE-----\nclaim\n-----END CERTIFICATE-----\n",
            "keyPair": {"PublicKey": "public", "PrivateKey": "pr1vate"}, "expiration": 1_795_781_100.25}),
    )
}

fn play(serial: Option<&str>) -> Play {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
    let facts = Facts {
        serial: serial.map(str::to_owned),
        ..Facts::default()
    };
    let configured = json!({"data_endpoint": "a1-ats.iot.example", "provisioning": {"template": "plant",
        "parameters": {"SerialNumber": "serial", "Device": "device", "Owner": "organisation", "Name": "name"}}});
    Play::with(key, &configured, facts)
}

/// The id of the certificate that the device hands in.
fn id() -> String {
    "d".repeat(64)
}

fn handed_in(chain: &str) -> HandedOver {
    HandedOver::Provisioned(Box::new(Provisioned {
        chain: chain.to_owned(),
        certificate_id: id(),
        thing: Some("thing".to_owned()),
        configuration: Map::new(),
    }))
}

fn described(id: &str, pem: &str, status: &str) -> Response {
    let found = json!({"certificateId": id, "certificatePem": pem, "status": status});
    response(200, &json!({ "certificateDescription": found }))
}

impl Play {
    fn handed_over(&mut self) -> ProvisioningClaim {
        match self.take(Ok(claim())) {
            Ok(Step::HandOver(claim)) => *claim,
            other => panic!("a claim, not {other:?}"),
        }
    }

    fn hear(&mut self, outcome: HandedOver) -> Result<Step, SigningError> {
        self.signer.handed_over(outcome, &self.wallet, NOW)
    }
}

/// Threat model: ENR-32.
#[test]
fn the_device_gets_a_claim_and_what_it_fetches_is_recorded() {
    let mut play = play(Some("10000000abcdef01"));
    let asked = play.begun();
    assert_eq!((asked.target, asked.is_idempotent), (Target::Elsewhere, false));
    assert_eq!(asked.request.method(), Method::POST);
    assert_eq!(
        asked.request.uri().to_string(),
        "https://iot.eu-central-1.amazonaws.com/provisioning-templates/plant/provisioning-claim"
    );
    assert!(asked.request.body().is_empty());
    let claim = play.handed_over();
    assert_eq!(claim.private_key.expose(), "pr1vate");
    assert!(!format!("{claim:?}").contains("pr1vate"));
    assert_eq!(claim.expires_at, UnixMillis(1_795_781_100_250));
    assert_eq!(
        (claim.endpoint.as_str(), claim.template.as_str()),
        ("a1-ats.iot.example", "plant")
    );
    assert_eq!(
        Value::Object(claim.parameters),
        json!({"SerialNumber": "10000000abcdef01", "Device": DEVICE, "Owner": "org_0000000001zzzzzzzzzzzzzzzz",
            "Name": "thermometer-7"})
    );
    let pem = play.pem();
    let shown = sending(play.hear(handed_in(&pem)));
    assert_eq!(shown.request.method(), Method::GET);
    assert_eq!(shown.request.uri().path(), format!("/certificates/{}", id()));
    let recording = sending(play.take(Ok(described(&id(), &pem, "ACTIVE"))));
    assert_eq!(
        body(&recording),
        json!({"claim": CLAIM, "chain": pem, "external_id": id()})
    );
    let recorded = play.recorded();
    assert!(matches!(
        play.take(Ok(response(200, &recorded))),
        Ok(Step::Recorded(_))
    ));
}

/// Threat model: ENR-32.
#[test]
fn what_the_signer_has_not_made_is_not_recorded() {
    let other = Play::new().pem();
    for said in [
        refusal(404, "ResourceNotFoundException", "The certificate does not exist"),
        described(&id(), &other, "ACTIVE"),
    ] {
        let mut play = play(Some("1"));
        play.begun();
        play.handed_over();
        let pem = play.pem();
        sending(play.hear(handed_in(&pem)));
        assert_eq!(state_told(&sending(play.take(Ok(said)))), "refused");
        assert_eq!(
            play.take(Ok(approval("consented"))).expect_err("no certificate"),
            SigningError::OtherCertificate
        );
    }
}

#[test]
fn a_name_that_is_no_certificates_is_not_recorded() {
    let mut play = play(Some("1"));
    play.begun();
    play.handed_over();
    let HandedOver::Provisioned(mut made) = handed_in(&play.pem()) else {
        panic!("provisioned")
    };
    made.certificate_id = "../things".to_owned();
    let told = sending(play.hear(HandedOver::Provisioned(made)));
    assert_eq!(state_told(&told), "refused");
}

#[test]
fn credentials_that_may_not_look_leave_it_at_the_devices_word() {
    for said in [Ok(refusal(403, "AccessDeniedException", "no")), lost()] {
        let mut play = play(Some("1"));
        play.begun();
        play.handed_over();
        let pem = play.pem();
        sending(play.hear(handed_in(&pem)));
        assert_eq!(body(&sending(play.take(said)))["chain"], pem.as_str());
    }
}

#[test]
fn a_certificate_for_another_key_is_not_recorded() {
    let mut play = play(Some("1"));
    play.begun();
    play.handed_over();
    let foreign = Play::new().pem();
    sending(play.hear(handed_in(&foreign)));
    let said = described(&id(), &foreign, "ACTIVE");
    assert_eq!(state_told(&sending(play.take(Ok(said)))), "refused");
    assert_eq!(
        play.take(Ok(approval("consented"))).expect_err("no certificate"),
        SigningError::OtherKey
    );
}

#[test]
fn a_parameter_that_the_device_does_not_state_is_told_before_anything_is_asked() {
    let error = play(None).start().expect_err("nothing is asked");
    assert!(
        error
            .to_string()
            .contains("SerialNumber is the device’s serial number"),
        "{error}"
    );
}

#[test]
fn a_missing_right_is_that_to_make_claims() {
    let mut play = play(Some("1"));
    play.begun();
    let denied = refusal(403, "AccessDeniedException", "User is not authorized");
    assert_eq!(state_told(&sending(play.take(Ok(denied)))), "refused");
    let error = play.take(Ok(approval("consented"))).expect_err("no claim");
    assert!(
        error.to_string().contains("iot:CreateProvisioningClaim"),
        "{error}"
    );
}

#[test]
fn a_claim_whose_reply_was_lost_leaves_nothing_to_look_for() {
    for answer in [lost(), Ok(response(502, &json!({})))] {
        let mut play = play(Some("1"));
        play.begun();
        assert_eq!(state_told(&sending(play.take(answer))), "refused");
        let error = play.take(Ok(approval("consented"))).expect_err("no claim");
        assert!(error.is_temporary(), "{error}");
    }
}

/// Threat model: ENR-32.
#[test]
fn a_device_that_says_it_was_refused_may_have_a_certificate() {
    let refused = || HandedOver::Refused {
        detail: "AWS refuses: InvalidParameters".to_owned(),
    };
    let mut play = self::play(Some("1"));
    play.begun();
    play.handed_over();
    sending(play.hear(refused()));
    let listed = json!({"certificates": [{"certificateId": id(), "creationDate": 1_795_780_800.5}]});
    sending(play.take(Ok(response(200, &listed))));
    let pem = play.pem();
    let recording = sending(play.take(Ok(described(&id(), &pem, "ACTIVE"))));
    assert_eq!(body(&recording)["external_id"], id());

    let mut play = self::play(Some("1"));
    play.begun();
    play.handed_over();
    sending(play.hear(refused()));
    let told = sending(play.take(Ok(response(200, &json!({"certificates": []})))));
    assert_eq!(state_told(&told), "refused");
    let error = play.take(Ok(approval("consented"))).expect_err("no certificate");
    assert!(error.to_string().contains("InvalidParameters"), "{error}");
}

/// One that is pending is deleted by AWS; an active one is the device's.
#[test]
fn a_device_that_is_gone_may_have_left_a_certificate() {
    let mut play = play(Some("1"));
    play.begun();
    play.handed_over();
    let unclear = HandedOver::Unclear(NoAnswer {
        detail: "the device is gone".to_owned(),
    });
    let listing = sending(play.hear(unclear));
    assert_eq!(listing.request.uri().path(), "/certificates");
    let (pending, active) = ("a".repeat(64), "b".repeat(64));
    let at = 1_795_780_800.5;
    let listed = json!({"certificates": [{"certificateId": pending, "creationDate": at},
        {"certificateId": active, "creationDate": at}]});
    sending(play.take(Ok(response(200, &listed))));
    let pem = play.pem();
    let second = sending(play.take(Ok(described(&pending, &pem, "PENDING_ACTIVATION"))));
    assert_eq!(second.request.uri().path(), format!("/certificates/{active}"));
    let recording = sending(play.take(Ok(described(&active, &pem, "ACTIVE"))));
    assert_eq!(body(&recording)["external_id"], active);
}
