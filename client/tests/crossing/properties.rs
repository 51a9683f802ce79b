//! What holds whatever happens, in whatever order.

use gangway_client::crossing::{Answer, Call, Input, Stage};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::stage::{CLAIM, CODE, Play, approved, certificate, decision, offline, problem, response, signed};

/// Something that may happen at any time.
#[derive(Clone, Debug)]
enum Happening {
    /// What leads on from here.
    Next,
    Approve,
    NotMine,
    Cancel,
    Verified(bool),
    Seconds(i64),
    Closed,
    Online,
    Consent(bool),
    Installed(bool),
    Failed,
    IntroductionAgain,
    Frame(Value),
    /// The oldest call is answered: well, with a hiccup, or with a refusal.
    Answered(u8),
    /// An answer to a call that nobody made.
    StrayAnswer,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        40 => Just(Happening::Next),
        1 => Just(Happening::Approve),
        1 => Just(Happening::NotMine),
        1 => Just(Happening::Cancel),
        1 => any::<bool>().prop_map(Happening::Verified),
        2 => (1_i64..20).prop_map(Happening::Seconds),
        1 => Just(Happening::Closed),
        1 => Just(Happening::Online),
        1 => any::<bool>().prop_map(Happening::Consent),
        1 => any::<bool>().prop_map(Happening::Installed),
        1 => Just(Happening::Failed),
        1 => Just(Happening::IntroductionAgain),
        1 => prop_oneof![
            Just(json!({"type": "accepted", "claim": CLAIM})),
            Just(json!({"type": "context", "network": "different", "first_seen": 0})),
            Just(json!({"type": "problem", "code": "of_tomorrow", "message": "Something new."})),
            Just(json!({"type": "sealed", "claim": CLAIM, "box": "AAAA"})),
            Just(json!("what?")),
        ]
        .prop_map(Happening::Frame),
        6 => (0_u8..3).prop_map(Happening::Answered),
        1 => Just(Happening::StrayAnswer),
    ]
}

/// What the world around the crossing knows.
#[derive(Default)]
struct Witness {
    agreed: bool,
    refused: bool,
    consent_recorded: bool,
    withdrawn: bool,
    failed: bool,
    heard: usize,
}

impl Witness {
    fn check(&mut self, play: &Play) {
        for message in &play.heard[self.heard..] {
            match message["type"].as_str() {
                Some("credential") => {
                    assert!(
                        self.agreed && self.consent_recorded,
                        "a credential before the consent"
                    );
                    assert!(!self.refused && !self.withdrawn, "a credential after a refusal");
                }
                Some("refusal") => self.refused = true,
                Some("offer") => assert!(!self.refused, "an offer after a refusal"),
                other => panic!("not a message of a claimant: {other:?}"),
            }
            assert!(
                !self.failed,
                "the device hears of a failure in the turn of it, and nothing after that"
            );
        }
        self.heard = play.heard.len();
        for call in &play.calls {
            assert!(
                self.consent_recorded || !matches!(call, Call::Sign(_)),
                "a signature before the consent"
            );
        }
        match play.stage() {
            Stage::Failed(failure) => {
                assert!(
                    failure.cause().ends_with('.') || failure.cause().ends_with('…'),
                    "{}",
                    failure.cause()
                );
                assert!(failure.remedy().ends_with('.'));
                self.failed = true;
            }
            _ => assert!(!self.failed, "a failed crossing stays failed"),
        }
    }
}

fn answer(play: &Play, call: &Call, how: u8) -> Answer {
    let refusal = || match how {
        1 => problem(503, "unavailable"),
        _ => problem(409, "conflict"),
    };
    match (call, how) {
        (Call::Approve { .. }, 0) => approved(),
        (Call::Approve { .. }, _) => Answer::Approve(Err(refusal())),
        (Call::Withdraw { .. }, 0) => Answer::Withdraw(Ok(())),
        (Call::Withdraw { .. }, _) => Answer::Withdraw(Err(refusal())),
        (Call::RecordConsent { .. }, 0) => Answer::RecordConsent(Ok(())),
        (Call::RecordConsent { .. }, _) => Answer::RecordConsent(Err(refusal())),
        (Call::Sign(_), 0) => signed(&play.csr),
        (Call::Sign(_), 1) => Answer::Sign(Err(offline())),
        (Call::Sign(_), _) => response(409, &json!({})),
        (Call::RecordDelivery { .. }, 0) => Answer::RecordDelivery(Ok(())),
        (Call::RecordDelivery { .. }, _) => Answer::RecordDelivery(Err(refusal())),
        (Call::Report { .. }, 0) => Answer::Report(Ok(())),
        (Call::Report { .. }, _) => Answer::Report(Err(refusal())),
    }
}

/// What a story without mishaps would go on with.
fn next(play: &Play) -> Happening {
    match play.stage() {
        _ if !play.calls.is_empty() => Happening::Answered(0),
        Stage::Connecting => Happening::Verified(true),
        Stage::Reviewing => Happening::Approve,
        Stage::AwaitingConsent => Happening::Consent(true),
        Stage::Installing => Happening::Installed(true),
        Stage::Installed => Happening::Online,
        Stage::Approving | Stage::Signing | Stage::Provisioning | Stage::Online | Stage::Failed(_) => {
            Happening::Seconds(4)
        }
    }
}

fn happen(play: &mut Play, witness: &mut Witness, happening: Happening) {
    match happening {
        Happening::Next => happen(play, witness, next(play)),
        Happening::Approve => play.happens(Input::Approve(Box::new(decision()))),
        Happening::NotMine => play.happens(Input::NotMine),
        Happening::Cancel => play.happens(Input::Cancel),
        Happening::Verified(good) if play.awaits_verification => play.happens(Input::CsrVerified { good }),
        Happening::Verified(_) => {}
        Happening::Seconds(secs) => play.wait_secs(secs),
        Happening::Closed => play.happens(Input::SocketClosed),
        Happening::Online => play.happens(Input::Online),
        Happening::Consent(accepted) => {
            // Told before, because the claimant may act in the same turn.
            witness.agreed |= accepted;
            witness.refused |= !accepted && !witness.consent_recorded && !witness.agreed;
            play.device_says(&json!({"type": "consent", "accepted": accepted}));
        }
        Happening::Installed(right) => {
            let sha256 = if right {
                certificate()
            } else {
                gangway_protocol::encoding::Sha256Hex::of(b"other")
            };
            play.device_says(&json!({"type": "installed", "certificate_sha256": sha256}));
        }
        Happening::Failed => {
            play.device_says(&json!({"type": "failed", "code": "x", "message": "It is broken."}));
        }
        Happening::IntroductionAgain => {
            let introduction = play.introduction.clone();
            play.device_says(&introduction);
        }
        Happening::Frame(frame) => play.server_says(&frame),
        Happening::Answered(how) => {
            let Some(call) = play.calls.front().cloned() else {
                return;
            };
            witness.consent_recorded |= how == 0 && matches!(call, Call::RecordConsent { .. });
            witness.withdrawn |= matches!(call, Call::Withdraw { .. });
            let answer = answer(play, &call, how);
            play.answers(answer);
        }
        Happening::StrayAnswer => {
            if play.calls.is_empty() {
                let answer = signed(&play.csr);
                play.happens(Input::Answered(Box::new(answer)));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Threat model: ENR-19.
    #[test]
    fn no_credential_goes_out_before_consent_or_after_refusal(
        verifies in any::<bool>(),
        happenings in proptest::collection::vec(happening(), 0..40),
    ) {
        let mut play = Play::start(CODE);
        play.verifies = verifies;
        play.run();
        let mut witness = Witness::default();
        witness.check(&play);
        for happening in happenings {
            happen(&mut play, &mut witness, happening);
            witness.check(&play);
        }
    }
}

/// The property would hold of a machine that never does anything: this shows how far random play gets.
#[test]
fn random_play_reaches_every_stage() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let strategy = proptest::collection::vec(happening(), 40);
    let mut reached = std::collections::BTreeSet::new();
    for _ in 0..300 {
        let mut play = Play::start(CODE);
        play.run();
        let mut witness = Witness::default();
        for happening in strategy.new_tree(&mut runner).expect("a play").current() {
            happen(&mut play, &mut witness, happening);
            reached.insert(match play.stage() {
                Stage::Failed(_) => "Failed".to_owned(),
                stage => format!("{stage:?}"),
            });
        }
    }
    let every = [
        "Approving",
        "AwaitingConsent",
        "Failed",
        "Installed",
        "Installing",
        "Online",
        "Reviewing",
        "Signing",
    ];
    assert_eq!(reached.iter().map(String::as_str).collect::<Vec<_>>(), every);
}
