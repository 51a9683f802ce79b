//! The machine, scene by scene.

use std::time::Duration;

use gangway_protocol::code::UserCode;
use gangway_protocol::encoding::Base64;
use gangway_protocol::enrolment::{
    ClaimantToDevice, ClosedReason, CredentialKind, DeviceToClaimant, DeviceToServer, Outcome, ReplaceReason,
    ServerToDevice,
};
use gangway_protocol::error::ProblemCode;

use super::scene::{PAGE, Scene, answered, declined, outcome, replaced, told, unsealed};
use super::{Accept, Effect};
use crate::event::{Event, Refuser};
use crate::key::{FileKey, KeyType};
use crate::testing::{NOW, TestCa};

#[test]
fn a_crossing_ends_enrolled() {
    let mut scene = Scene::waiting(Accept::Ask);
    let (mut crossing, introduction) = scene.cross();
    let DeviceToClaimant::Introduction {
        csr,
        facts,
        link,
        accepts,
    } = introduction
    else {
        panic!("the first sealed message is the introduction");
    };
    assert!(csr.starts_with("-----BEGIN CERTIFICATE REQUEST-----"));
    assert_eq!(facts.hostname, "thermometer-7");
    assert_eq!(link, PAGE);
    assert_eq!(
        accepts,
        [CredentialKind::Certificate, CredentialKind::ProvisioningClaim]
    );

    assert!(scene.approve(&crossing, "Harbour").is_empty());
    let effects = scene.offer(&mut crossing, "Harbour");
    assert!(told(
        &effects,
        |event| matches!(event, Event::ApprovalAsked { organisation, .. } if organisation == "Harbour")
    ));
    let effects = scene.decide(true);
    let consent = unsealed(&mut crossing.channel, &effects);
    assert_eq!(
        consent,
        [DeviceToClaimant::Consent {
            accepted: true,
            reason: None
        }]
    );

    let chain = TestCa::new().chain_for(&scene.key, "thermometer-7");
    let effects = scene.credential(&mut crossing, chain);
    let [Effect::Install(installation)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    let sha256 = installation.credential.sha256;

    let effects = scene.machine.installed(Ok(()), scene.now);
    let installed = DeviceToClaimant::Installed {
        certificate_sha256: sha256,
    };
    assert_eq!(unsealed(&mut crossing.channel, &effects), [installed]);
    assert_eq!(outcome(&effects), Some(Outcome::Enrolled));
    assert!(matches!(effects.last(), Some(Effect::Enrolled)));
}

#[test]
fn a_device_that_always_accepts_asks_nobody() {
    let mut scene = Scene::waiting(Accept::Always);
    let (mut crossing, _) = scene.cross();
    scene.approve(&crossing, "Harbour");
    let effects = scene.offer(&mut crossing, "Harbour");
    let consent = unsealed(&mut crossing.channel, &effects);
    assert_eq!(
        consent,
        [DeviceToClaimant::Consent {
            accepted: true,
            reason: None
        }]
    );
    assert!(!told(&effects, |event| matches!(
        event,
        Event::ApprovalAsked { .. }
    )));
}

/// Threat model: ENR-5.
#[test]
fn a_wrong_code_is_counted_and_the_third_destroys_the_secret() {
    let mut scene = Scene::waiting(Accept::Always);
    let first = scene.code();
    let wrong = UserCode::read("BCDF-BBBBBB").expect("a code");
    for count in 1..=3 {
        let (id, claimant, effects) = scene.claim(&wrong);
        let answer = answered(&effects).expect("an answer");
        claimant.on_answer(&id, &answer).expect_err("another code");
        let effects = scene.frame(ServerToDevice::Closed {
            claim: id,
            reason: ClosedReason::Left,
        });
        let expected = Event::AttemptFailed {
            count,
            remaining: 3 - count,
        };
        assert!(told(&effects, |event| *event == expected), "{effects:?}");
        assert_eq!(
            replaced(&effects),
            (count == 3).then_some(ReplaceReason::Attempts)
        );
    }
    let (_, _, effects) = scene.claim(&first);
    assert_eq!(declined(&effects), Some(ProblemCode::CodeUnknown));
    scene.nameplate("GHJK");
    assert_ne!(scene.code().fragment()[4..], first.fragment()[4..]);
}

#[test]
fn a_wrong_confirmation_silence_and_disconnection_are_failures() {
    let mut scene = Scene::waiting(Accept::Always);
    let code = scene.code();
    let (id, _, _) = scene.claim(&code);
    let effects = scene.frame(ServerToDevice::Confirm {
        claim: id,
        confirm: Base64(vec![0; 32]),
    });
    assert!(told(&effects, |event| matches!(
        event,
        Event::AttemptFailed { count: 1, .. }
    )));
    assert_eq!(outcome(&effects), Some(Outcome::Failed));

    scene.claim(&code);
    assert!(scene.later(14).is_empty());
    let effects = scene.later(1);
    assert!(told(&effects, |event| matches!(
        event,
        Event::AttemptFailed { count: 2, .. }
    )));
    assert_eq!(outcome(&effects), Some(Outcome::Failed));

    scene.claim(&code);
    let effects = scene.machine.disconnected(scene.now);
    assert!(told(&effects, |event| matches!(
        event,
        Event::AttemptFailed { count: 3, .. }
    )));
    assert!(told(&effects, |event| matches!(
        event,
        Event::CodeWithdrawn {
            reason: ReplaceReason::Attempts
        }
    )));
    assert_eq!(replaced(&effects), None, "there is nobody to send it to");
    let effects = scene.machine.connected();
    let [Effect::Send(DeviceToServer::Hello { resume, .. })] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!(*resume, None, "a destroyed code's nameplate is not kept");
}

#[test]
fn a_broken_connection_keeps_the_code_and_its_failures() {
    let mut scene = Scene::waiting(Accept::Always);
    let code = scene.code();
    scene.claim(&code);
    scene.machine.disconnected(scene.now);
    let effects = scene.machine.connected();
    let [Effect::Send(DeviceToServer::Hello { resume, .. })] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!(resume.as_deref(), Some("resume BCDF"));
    let effects = scene.nameplate("BCDF");
    assert!(
        !told(&effects, |event| matches!(event, Event::Code(_))),
        "the same code, not a new one"
    );
    assert!(told(&effects, |event| matches!(
        event,
        Event::Waiting { expires_in_secs: 600 }
    )));
    let (id, _, _) = scene.claim(&code);
    let effects = scene.frame(ServerToDevice::Closed {
        claim: id,
        reason: ClosedReason::Left,
    });
    assert!(told(&effects, |event| matches!(
        event,
        Event::AttemptFailed { count: 2, .. }
    )));
}

#[test]
fn another_nameplate_means_another_secret() {
    let mut scene = Scene::waiting(Accept::Always);
    let before = scene.code();
    scene.machine.disconnected(scene.now);
    scene.machine.connected();
    scene.nameplate("GHJK");
    assert_ne!(scene.code().fragment()[4..], before.fragment()[4..]);
}

/// Threat model: ENR-5.
#[test]
fn a_code_expires_by_the_devices_own_clock() {
    let mut scene = Scene::waiting(Accept::Always);
    let code = scene.code();
    assert_eq!(scene.machine.due(), Some(scene.now + Duration::from_secs(600)));
    scene.now += Duration::from_secs(300);
    scene.nameplate("BCDF");
    assert!(scene.later(299).is_empty());
    let effects = scene.later(1);
    assert_eq!(replaced(&effects), Some(ReplaceReason::Expired));
    let (_, _, effects) = scene.claim(&code);
    assert_eq!(declined(&effects), Some(ProblemCode::CodeUnknown));
}

#[test]
fn expiry_never_interrupts_a_running_claim() {
    let mut scene = Scene::waiting(Accept::Always);
    scene.now += Duration::from_secs(590);
    let (mut crossing, _) = scene.cross();
    assert!(scene.later(60).is_empty());
    scene.approve(&crossing, "Harbour");
    let effects = scene.offer(&mut crossing, "Harbour");
    assert_eq!(unsealed(&mut crossing.channel, &effects).len(), 1);
    let effects = scene.frame(ServerToDevice::Closed {
        claim: crossing.id,
        reason: ClosedReason::Left,
    });
    assert!(told(&effects, |event| matches!(event, Event::ClaimEnded { .. })));
    assert_eq!(replaced(&scene.later(0)), Some(ReplaceReason::Expired));
}

#[test]
fn one_claim_at_a_time_and_only_under_the_present_nameplate() {
    let mut scene = Scene::waiting(Accept::Always);
    let code = scene.code();
    let (_, _, effects) = scene.claim(&UserCode::read("ZZZZ-BBBBBB").expect("a code"));
    assert_eq!(declined(&effects), Some(ProblemCode::CodeUnknown));
    scene.claim(&code);
    let (_, _, effects) = scene.claim(&code);
    assert_eq!(declined(&effects), Some(ProblemCode::Busy));
    assert!(!told(&effects, |_| true), "a declined claim is not counted");
}

#[test]
fn a_malformed_key_exchange_is_declined_and_spends_no_guess() {
    let mut scene = Scene::waiting(Accept::Always);
    let (id, nameplate) = (scene.next_claim(), scene.code().nameplate());
    for pake in [vec![], vec![0x42; 33], vec![0x41; 33]] {
        let frame = ServerToDevice::Claim {
            claim: id.clone(),
            nameplate: nameplate.clone(),
            pake: Base64(pake),
        };
        let effects = scene.frame(frame);
        assert_eq!(declined(&effects), Some(ProblemCode::Malformed));
        assert!(!told(&effects, |_| true));
    }
}

/// Threat model: ENR-5.
#[test]
fn thirty_unredeemed_answers_within_an_hour_pause_the_device() {
    let mut scene = Scene::waiting(Accept::Always);
    let start = scene.now;
    for attempt in 0..30_u32 {
        let code = scene.code();
        let (id, _, effects) = scene.claim(&code);
        assert!(answered(&effects).is_some(), "attempt {attempt}");
        let effects = scene.frame(ServerToDevice::Closed {
            claim: id,
            reason: ClosedReason::Left,
        });
        if attempt == 29 {
            assert!(told(&effects, |event| matches!(event, Event::Paused { .. })));
            let Some(Effect::Pause(until)) = effects.last() else {
                panic!("{effects:?}")
            };
            assert_eq!(*until, start + Duration::from_secs(3600));
        } else if attempt % 3 == 2 {
            scene.nameplate(if attempt % 2 == 0 { "BCDF" } else { "GHJK" });
        }
        scene.now += Duration::from_secs(1);
    }
    scene.machine.disconnected(scene.now);
    // A server that hands out a nameplate all the same gets no code, and the pause again.
    scene.machine.connected();
    let effects = scene.nameplate("LMNP");
    assert!(matches!(effects.last(), Some(Effect::Pause(_))), "{effects:?}");
    scene.machine.disconnected(scene.now);
    scene.now = start + Duration::from_secs(3600);
    scene.machine.connected();
    scene.nameplate("LMNP");
    assert!(scene.shown.is_some());
}

#[test]
fn redeemed_answers_do_not_pause_the_device() {
    let mut scene = Scene::waiting(Accept::Always);
    for _ in 0..40 {
        let (crossing, _) = scene.cross();
        let effects = scene.frame(ServerToDevice::Closed {
            claim: crossing.id,
            reason: ClosedReason::Left,
        });
        assert!(told(&effects, |event| matches!(event, Event::ClaimEnded { .. })));
        assert_eq!(
            replaced(&effects),
            None,
            "a redeemed claim that breaks leaves the code valid"
        );
    }
}

/// Threat model: ENR-19.
#[test]
fn an_offer_that_differs_from_the_approval_is_refused() {
    for late in [false, true] {
        let mut scene = Scene::waiting(Accept::Always);
        let (mut crossing, _) = scene.cross();
        let effects = if late {
            assert!(scene.offer(&mut crossing, "Harbour").is_empty());
            scene.approve(&crossing, "Pirates")
        } else {
            assert!(scene.approve(&crossing, "Pirates").is_empty());
            scene.offer(&mut crossing, "Harbour")
        };
        let messages = unsealed(&mut crossing.channel, &effects);
        assert!(matches!(
            messages.as_slice(),
            [DeviceToClaimant::Consent {
                accepted: false,
                reason: Some(_)
            }]
        ));
        assert_eq!(outcome(&effects), Some(Outcome::Refused));
        assert_eq!(replaced(&effects), Some(ReplaceReason::Spent));
        assert!(told(&effects, |event| matches!(
            event,
            Event::Refused {
                by: Refuser::Device,
                ..
            }
        )));
    }
}

#[test]
fn an_offer_that_no_approval_follows_is_refused() {
    let mut scene = Scene::waiting(Accept::Always);
    let (mut crossing, _) = scene.cross();
    assert!(scene.offer(&mut crossing, "Harbour").is_empty());
    assert!(scene.later(9).is_empty());
    let effects = scene.later(1);
    assert_eq!(outcome(&effects), Some(Outcome::Refused));
    assert_eq!(unsealed(&mut crossing.channel, &effects).len(), 1);
}

/// Threat model: ENR-19.
#[test]
fn a_credential_before_the_consent_is_ignored() {
    let mut scene = Scene::waiting(Accept::Ask);
    let (mut crossing, _) = scene.cross();
    let chain = TestCa::new().chain_for(&scene.key, "x");
    assert!(scene.credential(&mut crossing, chain.clone()).is_empty());
    scene.approve(&crossing, "Harbour");
    scene.offer(&mut crossing, "Harbour");
    assert!(scene.credential(&mut crossing, chain.clone()).is_empty());
    scene.decide(true);
    assert!(matches!(
        scene.credential(&mut crossing, chain).as_slice(),
        [Effect::Install(_)]
    ));
}

#[test]
fn not_mine_ends_the_attempt_on_the_devices_screen_too() {
    let mut scene = Scene::waiting(Accept::Ask);
    let (mut crossing, _) = scene.cross();
    let effects = scene.seal(
        &mut crossing,
        &ClaimantToDevice::Refusal {
            reason: "not mine".to_owned(),
        },
    );
    let expected = Event::Refused {
        by: Refuser::Claimant,
        reason: "not mine".to_owned(),
    };
    assert!(told(&effects, |event| *event == expected));
    assert_eq!(outcome(&effects), Some(Outcome::Refused));
    assert_eq!(replaced(&effects), Some(ReplaceReason::Spent));
}

#[test]
fn a_credential_that_does_not_fit_is_answered_with_the_reason() {
    let mut scene = Scene::waiting(Accept::Always);
    let (mut crossing, _) = scene.cross();
    scene.approve(&crossing, "Harbour");
    let effects = scene.offer(&mut crossing, "Harbour");
    unsealed(&mut crossing.channel, &effects);
    let other = FileKey::generate(KeyType::P256).expect("a key");
    let effects = scene.credential(&mut crossing, TestCa::new().chain_for(&other, "x"));
    let messages = unsealed(&mut crossing.channel, &effects);
    assert!(matches!(messages.as_slice(), [DeviceToClaimant::Failed { code, .. }] if code == "foreign_key"));
    assert_eq!(outcome(&effects), Some(Outcome::Failed));
    assert_eq!(replaced(&effects), None, "the code remains good");
}

#[test]
fn a_disk_that_is_full_is_told() {
    let mut scene = Scene::waiting(Accept::Always);
    let (mut crossing, _) = scene.cross();
    scene.approve(&crossing, "Harbour");
    let effects = scene.offer(&mut crossing, "Harbour");
    unsealed(&mut crossing.channel, &effects);
    let chain = TestCa::new().chain_for(&scene.key, "x");
    scene.credential(&mut crossing, chain);
    let effects = scene
        .machine
        .installed(Err("no space left".to_owned()), scene.now);
    let messages = unsealed(&mut crossing.channel, &effects);
    assert!(matches!(messages.as_slice(), [DeviceToClaimant::Failed { code, .. }] if code == "not_stored"));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Enrolled)));
}

#[test]
fn a_box_that_does_not_open_ends_the_claim() {
    let mut scene = Scene::waiting(Accept::Always);
    let (crossing, _) = scene.cross();
    let frame = ServerToDevice::Sealed {
        claim: crossing.id,
        sealed: Base64(vec![7; 40]),
    };
    let effects = scene.frame(frame);
    assert!(told(&effects, |event| matches!(event, Event::ClaimEnded { .. })));
    assert_eq!(outcome(&effects), Some(Outcome::Failed));
}

#[test]
fn an_open_claim_lasts_ten_minutes() {
    let mut scene = Scene::waiting(Accept::Ask);
    let (mut crossing, _) = scene.cross();
    scene.approve(&crossing, "Harbour");
    scene.offer(&mut crossing, "Harbour");
    assert!(scene.later(599).is_empty());
    let effects = scene.later(1);
    assert_eq!(outcome(&effects), Some(Outcome::Failed));
    assert_eq!(replaced(&effects), Some(ReplaceReason::Expired));
}

#[test]
fn the_person_can_ask_for_another_code_but_not_in_the_middle_of_a_claim() {
    let mut scene = Scene::waiting(Accept::Ask);
    let (crossing, _) = scene.cross();
    assert!(scene.machine.replace_code().is_empty());
    scene.frame(ServerToDevice::Closed {
        claim: crossing.id,
        reason: ClosedReason::Left,
    });
    assert_eq!(
        replaced(&scene.machine.replace_code()),
        Some(ReplaceReason::Asked)
    );
}

#[test]
fn a_server_that_says_expired_does_not_make_the_device_spin() {
    let mut scene = Scene::new(Accept::Ask);
    scene.machine.connected();
    let effects = scene.frame(ServerToDevice::Nameplate {
        nameplate: "BCDF".parse().expect("a nameplate"),
        expires_in_secs: 0,
        verification_uri: PAGE.to_owned(),
        resume: String::new(),
        server_time: NOW,
    });
    assert!(told(&effects, |event| matches!(event, Event::Code(_))));
    assert!(scene.later(4).is_empty());
    assert_eq!(replaced(&scene.later(1)), Some(ReplaceReason::Expired));
}
