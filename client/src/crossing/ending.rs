//! The end of a crossing without success: the person is told at once; what the server must hear is said afterwards, in
//! order, and then the socket is closed.

use std::collections::VecDeque;

use gangway_protocol::error::ProblemCode;

use super::call::{Answer, Call};
use super::failure::Failure;
use super::turn::Turn;
use super::view::{Stage, Told};
use super::{Effect, Input};

/// What is left to do.
#[derive(Debug)]
pub(super) struct Ending {
    calls: VecDeque<Call>,
    /// Whether the server has heard everything so far.
    heard: bool,
}

impl Ending {
    /// An end with nothing to do.
    pub(super) fn empty() -> Self {
        Self {
            calls: VecDeque::new(),
            heard: true,
        }
    }

    /// Ends with `failure`, then makes `calls`. An approval under way is awaited first: taking it back before it was given
    /// would leave it standing.
    pub(super) fn begin(failure: Failure, calls: Vec<Call>, turn: &mut Turn<'_>) -> Self {
        turn.enter(Stage::Failed(failure), None);
        let ending = Self {
            calls: calls.into(),
            heard: true,
        };
        if turn.approval_in_flight() && !ending.calls.is_empty() {
            return ending;
        }
        turn.forget_call();
        ending.next(turn)
    }

    pub(super) fn step(self, input: Input, turn: &mut Turn<'_>) -> Self {
        match input {
            Input::Answered(answer) => match turn.take_answer(*answer) {
                Some(answer) => self.noting(&answer, turn).next(turn),
                None => self,
            },
            Input::Tick => {
                turn.repeat_call();
                self
            }
            _ => self,
        }
    }

    fn noting(mut self, answer: &Answer, turn: &Turn<'_>) -> Self {
        let stranger = turn.view.stage == Stage::Failed(Failure::NotMine);
        self.heard &= match answer {
            // Where there is no approval, none is left standing.
            Answer::Withdraw(Err(error)) => error.code() == Some(ProblemCode::NotFound),
            // A claim that the server has forgotten is over; but then no admin hears of the stranger.
            Answer::Report(Err(error)) => error.code() == Some(ProblemCode::NotFound) && !stranger,
            _ => true,
        };
        self
    }

    fn next(mut self, turn: &mut Turn<'_>) -> Self {
        match self.calls.pop_front() {
            Some(call) => turn.call(call),
            None => {
                turn.view.told = if self.heard { Told::All } else { Told::NotAll };
                turn.effects.push(Effect::CloseSocket);
            }
        }
        self
    }
}
