//! The person ends an attempt: who has to hear of it, and what happens when they cannot be reached.

use gangway_client::crossing::{Answer, Call, Failure, Input, Stage, Told};
use serde_json::json;

use crate::stage::{CLAIM, approved, decision, offline, problem};
use crate::stories::{failure, offered, reviewing, signing};

/// Threat model: ENR-7.
#[test]
fn not_mine_reaches_the_device_and_the_server() {
    let mut play = reviewing();
    play.happens(Input::NotMine);
    assert_eq!(*failure(&play), Failure::NotMine);
    assert_eq!(
        *play.last_heard(),
        json!({"type": "refusal", "reason": "the person at the panel said that this is not their device"})
    );
    let Call::Report { claim, reason } = &play.calls[0] else {
        panic!("the admins want to know");
    };
    assert_eq!(
        (claim.as_str(), serde_json::to_value(reason).expect("JSON")),
        (CLAIM, json!("not_mine"))
    );
    assert!(!play.closed, "the server asks for a live claim");
    play.answers(Answer::Report(Ok(())));
    assert!(play.closed);
}

#[test]
fn cancelling_while_the_server_approves_takes_the_approval_back() {
    let mut play = reviewing();
    play.happens(Input::Approve(Box::new(decision())));
    play.happens(Input::Cancel);
    assert_eq!(*failure(&play), Failure::Cancelled);
    assert_eq!(
        play.calls.len(),
        1,
        "the approval is awaited first, or it would be left standing"
    );
    play.answers(approved());
    assert!(matches!(play.calls[0], Call::Withdraw { .. }));
    play.answers(Answer::Withdraw(Ok(())));
    assert!(matches!(play.calls[0], Call::Report { .. }));
    play.answers(Answer::Report(Err(problem(404, "not_found"))));
    assert!(play.closed);
    assert_eq!(play.heard.len(), 1, "a refusal, and no offer");
}

#[test]
fn an_end_is_told_also_when_the_first_requests_are_lost() {
    let mut play = offered();
    play.happens(Input::Cancel);
    assert_eq!(play.crossing.view().told, Told::Open);
    play.answers(Answer::Withdraw(Err(offline().into())));
    play.wait_secs(3);
    play.answers(Answer::Withdraw(Ok(())));
    play.answers(Answer::Report(Err(offline().into())));
    assert!(!play.closed && play.crossing.view().told == Told::Open);
    play.wait_secs(3);
    play.answers(Answer::Report(Ok(())));
    assert!(play.closed);
    assert_eq!(play.crossing.view().told, Told::All);
}

#[test]
fn an_end_that_the_server_could_not_be_told_does_not_count_as_told() {
    let mut play = reviewing();
    play.happens(Input::NotMine);
    for _ in 0..4 {
        play.answers(Answer::Report(Err(offline().into())));
        play.wait_secs(3);
    }
    assert!(play.closed && play.calls.is_empty());
    assert_eq!(play.crossing.view().told, Told::NotAll);
}

#[test]
fn an_approval_whose_answer_was_lost_is_withdrawn() {
    for decline in [Input::NotMine, Input::Cancel] {
        let mut play = reviewing();
        play.happens(Input::Approve(Box::new(decision())));
        play.answers(Answer::Approve(Err(offline().into())));
        assert_eq!(*play.stage(), Stage::Reviewing);
        play.happens(decline);
        assert!(matches!(play.calls[0], Call::Withdraw { .. }));
        play.answers(Answer::Withdraw(Err(problem(404, "not_found"))));
        assert!(matches!(play.calls[0], Call::Report { .. }));
        play.answers(Answer::Report(Ok(())));
        assert_eq!(
            play.crossing.view().told,
            Told::All,
            "there is no approval to take back"
        );
    }
}

#[test]
fn after_the_consent_there_is_nothing_to_cancel() {
    let mut play = signing();
    assert!(!play.crossing.view().can_cancel());
    play.happens(Input::NotMine);
    play.happens(Input::Cancel);
    assert_eq!(*play.stage(), Stage::Signing);
}
