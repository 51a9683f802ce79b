//! Whatever a server does, in any order: the promises of protocol.md §1 and §2 that the device keeps by itself.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use gangway_protocol::encoding::Base64;
use gangway_protocol::enrolment::{
    ClaimantToDevice, ClosedReason, Credential, DeviceToClaimant, DeviceToServer, ServerToDevice,
};
use gangway_protocol::id::ClaimId;
use gangway_protocol::seal::Channel;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof};

use super::scene::{Scene, answered};
use super::{Accept, Effect};
use crate::event::Event;
use crate::key::DeviceKey as _;

/// What a server, a claimant, a person and time can do.
#[derive(Clone, Debug)]
enum Move {
    /// What a story without mishaps would go on with.
    Next,
    Connect,
    Disconnect,
    Nameplate(u8),
    Claim {
        right_code: bool,
    },
    Confirm {
        honest: bool,
    },
    Approval {
        matching: bool,
    },
    Offer,
    Credential,
    Refusal,
    Garbage,
    Closed,
    /// `late`: for the question of the claim before.
    Decide {
        accepted: bool,
        late: bool,
    },
    Installed(bool),
    Replace,
    Wait(u16),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        30 => Just(Move::Next),
        2 => Just(Move::Connect),
        1 => Just(Move::Disconnect),
        4 => (0_u8..4).prop_map(Move::Nameplate),
        6 => any::<bool>().prop_map(|right_code| Move::Claim { right_code }),
        6 => proptest::bool::weighted(0.7).prop_map(|honest| Move::Confirm { honest }),
        4 => proptest::bool::weighted(0.8).prop_map(|matching| Move::Approval { matching }),
        4 => Just(Move::Offer),
        4 => Just(Move::Credential),
        1 => Just(Move::Refusal),
        1 => Just(Move::Garbage),
        2 => Just(Move::Closed),
        4 => (any::<bool>(), proptest::bool::weighted(0.3))
            .prop_map(|(accepted, late)| Move::Decide { accepted, late }),
        2 => any::<bool>().prop_map(Move::Installed),
        1 => Just(Move::Replace),
        2 => (0_u16..400).prop_map(Move::Wait),
    ];
    proptest::collection::vec(one, 1..120)
}

/// How far the device has taken a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Answered,
    Confirmed,
    Introduced,
    /// The device has said no. It is over in the same turn, or else the claimant goes on as if it had said yes.
    Declined,
    Consented,
    Installing,
    Over,
}

/// A claim that the device has answered.
struct Watched {
    id: ClaimId,
    /// None if the code was wrong.
    open: Option<(Channel, Base64)>,
    /// Whether the server's approval fits the claimant's offer.
    approved: Option<bool>,
    offered: bool,
    stage: Stage,
}

/// Everything that was seen from outside, as far as the promises speak of it.
struct Watch {
    scene: Scene,
    claim: Option<Watched>,
    /// The claim before that one.
    former: Option<ClaimId>,
    connected: bool,
    answers: Vec<Instant>,
    answers_per_code: HashMap<String, u32>,
    shown_at: Instant,
    secrets: HashMap<String, String>,
    /// What has happened at least once.
    reached: BTreeSet<&'static str>,
}

impl Watch {
    fn new(accept: Accept) -> Self {
        let scene = Scene::new(accept);
        Self {
            shown_at: scene.now,
            scene,
            claim: None,
            former: None,
            connected: false,
            answers: Vec::new(),
            answers_per_code: HashMap::new(),
            secrets: HashMap::new(),
            reached: BTreeSet::new(),
        }
    }

    fn stage(&self) -> Stage {
        self.claim.as_ref().map_or(Stage::Over, |claim| claim.stage)
    }

    fn onward(&self) -> Move {
        if !self.connected {
            return Move::Connect;
        }
        if self.scene.shown.is_none() {
            return Move::Nameplate(0);
        }
        let is_approved = self.claim.as_ref().is_some_and(|claim| claim.approved.is_some());
        let is_offered = self.claim.as_ref().is_some_and(|claim| claim.offered);
        match self.stage() {
            Stage::Over => Move::Claim { right_code: true },
            Stage::Answered | Stage::Confirmed => Move::Confirm { honest: true },
            Stage::Introduced if !is_approved => Move::Approval { matching: true },
            Stage::Introduced if !is_offered => Move::Offer,
            Stage::Introduced => Move::Decide {
                accepted: true,
                late: false,
            },
            Stage::Declined | Stage::Consented => Move::Credential,
            Stage::Installing => Move::Installed(true),
        }
    }

    fn act(&mut self, next: &Move) {
        let before = self.scene.shown.clone();
        let effects = match next {
            Move::Next => return self.act(&self.onward()),
            Move::Connect if !self.connected => {
                self.connected = true;
                self.scene.machine.connected()
            }
            Move::Disconnect if self.connected => {
                self.connected = false;
                self.scene.machine.disconnected(self.scene.now)
            }
            Move::Wait(secs) => self.scene.later(u64::from(*secs)),
            Move::Decide { accepted, late } => {
                let present = self.claim.as_ref().map(|claim| &claim.id);
                let question = if *late { self.former.as_ref() } else { present };
                let Some(question) = question else { return };
                let decided = self.scene.machine.decide(question, *accepted, self.scene.now);
                if *late {
                    let refused = matches!(
                        decided.as_slice(),
                        [Effect::Tell(Event::AnswerRefused { claim, .. })] if claim == question
                    );
                    assert!(refused, "a late answer does nothing: {decided:?}");
                }
                decided
            }
            Move::Installed(written) => {
                let written = if *written {
                    Ok(())
                } else {
                    Err("disk full".to_owned())
                };
                self.scene.machine.installed(written, self.scene.now)
            }
            Move::Replace => self.scene.machine.replace_code(),
            _ if !self.connected => Vec::new(),
            sent => self.sent_by_server(sent),
        };
        let shown_before = before.as_ref().map(gangway_protocol::code::UserCode::fragment);
        self.check(&effects, shown_before.as_deref());
    }

    fn sent_by_server(&mut self, next: &Move) -> Vec<Effect> {
        match next {
            Move::Nameplate(which) => {
                let name = ["BCDF", "GHJK", "LMNP", "QRST"][usize::from(*which)];
                self.scene.nameplate(name)
            }
            Move::Claim { right_code } => {
                let Some(shown) = self.scene.shown.clone() else {
                    return Vec::new();
                };
                let wrong = format!("{}BBBBBB", shown.nameplate());
                let wrong = gangway_protocol::code::UserCode::read(&wrong).expect("a code");
                let (id, claimant, effects) = self.scene.claim(if *right_code { &shown } else { &wrong });
                if let Some(answer) = answered(&effects) {
                    let answered = Watched {
                        open: claimant.on_answer(&id, &answer).ok(),
                        id,
                        approved: None,
                        offered: false,
                        stage: Stage::Answered,
                    };
                    self.former = self.claim.replace(answered).map(|former| former.id);
                }
                effects
            }
            Move::Confirm { honest } => {
                let Some(claim) = &mut self.claim else {
                    return Vec::new();
                };
                let genuine = claim.open.as_ref().filter(|_| *honest);
                let confirm = genuine.map_or(Base64(vec![0; 32]), |(_, confirm)| confirm.clone());
                if genuine.is_some() && claim.stage == Stage::Answered {
                    claim.stage = Stage::Confirmed;
                }
                self.scene.frame(ServerToDevice::Confirm {
                    claim: claim.id.clone(),
                    confirm,
                })
            }
            Move::Approval { matching } => {
                let Some(claim) = &mut self.claim else {
                    return Vec::new();
                };
                let organisation = if *matching { "Harbour" } else { "Pirates" }.to_owned();
                // Before the guess is redeemed an approval is about nothing, and the machine passes it over.
                if claim.stage >= Stage::Introduced {
                    claim.approved.get_or_insert(*matching);
                }
                self.scene.frame(ServerToDevice::Approval {
                    claim: claim.id.clone(),
                    organisation,
                    approver: "Ada".to_owned(),
                })
            }
            Move::Offer => {
                if let Some(claim) = &mut self.claim {
                    claim.offered = true;
                }
                self.seal(&ClaimantToDevice::Offer {
                    organisation: "Harbour".to_owned(),
                    approver: "Ada".to_owned(),
                    panel: "https://panel.example".to_owned(),
                })
            }
            Move::Credential => {
                let (ca, _) = crate::testing::shared_ca_and_key();
                let chain = ca.chain_for(&self.scene.key, "x");
                let configuration = serde_json::Map::new();
                self.seal(&ClaimantToDevice::Credential(Box::new(Credential::Certificate {
                    chain,
                    trust_anchors: None,
                    endpoints: Vec::new(),
                    configuration,
                })))
            }
            Move::Refusal => self.seal(&ClaimantToDevice::Refusal {
                reason: "not mine".to_owned(),
            }),
            Move::Garbage => {
                let Some(claim) = &self.claim else {
                    return Vec::new();
                };
                self.scene.frame(ServerToDevice::Sealed {
                    claim: claim.id.clone(),
                    sealed: Base64(vec![1; 64]),
                })
            }
            Move::Closed => {
                let Some(claim) = self.claim.take() else {
                    return Vec::new();
                };
                self.scene.frame(ServerToDevice::Closed {
                    claim: claim.id,
                    reason: ClosedReason::Left,
                })
            }
            _ => Vec::new(),
        }
    }

    fn seal(&mut self, message: &ClaimantToDevice) -> Vec<Effect> {
        let Some(claim) = &mut self.claim else {
            return Vec::new();
        };
        let Some(Ok(sealed)) = claim.open.as_mut().map(|(channel, _)| channel.seal(message)) else {
            return Vec::new();
        };
        let frame = ServerToDevice::Sealed {
            claim: claim.id.clone(),
            sealed,
        };
        self.scene.frame(frame)
    }

    fn check(&mut self, effects: &[Effect], shown_before: Option<&str>) {
        let now = self.scene.now;
        for effect in effects {
            self.reached.extend(kind(effect));
            match effect {
                Effect::Send(frame) => {
                    assert!(self.connected, "nothing is sent without a connection");
                    self.check_frame(frame, shown_before);
                }
                Effect::Tell(Event::Code(code)) => {
                    let code =
                        gangway_protocol::code::UserCode::read(code.user_code.expose()).expect("a code");
                    let (nameplate, secret) = (code.nameplate().to_string(), code.fragment()[4..].to_owned());
                    let known = self
                        .secrets
                        .iter()
                        .any(|(other, old)| *other != nameplate && *old == secret);
                    assert!(!known, "a different nameplate means a new secret");
                    self.secrets.insert(nameplate, secret);
                    self.shown_at = now;
                    // Events told outside of frames (by `later`) were seen by the scene already.
                    self.scene.shown = Some(code);
                }
                Effect::Tell(Event::CodeWithdrawn { .. } | Event::Paused { .. }) => self.scene.shown = None,
                Effect::Tell(Event::ApprovalAsked { .. } | Event::Accepted { .. }) => {
                    let approved = self.claim.as_ref().and_then(|claim| claim.approved);
                    assert_eq!(approved, Some(true), "the offer was compared with the approval");
                }
                Effect::Install(installation) => {
                    assert_eq!(
                        self.stage(),
                        Stage::Consented,
                        "nothing is installed before a consent, or twice"
                    );
                    assert_eq!(installation.credential.key, self.scene.key.id());
                    self.reach(Stage::Installing);
                }
                Effect::Tell(
                    Event::AttemptFailed { .. } | Event::ClaimEnded { .. } | Event::Refused { .. },
                )
                | Effect::Enrolled => self.reach(Stage::Over),
                _ => {}
            }
        }
    }

    fn check_frame(&mut self, frame: &DeviceToServer, shown_before: Option<&str>) {
        let now = self.scene.now;
        match frame {
            DeviceToServer::Answer { .. } => {
                let code = shown_before.expect("only a shown code is answered for");
                assert!(
                    now < self.shown_at + Duration::from_secs(600),
                    "never for an expired code"
                );
                self.answers.push(now);
                let recent = self
                    .answers
                    .iter()
                    .filter(|at| now.duration_since(**at) < Duration::from_secs(3600));
                assert!(recent.count() <= 30, "the brake holds");
                let spent = self.answers_per_code.entry(code.to_owned()).or_default();
                *spent += 1;
                assert!(*spent <= 3, "three guesses per code");
            }
            DeviceToServer::Sealed { claim, sealed } => self.check_sealed(claim, sealed, shown_before),
            _ => {}
        }
    }

    fn check_sealed(&mut self, id: &ClaimId, sealed: &Base64, shown_before: Option<&str>) {
        let claim = self.claim.as_mut().filter(|claim| claim.id == *id);
        let claim = claim.expect("sealed for the claim that runs");
        let open = claim.open.as_mut();
        let (channel, _) = open.expect("sealed for a claimant who knows the code");
        match channel.open(sealed).expect("our box") {
            DeviceToClaimant::Introduction { .. } => {
                assert_eq!(claim.stage, Stage::Confirmed, "sealed after a confirm");
                self.reach(Stage::Introduced);
                // A redeemed guess is given back to both counts.
                self.answers.pop();
                if let Some(spent) = shown_before.and_then(|code| self.answers_per_code.get_mut(code)) {
                    *spent -= 1;
                }
            }
            DeviceToClaimant::Consent { accepted: true, .. } => {
                assert_eq!(claim.stage, Stage::Introduced, "it consents once");
                assert_eq!(claim.approved, Some(true), "it consents to what was approved");
                self.reach(Stage::Consented);
            }
            DeviceToClaimant::Consent { accepted: false, .. } => {
                assert_eq!(
                    claim.stage,
                    Stage::Introduced,
                    "it declines what it has not answered yet"
                );
                self.reach(Stage::Declined);
            }
            DeviceToClaimant::Provisioned(_)
            | DeviceToClaimant::Installed { .. }
            | DeviceToClaimant::Failed { .. } => {
                assert!(claim.stage >= Stage::Consented, "a result follows a consent");
            }
        }
    }

    fn reach(&mut self, stage: Stage) {
        if let Some(claim) = &mut self.claim {
            claim.stage = stage;
        }
    }
}

fn kind(effect: &Effect) -> Option<&'static str> {
    match effect {
        Effect::Tell(Event::AttemptFailed { .. }) => Some("attempt failed"),
        Effect::Tell(Event::Claimed {}) => Some("claimed"),
        Effect::Tell(Event::ApprovalAsked { .. }) => Some("asked"),
        Effect::Tell(Event::Accepted { .. }) => Some("accepted"),
        Effect::Tell(Event::Refused { .. }) => Some("refused"),
        Effect::Tell(Event::ClaimEnded { .. }) => Some("broken"),
        Effect::Install(_) => Some("installing"),
        Effect::Enrolled => Some("enrolled"),
        _ => None,
    }
}

proptest::proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_promises_hold(moves in moves(), ask in any::<bool>()) {
        let mut watch = Watch::new(if ask { Accept::Ask } else { Accept::Always });
        for next in &moves {
            watch.act(next);
        }
    }
}

/// The promises would hold of a machine that never does anything: this shows how far random play gets.
#[test]
fn random_play_reaches_an_installation() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut reached = BTreeSet::new();
    for play in 0..100 {
        let accept = if play % 2 == 0 {
            Accept::Ask
        } else {
            Accept::Always
        };
        let mut watch = Watch::new(accept);
        for next in moves().new_tree(&mut runner).expect("a play").current() {
            watch.act(&next);
        }
        reached.extend(watch.reached);
    }
    let every = [
        "accepted",
        "asked",
        "attempt failed",
        "broken",
        "claimed",
        "enrolled",
        "installing",
        "refused",
    ];
    assert_eq!(reached, BTreeSet::from(every));
}
