//! One turn of a crossing: the instant, what the transitions may touch besides their own state, and what they want done.

use gangway_protocol::enrolment::{ClaimantToDevice, ClaimantToServer};
use gangway_protocol::seal::Channel;
use gangway_protocol::time::UnixMillis;

use super::Effect;
use super::call::{Answer, Call};
use super::failure::Failure;
use super::view::{Stage, View};

/// How often a call is repeated by itself before the person is told. With [`MAX_REPEAT_SECS`] this outlasts the restart
/// of a server, not a person's patience.
const MAX_REPEATS: u8 = 3;
/// Longest time after which a call is repeated by itself; what takes longer is told.
const MAX_REPEAT_SECS: u32 = 10;

/// What a transition works with.
pub(super) struct Turn<'a> {
    pub(super) now: UnixMillis,
    pub(super) panel: &'a str,
    pub(super) view: &'a mut View,
    pub(super) effects: Vec<Effect>,
    in_flight: &'a mut Option<InFlight>,
    deadline: &'a mut Option<UnixMillis>,
}

/// A call that has not been answered for good.
#[derive(Debug)]
pub(super) struct InFlight {
    call: Call,
    repeats_left: u8,
    /// When to send it again, after an answer that promises success later.
    due: Option<UnixMillis>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(
        now: UnixMillis,
        panel: &'a str,
        view: &'a mut View,
        in_flight: &'a mut Option<InFlight>,
        deadline: &'a mut Option<UnixMillis>,
    ) -> Self {
        Self {
            now,
            panel,
            view,
            effects: Vec::new(),
            in_flight,
            deadline,
        }
    }

    /// Shows a new stage, which has until `limit_millis` from now; without a limit it may last.
    pub(super) fn enter(&mut self, stage: Stage, limit_millis: Option<i64>) {
        self.view.stage = stage;
        *self.deadline = limit_millis.map(|limit| self.now.plus(limit));
    }

    /// Sends a frame.
    pub(super) fn send(&mut self, frame: &ClaimantToServer) -> Result<(), Failure> {
        let text = serde_json::to_string(frame).map_err(|_| Failure::Protocol {
            detail: "a message cannot be written as JSON",
        })?;
        self.effects.push(Effect::Send(text));
        Ok(())
    }

    /// Seals a message for the device and sends it.
    pub(super) fn seal(&mut self, channel: &mut Channel, message: &ClaimantToDevice) -> Result<(), Failure> {
        let sealed = channel.seal(message).map_err(Failure::Channel)?;
        self.send(&ClaimantToServer::Sealed {
            claim: channel.claim().clone(),
            sealed,
        })
    }

    /// Makes a call of the API. There is one at a time.
    pub(super) fn call(&mut self, call: Call) {
        self.effects.push(Effect::Call(Box::new(call.clone())));
        *self.in_flight = Some(InFlight {
            call,
            repeats_left: MAX_REPEATS,
            due: None,
        });
    }

    /// Whether an approval has been asked for and not been answered.
    pub(super) fn approval_in_flight(&self) -> bool {
        matches!(
            self.in_flight,
            Some(InFlight {
                call: Call::Approve { .. },
                ..
            })
        )
    }

    /// Forgets the call that is under way; its answer changes nothing any more.
    pub(super) fn forget_call(&mut self) {
        *self.in_flight = None;
    }

    /// The answer to the call under way, unless nobody waits for it or the call is going to be repeated.
    pub(super) fn take_answer(&mut self, answer: Answer) -> Option<Answer> {
        let in_flight = self.in_flight.as_mut()?;
        match answer.retry_after_secs() {
            Some(secs)
                if in_flight.call.is_repeated() && in_flight.repeats_left > 0 && secs <= MAX_REPEAT_SECS =>
            {
                in_flight.repeats_left -= 1;
                in_flight.due = Some(self.now.plus(i64::from(secs) * UnixMillis::SECOND));
                None
            }
            _ => {
                *self.in_flight = None;
                Some(answer)
            }
        }
    }

    /// Repeats the call that is due.
    pub(super) fn repeat_call(&mut self) {
        if let Some(in_flight) = self.in_flight.as_mut()
            && in_flight.due.is_some_and(|due| due <= self.now)
        {
            in_flight.due = None;
            self.effects.push(Effect::Call(Box::new(in_flight.call.clone())));
        }
    }

    /// Whether the present stage has had its time.
    pub(super) fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= self.now)
    }
}
