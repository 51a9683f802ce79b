//! One claim as a state machine: what may be said when, what is forwarded, and how it ends (`protocol.md` §2, steps 3
//! to 7). It knows no sockets: [`Claim::on`] takes what happened and returns what to do.
//!
//! ```text
//!  Offered ──answer──▶ Answered ──confirm──▶ Confirmed ──first sealed──▶ Open ──outcome──▶ end
//!     └─decline─▶ end          └────── any end here is a failed attempt ──────┘
//! ```

use gangway_protocol::encoding::Base64;
use gangway_protocol::enrolment::{
    CLAIM_OPEN_SECS, CLAIM_OPENING_SECS, ClosedReason, MAX_SEALED_BYTES, MAX_SEALED_FRAMES, Outcome,
    ServerToClaimant, ServerToDevice,
};
use gangway_protocol::error::{Problem, ProblemCode};
use gangway_protocol::id::ClaimId;
use gangway_protocol::time::UnixMillis;

use super::message::problem;
use crate::clock::{Monotonic, Now};

/// How long a claimant's last sealed frame may be on its way after the API was told that the claimant leaves: the two take
/// different connections, and nothing orders them.
const LEAVING_SECS: u32 = 2;

/// A claim that goes on.
#[derive(Debug)]
pub(crate) struct Claim {
    id: ClaimId,
    stage: Stage,
    due: Monotonic,
    /// The claimant has told the API that it leaves: when it is due, it has left.
    leaving: bool,
}

#[derive(Debug)]
enum Stage {
    /// The device has been asked.
    Offered,
    /// The device's half of the exchange went to the claimant: a guess is spent.
    Answered,
    /// The claimant's proof went to the device.
    Confirmed,
    /// The device's first sealed message came: the claimant knew the code.
    Open { by_device: Budget, by_claimant: Budget },
}

/// Something that happened to a claim.
#[derive(Debug)]
pub(crate) enum Input<'a> {
    /// The device takes no claim at present.
    Decline(ProblemCode),
    /// The device's half of the exchange.
    Answer { pake: Base64, confirm: Base64 },
    /// The claimant's proof.
    Confirm(Base64),
    /// Base64 text from the device.
    SealedByDevice(&'a str),
    /// Base64 text from the claimant.
    SealedByClaimant(&'a str),
    /// The device says how it ended.
    Outcome(Outcome),
    /// The device disconnected, or broke the protocol elsewhere, or asked for another nameplate.
    DeviceGone,
    /// The device came back on another socket.
    Superseded,
    /// The claimant told the API that it leaves. What it has sealed for the device may not have come yet.
    ClaimantLeaves,
    /// The claimant disconnected, or lost its rights.
    ClaimantGone,
    /// The claimant sent what cannot be read, as this problem says.
    ClaimantBroke(Problem),
    /// Time passed.
    Tick,
}

/// What to do about it, besides going on.
#[derive(Debug, PartialEq)]
pub(crate) enum Effect<'a> {
    Nothing,
    ToDevice(ServerToDevice),
    ToClaimant(ServerToClaimant),
    /// Forward base64 text.
    SealToDevice(&'a str),
    /// Forward base64 text.
    SealToClaimant(&'a str),
    /// Forward the device's first one, then tell the claimant the context: the code is redeemed.
    Introduce(&'a str),
}

/// What follows.
#[derive(Debug)]
pub(crate) enum Next<'a> {
    Goes(Claim, Effect<'a>),
    Ends(End),
}

/// How a claim ended.
#[derive(Debug, PartialEq)]
pub(crate) struct End {
    pub(crate) device: DeviceEnd,
    pub(crate) claimant: ClaimantEnd,
    /// The guess was spent and not redeemed (`protocol.md` §1).
    pub(crate) failed: bool,
    /// The code must not be used again.
    pub(crate) spent: bool,
    /// For the counter of claims by result.
    pub(crate) result: &'static str,
}

/// What the device is told.
#[derive(Debug, PartialEq)]
pub(crate) enum DeviceEnd {
    /// Nothing: it has ended the claim itself, or is gone.
    Knows,
    /// `closed`.
    Closed(ClosedReason),
    /// It broke the protocol: a problem, and its connection ends.
    Broke(Problem),
}

/// What the claimant is told.
#[derive(Debug, PartialEq)]
pub(crate) enum ClaimantEnd {
    /// It has gone.
    Gone,
    /// The crossing is over, as it knows from sealed messages: close 1000.
    Done,
    /// A problem, close 1008.
    Problem(Problem),
}

/// What is left of a direction's limits.
#[derive(Clone, Copy, Debug)]
struct Budget {
    frames: u32,
    bytes: usize,
}

impl Budget {
    const WHOLE: Self = Self {
        frames: MAX_SEALED_FRAMES,
        bytes: MAX_SEALED_BYTES,
    };

    fn spend(self, sealed: &str) -> Option<Self> {
        Some(Self {
            frames: self.frames.checked_sub(1)?,
            bytes: self.bytes.checked_sub(sealed.len())?,
        })
    }
}

impl Claim {
    /// A claim that has just gone to the device.
    pub(crate) fn new(id: ClaimId, now: Now) -> Self {
        Self {
            id,
            stage: Stage::Offered,
            due: after(now, CLAIM_OPENING_SECS),
            leaving: false,
        }
    }

    pub(crate) fn id(&self) -> &ClaimId {
        &self.id
    }

    /// Whether its time is over: [`Input::Tick`] would end it.
    pub(crate) fn is_due(&self, now: Now) -> bool {
        now.is_past(self.due)
    }

    /// Takes what happened.
    pub(crate) fn on(self, input: Input<'_>, now: Now) -> Next<'_> {
        match input {
            Input::Answer { pake, confirm } => self.on_answer(pake, confirm),
            Input::Confirm(confirm) => self.on_confirm(confirm),
            Input::SealedByDevice(sealed) => self.on_sealed_by_device(sealed, now),
            Input::SealedByClaimant(sealed) => self.on_sealed_by_claimant(sealed),
            Input::Tick if !self.is_due(now) => Next::Goes(self, Effect::Nothing),
            Input::Tick if self.leaving => self.claimant_left(),
            Input::Tick => self.end(
                DeviceEnd::Closed(ClosedReason::Timeout),
                told(
                    ProblemCode::Timeout,
                    "The device did not answer in time. Check that it is on and try again.",
                ),
                "timeout",
            ),
            Input::Decline(code) => self.on_decline(code),
            Input::Outcome(outcome) => self.on_outcome(outcome),
            Input::DeviceGone => self.end(DeviceEnd::Knows, gone(), "device_gone"),
            Input::Superseded => self.end(DeviceEnd::Closed(ClosedReason::Superseded), gone(), "superseded"),
            Input::ClaimantLeaves => Next::Goes(self.leave(now), Effect::Nothing),
            Input::ClaimantGone => self.claimant_left(),
            Input::ClaimantBroke(problem) => self.end(
                DeviceEnd::Closed(ClosedReason::Malformed),
                ClaimantEnd::Problem(problem),
                "malformed",
            ),
        }
    }

    fn on_answer(self, pake: Base64, confirm: Base64) -> Next<'static> {
        match self.stage {
            Stage::Offered => {
                let claim = self.id.clone();
                self.goes(
                    Stage::Answered,
                    Effect::ToClaimant(ServerToClaimant::Answer { claim, pake, confirm }),
                )
            }
            _ => self.device_broke("It has answered this claim before."),
        }
    }

    fn on_confirm(self, confirm: Base64) -> Next<'static> {
        match self.stage {
            Stage::Answered => {
                let claim = self.id.clone();
                self.goes(
                    Stage::Confirmed,
                    Effect::ToDevice(ServerToDevice::Confirm { claim, confirm }),
                )
            }
            _ => self.claimant_broke("A confirmation follows the device's answer, once."),
        }
    }

    fn on_sealed_by_device(self, sealed: &str, now: Now) -> Next<'_> {
        let (by_device, by_claimant, first) = match self.stage {
            // protocol.md §2: the device seals nothing before a valid confirmation.
            Stage::Offered | Stage::Answered => return self.device_broke("It sealed before a confirmation."),
            Stage::Confirmed => (Budget::WHOLE, Budget::WHOLE, true),
            Stage::Open {
                by_device,
                by_claimant,
            } => (by_device, by_claimant, false),
        };
        let Some(by_device) = by_device.spend(sealed) else {
            return self.too_large();
        };
        let stage = Stage::Open {
            by_device,
            by_claimant,
        };
        if first {
            // From here on it is a redeemed claim, with ten minutes for the people at both ends.
            let due = if self.leaving {
                self.due
            } else {
                after(now, CLAIM_OPEN_SECS)
            };
            Next::Goes(Self { stage, due, ..self }, Effect::Introduce(sealed))
        } else {
            self.goes(stage, Effect::SealToClaimant(sealed))
        }
    }

    fn on_sealed_by_claimant(self, sealed: &str) -> Next<'_> {
        let Stage::Open {
            by_device,
            by_claimant,
        } = self.stage
        else {
            return self.claimant_broke("The device seals first.");
        };
        match by_claimant.spend(sealed) {
            Some(by_claimant) => self.goes(
                Stage::Open {
                    by_device,
                    by_claimant,
                },
                Effect::SealToDevice(sealed),
            ),
            None => self.too_large(),
        }
    }

    fn on_decline(self, code: ProblemCode) -> Next<'static> {
        if !matches!(self.stage, Stage::Offered) {
            return self.device_broke("It declined a claim that it had answered.");
        }
        let claimant = match code {
            ProblemCode::CodeUnknown => told(code, "The device shows another code by now. Read it again."),
            ProblemCode::Malformed => told(code, "The device could not read the claim."),
            _ => told(
                ProblemCode::Busy,
                "The device is busy with something else. Try again in a moment.",
            ),
        };
        self.end(DeviceEnd::Knows, claimant, "declined")
    }

    fn on_outcome(self, outcome: Outcome) -> Next<'static> {
        let (claimant, spent, result) = match outcome {
            Outcome::Enrolled => (ClaimantEnd::Done, true, "enrolled"),
            Outcome::Refused => (ClaimantEnd::Done, true, "refused"),
            Outcome::Waiting => (ClaimantEnd::Done, false, "waiting"),
            // An outcome of a later version has not enrolled the device either.
            Outcome::Failed | Outcome::Unknown => (
                told(
                    ProblemCode::DeviceGone,
                    "The device gave the attempt up. Look at what it shows and try again.",
                ),
                false,
                "failed",
            ),
        };
        Next::Ends(End {
            spent,
            ..self.ended(DeviceEnd::Knows, claimant, result)
        })
    }

    fn goes<'a>(self, stage: Stage, effect: Effect<'a>) -> Next<'a> {
        Next::Goes(Self { stage, ..self }, effect)
    }

    fn leave(self, now: Now) -> Self {
        Self {
            due: self.due.min(after(now, LEAVING_SECS)),
            leaving: true,
            ..self
        }
    }

    fn claimant_left(self) -> Next<'static> {
        let device = DeviceEnd::Closed(ClosedReason::Left);
        self.end(device, ClaimantEnd::Gone, "claimant_left")
    }

    fn end(self, device: DeviceEnd, claimant: ClaimantEnd, result: &'static str) -> Next<'static> {
        Next::Ends(self.ended(device, claimant, result))
    }

    fn ended(self, device: DeviceEnd, claimant: ClaimantEnd, result: &'static str) -> End {
        End {
            device,
            claimant,
            // protocol.md §1: ended after `answer` was forwarded and before the device's first `sealed`.
            failed: matches!(self.stage, Stage::Answered | Stage::Confirmed),
            spent: false,
            result,
        }
    }

    fn device_broke(self, message: &str) -> Next<'static> {
        self.end(
            DeviceEnd::Broke(problem(ProblemCode::Malformed, message)),
            gone(),
            "malformed",
        )
    }

    fn claimant_broke(self, message: &str) -> Next<'static> {
        let claimant = told(ProblemCode::Malformed, message);
        self.end(DeviceEnd::Closed(ClosedReason::Malformed), claimant, "malformed")
    }

    fn too_large(self) -> Next<'static> {
        let claimant = told(
            ProblemCode::TooLarge,
            "The claim has carried more than a crossing takes.",
        );
        self.end(DeviceEnd::Closed(ClosedReason::TooLarge), claimant, "too_large")
    }
}

fn told(code: ProblemCode, message: &str) -> ClaimantEnd {
    ClaimantEnd::Problem(problem(code, message))
}

fn gone() -> ClaimantEnd {
    told(
        ProblemCode::DeviceGone,
        "The device disconnected. Check that it is on and try again.",
    )
}

fn after(now: Now, secs: u32) -> Monotonic {
    now.plus(i64::from(secs) * UnixMillis::SECOND)
}

#[cfg(test)]
mod tests;
