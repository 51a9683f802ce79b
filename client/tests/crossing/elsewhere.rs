//! A signer elsewhere: it wants credentials, it is asked once, and what it signed is recorded whatever else fails.

use gangway_client::crossing::{Answer, Call, Decision, Failure, Input, Obstacle, Retry, Stage};
use gangway_protocol::secret::SecretString;
use gangway_signing::{AwsCredentials, Target};
use serde_json::{Value, json};

use super::stage::{
    CODE, DEVICE, Play, SIGNER, approved, certificate, decision, offline, response, signed, signed_elsewhere,
};

/// The device has consented; AWS signs.
fn consented(has_credentials: bool) -> Play {
    let mut play = Play::start(CODE);
    if has_credentials {
        give_credentials(&mut play);
    }
    play.run();
    let signer = json!({"id": SIGNER, "name": "AWS, Frankfurt", "kind": "aws_iot", "region": "eu-central-1",
        "data_endpoint": "a1b2-ats.iot.eu-central-1.amazonaws.com"});
    play.happens(Input::Approve(Box::new(Decision {
        signer: serde_json::from_value(signer).expect("a signer"),
        ..decision()
    })));
    play.answers(approved());
    play.device_says(&json!({"type": "consent", "accepted": true}));
    play.answers(Answer::RecordConsent(Ok(())));
    play
}

pub fn give_credentials(play: &mut Play) {
    let credentials = AwsCredentials {
        access_key_id: "ASIAEXAMPLE".to_owned(),
        secret_access_key: SecretString::new("s3cret".to_owned()),
        session_token: None,
        expires_at: None,
    };
    play.wallet.put_aws(SIGNER.parse().expect("an id"), credentials);
}

/// What is asked next, and of whom.
pub fn asked(play: &Play) -> (Target, String) {
    match play.calls.front() {
        Some(Call::Sign(sending)) => (sending.target, sending.request.uri().path().to_owned()),
        other => panic!("a request of the signer, not {other:?}"),
    }
}

pub fn signing(stage: &str) -> Answer {
    let Answer::Approve(Ok(mut approval)) = approved() else {
        panic!("an approval")
    };
    approval.stage = serde_json::from_value(Value::from(stage)).expect("a stage");
    response(200, &serde_json::to_value(approval).expect("JSON"))
}

fn created(play: &Play) -> Answer {
    response(
        200,
        &json!({"certificateArn": "arn", "certificateId": "ab12", "certificatePem": signed_elsewhere(&play.key)}),
    )
}

/// Up to the request that AWS gets.
fn aws_is_asked(play: &mut Play) {
    play.answers(signing("signing"));
    assert_eq!(asked(play), (Target::Elsewhere, "/certificates".to_owned()));
}

#[test]
fn a_device_gets_what_aws_signed_and_where_to_connect() {
    let mut play = consented(true);
    aws_is_asked(&mut play);
    let answer = created(&play);
    play.answers(answer);
    assert_eq!(asked(&play).0, Target::Panel);
    let answer = signed(&play.csr);
    play.answers(answer);
    assert_eq!(*play.stage(), Stage::Installing);
    assert_eq!(
        play.last_heard()["endpoints"][1],
        json!({"name": "mqtt", "url": "mqtts://a1b2-ats.iot.eu-central-1.amazonaws.com:8883", "client_id": DEVICE})
    );
    play.device_says(&json!({"type": "installed", "certificate_sha256": certificate()}));
    assert_eq!(*play.stage(), Stage::Installed);
}

#[test]
fn credentials_are_asked_for_before_the_server_is_told_that_anything_begins() {
    let mut play = consented(false);
    assert!(play.calls.is_empty());
    assert!(matches!(
        play.crossing.view().obstacle,
        Some(Obstacle::Credentials { refused: None, .. })
    ));
    assert!(play.crossing.view().can_cancel());
    give_credentials(&mut play);
    play.happens(Input::CredentialsGiven);
    assert_eq!(play.crossing.view().obstacle, None);
    assert!(asked(&play).1.ends_with("/signing"));
}

#[test]
fn whoever_has_no_credentials_cancels_and_the_device_is_told() {
    let mut play = consented(false);
    play.happens(Input::Cancel);
    assert_eq!(*play.stage(), Stage::Failed(Failure::Cancelled));
    assert_eq!(play.last_heard()["type"], "refusal");
    assert!(matches!(play.calls[0], Call::Withdraw { .. }));
}

#[test]
fn aws_is_never_asked_twice_by_itself() {
    let mut play = consented(true);
    aws_is_asked(&mut play);
    play.answers(Answer::Sign(Err(offline())));
    let (target, path) = asked(&play);
    assert_eq!(
        (target, path.as_str()),
        (Target::Elsewhere, "/certificates"),
        "the list is read"
    );
    let Some(Call::Sign(sending)) = play.calls.front() else {
        panic!("a request")
    };
    assert_eq!(sending.request.method(), "GET");
}

/// Threat model: ENR-25.
#[test]
fn what_was_signed_is_recorded_though_the_device_says_something_out_of_turn() {
    let mut play = consented(true);
    aws_is_asked(&mut play);
    play.device_says(&json!({"type": "consent", "accepted": true}));
    assert_eq!(*play.stage(), Stage::Signing, "AWS is heard first");
    let answer = created(&play);
    play.answers(answer);
    assert_eq!(asked(&play).0, Target::Panel, "it is recorded");
    let answer = signed(&play.csr);
    play.answers(answer);
    assert!(matches!(play.stage(), Stage::Failed(Failure::Protocol { .. })));
}

#[test]
fn what_was_signed_is_recorded_though_the_device_is_gone() {
    for end in [Input::SocketClosed, Input::Tick] {
        let mut play = consented(true);
        aws_is_asked(&mut play);
        let late = matches!(end, Input::Tick);
        if late {
            play.wait_secs(620);
        } else {
            play.happens(end);
        }
        assert_eq!(*play.stage(), Stage::Signing, "AWS has not answered");
        let answer = created(&play);
        play.answers(answer);
        assert!(asked(&play).1.ends_with("/certificates"), "it is recorded");
        let answer = signed(&play.csr);
        play.answers(answer);
        let Stage::Failed(failure) = play.stage() else {
            panic!("only then it is told, not {:?} {:?}", play.stage(), play.calls)
        };
        let expected = if late {
            Failure::Timeout
        } else {
            Failure::ConnectionLost
        };
        assert_eq!(*failure, expected);
        assert_ne!(failure.retry(), Retry::No);
        assert_eq!(play.crossing.view().certificate, Some(certificate()));
    }
}

#[test]
fn a_lost_reply_waits_for_the_persons_word() {
    let mut play = consented(true);
    play.answers(response(
        409,
        &json!({"type": "about:blank", "title": "Reply lost", "status": 409, "code": "reply_lost"}),
    ));
    assert!(matches!(
        play.crossing.view().obstacle,
        Some(Obstacle::ReplyLost { lost: None, .. })
    ));
    play.happens(Input::SignAgain);
    let Some(Call::Sign(sending)) = play.calls.front() else {
        panic!("a request")
    };
    let told: Value = serde_json::from_slice(sending.request.body()).expect("JSON");
    assert_eq!(told, json!({"state": "begun", "again": true}));
}

#[test]
fn a_refusal_of_aws_is_told_with_what_to_do() {
    let mut play = consented(true);
    aws_is_asked(&mut play);
    play.answers(response(
        403,
        &json!({"__type": "AccessDeniedException", "message": "no"}),
    ));
    assert!(asked(&play).1.ends_with("/signing"), "the server is told first");
    play.answers(signing("consented"));
    let Stage::Failed(failure) = play.stage() else {
        panic!("a failure")
    };
    assert!(
        failure.cause().contains("iot:CreateCertificateFromCsr"),
        "{}",
        failure.cause()
    );
}
