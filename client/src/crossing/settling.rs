//! From the review to the installed certificate: approve, offer, consent, sign, deliver. Each phase holds exactly what the
//! next needs, so that a credential cannot be sealed by a path that did not pass through a recorded consent.

use gangway_protocol::certificate::{Approval, ApprovalRequest, Certificate, ClaimReportReason, Csr};
use gangway_protocol::device::Facts;
use gangway_protocol::encoding::{Base64, Sha256Hex};
use gangway_protocol::enrolment::{
    CLAIM_OPEN_SECS, ClaimantToDevice, Credential, DeviceToClaimant, Endpoint, ServerToClaimant,
};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation;
use gangway_protocol::path;
use gangway_protocol::seal::Channel;
use gangway_protocol::time::UnixMillis;
use gangway_signing as signing;

use super::call::{Answer, Call};
use super::ending::Ending;
use super::failure::{Failure, shown};
use super::state::{Event, State};
use super::turn::Turn;
use super::view::{Obstacle, Stage, Step};
use super::{Decision, Effect};
use crate::error::ApiError;

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
}

#[derive(Debug)]
enum Phase {
    /// The person decides.
    Reviewing,
    /// The server is asked.
    Approving { signer: organisation::Signer },
    /// The device shows the offer and asks.
    AwaitingConsent {
        approval: Box<Approval>,
        signer: organisation::Signer,
    },
    /// The device said yes; the server is told.
    RecordingConsent {
        approval: Box<Approval>,
        signer: organisation::Signer,
    },
    /// The consent is recorded; the signer works.
    Signing { signer: signing::Signer },
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
        }
    }

    pub(super) fn step(mut self: Box<Self>, event: Event, turn: &mut Turn<'_>) -> Result<State, Failure> {
        match event {
            Event::Approve(decision) if matches!(self.phase, Phase::Reviewing) => {
                self.approve(*decision, turn);
                Ok(State::Settling(self))
            }
            Event::Leave(failure) => self.leave(failure, turn),
            Event::Answered(answer) => self.answered(answer, turn),
            Event::Frame(ServerToClaimant::Sealed { claim, sealed }) if claim == *self.channel.claim() => {
                self.heard(&sealed, turn)
            }
            Event::Frame(_) => Err(Failure::Protocol {
                detail: "the server sent a message out of turn",
            }),
            Event::Approve(_) | Event::Opened | Event::CsrVerified(_) | Event::Nothing => {
                Ok(State::Settling(self))
            }
        }
    }

    fn approve(&mut self, decision: Decision, turn: &mut Turn<'_>) {
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

    /// "Not mine" or "cancel". Once the device has consented there is nothing to cancel: a certificate is under way.
    fn leave(mut self: Box<Self>, failure: Failure, turn: &mut Turn<'_>) -> Result<State, Failure> {
        let claim = self.channel.claim().clone();
        let mut calls = match self.phase {
            Phase::Reviewing if !self.may_stand => vec![],
            Phase::Reviewing | Phase::Approving { .. } | Phase::AwaitingConsent { .. } => {
                vec![Call::Withdraw { claim: claim.clone() }]
            }
            Phase::RecordingConsent { .. } | Phase::Signing { .. } | Phase::Installing { .. } => {
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
                let mut signer = signing::Signer::of(&signer, &approval.device.id);
                let step = signer
                    .start(&self.csr, turn.now)
                    .map_err(Failure::SigningRefused)?;
                sign(&mut self.channel, signer, step, turn)?
            }
            (Phase::Signing { mut signer }, Answer::Sign(response)) => {
                let response = response.map_err(Failure::SignerUnreachable)?;
                let step = signer
                    .answer(&response, turn.now)
                    .map_err(Failure::SigningRefused)?;
                sign(&mut self.channel, signer, step, turn)?
            }
            (phase, _) => phase,
        };
        Ok(State::Settling(self))
    }

    /// Ends with the same words on both screens.
    fn refuse(mut self: Box<Self>, failure: Failure, turn: &mut Turn<'_>) -> Result<State, Failure> {
        let reason = failure.cause();
        turn.seal(&mut self.channel, &ClaimantToDevice::Refusal { reason })?;
        Ok(State::Ended(Ending::begin(failure, Vec::new(), turn)))
    }

    /// A sealed message of the device.
    fn heard(mut self: Box<Self>, sealed: &Base64, turn: &mut Turn<'_>) -> Result<State, Failure> {
        let message = self.channel.open(sealed).map_err(Failure::Channel)?;
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
            (
                Phase::Installing { certificate },
                DeviceToClaimant::Installed {
                    certificate_sha256,
                    chain: None,
                },
            ) => {
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
            Self::RecordingConsent { .. } | Self::Signing { .. } | Self::Installing { .. }
        )
    }
}

/// Offers the device to the organisation by the names that the server recorded and told the device.
fn offer(
    channel: &mut Channel,
    approval: &Approval,
    signer: &organisation::Signer,
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

/// Sends the signer's next request, or seals the certificate, which is recorded by now.
fn sign(
    channel: &mut Channel,
    signer: signing::Signer,
    step: signing::Step,
    turn: &mut Turn<'_>,
) -> Result<Phase, Failure> {
    match step {
        signing::Step::Send(request) => {
            turn.call(Call::Sign(request));
            Ok(Phase::Signing { signer })
        }
        signing::Step::Recorded(certificate) => {
            let sha256 = certificate.sha256;
            turn.view.progress.mark(Step::CertificateSigned, turn.now);
            turn.view.certificate = Some(sha256);
            turn.view.stage = Stage::Installing;
            turn.seal(channel, &credential(*certificate, turn.panel))?;
            Ok(Phase::Installing { certificate: sha256 })
        }
    }
}

fn credential(certificate: Certificate, panel: &str) -> ClaimantToDevice {
    ClaimantToDevice::Credential(Box::new(Credential::Certificate {
        chain: certificate.chain,
        trust_anchors: certificate.trust_anchors,
        endpoints: vec![Endpoint {
            name: "session".to_owned(),
            url: format!("{}{}", socket_origin(panel), path::SESSION_SOCKET),
            trust_anchors: None,
        }],
        configuration: serde_json::Map::new(),
    }))
}

/// `https://panel.example` as `wss://panel.example`.
fn socket_origin(origin: &str) -> String {
    match origin.strip_prefix("http") {
        Some(rest) => format!("ws{rest}"),
        None => origin.to_owned(),
    }
}
