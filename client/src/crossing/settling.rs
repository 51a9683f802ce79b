//! From the review to the installed certificate: approve, offer, consent, sign, deliver. Each phase holds exactly what the
//! next needs, so that a credential cannot be sealed by a path that did not pass through a recorded consent.

mod delivery;

use gangway_protocol::certificate::{Approval, ApprovalRequest, ClaimReportReason, Csr};
use gangway_protocol::device::Facts;
use gangway_protocol::encoding::{Base64, Sha256Hex};
use gangway_protocol::enrolment::{
    CLAIM_OPEN_SECS, ClaimantToDevice, Credential, DeviceToClaimant, PROVISIONING_REFUSED, Provisioned,
    ServerToClaimant,
};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::seal::Channel;
use gangway_protocol::signer::Signer;
use gangway_protocol::time::UnixMillis;
use gangway_signing as signing;
use gangway_signing::{Advance, Advanced, HandedOver, NoAnswer};

use super::call::{Answer, Call};
use super::ending::Ending;
use super::failure::{Failure, shown};
use super::state::{Event, State};
use super::turn::Turn;
use super::view::{Obstacle, Stage, Step};
use super::{Decision, Effect};
use crate::error::ApiError;
pub use delivery::credential;

/// The relay ends a claim after [`CLAIM_OPEN_SECS`] and says so; somewhat later nobody needs to wait for its words.
fn claim_limit_millis() -> i64 {
    (i64::from(CLAIM_OPEN_SECS) + 15) * UnixMillis::SECOND
}

/// An introduced device whose introduction is good.
#[derive(Debug)]
pub(super) struct Settling {
    channel: Channel,
    csr: Csr,
    facts: Facts,
    phase: Phase,
    /// An approval was asked for, and no answer said that none was given: it may stand.
    may_stand: bool,
    /// The conversation with the device has ended while a signer was being asked: what comes of that is recorded first.
    cut: Option<Failure>,
    /// What the device fetched itself.
    provisioned: Option<Box<Provisioned>>,
}

#[derive(Debug)]
enum Phase {
    /// The person decides.
    Reviewing,
    /// The server is asked.
    Approving { signer: Signer },
    /// The device shows the offer and asks.
    AwaitingConsent { approval: Box<Approval>, signer: Signer },
    /// The device said yes; the server is told.
    RecordingConsent { approval: Box<Approval>, signer: Signer },
    /// The consent is recorded; the signer takes a step.
    Advancing { chosen: Signer },
    /// It has sent a request.
    Signing { chosen: Signer, signer: signing::Signer },
    /// The device has a claim and fetches its certificate.
    Provisioning { chosen: Signer, signer: signing::Signer },
    /// It waits for the person.
    Wanting { chosen: Signer, signer: signing::Signer },
    /// The certificate has been sealed.
    Installing { certificate: Sha256Hex },
}

impl Settling {
    pub(super) fn review(channel: Channel, csr: Csr, facts: Facts, turn: &mut Turn<'_>) -> Self {
        turn.enter(Stage::Reviewing, Some(claim_limit_millis()));
        Self {
            channel,
            csr,
            facts,
            phase: Phase::Reviewing,
            may_stand: false,
            cut: None,
            provisioned: None,
        }
    }

    pub(super) fn step(mut self: Box<Self>, event: Event, turn: &mut Turn<'_>) -> Result<State, Failure> {
        match event {
            Event::Approve(decision) if matches!(self.phase, Phase::Reviewing) => {
                self.approve(*decision, turn);
                Ok(State::Settling(self))
            }
            Event::Leave(failure) => self.leave(failure, turn),
            Event::Cut(failure) => self.cut(failure, turn),
            Event::Answered(answer) => self.answered(answer, turn),
            Event::Advanced(advanced) => self.advanced(*advanced, turn),
            Event::GoOn { again } => Ok(State::Settling(self.go_on(again, turn))),
            // Whatever it is: what the signer says is heard first.
            Event::Frame(ServerToClaimant::Sealed { claim, sealed })
                if claim == *self.channel.claim() && (self.provisions() || !self.asks_elsewhere()) =>
            {
                self.heard(&sealed, turn)
            }
            Event::Frame(_) => self.cut(
                Failure::Protocol {
                    detail: "a message came out of turn",
                },
                turn,
            ),
            Event::Approve(_) | Event::Opened | Event::CsrVerified(_) | Event::Nothing => {
                Ok(State::Settling(self))
            }
        }
    }

    fn approve(&mut self, decision: Decision, turn: &mut Turn<'_>) {
        let provisions = turn.view.review.as_ref().is_some_and(|review| review.provisions);
        if decision.signer.kind.provisioning().is_some() && !provisions {
            turn.view.obstacle = Some(Obstacle::NoProvisioning {
                signer: Box::new(decision.signer),
            });
            return;
        }
        turn.view.obstacle = None;
        turn.view.stage = Stage::Approving;
        turn.call(Call::Approve {
            claim: self.channel.claim().clone(),
            request: Box::new(ApprovalRequest {
                organisation: decision.organisation,
                csr: self.csr.to_pem(),
                facts: self.facts.clone(),
                signer: decision.signer.id.clone(),
                name: decision.name,
                labels: decision.labels,
                replace: decision.replace,
            }),
        });
        self.phase = Phase::Approving {
            signer: decision.signer,
        };
    }

    /// "Not mine" or "cancel". Once the device has consented there is nothing to cancel, because a certificate is under way, unless
    /// the signer waits for the person.
    fn leave(mut self: Box<Self>, failure: Failure, turn: &mut Turn<'_>) -> Result<State, Failure> {
        let claim = self.channel.claim().clone();
        let mut calls = match self.phase {
            Phase::Reviewing if !self.may_stand => vec![],
            Phase::Reviewing
            | Phase::Approving { .. }
            | Phase::AwaitingConsent { .. }
            | Phase::Wanting { .. } => {
                vec![Call::Withdraw { claim: claim.clone() }]
            }
            Phase::RecordingConsent { .. }
            | Phase::Advancing { .. }
            | Phase::Signing { .. }
            | Phase::Provisioning { .. }
            | Phase::Installing { .. } => {
                return Ok(State::Settling(self));
            }
        };
        let (reason, words) = match failure {
            Failure::NotMine => (
                ClaimReportReason::NotMine,
                "the person at the panel said that this is not their device",
            ),
            _ => (ClaimReportReason::Cancelled, "the person at the panel cancelled"),
        };
        calls.push(Call::Report { claim, reason });
        let reason = words.to_owned();
        turn.seal(&mut self.channel, &ClaimantToDevice::Refusal { reason })?;
        Ok(State::Ended(Ending::begin(failure, calls, turn)))
    }

    fn answered(mut self: Box<Self>, answer: Answer, turn: &mut Turn<'_>) -> Result<State, Failure> {
        self.phase = match (self.phase, answer) {
            (Phase::Approving { signer }, Answer::Approve(Ok(approval))) => {
                offer(&mut self.channel, &approval, &signer, turn)?;
                Phase::AwaitingConsent {
                    approval: Box::new(approval),
                    signer,
                }
            }
            (Phase::Approving { signer }, Answer::Approve(Err(error))) => match obstacle(error) {
                Ok(obstacle) => {
                    self.may_stand |= matches!(obstacle, Obstacle::Refused(_));
                    turn.view.obstacle = Some(obstacle);
                    turn.view.stage = Stage::Reviewing;
                    Phase::Reviewing
                }
                Err(failure) => {
                    self.phase = Phase::Approving { signer };
                    return self.refuse(failure, turn);
                }
            },
            (Phase::RecordingConsent { approval, signer }, Answer::RecordConsent(recorded)) => {
                recorded.map_err(Failure::ConsentNotRecorded)?;
                let order = signing::Order {
                    claim: approval.claim,
                    device: approval.device.id,
                    csr: self.csr.clone(),
                    organisation: approval.organisation,
                    name: approval.device.name,
                    facts: self.facts.clone(),
                    again: false,
                };
                let work = signing::Signer::of(&signer, order).map_err(Failure::SigningRefused)?;
                advance(Advance::start(work), turn);
                Phase::Advancing { chosen: signer }
            }
            (Phase::Signing { chosen, signer }, Answer::Sign(response)) => {
                let answer = response.map_err(|error| NoAnswer {
                    detail: error.cause(),
                });
                advance(Advance::answered(signer, answer), turn);
                Phase::Advancing { chosen }
            }
            (phase, _) => phase,
        };
        Ok(State::Settling(self))
    }

    /// The signer took its step.
    fn advanced(mut self: Box<Self>, advanced: Advanced, turn: &mut Turn<'_>) -> Result<State, Failure> {
        let Phase::Advancing { chosen } = &self.phase else {
            return Ok(State::Settling(self));
        };
        let chosen = chosen.clone();
        let Advanced { signer, outcome } = advanced;
        let step = outcome.map_err(|error| self.cut.take().unwrap_or(Failure::SigningRefused(error)))?;
        self.phase = match step {
            signing::Step::Send(sending) => {
                turn.call(Call::Sign(sending));
                Phase::Signing { chosen, signer }
            }
            signing::Step::HandOver(claim) => {
                let claim = Box::new(Credential::ProvisioningClaim(*claim));
                let sealed = match self.cut.take() {
                    None => turn.seal(&mut self.channel, &ClaimantToDevice::Credential(claim)),
                    Some(failure) => Err(failure),
                };
                match sealed {
                    Ok(()) => {
                        turn.view.stage = Stage::Provisioning;
                        Phase::Provisioning { chosen, signer }
                    }
                    Err(failure) => {
                        self.cut = Some(failure);
                        advance(Advance::handed_over(signer, HandedOver::Kept), turn);
                        Phase::Advancing { chosen }
                    }
                }
            }
            signing::Step::NeedCredentials { refused } => {
                let obstacle = Obstacle::Credentials {
                    signer: Box::new(chosen.clone()),
                    refused,
                };
                return self.want(obstacle, chosen, signer, turn);
            }
            signing::Step::ReplyLost { lost, find } => {
                let obstacle = Obstacle::ReplyLost {
                    signer: Box::new(chosen.clone()),
                    lost: lost.map(|lost| lost.to_string()),
                    find,
                };
                return self.want(obstacle, chosen, signer, turn);
            }
            signing::Step::Recorded(certificate) => {
                let sha256 = certificate.sha256;
                turn.view.progress.mark(Step::CertificateSigned, turn.now);
                turn.view.certificate = Some(sha256);
                // It stands at the server now: the next attempt with this device gives it out.
                if let Some(failure) = self.cut.take() {
                    return Err(failure);
                }
                turn.view.stage = Stage::Installing;
                let provisioned = self.provisioned.take().map(|provisioned| *provisioned);
                let credential = credential(*certificate, provisioned, &chosen, turn.panel);
                turn.seal(&mut self.channel, &credential)?;
                Phase::Installing { certificate: sha256 }
            }
        };
        Ok(State::Settling(self))
    }

    /// Waits for the person, unless there is no device any more for which that would be of use.
    fn want(
        mut self: Box<Self>,
        obstacle: Obstacle,
        chosen: Signer,
        signer: signing::Signer,
        turn: &mut Turn<'_>,
    ) -> Result<State, Failure> {
        if let Some(failure) = self.cut.take() {
            return Err(failure);
        }
        turn.view.obstacle = Some(obstacle);
        self.phase = Phase::Wanting { chosen, signer };
        Ok(State::Settling(self))
    }

    /// The person has done what the signer waits for.
    fn go_on(mut self: Box<Self>, again: bool, turn: &mut Turn<'_>) -> Box<Self> {
        self.phase = match self.phase {
            Phase::Wanting { chosen, mut signer } => {
                turn.view.obstacle = None;
                if again {
                    signer.allow_another();
                }
                advance(Advance::start(signer), turn);
                Phase::Advancing { chosen }
            }
            phase => phase,
        };
        self
    }

    /// The conversation with the device is over. Where a signer elsewhere is being asked, what comes of that is awaited.
    pub(super) fn cut(mut self: Box<Self>, failure: Failure, turn: &mut Turn<'_>) -> Result<State, Failure> {
        if !self.asks_elsewhere() {
            return Err(failure);
        }
        turn.repeat_call();
        if let Phase::Provisioning { chosen, signer } = self.phase {
            // It may have fetched its certificate: the signer looks for it.
            let detail = failure.cause();
            let unclear = HandedOver::Unclear(NoAnswer { detail });
            advance(Advance::handed_over(signer, unclear), turn);
            self.phase = Phase::Advancing { chosen };
        }
        self.cut.get_or_insert(failure);
        Ok(State::Settling(self))
    }

    /// Whether a signer elsewhere is being asked, by us or by the device, whose answer must not be lost.
    fn asks_elsewhere(&self) -> bool {
        match &self.phase {
            Phase::Provisioning { .. } => true,
            Phase::Advancing { chosen } | Phase::Signing { chosen, .. } => !chosen.kind.signs_at_server(),
            _ => false,
        }
    }

    /// Whether the device fetches its certificate, and will say what came of that.
    fn provisions(&self) -> bool {
        matches!(self.phase, Phase::Provisioning { .. })
    }

    /// Ends with the same words on both screens.
    fn refuse(mut self: Box<Self>, failure: Failure, turn: &mut Turn<'_>) -> Result<State, Failure> {
        let reason = failure.cause();
        turn.seal(&mut self.channel, &ClaimantToDevice::Refusal { reason })?;
        Ok(State::Ended(Ending::begin(failure, Vec::new(), turn)))
    }

    /// A sealed message of the device.
    fn heard(mut self: Box<Self>, sealed: &Base64, turn: &mut Turn<'_>) -> Result<State, Failure> {
        let message = match self.channel.open(sealed) {
            Ok(message) => message,
            Err(error) => return self.cut(Failure::Channel(error), turn),
        };
        let is_answer = matches!(
            message,
            DeviceToClaimant::Provisioned(_) | DeviceToClaimant::Failed { .. }
        );
        if self.provisions() && !is_answer {
            let detail = "the device sent a message out of turn";
            return self.cut(Failure::Protocol { detail }, turn);
        }
        self.phase = match (self.phase, message) {
            // A device may refuse without having been asked; it never agrees so.
            (
                phase,
                DeviceToClaimant::Consent {
                    accepted: false,
                    reason,
                },
            ) if !phase.has_consent() => {
                let claim = self.channel.claim().clone();
                let calls = match phase {
                    Phase::Reviewing if !self.may_stand => vec![],
                    _ => vec![Call::Withdraw { claim }],
                };
                let reason = reason.as_deref().map(shown);
                return Ok(State::Ended(Ending::begin(
                    Failure::DeviceRefused { reason },
                    calls,
                    turn,
                )));
            }
            (
                Phase::AwaitingConsent { approval, signer },
                DeviceToClaimant::Consent { accepted: true, .. },
            ) => {
                turn.view.progress.mark(Step::IdentityChecked, turn.now);
                turn.view.stage = Stage::Signing;
                turn.call(Call::RecordConsent {
                    claim: self.channel.claim().clone(),
                });
                Phase::RecordingConsent { approval, signer }
            }
            (Phase::Provisioning { chosen, signer }, DeviceToClaimant::Provisioned(provisioned)) => {
                turn.view.stage = Stage::Signing;
                self.provisioned = Some(provisioned.clone());
                let outcome = HandedOver::Provisioned(provisioned);
                advance(Advance::handed_over(signer, outcome), turn);
                Phase::Advancing { chosen }
            }
            (Phase::Provisioning { chosen, signer }, DeviceToClaimant::Failed { code, message }) => {
                // What the signer has is looked for, then the person hears why.
                let (code, message) = (shown(&code), shown(&message));
                let detail = message.clone();
                let outcome = match code.as_str() {
                    PROVISIONING_REFUSED => HandedOver::Refused { detail },
                    _ => HandedOver::Unclear(NoAnswer { detail }),
                };
                self.cut = Some(Failure::NotInstalled { code, message });
                advance(Advance::handed_over(signer, outcome), turn);
                Phase::Advancing { chosen }
            }
            (Phase::Installing { certificate }, DeviceToClaimant::Installed { certificate_sha256 }) => {
                if certificate_sha256 != certificate {
                    return Err(Failure::OtherCertificate);
                }
                turn.view.progress.mark(Step::Installed, turn.now);
                turn.enter(Stage::Installed, None);
                turn.effects.push(Effect::CloseSocket);
                turn.call(Call::RecordDelivery { certificate });
                return Ok(State::Delivered);
            }
            (Phase::Installing { .. }, DeviceToClaimant::Failed { code, message }) => {
                return Err(Failure::NotInstalled {
                    code: shown(&code),
                    message: shown(&message),
                });
            }
            _ => {
                return Err(Failure::Protocol {
                    detail: "the device sent a message out of turn",
                });
            }
        };
        Ok(State::Settling(self))
    }
}

impl Phase {
    fn has_consent(&self) -> bool {
        matches!(
            self,
            Self::RecordingConsent { .. }
                | Self::Advancing { .. }
                | Self::Signing { .. }
                | Self::Provisioning { .. }
                | Self::Wanting { .. }
                | Self::Installing { .. }
        )
    }
}

/// Offers the device to the organisation by the names that the server recorded and told the device.
fn offer(
    channel: &mut Channel,
    approval: &Approval,
    signer: &Signer,
    turn: &mut Turn<'_>,
) -> Result<(), Failure> {
    if approval.signer != signer.id || approval.claim != *channel.claim() {
        return Err(Failure::Protocol {
            detail: "the server recorded another approval than the one that was given",
        });
    }
    turn.view.device = Some(approval.device.clone());
    turn.view.stage = Stage::AwaitingConsent;
    let offer = ClaimantToDevice::Offer {
        organisation: approval.organisation_name.clone(),
        approver: approval.approver.clone(),
        panel: turn.panel.to_owned(),
    };
    turn.seal(channel, &offer)
}

/// What a person can do something about, or why there is no point in it.
fn obstacle(error: ApiError) -> Result<Obstacle, Failure> {
    match (error.code(), error.device()) {
        (Some(ProblemCode::StepUpRequired), _) => Ok(Obstacle::StepUp),
        (Some(ProblemCode::KeyKnown), Some(device)) => Ok(Obstacle::KeyKnown(device)),
        (Some(ProblemCode::CsrRefused | ProblemCode::KeyRevoked), _) => Err(Failure::ApprovalRefused(error)),
        _ => Ok(Obstacle::Refused(error)),
    }
}

/// Has the signer take its next step.
fn advance(step: Advance, turn: &mut Turn<'_>) {
    turn.effects.push(Effect::Advance(Box::new(step)));
}
