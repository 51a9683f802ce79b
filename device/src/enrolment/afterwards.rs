//! What the end of a claim means: for the code on the screen, and for a device that has a permit in its place.

use std::time::{Duration, Instant};

use gangway_protocol::enrolment::{DeviceToServer, ReplaceReason};

use super::claim::Ending;
use super::{Connection, Effect, Enrolment};
use crate::event::{Event, Trouble};

impl Enrolment {
    /// What the end of a claim means for the code.
    pub(super) fn after(&mut self, ending: Ending, effects: &mut Vec<Effect>, now: Instant) {
        if self.permit.is_some() {
            return self.after_unattended(ending, effects, now);
        }
        match ending {
            Ending::Unredeemed => self.count_failure(effects, now),
            Ending::Broken { reason } => effects.push(Effect::Tell(Event::ClaimEnded { reason })),
            Ending::Refused { by, reason } => {
                effects.push(Effect::Tell(Event::Refused { by, reason }));
                self.withdraw(ReplaceReason::Spent, effects);
            }
            Ending::Waits { reason, .. } => effects.push(Effect::Tell(Event::ClaimEnded { reason })),
            Ending::Enrolled => {
                self.code = None;
                self.resume = None;
                effects.push(Effect::KeepResume(None));
                effects.push(Effect::Enrolled);
            }
        }
    }

    /// What the end of a claim means for a device that has a permit: the connection ends, and the device comes again, ever more rarely
    /// while nothing comes of it.
    pub(super) fn after_unattended(&mut self, ending: Ending, effects: &mut Vec<Effect>, now: Instant) {
        self.code = None;
        let again = match ending {
            Ending::Enrolled => {
                self.refusals = 0;
                return effects.push(Effect::Enrolled);
            }
            Ending::Waits { reason, retry_after } => {
                self.refusals = 0;
                let retry_in_secs = retry_after.as_secs();
                effects.push(Effect::Tell(Event::InLobby {
                    reason,
                    retry_in_secs,
                }));
                retry_after
            }
            Ending::Unredeemed => {
                effects.push(Effect::Tell(Event::Error(permit_refused())));
                self.rarely()
            }
            Ending::Refused { reason, .. } | Ending::Broken { reason } => self.not_joined(reason, effects),
        };
        effects.push(Effect::Pause(now + again));
    }

    fn not_joined(&mut self, reason: String, effects: &mut Vec<Effect>) -> Duration {
        let again = self.rarely();
        let retry_in_secs = again.as_secs();
        effects.push(Effect::Tell(Event::NotJoined {
            reason,
            retry_in_secs,
        }));
        again
    }

    /// A minute, two, four, … up to an hour.
    fn rarely(&mut self) -> Duration {
        let minutes = 1u64 << self.refusals.min(6);
        self.refusals = self.refusals.saturating_add(1);
        Duration::from_secs((minutes * 60).min(3600))
    }

    fn count_failure(&mut self, effects: &mut Vec<Effect>, now: Instant) {
        if let Some(code) = &mut self.code {
            let (count, remaining) = code.fail();
            effects.push(Effect::Tell(Event::AttemptFailed { count, remaining }));
            if remaining == 0 {
                self.withdraw(ReplaceReason::Attempts, effects);
            }
        }
        self.brake(effects, now);
    }

    /// Destroys the secret and asks for another nameplate.
    pub(super) fn withdraw(&mut self, reason: ReplaceReason, effects: &mut Vec<Effect>) {
        if self.code.take().is_none() {
            return;
        }
        effects.push(Effect::Tell(Event::CodeWithdrawn { reason }));
        self.resume = None;
        effects.push(Effect::KeepResume(None));
        if self.connection == Connection::Waiting {
            self.connection = Connection::Expecting;
            effects.push(Effect::Send(DeviceToServer::Replace { reason }));
        }
    }

    /// protocol.md §1: after 30 unredeemed answers within an hour the device pauses and says so.
    pub(super) fn brake(&mut self, effects: &mut Vec<Effect>, now: Instant) -> bool {
        let Some(until) = self.answers.paused_until(now) else {
            return false;
        };
        self.code = None;
        let resumes_in_secs = until.saturating_duration_since(now).as_secs();
        effects.push(Effect::Tell(Event::Paused { resumes_in_secs }));
        effects.push(Effect::Pause(until));
        true
    }
}

/// The server has another secret, or none.
fn permit_refused() -> Trouble {
    Trouble::new(
        "permit_refused",
        "The server does not accept what this device was given to join with: it does not know it, or knows another secret.",
        "Compare the registration key, the ticket, or the device id and its secret with the panel. To join by a code instead, start \
         the device without them.",
    )
}
