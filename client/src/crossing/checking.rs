//! The introduction under examination: everything in it is checked before a person sees it. Ends in the review once the CSR's
//! signature is verified and the server has compared the networks.

use gangway_protocol::certificate::{Csr, UncheckedCsr};
use gangway_protocol::device::Facts;
use gangway_protocol::encoding::Base64;
use gangway_protocol::enrolment::{
    ClaimantToDevice, CredentialKind, DeviceToClaimant, NetworkComparison, ServerToClaimant,
};
use gangway_protocol::path;
use gangway_protocol::seal::Channel;
use gangway_protocol::time::UnixMillis;

use super::Effect;
use super::ending::Ending;
use super::failure::{Failure, shown};
use super::settling::Settling;
use super::state::{Event, State};
use super::turn::Turn;
use super::view::{Review, Step, Warning};

/// An introduction of which not everything is known to be good.
#[derive(Debug)]
pub(super) struct Checking {
    channel: Channel,
    facts: Facts,
    link: String,
    /// It can fetch its certificate itself.
    provisions: bool,
    csr: Examined,
    context: Option<(NetworkComparison, UnixMillis)>,
}

#[derive(Debug)]
enum Examined {
    Not(Box<UncheckedCsr>),
    Good(Csr),
}

impl Checking {
    /// Opens the device's first sealed message. That it opens shows that the device has accepted our confirmation.
    pub(super) fn begin(
        mut channel: Channel,
        sealed: &Base64,
        turn: &mut Turn<'_>,
    ) -> Result<State, Failure> {
        let message = channel.open(sealed).map_err(Failure::Channel)?;
        let DeviceToClaimant::Introduction {
            csr,
            facts,
            link,
            accepts,
        } = message
        else {
            return Err(Failure::Protocol {
                detail: "the device did not introduce itself",
            });
        };
        turn.view.progress.mark(Step::CodeAccepted, turn.now);
        let provisions = accepts.contains(&CredentialKind::ProvisioningClaim);
        let csr = match examine(&csr, &facts, &accepts) {
            Ok(csr) => Box::new(csr),
            Err(failure) => return refuse(channel, failure, turn),
        };
        turn.effects.push(Effect::VerifyCsr(csr.clone()));
        Ok(State::Checking(Box::new(Self {
            channel,
            facts,
            link,
            provisions,
            csr: Examined::Not(csr),
            context: None,
        })))
    }

    pub(super) fn step(mut self: Box<Self>, event: Event, turn: &mut Turn<'_>) -> Result<State, Failure> {
        match event {
            Event::Frame(ServerToClaimant::Context { network, first_seen }) if self.context.is_none() => {
                self.context = Some((network, first_seen));
            }
            Event::CsrVerified(good) => {
                if let Examined::Not(csr) = self.csr {
                    match csr.conclude(good) {
                        Ok(csr) => self.csr = Examined::Good(csr),
                        Err(refusal) => return refuse(self.channel, Failure::CsrRefused(refusal), turn),
                    }
                }
            }
            Event::Leave(failure) => return Err(failure),
            Event::Frame(_) => {
                return Err(Failure::Protocol {
                    detail: "the server sent a message out of turn",
                });
            }
            Event::Opened
            | Event::Answered(_)
            | Event::Advanced(_)
            | Event::GoOn { .. }
            | Event::Approve(_)
            | Event::Nothing => {}
            Event::Cut(failure) => return Err(failure),
        }
        Ok(self.conclude(turn))
    }

    /// The review, once everything is known.
    fn conclude(self: Box<Self>, turn: &mut Turn<'_>) -> State {
        match *self {
            Self {
                channel,
                facts,
                link,
                provisions,
                csr: Examined::Good(csr),
                context: Some((network, first_seen)),
            } => {
                turn.view.review = Some(Box::new(Review {
                    provisions,
                    warnings: warnings(&link, network, turn.panel),
                    key: csr.key().kind().to_string(),
                    spki_sha256: csr.spki_sha256(),
                    facts: facts.clone(),
                    network,
                    first_seen,
                }));
                State::Settling(Box::new(Settling::review(channel, csr, facts, turn)))
            }
            unfinished => State::Checking(Box::new(unfinished)),
        }
    }
}

/// Everything about an introduction that can be checked at once.
fn examine(csr: &str, facts: &Facts, accepts: &[CredentialKind]) -> Result<UncheckedCsr, Failure> {
    facts.check().map_err(Failure::FactsUnfit)?;
    if !accepts.contains(&CredentialKind::Certificate) {
        return Err(Failure::Incompatible);
    }
    UncheckedCsr::from_pem(csr).map_err(Failure::CsrRefused)
}

/// Ends with the same words on both screens.
fn refuse(mut channel: Channel, failure: Failure, turn: &mut Turn<'_>) -> Result<State, Failure> {
    let reason = failure.cause();
    turn.seal(&mut channel, &ClaimantToDevice::Refusal { reason })?;
    Ok(State::Ended(Ending::begin(failure, Vec::new(), turn)))
}

fn warnings(link: &str, network: NetworkComparison, panel: &str) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if link != format!("{panel}{}", path::page::LINK) {
        warnings.push(Warning::OtherPanel { link: shown(link) });
    }
    if network == NetworkComparison::Different {
        warnings.push(Warning::OtherNetwork);
    }
    warnings
}
