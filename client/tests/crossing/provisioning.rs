//! A device that fetches its certificate itself, with a claim that the person has made for it.

use gangway_client::crossing::{Answer, Call, Decision, Failure, Input, Obstacle, Stage};
use gangway_signing::Target;
use serde_json::{Value, json};

use super::elsewhere::{asked, give_credentials, signing};
use super::stage::{
    CLAIM, CODE, Play, SIGNER, approved, certificate, decision, response, signed, signed_elsewhere,
};

fn approve(play: &mut Play) {
    let signer = json!({"id": SIGNER, "name": "AWS, Frankfurt", "kind": "aws_iot", "region": "eu-central-1",
        "data_endpoint": "a1b2-ats.iot.example:443", "provisioning": {"template": "plant",
        "parameters": {"SerialNumber": "serial"}}});
    play.happens(Input::Approve(Box::new(Decision {
        signer: serde_json::from_value(signer).expect("a signer"),
        ..decision()
    })));
}

/// The device has the claim.
fn handed_over() -> Play {
    let mut play = Play::start(CODE);
    play.introduction["accepts"] = json!(["certificate", "provisioning_claim"]);
    give_credentials(&mut play);
    play.run();
    approve(&mut play);
    play.answers(approved());
    play.device_says(&json!({"type": "consent", "accepted": true}));
    play.answers(Answer::RecordConsent(Ok(())));
    play.answers(signing("signing"));
    assert_eq!(
        asked(&play),
        (
            Target::Elsewhere,
            "/provisioning-templates/plant/provisioning-claim".to_owned()
        )
    );
    let claim = json!({"certificateId": "c1", "certificatePem": "-----BEGIN CERTIFICATE-----\nCLAIM\n-----END CERTIFICATE-----\n",
        "keyPair": {"PublicKey": "public", "PrivateKey": "pr1vate"}, "expiration": 1_800_000_300.5});
    play.answers(response(200, &claim));
    assert_eq!(*play.stage(), Stage::Provisioning);
    play
}

fn told(play: &Play) -> Value {
    match play.calls.front() {
        Some(Call::Sign(sending)) => serde_json::from_slice(sending.request.body()).expect("JSON"),
        other => panic!("a request, not {other:?}"),
    }
}

/// Threat model: ENR-32.
#[test]
fn what_the_device_fetched_is_recorded_before_it_may_install_it() {
    let mut play = handed_over();
    assert_eq!(
        *play.last_heard(),
        json!({"type": "credential", "kind": "provisioning_claim",
            "certificate": "-----BEGIN CERTIFICATE-----\nCLAIM\n-----END CERTIFICATE-----\n", "private_key": "pr1vate",
            "expires_at": 1_800_000_300_500_i64, "endpoint": "a1b2-ats.iot.example:443", "template": "plant",
            "parameters": {"SerialNumber": "T7-0042"}})
    );
    let (chain, id) = (signed_elsewhere(&play.key), "d".repeat(64));
    play.device_says(
        &json!({"type": "provisioned", "chain": chain, "certificate_id": id, "thing": "t-42",
        "configuration": {"interval_secs": 60}}),
    );
    assert_eq!(asked(&play), (Target::Elsewhere, format!("/certificates/{id}")));
    let shown =
        json!({"certificateDescription": {"certificateId": id, "certificatePem": chain, "status": "ACTIVE"}});
    play.answers(response(200, &shown));
    assert_eq!(told(&play)["chain"], chain.as_str());
    assert_eq!(told(&play)["external_id"], id.as_str());
    let answer = signed(&play.csr);
    play.answers(answer);
    assert_eq!(*play.stage(), Stage::Installing);
    assert_eq!(play.last_heard()["configuration"], json!({"interval_secs": 60}));
    assert_eq!(
        play.last_heard()["endpoints"][1],
        json!({"name": "mqtt", "url": "mqtts://a1b2-ats.iot.example:443", "client_id": "t-42"})
    );
    play.device_says(&json!({"type": "installed", "certificate_sha256": certificate()}));
    assert_eq!(*play.stage(), Stage::Installed);
}

#[test]
fn a_device_that_cannot_fetch_its_certificate_is_not_approved_for_it() {
    let mut play = Play::start(CODE);
    play.run();
    approve(&mut play);
    assert!(play.calls.is_empty());
    assert_eq!(*play.stage(), Stage::Reviewing);
    assert!(matches!(
        play.crossing.view().obstacle,
        Some(Obstacle::NoProvisioning { .. })
    ));
}

#[test]
fn a_refusal_on_the_device_is_told_here_and_nothing_stays_in_doubt() {
    let mut play = handed_over();
    play.device_says(&json!({"type": "failed", "code": "provisioning_refused", "message": "AWS refuses: InvalidParameters"}));
    nothing_is_found(&mut play);
    assert_eq!(told(&play), json!({"state": "refused"}));
    play.answers(signing("consented"));
    let Stage::Failed(Failure::NotInstalled { code, message }) = play.stage() else {
        panic!("not installed, not {:?}", play.stage());
    };
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("provisioning_refused", "AWS refuses: InvalidParameters")
    );
}

#[test]
fn a_device_that_is_gone_may_have_a_certificate_and_that_is_looked_for() {
    let mut play = handed_over();
    play.happens(Input::SocketClosed);
    nothing_is_found(&mut play);
    assert_eq!(told(&play), json!({"state": "reply_lost"}));
    play.answers(signing("reply_lost"));
    assert_eq!(*play.stage(), Stage::Failed(Failure::ConnectionLost));
}

#[test]
fn whatever_ends_it_while_the_device_fetches_a_certificate_is_looked_for() {
    let installed = json!({"type": "installed", "certificate_sha256": certificate()});
    let unclear = json!({"type": "failed", "code": "claim_expired", "message": "The claim has ended."});
    for message in [installed, unclear] {
        let mut play = handed_over();
        play.device_says(&message);
        nothing_is_found(&mut play);
        assert_eq!(told(&play), json!({"state": "reply_lost"}), "{message}");
        play.answers(signing("reply_lost"));
        assert!(matches!(play.stage(), Stage::Failed(_)));
    }
    let mut play = handed_over();
    play.server_says(&json!({"type": "accepted", "claim": CLAIM}));
    nothing_is_found(&mut play);
}

fn nothing_is_found(play: &mut Play) {
    assert_eq!(asked(play), (Target::Elsewhere, "/certificates".to_owned()));
    play.answers(response(200, &json!({"certificates": []})));
}
