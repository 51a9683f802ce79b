//! An answer counts for the question that it names and for no other.

use gangway_protocol::enrolment::{ClosedReason, DeviceToClaimant, Outcome, ServerToDevice};

use super::scene::{Crossing, Scene, outcome, told, unsealed};
use super::{Accept, Effect};
use crate::event::{Event, Refuser};
use crate::testing::TestCa;

/// A claim that has come as far as the question.
fn asked(scene: &mut Scene, organisation: &str) -> Crossing {
    let (mut crossing, _) = scene.cross();
    scene.approve(&crossing, organisation);
    let effects = scene.offer(&mut crossing, organisation);
    let names_itself =
        |event: &Event| matches!(event, Event::ApprovalAsked { claim, .. } if *claim == crossing.id);
    assert!(told(&effects, names_itself), "{effects:?}");
    crossing
}

fn is_refused(effects: &[Effect], question: &Crossing) -> bool {
    matches!(effects, [Effect::Tell(Event::AnswerRefused { claim, .. })] if *claim == question.id)
}

/// Threat model: ENR-24.
#[test]
fn a_yes_meant_for_one_claim_does_not_consent_to_the_next() {
    let mut scene = Scene::waiting(Accept::Ask);
    let first = asked(&mut scene, "Harbour Works");
    scene.frame(ServerToDevice::Closed {
        claim: first.id.clone(),
        reason: ClosedReason::Left,
    });
    let late = scene.decide_about(&first.id, true);
    assert!(is_refused(&late, &first), "nothing is asked: {late:?}");

    let mut second = asked(&mut scene, "Pirates");
    for accepted in [true, false] {
        let late = scene.decide_about(&first.id, accepted);
        assert!(is_refused(&late, &first), "the question is another: {late:?}");
    }
    let effects = scene.decide_about(&second.id, true);
    assert!(matches!(
        unsealed(&mut second.channel, &effects).as_slice(),
        [DeviceToClaimant::Consent { accepted: true, .. }]
    ));
}

#[test]
fn a_question_is_answered_once() {
    let mut scene = Scene::waiting(Accept::Ask);
    let crossing = asked(&mut scene, "Harbour Works");
    scene.decide_about(&crossing.id, true);
    let again = scene.decide_about(&crossing.id, false);
    assert!(is_refused(&again, &crossing), "{again:?}");
    assert_eq!(outcome(&again), None);
}

#[test]
fn an_answer_before_the_question_is_none() {
    let mut scene = Scene::waiting(Accept::Ask);
    let (mut crossing, _) = scene.cross();
    scene.approve(&crossing, "Harbour Works");
    let early = scene.decide_about(&crossing.id, true);
    assert!(is_refused(&early, &crossing), "{early:?}");
    let effects = scene.offer(&mut crossing, "Harbour Works");
    assert!(told(&effects, |event| matches!(
        event,
        Event::ApprovalAsked { .. }
    )));
}

#[test]
fn the_person_can_refuse_and_nothing_is_taken_afterwards() {
    let mut scene = Scene::waiting(Accept::Ask);
    let (mut crossing, _) = scene.cross();
    scene.approve(&crossing, "Harbour");
    scene.offer(&mut crossing, "Harbour");
    let effects = scene.decide(false);
    assert!(told(&effects, |event| matches!(
        event,
        Event::Refused {
            by: Refuser::Person,
            ..
        }
    )));
    assert_eq!(outcome(&effects), Some(Outcome::Refused));
    let chain = TestCa::new().chain_for(&scene.key, "x");
    assert!(scene.credential(&mut crossing, chain).is_empty());
}
