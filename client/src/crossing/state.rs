//! The states of a crossing and what all of them have in common: frames are read, problems of the server and the end of the
//! socket end it, time runs out.

use gangway_protocol::encoding::Base64;
use gangway_protocol::enrolment::{MAX_FRAME_LEN, ServerToClaimant};
use gangway_protocol::seal::Claimant;

use super::call::Answer;
use super::checking::Checking;
use super::ending::Ending;
use super::failure::Failure;
use super::opening::Opening;
use super::settling::Settling;
use super::turn::Turn;
use super::view::{Stage, Step};
use super::{Decision, Input};
use gangway_signing::Advanced;

/// Where a crossing stands, with what it needs there.
#[derive(Debug)]
pub(super) enum State {
    /// Up to the introduction.
    Opening(Box<Opening>),
    /// The introduction is being checked.
    Checking(Box<Checking>),
    /// From the review to the installed certificate.
    Settling(Box<Settling>),
    /// The device has its certificate; only the record of it and the first session are missing.
    Delivered,
    /// Ended without success; the device and the server may still have to be told.
    Ended(Ending),
}

/// What reaches a conversation that is still going on.
#[derive(Debug)]
pub(super) enum Event {
    /// The socket is open.
    Opened,
    /// A frame of the protocol, not a problem.
    Frame(ServerToClaimant),
    /// The CSR's signature was verified.
    CsrVerified(bool),
    /// A call was answered for good.
    Answered(Answer),
    /// The person approves.
    Approve(Box<Decision>),
    /// The signer took its step.
    Advanced(Box<Advanced>),
    /// The person has done what the signer waits for.
    GoOn {
        /// And wants another certificate, if need be.
        again: bool,
    },
    /// The conversation with the device is over, or its time.
    Cut(Failure),
    /// The person ends it.
    Leave(Failure),
    /// Nothing that matters here.
    Nothing,
}

impl State {
    pub(super) fn opening(claimant: Claimant, pake: Base64) -> Self {
        Self::Opening(Box::new(Opening::Connecting { claimant, pake }))
    }

    /// The next state.
    pub(super) fn step(self, input: Input, turn: &mut Turn<'_>) -> Self {
        let next = match self {
            Self::Opening(opening) => Event::uncut(input, turn).and_then(|event| opening.step(event, turn)),
            Self::Checking(checking) => {
                Event::uncut(input, turn).and_then(|event| checking.step(event, turn))
            }
            Self::Settling(settling) => match Event::of(input, turn) {
                Ok(event) => settling.step(event, turn),
                Err(failure) => settling.cut(failure, turn),
            },
            Self::Delivered => {
                deliver(input, turn);
                Ok(Self::Delivered)
            }
            Self::Ended(ending) => Ok(Self::Ended(ending.step(input, turn))),
        };
        next.unwrap_or_else(|failure| Self::Ended(Ending::begin(failure, Vec::new(), turn)))
    }
}

impl Event {
    /// As [`Self::of`], where the end of the conversation is the end of all.
    fn uncut(input: Input, turn: &mut Turn<'_>) -> Result<Self, Failure> {
        match Self::of(input, turn)? {
            Self::Cut(failure) => Err(failure),
            event => Ok(event),
        }
    }

    fn of(input: Input, turn: &mut Turn<'_>) -> Result<Self, Failure> {
        Ok(match input {
            Input::SocketOpened => Self::Opened,
            Input::SocketFailed { detail } => return Err(Failure::Unreachable { detail }),
            Input::SocketClosed => Self::Cut(Failure::ConnectionLost),
            Input::Frame(text) => Self::Frame(read(&text)?),
            Input::CsrVerified { good } => Self::CsrVerified(good),
            Input::Answered(answer) => turn.take_answer(*answer).map_or(Self::Nothing, Self::Answered),
            Input::Approve(decision) => Self::Approve(decision),
            Input::Advanced(advanced) => Self::Advanced(advanced),
            Input::CredentialsGiven => Self::GoOn { again: false },
            Input::SignAgain => Self::GoOn { again: true },
            Input::NotMine => Self::Leave(Failure::NotMine),
            Input::Cancel => Self::Leave(Failure::Cancelled),
            Input::Tick if turn.is_late() => Self::Cut(Failure::Timeout),
            Input::Tick => {
                turn.repeat_call();
                Self::Nothing
            }
            Input::Online => Self::Nothing,
        })
    }
}

fn read(text: &str) -> Result<ServerToClaimant, Failure> {
    if text.len() > MAX_FRAME_LEN {
        return Err(Failure::Protocol {
            detail: "the server sent a message that is too large",
        });
    }
    match serde_json::from_str(text) {
        Ok(ServerToClaimant::Problem(problem)) => Err(problem.into()),
        Ok(frame) => Ok(frame),
        Err(_) => Err(Failure::Protocol {
            detail: "the server sent a message that this version does not understand",
        }),
    }
}

/// The device has stored the certificate: nothing can go wrong any more that would need a person. A delivery that could not
/// be recorded is made good by the first session, which proves more.
fn deliver(input: Input, turn: &mut Turn<'_>) {
    match input {
        Input::Answered(answer) => drop(turn.take_answer(*answer)),
        Input::Tick => turn.repeat_call(),
        Input::Online => {
            turn.view.progress.mark(Step::Online, turn.now);
            turn.enter(Stage::Online, None);
        }
        _ => {}
    }
}
