//! From the code to the introduction: connect, exchange keys, and see that the device knows the code.

use gangway_protocol::encoding::Base64;
use gangway_protocol::enrolment::{ClaimantToServer, ServerToClaimant};
use gangway_protocol::id::ClaimId;
use gangway_protocol::seal::{Answer, Channel, Claimant};

use super::checking::Checking;
use super::failure::Failure;
use super::state::{Event, State};
use super::turn::Turn;

/// How far the opening has got.
#[derive(Debug)]
pub(super) enum Opening {
    /// The socket is being opened.
    Connecting { claimant: Claimant, pake: Base64 },
    /// The server is looking for the device.
    Claiming { claimant: Claimant },
    /// The device is computing its half of the key exchange.
    Answering { claimant: Claimant, claim: ClaimId },
    /// The device is checking our confirmation and introduces itself.
    Introducing { channel: Channel },
}

impl Opening {
    pub(super) fn step(self, event: Event, turn: &mut Turn<'_>) -> Result<State, Failure> {
        let next = match (self, event) {
            (Self::Connecting { claimant, pake }, Event::Opened) => {
                turn.send(&ClaimantToServer::Claim { pake })?;
                Self::Claiming { claimant }
            }
            (Self::Claiming { claimant }, Event::Frame(ServerToClaimant::Accepted { claim })) => {
                turn.view.claim = Some(claim.clone());
                Self::Answering { claimant, claim }
            }
            (
                Self::Answering { claimant, claim },
                Event::Frame(ServerToClaimant::Answer {
                    claim: answered,
                    pake,
                    confirm,
                }),
            ) if answered == claim => {
                // A device that does not know the code fails here, before anything but a key exchange message was sent.
                let (channel, confirm) = claimant.on_answer(&claim, &Answer { pake, confirm })?;
                turn.send(&ClaimantToServer::Confirm { claim, confirm })?;
                Self::Introducing { channel }
            }
            (Self::Introducing { channel }, Event::Frame(ServerToClaimant::Sealed { claim, sealed }))
                if claim == *channel.claim() =>
            {
                return Checking::begin(channel, &sealed, turn);
            }
            (_, Event::Leave(failure)) => return Err(failure),
            (_, Event::Frame(_)) => {
                return Err(Failure::Protocol {
                    detail: "the server sent a message out of turn",
                });
            }
            (
                opening,
                Event::Opened
                | Event::CsrVerified(_)
                | Event::Advanced(_)
                | Event::GoOn { .. }
                | Event::Cut(_)
                | Event::Answered(_)
                | Event::Approve(_)
                | Event::Nothing,
            ) => opening,
        };
        Ok(State::Opening(Box::new(next)))
    }
}
