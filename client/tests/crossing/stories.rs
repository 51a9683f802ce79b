//! What happens to people, one story each.

use gangway_client::crossing::{Answer, Call, Failure, Input, Obstacle, Retry, Stage, Step};
use gangway_protocol::certificate::CsrRefusal;
use gangway_protocol::time::UnixMillis;
use serde_json::json;

use crate::stage::{
    CLAIM, CODE, DEVICE, ORGANISATION, Play, SIGNER, approved, certificate, decision, offline, problem,
    response, signed,
};

/// Up to the review.
pub fn reviewing() -> Play {
    let mut play = Play::start(CODE);
    play.run();
    assert_eq!(*play.stage(), Stage::Reviewing);
    play
}

/// Up to the offer.
pub fn offered() -> Play {
    let mut play = reviewing();
    play.happens(Input::Approve(Box::new(decision())));
    play.answers(approved());
    assert_eq!(*play.stage(), Stage::AwaitingConsent);
    play
}

/// Up to the request to the signer.
pub fn signing() -> Play {
    let mut play = offered();
    play.device_says(&json!({"type": "consent", "accepted": true}));
    play.answers(Answer::RecordConsent(Ok(())));
    assert!(matches!(play.calls[0], Call::Sign(_)));
    play
}

/// Up to the sealed certificate.
fn installing() -> Play {
    let mut play = signing();
    let answer = signed(&play.csr);
    play.answers(answer);
    assert_eq!(*play.stage(), Stage::Installing);
    play
}

pub fn failure(play: &Play) -> &Failure {
    match play.stage() {
        Stage::Failed(failure) => failure,
        other => panic!("should have failed, is {other:?}"),
    }
}

#[test]
fn a_device_joins_the_fleet() {
    let mut play = reviewing();
    let review = play.crossing.view().review.clone().expect("something to review");
    assert_eq!(review.facts.hostname, "thermometer-7");
    assert_eq!(review.key, "P-256");
    assert_eq!(review.first_seen, UnixMillis(1_799_999_990_000));
    assert_eq!(review.warnings, []);
    assert!(
        play.heard.is_empty(),
        "the device hears nothing before the person has decided"
    );

    play.wait_secs(2);
    play.happens(Input::Approve(Box::new(decision())));
    let Call::Approve { claim, request } = &play.calls[0] else {
        panic!("the approval comes first");
    };
    assert_eq!(claim.as_str(), CLAIM);
    assert_eq!(
        serde_json::to_value(request).expect("JSON"),
        json!({
            "organisation": ORGANISATION, "csr": play.csr, "facts": play.introduction["facts"], "signer": SIGNER,
            "name": "Thermometer 7", "labels": ["roof"],
        })
    );

    play.answers(approved());
    assert_eq!(
        *play.last_heard(),
        json!({"type": "offer", "organisation": "Alpine Weather", "approver": "Ada", "panel": "https://panel.example"})
    );
    assert!(play.calls.is_empty(), "nothing is signed before the consent");

    play.wait_secs(3);
    play.device_says(&json!({"type": "consent", "accepted": true}));
    assert!(matches!(&play.calls[0], Call::RecordConsent { claim } if claim.as_str() == CLAIM));
    play.answers(Answer::RecordConsent(Ok(())));

    let Call::Sign(sending) = &play.calls[0] else {
        panic!("then the signer is asked");
    };
    let request = &sending.request;
    assert_eq!(request.method(), "POST");
    assert_eq!(
        request.uri(),
        "/api/v1/devices/dev_0000000001zzzzzzzzzzzzzzzz/certificates"
    );
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(request.body()).expect("JSON"),
        json!({"csr": play.csr})
    );
    let answer = signed(&play.csr);
    play.answers(answer);
    assert_eq!(
        *play.last_heard(),
        json!({
            "type": "credential", "kind": "certificate",
            "chain": "-----BEGIN CERTIFICATE-----\nLEAF\n-----END CERTIFICATE-----\n",
            "trust_anchors": "-----BEGIN CERTIFICATE-----\nROOT\n-----END CERTIFICATE-----\n",
            "endpoints": [{"name": "session", "url": "wss://panel.example/api/v1/session"}],
            "configuration": {},
        })
    );

    play.wait_secs(1);
    play.device_says(&json!({"type": "installed", "certificate_sha256": certificate()}));
    assert_eq!(*play.stage(), Stage::Installed);
    assert!(play.closed, "the claim is over");
    assert!(matches!(play.calls[0], Call::RecordDelivery { certificate: sha256 } if sha256 == certificate()));
    play.answers(Answer::RecordDelivery(Ok(())));
    play.happens(Input::SocketClosed);
    assert_eq!(*play.stage(), Stage::Installed);
    play.wait_secs(4);
    play.happens(Input::Online);

    let view = play.crossing.view();
    assert_eq!(view.stage, Stage::Online);
    assert_eq!(
        view.device.as_ref().map(|device| device.id.as_str()),
        Some(DEVICE)
    );
    assert_eq!(view.certificate, Some(certificate()));
    let after = |step| {
        view.progress
            .done_at(step)
            .map(|at| at.since(view.progress.started_at))
    };
    assert_eq!(
        Step::ALL.map(after),
        [Some(0), Some(5_000), Some(5_000), Some(6_000), Some(10_000)]
    );
    assert_eq!(play.frames, ["claim", "confirm", "sealed", "sealed"]);
}

#[test]
fn a_wrong_code_is_told_and_nothing_more_is_sent() {
    let mut play = Play::start("BCDF-GHJKLZ");
    play.run();
    assert_eq!(*failure(&play), Failure::WrongCode);
    assert_eq!(failure(&play).retry(), Retry::ReadCodeAgain);
    assert_eq!(play.frames, ["claim"]);
    assert!(play.closed);
    assert_eq!(play.crossing.view().progress.current(), Some(Step::CodeAccepted));
}

#[test]
fn a_refusal_is_told_once() {
    let mut play = offered();
    let reason = "The person at the device refused.";
    play.device_says(&json!({"type": "consent", "accepted": false, "reason": reason}));
    assert_eq!(failure(&play).cause(), reason);
}

#[test]
fn a_device_that_refuses_gets_nothing_and_the_approval_is_withdrawn() {
    let mut play = offered();
    play.device_says(&json!({"type": "consent", "accepted": false, "reason": "I belong\u{202e} to Bob"}));
    assert_eq!(
        *failure(&play),
        Failure::DeviceRefused {
            reason: Some("I belong to Bob".to_owned())
        }
    );
    assert!(matches!(play.calls[0], Call::Withdraw { .. }));
    play.answers(Answer::Withdraw(Ok(())));
    assert!(play.calls.is_empty() && play.closed);
    assert_eq!(play.heard.len(), 1, "only the offer");
}

#[test]
fn a_device_may_refuse_before_it_is_asked() {
    let mut play = reviewing();
    play.device_says(&json!({"type": "consent", "accepted": false}));
    assert_eq!(*failure(&play), Failure::DeviceRefused { reason: None });
    assert!(play.closed && play.calls.is_empty());
}

#[test]
fn a_device_may_not_agree_before_it_is_asked() {
    let mut play = reviewing();
    play.device_says(&json!({"type": "consent", "accepted": true}));
    assert!(matches!(failure(&play), Failure::Protocol { .. }));
}

#[test]
fn obstacles_lead_back_to_the_review() {
    let mut play = reviewing();
    play.happens(Input::Approve(Box::new(decision())));
    play.answers(Answer::Approve(Err(problem(403, "step_up_required"))));
    assert_eq!(*play.stage(), Stage::Reviewing);
    assert_eq!(play.crossing.view().obstacle, Some(Obstacle::StepUp));

    play.happens(Input::Approve(Box::new(decision())));
    assert_eq!(play.crossing.view().obstacle, None);
    play.answers(Answer::Approve(Err(problem(409, "key_known"))));
    let Some(Obstacle::KeyKnown(device)) = &play.crossing.view().obstacle else {
        panic!("the person decides about the known key");
    };
    assert_eq!(device.id.as_str(), DEVICE);

    let mut again = decision();
    again.replace = true;
    play.happens(Input::Approve(Box::new(again)));
    assert!(matches!(&play.calls[0], Call::Approve { request, .. } if request.replace));
    play.answers(Answer::Approve(Err(offline().into())));
    assert!(matches!(
        play.crossing.view().obstacle,
        Some(Obstacle::Refused(_))
    ));
    assert!(play.heard.is_empty());
}

#[test]
fn a_revoked_key_is_told_on_both_screens() {
    let mut play = reviewing();
    play.happens(Input::Approve(Box::new(decision())));
    play.answers(Answer::Approve(Err(problem(409, "key_revoked"))));
    let cause = failure(&play).cause();
    assert_eq!(
        cause,
        "The server did not accept the approval: It is key_revoked."
    );
    assert_eq!(*play.last_heard(), json!({"type": "refusal", "reason": cause}));
    assert!(play.closed);
}

#[test]
fn another_approval_than_the_one_given_is_not_offered() {
    let mut play = reviewing();
    play.happens(Input::Approve(Box::new(decision())));
    let Answer::Approve(Ok(mut approval)) = approved() else {
        unreachable!("approved() is an approval");
    };
    approval.signer = "sgn_0000000002zzzzzzzzzzzzzzzz".parse().expect("an id");
    play.answers(Answer::Approve(Ok(approval)));
    assert!(matches!(failure(&play), Failure::Protocol { .. }));
    assert!(play.heard.is_empty());
}

/// Threat model: ENR-13.
#[test]
fn a_request_that_its_key_did_not_sign_is_refused_on_both_screens() {
    let mut play = Play::start(CODE);
    play.verifies = false;
    play.run();
    assert!(play.awaits_verification);
    play.happens(Input::CsrVerified { good: false });
    assert_eq!(*failure(&play), Failure::CsrRefused(CsrRefusal::BadSignature));
    assert_eq!(
        *play.last_heard(),
        json!({"type": "refusal", "reason": failure(&play).cause()})
    );
    assert!(play.crossing.view().review.is_none());
}

/// Threat model: ENR-8.
#[test]
fn an_introduction_that_deceives_is_not_shown() {
    for (field, value) in [
        (
            "facts",
            json!({"hostname": "a\u{202e}b", "os": "", "os_version": "", "arch": "", "software": "", "software_version": ""}),
        ),
        (
            "csr",
            json!("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        ),
        ("accepts", json!(["provisioning_claim"])),
    ] {
        let mut play = Play::start(CODE);
        play.introduction[field] = value;
        play.run();
        assert_eq!(play.last_heard()["reason"], failure(&play).cause(), "{field}");
        assert!(play.crossing.view().review.is_none(), "{field}");
    }
}

#[test]
fn the_review_waits_for_signature_and_context_in_any_order() {
    let mut play = Play::start(CODE);
    play.verifies = false;
    play.run();
    assert_eq!(
        *play.stage(),
        Stage::Connecting,
        "the context is there, the signature is not verified"
    );
    play.happens(Input::CsrVerified { good: true });
    assert_eq!(*play.stage(), Stage::Reviewing);
}

#[test]
fn calls_that_may_succeed_later_are_repeated_then_given_up() {
    let mut play = offered();
    play.device_says(&json!({"type": "consent", "accepted": true}));
    for _ in 0..3 {
        play.answers(Answer::RecordConsent(Err(problem(503, "unavailable"))));
        assert!(play.calls.is_empty());
        play.wait_secs(3);
        assert!(matches!(play.calls[0], Call::RecordConsent { .. }));
    }
    play.answers(Answer::RecordConsent(Err(problem(503, "unavailable"))));
    assert!(matches!(failure(&play), Failure::ConsentNotRecorded(_)));
    assert_eq!(failure(&play).retry(), Retry::SameCode { after_secs: 0 });
    assert!(play.closed);
}

#[test]
fn a_signers_hiccup_is_overcome() {
    let mut play = signing();
    play.answers(Answer::Sign(Err(offline())));
    play.wait_secs(3);
    play.answers(response(502, &json!("bad gateway")));
    play.wait_secs(3);
    let answer = signed(&play.csr);
    play.answers(answer);
    assert_eq!(*play.stage(), Stage::Installing);
}

#[test]
fn a_certificate_for_another_key_is_not_delivered() {
    let mut play = signing();
    let other = Play::start(CODE).csr;
    play.answers(signed(&other));
    assert!(matches!(failure(&play), Failure::SigningRefused(_)));
    assert_eq!(play.heard.len(), 1, "only the offer");
}

#[test]
fn a_signer_that_refuses_says_why() {
    let mut play = signing();
    play.answers(response(
        422,
        &json!({"type": "about:blank", "title": "Refused", "status": 422, "code": "csr_refused", "detail": "No P-521."}),
    ));
    assert_eq!(
        failure(&play).cause(),
        "The certificate was not signed: No P-521."
    );
}

#[test]
fn what_the_device_says_about_its_failure_is_shown() {
    let mut play = installing();
    play.device_says(&json!({"type": "failed", "code": "disk_full", "message": "The disk is full."}));
    assert_eq!(
        failure(&play).cause(),
        "The device could not install the certificate: The disk is full."
    );
    assert!(play.closed);
}

#[test]
fn a_device_that_installed_something_else_raises_an_eyebrow() {
    let mut play = installing();
    let other = gangway_protocol::encoding::Sha256Hex::of(b"other");
    play.device_says(&json!({"type": "installed", "certificate_sha256": other}));
    assert_eq!(*failure(&play), Failure::OtherCertificate);
}

#[test]
fn a_delivery_that_cannot_be_recorded_harms_nothing() {
    let mut play = installing();
    play.device_says(&json!({"type": "installed", "certificate_sha256": certificate()}));
    for _ in 0..4 {
        play.answers(Answer::RecordDelivery(Err(problem(503, "unavailable"))));
        play.wait_secs(3);
    }
    assert!(play.calls.is_empty());
    play.happens(Input::Online);
    assert_eq!(*play.stage(), Stage::Online);
}

#[test]
fn a_broken_connection_ends_it_and_the_same_code_will_do() {
    for mut play in [reviewing(), offered(), signing(), installing()] {
        play.happens(Input::SocketClosed);
        assert_eq!(*failure(&play), Failure::ConnectionLost);
        assert_eq!(failure(&play).retry(), Retry::SameCode { after_secs: 0 });
    }
}

#[test]
fn the_servers_problems_are_told_in_its_words_or_better() {
    for (code, expected) in [
        ("code_unknown", Failure::CodeUnknown),
        ("busy", Failure::Busy { retry_after_secs: 7 }),
        ("rate_limited", Failure::RateLimited { retry_after_secs: 7 }),
        ("device_gone", Failure::DeviceGone),
        ("timeout", Failure::Timeout),
        ("unauthenticated", Failure::SignedOut),
        ("forbidden", Failure::NotAllowed),
    ] {
        let mut play = reviewing();
        play.server_says(&json!({"type": "problem", "code": code, "message": "…", "retry_after_secs": 7}));
        assert_eq!(*failure(&play), expected);
    }
    let mut play = reviewing();
    play.server_says(&json!({"type": "problem", "code": "shutting_down", "message": "The server restarts."}));
    assert_eq!(failure(&play).cause(), "The server restarts.");
}

#[test]
fn a_device_that_falls_silent_is_given_up() {
    let mut play = Play::start(CODE);
    play.verifies = false;
    play.run();
    play.wait_secs(29);
    assert_eq!(*play.stage(), Stage::Connecting);
    play.wait_secs(1);
    assert_eq!(*failure(&play), Failure::Timeout);
    assert!(play.closed);
}

#[test]
fn boxes_that_were_changed_end_it() {
    let mut play = offered();
    play.server_says(&json!({"type": "sealed", "claim": CLAIM, "box": "AAAAAAAAAAAAAAAAAAAAAAAA"}));
    assert!(matches!(failure(&play), Failure::Channel(_)));
    assert!(play.closed);
}

#[test]
fn a_frame_of_another_claim_ends_it() {
    let mut play = offered();
    play.server_says(&json!({"type": "sealed", "claim": "clm_0000000002zzzzzzzzzzzzzzzz", "box": "AAAA"}));
    assert!(matches!(failure(&play), Failure::Protocol { .. }));
}
