//! One claim, from the key exchange to its end (protocol.md §2, steps 4 to 7). Each transition consumes the claim and
//! gives either what it has become or how it ended; the code on the screen is the business of the machine around it.
//!
//! 1. [`Claim::answer`]: the device's half of the exchange goes out, and a guess is spent.
//! 2. [`Claim::on_confirm`]: the claimant knows the code; the introduction is sealed.
//! 3. [`Claim::on_approval`] and the sealed `offer`: compared, then shown to the person.
//! 4. [`Claim::on_decision`]: consent. Only now a credential is looked at.
//! 5. The sealed `credential`: a claim is handed out to fetch a certificate with, [`Claim::on_provisioned`]; a certificate is
//!    verified and handed out to be written, [`Claim::on_written`].

mod told;

use std::time::{Duration, Instant};

use gangway_protocol::encoding::{Base64, Sha256Hex};
use gangway_protocol::enrolment::{
    CLAIM_OPEN_SECS, CLAIM_OPENING_SECS, ClaimantToDevice, Credential as Offered, CredentialKind,
    DeviceToClaimant, DeviceToServer, Provisioned,
};
use gangway_protocol::id::ClaimId;
use gangway_protocol::seal::{self, Channel, HandshakeError, SharedSecret};
use gangway_protocol::time::UnixMillis;

use super::{Accept, Effect, Fault, Identity, Installation};
use crate::credential::{self, Credential};
use crate::event::{Event, Refuser};
use crate::rng::Random;
use told::{consent, failed, refuse, sealed, wait};

/// How long the server's `approval` may come after the sealed `offer`; both follow one click, over different ways.
const APPROVAL_DUE: Duration = Duration::from_secs(10);

/// A running claim.
#[derive(Debug)]
pub(super) struct Claim {
    id: ClaimId,
    due: Instant,
    step: Step,
}

#[derive(Debug)]
enum Step {
    /// A guess is spent; only a valid `confirm` redeems it.
    Answered(seal::Device),
    /// The introduction is out; `approval` or `offer` or neither has come.
    Introduced {
        channel: Channel,
        approval: Option<Party>,
    },
    /// The offer came before the approval.
    Offered {
        channel: Channel,
        offer: Party,
        panel: String,
    },
    /// The person is asked.
    Asked { channel: Channel, offer: Party },
    /// The device said yes: what it waits for is a credential.
    Consented { channel: Channel },
    /// It fetches its certificate.
    Provisioning { channel: Channel },
    /// It has told what it fetched: what it waits for is a certificate.
    Provisioned { channel: Channel },
    /// The credential is being written.
    Writing {
        channel: Channel,
        sha256: Sha256Hex,
        not_after: UnixMillis,
    },
}

/// Who wants the device.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Party {
    organisation: String,
    approver: String,
}

/// What became of a claim.
pub(super) enum Turn {
    /// It goes on.
    On(Box<Claim>, Vec<Effect>),
    /// It is over; the effects come first.
    Over(Vec<Effect>, Ending),
}

/// How a claim ended, as far as the code is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The spent guess was not redeemed.
    Unredeemed,
    /// Redeemed, then it broke. The code remains good.
    Broken {
        /// In words.
        reason: String,
    },
    /// Somebody said no. The code is spent.
    Refused {
        /// Who.
        by: Refuser,
        /// In words.
        reason: String,
    },
    /// The server has not let the device in yet: it comes again.
    Waits {
        /// In words.
        reason: String,
        /// When.
        retry_after: Duration,
    },
    /// The certificate is written.
    Enrolled,
}

impl Claim {
    /// Takes the claimant's half of the key exchange. The answer among the effects spends a guess.
    pub(super) fn answer(
        id: ClaimId,
        secret: &impl SharedSecret,
        pake: &Base64,
        now: Instant,
        random: &dyn Random,
    ) -> Result<(Self, Vec<Effect>), HandshakeError> {
        let (handshake, answer) = seal::Device::answer(secret, &id, pake, |bytes| random.fill(bytes))?;
        let effects = vec![Effect::Send(DeviceToServer::Answer {
            claim: id.clone(),
            pake: answer.pake,
            confirm: answer.confirm,
        })];
        let due = now + Duration::from_secs(u64::from(CLAIM_OPENING_SECS));
        Ok((
            Self {
                id,
                due,
                step: Step::Answered(handshake),
            },
            effects,
        ))
    }

    pub(super) fn id(&self) -> &ClaimId {
        &self.id
    }

    /// Whether this claim is `question`, and the person has not answered it yet.
    pub(super) fn asks(&self, question: &ClaimId) -> bool {
        self.id == *question && matches!(self.step, Step::Asked { .. })
    }

    /// When [`Self::on_due`] is to be called.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// The claimant's `confirm`: valid, it redeems the guess, and the introduction follows.
    pub(super) fn on_confirm(self, confirm: &Base64, identity: &Identity, link: &str, now: Instant) -> Turn {
        let Step::Answered(handshake) = self.step else {
            return self.broken("the other side confirmed twice");
        };
        let Ok(mut channel) = handshake.on_confirm(confirm) else {
            return Turn::Over(Vec::new(), Ending::Unredeemed);
        };
        let introduction = DeviceToClaimant::Introduction {
            csr: identity.csr.pem.clone(),
            facts: identity.facts.clone(),
            link: link.to_owned(),
            accepts: vec![CredentialKind::Certificate, CredentialKind::ProvisioningClaim],
        };
        match sealed(&self.id, &mut channel, &introduction) {
            Ok(introduction) => {
                let effects = vec![introduction, Effect::Tell(Event::Claimed {})];
                let due = now + Duration::from_secs(u64::from(CLAIM_OPEN_SECS));
                goes_on(
                    Self {
                        due,
                        id: self.id,
                        step: Step::Introduced {
                            channel,
                            approval: None,
                        },
                    },
                    effects,
                )
            }
            Err(reason) => Turn::Over(Vec::new(), Ending::Broken { reason }),
        }
    }

    /// The server says what it has recorded.
    pub(super) fn on_approval(self, organisation: String, approver: String, accept: Accept) -> Turn {
        let approval = Party {
            organisation,
            approver,
        };
        match self.step {
            Step::Introduced {
                channel,
                approval: None,
            } => {
                let step = Step::Introduced {
                    channel,
                    approval: Some(approval),
                };
                goes_on(Self { step, ..self }, Vec::new())
            }
            Step::Offered {
                channel,
                offer,
                panel,
            } => compare(self.id, channel, self.due, &approval, offer, panel, accept),
            // A repeated approval is what the server sends when the browser posts it again.
            step => goes_on(Self { step, ..self }, Vec::new()),
        }
    }

    /// A sealed message of the claimant. `server_time` is what the validity of a certificate is judged by.
    pub(super) fn on_sealed(
        mut self,
        sealed: &Base64,
        identity: &Identity,
        accept: Accept,
        server_time: UnixMillis,
        now: Instant,
    ) -> Turn {
        let Some(channel) = self.step.channel() else {
            return Turn::Over(Vec::new(), Ending::Unredeemed);
        };
        match channel.open::<ClaimantToDevice>(sealed) {
            Ok(ClaimantToDevice::Offer {
                organisation,
                approver,
                panel,
            }) => self.on_offer(
                Party {
                    organisation,
                    approver,
                },
                panel,
                accept,
                now,
            ),
            Ok(ClaimantToDevice::Credential(offered)) => self.on_credential(*offered, identity, server_time),
            Ok(ClaimantToDevice::Refusal { reason }) => Turn::Over(
                Vec::new(),
                Ending::Refused {
                    by: Refuser::Claimant,
                    reason,
                },
            ),
            Ok(ClaimantToDevice::Wait {
                reason,
                retry_after_secs,
            }) => match self.step {
                Step::Introduced { .. } => wait(reason, retry_after_secs),
                _ => self.broken("the other side decided, and then did not"),
            },
            Err(error) => self.broken(&error.to_string()),
        }
    }

    /// The person's answer to [`Event::ApprovalAsked`]; without that question it means nothing.
    pub(super) fn on_decision(self, accepted: bool) -> Turn {
        match self.step {
            Step::Asked { channel, offer } if accepted => consent(self.id, channel, self.due, offer),
            Step::Asked { channel, .. } => refuse(
                &self.id,
                channel,
                Refuser::Person,
                "The person at the device refused.".to_owned(),
            ),
            step => goes_on(Self { step, ..self }, Vec::new()),
        }
    }

    /// The credential of [`Effect::Install`] was written and fsynced, or could not be.
    pub(super) fn on_written(self, written: Result<(), String>) -> Turn {
        let Step::Writing {
            mut channel,
            sha256,
            not_after,
        } = self.step
        else {
            return goes_on(self, Vec::new());
        };
        match written {
            Ok(()) => {
                let installed = DeviceToClaimant::Installed {
                    certificate_sha256: sha256,
                };
                let mut effects = vec![Effect::Tell(Event::Installed {
                    certificate_sha256: sha256,
                    not_after,
                })];
                effects.extend(sealed(&self.id, &mut channel, &installed));
                Turn::Over(effects, Ending::Enrolled)
            }
            Err(reason) => failed(&self.id, channel, "not_stored", reason),
        }
    }

    /// Whether the device fetches its certificate at the moment.
    pub(super) fn provisions(&self) -> bool {
        matches!(self.step, Step::Provisioning { .. })
    }

    /// What became of [`Effect::Provision`].
    pub(super) fn on_provisioned(self, outcome: Result<Provisioned, Fault>) -> Turn {
        let Step::Provisioning { mut channel } = self.step else {
            return goes_on(self, Vec::new());
        };
        let provisioned = match outcome {
            Ok(provisioned) => DeviceToClaimant::Provisioned(Box::new(provisioned)),
            Err(Fault { code, message }) => return failed(&self.id, channel, code, message),
        };
        match sealed(&self.id, &mut channel, &provisioned) {
            Ok(told) => {
                let step = Step::Provisioned { channel };
                goes_on(Self { step, ..self }, vec![told])
            }
            Err(reason) => Turn::Over(Vec::new(), Ending::Broken { reason }),
        }
    }

    /// A time limit has passed.
    pub(super) fn on_due(self, now: Instant) -> Turn {
        if now < self.due {
            return goes_on(self, Vec::new());
        }
        match self.step {
            Step::Answered(_) => Turn::Over(Vec::new(), Ending::Unredeemed),
            Step::Offered { channel, .. } => {
                let reason = "The server has not confirmed who wants this device; nothing was signed.";
                refuse(&self.id, channel, Refuser::Device, reason.to_owned())
            }
            _ => self.broken("the time for this attempt is over"),
        }
    }

    /// The claimant or the connection is gone.
    pub(super) fn on_gone(self, reason: &str) -> Ending {
        match self.step {
            Step::Answered(_) => Ending::Unredeemed,
            _ => Ending::Broken {
                reason: reason.to_owned(),
            },
        }
    }

    fn on_offer(self, offer: Party, panel: String, accept: Accept, now: Instant) -> Turn {
        match self.step {
            Step::Introduced {
                channel,
                approval: Some(approval),
            } => compare(self.id, channel, self.due, &approval, offer, panel, accept),
            Step::Introduced {
                channel,
                approval: None,
            } => {
                let due = self.due.min(now + APPROVAL_DUE);
                goes_on(
                    Self {
                        due,
                        id: self.id,
                        step: Step::Offered {
                            channel,
                            offer,
                            panel,
                        },
                    },
                    Vec::new(),
                )
            }
            _ => self.broken("the other side offered twice"),
        }
    }

    fn on_credential(self, offered: Offered, identity: &Identity, server_time: UnixMillis) -> Turn {
        let (channel, offered) = match (self.step, offered) {
            (Step::Consented { channel }, Offered::ProvisioningClaim(claim)) => {
                let told = Event::Provisioning {
                    endpoint: claim.endpoint.clone(),
                    template: claim.template.clone(),
                };
                let step = Step::Provisioning { channel };
                return goes_on(
                    Self { step, ..self },
                    vec![Effect::Tell(told), Effect::Provision(Box::new(claim))],
                );
            }
            (Step::Consented { channel } | Step::Provisioned { channel }, certificate) => {
                (channel, certificate)
            }
            // protocol.md §2: a credential before the consent is ignored; one after another has nothing to say.
            (step, _) => return goes_on(Self { step, ..self }, Vec::new()),
        };
        let Offered::Certificate {
            chain,
            trust_anchors,
            endpoints,
            configuration,
        } = offered
        else {
            let reason = "The device has fetched its certificate already.";
            return failed(&self.id, channel, "kind_unsupported", reason.to_owned());
        };
        match credential::verify(
            &chain,
            trust_anchors.as_deref(),
            endpoints,
            &identity.spki,
            server_time,
        ) {
            Ok(credential) => {
                let Credential {
                    sha256, not_after, ..
                } = credential;
                let installation = Installation {
                    credential,
                    configuration: Some(configuration),
                };
                let step = Step::Writing {
                    channel,
                    sha256,
                    not_after,
                };
                goes_on(
                    Self { step, ..self },
                    vec![Effect::Install(Box::new(installation))],
                )
            }
            Err(error) => failed(&self.id, channel, error.code(), error.to_string()),
        }
    }

    fn broken(self, reason: &str) -> Turn {
        let ending = self.on_gone(reason);
        Turn::Over(Vec::new(), ending)
    }
}

impl Step {
    fn channel(&mut self) -> Option<&mut Channel> {
        match self {
            Self::Answered(_) => None,
            Self::Introduced { channel, .. }
            | Self::Offered { channel, .. }
            | Self::Asked { channel, .. }
            | Self::Consented { channel }
            | Self::Provisioning { channel }
            | Self::Provisioned { channel }
            | Self::Writing { channel, .. } => Some(channel),
        }
    }
}

/// threat model, ENR-19: what the claimant offers must be what the server has recorded, and a person must see it.
fn compare(
    id: ClaimId,
    channel: Channel,
    due: Instant,
    approval: &Party,
    offer: Party,
    panel: String,
    accept: Accept,
) -> Turn {
    if *approval != offer {
        let reason = format!(
            "The approval was recorded for “{}” by {}, but “{}” by {} was offered; nothing was signed.",
            approval.organisation, approval.approver, offer.organisation, offer.approver
        );
        return refuse(&id, channel, Refuser::Device, reason);
    }
    match accept {
        Accept::Always => consent(id, channel, due, offer),
        Accept::Ask => {
            let asked = Event::ApprovalAsked {
                claim: id.clone(),
                organisation: offer.organisation.clone(),
                approver: offer.approver.clone(),
                panel,
            };
            goes_on(
                Claim {
                    id,
                    due,
                    step: Step::Asked { channel, offer },
                },
                vec![Effect::Tell(asked)],
            )
        }
    }
}

/// Claims are large because channels are; [`Turn`] is passed around by value.
fn goes_on(claim: Claim, effects: Vec<Effect>) -> Turn {
    Turn::On(Box::new(claim), effects)
}
