//! Whatever a server does, in any order: the promises of protocol.md §1 and §2 that the device keeps by itself.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use gangway_protocol::encoding::Base64;
use gangway_protocol::enrolment::{
    ClaimantToDevice, ClosedReason, Credential, DeviceToServer, ServerToDevice,
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
        4 => (proptest::bool::weighted(0.8), proptest::bool::weighted(0.3))
            .prop_map(|(accepted, late)| Move::Decide { accepted, late }),
        2 => any::<bool>().prop_map(Move::Installed),
        1 => Just(Move::Replace),
        2 => (0_u16..400).prop_map(Move::Wait),
    ];
    proptest::collection::vec(one, 1..120)
}

/// Everything that was seen from outside, as far as the promises speak of it.
struct Watch {
    scene: Scene,
    claim: Option<(ClaimId, Option<(Channel, Base64)>)>,
    /// The claim before that one.
    former: Option<ClaimId>,
    redeemed: bool,
    approved: Option<bool>,
    consented: bool,
    connected: bool,
    answers: Vec<Instant>,
    answers_per_code: HashMap<String, u32>,
    shown_at: Instant,
    secrets: HashMap<String, String>,
}

impl Watch {
    fn new(accept: Accept) -> Self {
        let scene = Scene::new(accept);
        Self {
            shown_at: scene.now,
            scene,
            claim: None,
            former: None,
            redeemed: false,
            approved: None,
            consented: false,
            connected: false,
            answers: Vec::new(),
            answers_per_code: HashMap::new(),
            secrets: HashMap::new(),
        }
    }

    fn act(&mut self, next: &Move) {
        let before = self.scene.shown.clone();
        let effects = match next {
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
                let present = self.claim.as_ref().map(|(id, _)| id);
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
                    (self.redeemed, self.approved, self.consented) = (false, None, false);
                    let open = claimant.on_answer(&id, &answer).ok();
                    self.former = self.claim.take().map(|(former, _)| former);
                    self.claim = Some((id, open));
                }
                effects
            }
            Move::Confirm { honest } => {
                let Some((id, open)) = &self.claim else {
                    return Vec::new();
                };
                let genuine = open
                    .as_ref()
                    .filter(|_| *honest)
                    .map(|(_, confirm)| confirm.clone());
                let confirm = genuine.unwrap_or(Base64(vec![0; 32]));
                self.scene.frame(ServerToDevice::Confirm {
                    claim: id.clone(),
                    confirm,
                })
            }
            Move::Approval { matching } => {
                let Some((id, _)) = &self.claim else {
                    return Vec::new();
                };
                let organisation = if *matching { "Harbour" } else { "Pirates" }.to_owned();
                let frame = ServerToDevice::Approval {
                    claim: id.clone(),
                    organisation,
                    approver: "Ada".to_owned(),
                };
                // Before the guess is redeemed an approval is about nothing, and the machine passes it over.
                if self.redeemed {
                    self.approved.get_or_insert(*matching);
                }
                self.scene.frame(frame)
            }
            Move::Offer => self.seal(&ClaimantToDevice::Offer {
                organisation: "Harbour".to_owned(),
                approver: "Ada".to_owned(),
                panel: "https://panel.example".to_owned(),
            }),
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
                let Some((id, _)) = &self.claim else {
                    return Vec::new();
                };
                self.scene.frame(ServerToDevice::Sealed {
                    claim: id.clone(),
                    sealed: Base64(vec![1; 64]),
                })
            }
            Move::Closed => {
                let Some((id, _)) = self.claim.take() else {
                    return Vec::new();
                };
                self.scene.frame(ServerToDevice::Closed {
                    claim: id,
                    reason: ClosedReason::Left,
                })
            }
            _ => Vec::new(),
        }
    }

    fn seal(&mut self, message: &ClaimantToDevice) -> Vec<Effect> {
        let Some((id, Some((channel, _)))) = &mut self.claim else {
            return Vec::new();
        };
        let Ok(sealed) = channel.seal(message) else {
            return Vec::new();
        };
        let frame = ServerToDevice::Sealed {
            claim: id.clone(),
            sealed,
        };
        self.scene.frame(frame)
    }

    fn check(&mut self, effects: &[Effect], shown_before: Option<&str>) {
        let now = self.scene.now;
        for effect in effects {
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
                    assert_eq!(
                        self.approved,
                        Some(true),
                        "the offer was compared with the approval"
                    );
                }
                Effect::Install(installation) => {
                    assert!(
                        self.redeemed && self.consented,
                        "nothing is installed before a consent"
                    );
                    assert_eq!(installation.credential.key, self.scene.key.id());
                }
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
            DeviceToServer::Sealed { .. } => {
                let first = !self.redeemed;
                assert!(
                    !first || self.claim.as_ref().is_some_and(|(_, open)| open.is_some()),
                    "sealed after a confirm"
                );
                self.redeemed = true;
                self.consented |= self.approved == Some(true);
                // A redeemed guess is given back to both counts.
                if first {
                    self.answers.pop();
                    if let Some(spent) = shown_before.and_then(|code| self.answers_per_code.get_mut(code)) {
                        *spent -= 1;
                    }
                }
            }
            _ => {}
        }
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
