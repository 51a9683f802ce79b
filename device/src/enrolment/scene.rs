//! The stage on which the machine is tested: a scripted server, a real claimant's end of the sealed channel, and a
//! present that is moved by hand.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gangway_protocol::code::UserCode;
use gangway_protocol::enrolment::{
    ClaimantToDevice, Credential as Offered, DeviceToClaimant, DeviceToServer, Outcome, ReplaceReason,
    ServerToDevice,
};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::id::ClaimId;
use gangway_protocol::seal::{Answer, Channel, Claimant};
use gangway_protocol::time::UnixMillis;

use super::{Accept, Effect, Enrolment, Identity};
use crate::event::Event;
use crate::key::{DeviceKey as _, FileKey, KeyType};
use crate::rng::Random as _;
use crate::testing::{NOW, Repeatable};

pub(super) const PAGE: &str = "https://panel.example/link";

/// A machine, a server that only repeats nameplates, and the present.
pub(super) struct Scene {
    pub(super) machine: Enrolment,
    pub(super) key: FileKey,
    pub(super) now: Instant,
    pub(super) shown: Option<UserCode>,
    random: Repeatable,
    claims: u8,
}

/// A claimant whose code was right.
pub(super) struct Crossing {
    pub(super) id: ClaimId,
    pub(super) channel: Channel,
}

impl Scene {
    pub(super) fn new(accept: Accept) -> Self {
        let key = FileKey::generate(KeyType::P256).expect("a key");
        let identity = Identity {
            csr: key.csr("thermometer-7").expect("a CSR"),
            spki: key.spki(),
            facts: gangway_protocol::device::Facts {
                hostname: "thermometer-7".to_owned(),
                ..Default::default()
            },
            agent: "gangway-device/test".to_owned(),
        };
        let machine = Enrolment::new(identity, accept, None, Arc::new(Repeatable::new(1)));
        Self {
            machine,
            key,
            now: Instant::now(),
            shown: None,
            random: Repeatable::new(2),
            claims: 0,
        }
    }

    /// A scene in which a code is shown.
    pub(super) fn waiting(accept: Accept) -> Self {
        let mut scene = Self::new(accept);
        scene.machine.connected();
        scene.nameplate("BCDF");
        scene
    }

    pub(super) fn later(&mut self, secs: u64) -> Vec<Effect> {
        self.now += Duration::from_secs(secs);
        let effects = self.machine.tick(self.now);
        self.look(effects)
    }

    pub(super) fn frame(&mut self, frame: ServerToDevice) -> Vec<Effect> {
        let effects = self.machine.frame(frame, self.now);
        self.look(effects)
    }

    pub(super) fn nameplate(&mut self, nameplate: &str) -> Vec<Effect> {
        self.frame(ServerToDevice::Nameplate {
            nameplate: nameplate.parse().expect("a nameplate"),
            expires_in_secs: 600,
            verification_uri: PAGE.to_owned(),
            resume: format!("resume {nameplate}"),
            server_time: NOW,
        })
    }

    pub(super) fn look(&mut self, effects: Vec<Effect>) -> Vec<Effect> {
        for effect in &effects {
            match effect {
                Effect::Tell(Event::Code(code)) => {
                    self.shown = Some(UserCode::read(code.user_code.expose()).expect("a code"));
                }
                Effect::Tell(Event::CodeWithdrawn { .. } | Event::Paused { .. }) => self.shown = None,
                _ => {}
            }
        }
        effects
    }

    pub(super) fn code(&self) -> UserCode {
        self.shown.clone().expect("a code is shown")
    }

    /// How many claims there were.
    pub(super) fn claims(&self) -> u8 {
        self.claims
    }

    pub(super) fn next_claim(&mut self) -> ClaimId {
        self.claims += 1;
        ClaimId::new(UnixMillis(0), [self.claims; 10])
    }

    /// Somebody types `code`; gives the claim, the claimant's state and what the device did.
    pub(super) fn claim(&mut self, code: &UserCode) -> (ClaimId, Claimant, Vec<Effect>) {
        let id = self.next_claim();
        let (claimant, pake) = Claimant::start(code, |bytes| self.random.fill(bytes));
        let frame = ServerToDevice::Claim {
            claim: id.clone(),
            nameplate: code.nameplate(),
            pake,
        };
        let effects = self.frame(frame);
        (id, claimant, effects)
    }

    /// Somebody types the right code and gets the introduction.
    pub(super) fn cross(&mut self) -> (Crossing, DeviceToClaimant) {
        let code = self.code();
        let (id, claimant, effects) = self.claim(&code);
        let answer = answered(&effects).expect("an answer");
        let (mut channel, confirm) = claimant.on_answer(&id, &answer).expect("the same code");
        let effects = self.frame(ServerToDevice::Confirm {
            claim: id.clone(),
            confirm,
        });
        assert!(
            effects
                .iter()
                .any(|effect| matches!(effect, Effect::Tell(Event::Claimed {}))),
            "{effects:?}"
        );
        let introduction = unsealed(&mut channel, &effects).pop().expect("an introduction");
        (Crossing { id, channel }, introduction)
    }

    pub(super) fn approve(&mut self, crossing: &Crossing, organisation: &str) -> Vec<Effect> {
        self.frame(ServerToDevice::Approval {
            claim: crossing.id.clone(),
            organisation: organisation.to_owned(),
            approver: "Ada".to_owned(),
        })
    }

    pub(super) fn seal(&mut self, crossing: &mut Crossing, message: &ClaimantToDevice) -> Vec<Effect> {
        let sealed = crossing.channel.seal(message).expect("sealed");
        self.frame(ServerToDevice::Sealed {
            claim: crossing.id.clone(),
            sealed,
        })
    }

    pub(super) fn offer(&mut self, crossing: &mut Crossing, organisation: &str) -> Vec<Effect> {
        self.seal(
            crossing,
            &ClaimantToDevice::Offer {
                organisation: organisation.to_owned(),
                approver: "Ada".to_owned(),
                panel: "https://panel.example".to_owned(),
            },
        )
    }

    /// The person answers the question of the latest claim.
    pub(super) fn decide(&mut self, accepted: bool) -> Vec<Effect> {
        self.decide_about(&ClaimId::new(UnixMillis(0), [self.claims; 10]), accepted)
    }

    pub(super) fn decide_about(&mut self, question: &ClaimId, accepted: bool) -> Vec<Effect> {
        let effects = self.machine.decide(question, accepted, self.now);
        self.look(effects)
    }

    pub(super) fn credential(&mut self, crossing: &mut Crossing, chain: String) -> Vec<Effect> {
        let configuration = serde_json::Map::new();
        let offered = Offered::Certificate {
            chain,
            trust_anchors: None,
            endpoints: Vec::new(),
            configuration,
        };
        self.seal(crossing, &ClaimantToDevice::Credential(Box::new(offered)))
    }
}

pub(super) fn answered(effects: &[Effect]) -> Option<Answer> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send(DeviceToServer::Answer { pake, confirm, .. }) => Some(Answer {
            pake: pake.clone(),
            confirm: confirm.clone(),
        }),
        _ => None,
    })
}

pub(super) fn unsealed(channel: &mut Channel, effects: &[Effect]) -> Vec<DeviceToClaimant> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send(DeviceToServer::Sealed { sealed, .. }) => {
                Some(channel.open(sealed).expect("our box"))
            }
            _ => None,
        })
        .collect()
}

pub(super) fn outcome(effects: &[Effect]) -> Option<Outcome> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send(DeviceToServer::Outcome { outcome, .. }) => Some(*outcome),
        _ => None,
    })
}

pub(super) fn replaced(effects: &[Effect]) -> Option<ReplaceReason> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send(DeviceToServer::Replace { reason }) => Some(*reason),
        _ => None,
    })
}

pub(super) fn declined(effects: &[Effect]) -> Option<ProblemCode> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send(DeviceToServer::Decline { code, .. }) => Some(*code),
        _ => None,
    })
}

pub(super) fn told(effects: &[Effect], matches: impl Fn(&Event) -> bool) -> bool {
    effects
        .iter()
        .any(|effect| matches!(effect, Effect::Tell(event) if matches(event)))
}
