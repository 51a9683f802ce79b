//! Every way through a claim, and what no order of messages may lead to.

use proptest::prelude::*;

use super::*;

const NOW: Now = Now {
    wall: UnixMillis(1_800_000_000_000),
    monotonic: Monotonic::from_millis(0),
};

fn after_millis(millis: i64) -> Now {
    Now {
        monotonic: NOW.plus(millis),
        ..NOW
    }
}

fn claim() -> Claim {
    Claim::new(ClaimId::new(NOW.wall, [1; 10]), NOW)
}

fn answer() -> Input<'static> {
    Input::Answer {
        pake: Base64(vec![0x41; 33]),
        confirm: Base64(vec![1; 32]),
    }
}

fn confirm() -> Input<'static> {
    Input::Confirm(Base64(vec![2; 32]))
}

fn goes(claim: Claim, input: Input<'_>) -> Claim {
    match claim.on(input, NOW) {
        Next::Goes(claim, _) => claim,
        Next::Ends(end) => panic!("{end:?}"),
    }
}

fn ends(claim: Claim, input: Input<'_>, now: Now) -> End {
    match claim.on(input, now) {
        Next::Goes(claim, effect) => panic!("{claim:?} {effect:?}"),
        Next::Ends(end) => end,
    }
}

fn confirmed() -> Claim {
    goes(goes(claim(), answer()), confirm())
}

fn opened() -> Claim {
    goes(confirmed(), Input::SealedByDevice("AAAA"))
}

fn code(end: &End) -> Option<ProblemCode> {
    match &end.claimant {
        ClaimantEnd::Problem(problem) => Some(problem.code),
        ClaimantEnd::Done | ClaimantEnd::Gone => None,
    }
}

#[test]
fn a_crossing_takes_its_course() {
    let id = claim().id().clone();
    let Next::Goes(claim, Effect::ToClaimant(ServerToClaimant::Answer { claim: answered, .. })) =
        claim().on(answer(), NOW)
    else {
        panic!("an answer goes to the claimant");
    };
    assert_eq!(answered, id);
    let Next::Goes(claim, Effect::ToDevice(ServerToDevice::Confirm { .. })) = claim.on(confirm(), NOW) else {
        panic!("a confirmation goes to the device");
    };
    let Next::Goes(claim, Effect::Introduce("AAAA")) = claim.on(Input::SealedByDevice("AAAA"), NOW) else {
        panic!("the introduction brings the context");
    };
    let Next::Goes(claim, Effect::SealToDevice("BBBB")) = claim.on(Input::SealedByClaimant("BBBB"), NOW)
    else {
        panic!("sealed frames are forwarded");
    };
    let Next::Goes(claim, Effect::SealToClaimant("CCCC")) = claim.on(Input::SealedByDevice("CCCC"), NOW)
    else {
        panic!("sealed frames are forwarded");
    };
    let end = ends(claim, Input::Outcome(Outcome::Enrolled), NOW);
    assert_eq!(
        (end.device, end.claimant, end.failed, end.spent),
        (DeviceEnd::Knows, ClaimantEnd::Done, false, true)
    );
}

#[test]
fn only_an_unredeemed_answer_is_a_failure() {
    let stages: [fn() -> Claim; 4] = [
        claim,
        || goes(claim(), answer()),
        || goes(goes(claim(), answer()), confirm()),
        opened,
    ];
    let failed = stages.map(|stage| ends(stage(), Input::ClaimantGone, NOW).failed);
    assert_eq!(failed, [false, true, true, false]);
    let failed = stages.map(|stage| ends(stage(), Input::DeviceGone, NOW).failed);
    assert_eq!(failed, [false, true, true, false]);
    let declined = ends(claim(), Input::Decline(ProblemCode::CodeUnknown), NOW);
    assert_eq!(
        (code(&declined), declined.failed),
        (Some(ProblemCode::CodeUnknown), false)
    );
}

#[test]
fn opening_takes_fifteen_seconds_and_the_rest_ten_minutes() {
    let confirmed = || goes(goes(claim(), answer()), confirm());
    assert!(!confirmed().is_due(after_millis(14_999)));
    let end = ends(confirmed(), Input::Tick, after_millis(15_000));
    assert_eq!(
        (code(&end), &end.device),
        (
            Some(ProblemCode::Timeout),
            &DeviceEnd::Closed(ClosedReason::Timeout)
        )
    );
    assert!(end.failed);
    assert!(!opened().is_due(after_millis(599_999)));
    let end = ends(opened(), Input::Tick, after_millis(600_000));
    assert_eq!((code(&end), end.failed), (Some(ProblemCode::Timeout), false));
}

#[test]
fn each_direction_has_its_own_limits() {
    let mut claim = opened();
    for _ in 0..63 {
        claim = goes(claim, Input::SealedByDevice("AAAA"));
    }
    for _ in 0..64 {
        claim = goes(claim, Input::SealedByClaimant("AAAA"));
    }
    let end = ends(claim, Input::SealedByDevice("AAAA"), NOW);
    assert_eq!(
        (code(&end), end.device),
        (
            Some(ProblemCode::TooLarge),
            DeviceEnd::Closed(ClosedReason::TooLarge)
        )
    );

    let large = "A".repeat(MAX_SEALED_BYTES / 2);
    let claim = goes(
        goes(opened(), Input::SealedByClaimant(&large)),
        Input::SealedByClaimant(&large),
    );
    assert_eq!(
        code(&ends(claim, Input::SealedByClaimant("AAAA"), NOW)),
        Some(ProblemCode::TooLarge)
    );
}

#[test]
fn messages_out_of_turn_end_the_claim_and_blame_their_sender() {
    for (claim, input) in [
        (claim(), Input::SealedByDevice("AAAA")),
        (goes(claim(), answer()), Input::SealedByDevice("AAAA")),
        (goes(claim(), answer()), answer()),
        (opened(), Input::Decline(ProblemCode::Busy)),
    ] {
        let end = ends(claim, input, NOW);
        assert!(matches!(end.device, DeviceEnd::Broke(_)));
        assert_eq!(code(&end), Some(ProblemCode::DeviceGone));
    }
    for (claim, input) in [
        (claim(), confirm()),
        (opened(), confirm()),
        (claim(), Input::SealedByClaimant("AAAA")),
        (
            goes(goes(claim(), answer()), confirm()),
            Input::SealedByClaimant("AAAA"),
        ),
    ] {
        let end = ends(claim, input, NOW);
        assert_eq!(end.device, DeviceEnd::Closed(ClosedReason::Malformed));
        assert_eq!(code(&end), Some(ProblemCode::Malformed));
    }
}

/// The report of "not mine" came before the sealed refusal: the device was told that the other side had left, and kept its code.
#[test]
fn a_report_that_overtakes_the_refusal_lets_it_through() {
    let leaving = || goes(opened(), Input::ClaimantLeaves);
    let Next::Goes(claim, Effect::SealToDevice("BBBB")) = leaving().on(Input::SealedByClaimant("BBBB"), NOW)
    else {
        panic!("what was sealed before goes to the device");
    };
    let end = ends(claim, Input::Outcome(Outcome::Refused), NOW);
    assert!(end.spent);

    let due = after_millis(2_000);
    assert!(!leaving().is_due(after_millis(1_999)));
    assert!(leaving().is_due(due));
    let end = ends(leaving(), Input::Tick, due);
    assert_eq!(end.device, DeviceEnd::Closed(ClosedReason::Left));
    assert_eq!(end.claimant, ClaimantEnd::Gone);

    let unanswered = goes(confirmed(), Input::ClaimantLeaves);
    let introduced = goes(unanswered, Input::SealedByDevice("AAAA"));
    assert!(
        introduced.is_due(due),
        "an introduction gives nobody more time who leaves"
    );
}

#[test]
fn a_failed_outcome_leaves_the_code_valid() {
    let end = ends(opened(), Input::Outcome(Outcome::Failed), NOW);
    assert_eq!((end.failed, end.spent), (false, false));
    assert!(ends(opened(), Input::Outcome(Outcome::Refused), NOW).spent);
}

fn any_input() -> impl Strategy<Value = u8> {
    0_u8..11
}

fn input(number: u8) -> Input<'static> {
    match number {
        0 => answer(),
        1 => confirm(),
        2 => Input::SealedByDevice("AAAA"),
        3 => Input::SealedByClaimant("AAAA"),
        4 => Input::Decline(ProblemCode::Busy),
        5 => Input::Outcome(Outcome::Enrolled),
        6 => Input::DeviceGone,
        7 => Input::ClaimantGone,
        8 => Input::Superseded,
        9 => Input::ClaimantLeaves,
        _ => Input::Tick,
    }
}

proptest! {
    #[test]
    fn nothing_is_sealed_before_both_have_confirmed(numbers in proptest::collection::vec(any_input(), 0..40)) {
        let mut claim = Some(claim());
        let (mut answers, mut confirms) = (0, 0);
        for number in numbers {
            let Some(present) = claim.take() else { break };
            match present.on(input(number), NOW) {
                Next::Goes(next, effect) => {
                    match effect {
                        Effect::ToClaimant(_) => answers += 1,
                        Effect::ToDevice(_) => confirms += 1,
                        Effect::Introduce(_) | Effect::SealToClaimant(_) | Effect::SealToDevice(_) => {
                            prop_assert_eq!((answers, confirms), (1, 1));
                        }
                        Effect::Nothing => {}
                    }
                    claim = Some(next);
                }
                Next::Ends(end) => prop_assert!(!end.failed || answers == 1),
            }
        }
        prop_assert!(answers <= 1 && confirms <= 1);
    }
}
