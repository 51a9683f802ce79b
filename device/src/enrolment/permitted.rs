//! What a device with a permit does: it shows no code, asks nobody, and comes again at the right time.

use std::time::Duration;

use gangway_protocol::enrolment::{ClaimantToDevice, DeviceToServer, Outcome, ServerToDevice};
use gangway_protocol::permit::{DevicePermit, Lookup};
use gangway_protocol::seal::Claimant;

use super::scene::{Crossing, Scene, answered, outcome, replaced, told, unsealed};
use super::{Accept, Effect};
use crate::event::Event;
use crate::rng::Random as _;
use crate::testing::Repeatable;

fn permit() -> DevicePermit {
    DevicePermit::of_key("HQ481047-1JWORF43").expect("a key")
}

/// A device with a permit, under a nameplate that it does not show.
fn scene() -> Scene {
    let mut scene = Scene::new(Accept::Ask);
    scene.machine = scene.machine.with_permit(Some(permit()));
    let hello = scene.machine.connected();
    assert!(
        hello.iter().any(|effect| matches!(
            effect,
            Effect::Send(DeviceToServer::Hello { lookup: Some(Lookup::Key(lookup)), resume: None, .. }) if lookup == "HQ481047"
        )),
        "{hello:?}"
    );
    let effects = scene.nameplate("BCDF");
    assert!(told(&effects, |event| matches!(
        event,
        Event::PermitPresented { .. }
    )));
    assert!(scene.shown.is_none(), "nobody is to type anything");
    assert!(
        !effects
            .iter()
            .any(|effect| matches!(effect, Effect::KeepResume(_)))
    );
    scene
}

/// The server claims the device with this permit.
fn claim(scene: &mut Scene, with: &DevicePermit) -> Option<Crossing> {
    let id = scene.next_claim();
    let random = Repeatable::new(3);
    let (claimant, pake) = Claimant::start(with, |bytes| random.fill(bytes));
    let effects = scene.frame(ServerToDevice::Claim {
        claim: id.clone(),
        nameplate: "BCDF".parse().expect("a nameplate"),
        pake,
    });
    let answer = answered(&effects).expect("an answer");
    let (mut channel, confirm) = claimant.on_answer(&id, &answer).ok()?;
    let effects = scene.frame(ServerToDevice::Confirm {
        claim: id.clone(),
        confirm,
    });
    assert!(
        !told(&effects, |event| matches!(event, Event::Claimed {})),
        "nobody entered a code"
    );
    assert_eq!(unsealed(&mut channel, &effects).len(), 1);
    Some(Crossing { id, channel })
}

fn pause(scene: &Scene, effects: &[Effect]) -> Duration {
    effects
        .iter()
        .find_map(|effect| match effect {
            Effect::Pause(until) => Some(*until - scene.now),
            _ => None,
        })
        .expect("it comes again")
}

#[test]
fn nobody_is_asked_at_a_device_that_was_given_a_pass() {
    let mut scene = scene();
    let mut crossing = claim(&mut scene, &permit()).expect("a channel");
    scene.approve(&crossing, "Harbour Works");
    let effects = scene.offer(&mut crossing, "Harbour Works");
    assert!(!told(&effects, |event| matches!(
        event,
        Event::ApprovalAsked { .. }
    )));
    assert!(told(&effects, |event| matches!(event, Event::Accepted { .. })));
}

#[test]
fn a_server_without_the_secret_learns_nothing_and_is_asked_ever_more_rarely() {
    let mut scene = scene();
    for minutes in [1, 2, 4, 8] {
        let other = DevicePermit::of_key("HQ481047-AAAAAAAA").expect("a key");
        assert!(claim(&mut scene, &other).is_none());
        let claim =
            gangway_protocol::id::ClaimId::new(gangway_protocol::time::UnixMillis(0), [scene.claims(); 10]);
        let effects = scene.frame(ServerToDevice::Closed {
            claim,
            reason: gangway_protocol::enrolment::ClosedReason::Left,
        });
        assert!(told(
            &effects,
            |event| matches!(event, Event::Error(trouble) if trouble.code == "permit_refused")
        ));
        assert_eq!(pause(&scene, &effects), Duration::from_secs(60 * minutes));
        assert_eq!(replaced(&effects), None);
        scene.machine.disconnected(scene.now);
        scene.machine.connected();
        scene.nameplate("BCDF");
    }
}

#[test]
fn a_device_that_is_told_to_wait_comes_again_when_the_server_says() {
    let mut scene = scene();
    let mut crossing = claim(&mut scene, &permit()).expect("a channel");
    let wait = ClaimantToDevice::Wait {
        reason: "a member decides".to_owned(),
        retry_after_secs: 30,
    };
    let effects = scene.seal(&mut crossing, &wait);
    assert_eq!(outcome(&effects), Some(Outcome::Waiting));
    assert!(told(&effects, |event| matches!(
        event,
        Event::InLobby {
            retry_in_secs: 30,
            ..
        }
    )));
    assert_eq!(pause(&scene, &effects), Duration::from_secs(30));
}

#[test]
fn a_server_cannot_make_a_device_ask_without_pause_nor_never_again() {
    for (says, does) in [(0, 5), (u32::MAX, 24 * 3600)] {
        let mut scene = scene();
        let mut crossing = claim(&mut scene, &permit()).expect("a channel");
        let wait = ClaimantToDevice::Wait {
            reason: String::new(),
            retry_after_secs: says,
        };
        let effects = scene.seal(&mut crossing, &wait);
        assert_eq!(pause(&scene, &effects), Duration::from_secs(does));
    }
}

/// Only a server that was asked by a permit says so: with a code there is a person who decides.
#[test]
fn wait_means_nothing_once_the_device_has_consented() {
    let mut scene = scene();
    let mut crossing = claim(&mut scene, &permit()).expect("a channel");
    scene.approve(&crossing, "Harbour Works");
    scene.offer(&mut crossing, "Harbour Works");
    let wait = ClaimantToDevice::Wait {
        reason: String::new(),
        retry_after_secs: 30,
    };
    let effects = scene.seal(&mut crossing, &wait);
    assert_eq!(outcome(&effects), Some(Outcome::Failed));
}

/// It asked for another code, which it does not have, and a server could have it do so without end.
#[test]
fn a_device_that_nobody_claims_comes_again_more_rarely_and_never_asks_for_a_code() {
    let mut scene = scene();
    let effects = scene.later(601);
    assert_eq!(replaced(&effects), None);
    assert_eq!(pause(&scene, &effects), Duration::from_secs(60));
    assert!(scene.machine.replace_code().is_empty());
}
