//! The device's side of attended enrolment (protocol.md §1 and §2) as a state machine without input or output: frames,
//! instants and the person's answers go in, [`Effect`]s come out, to be carried out in order.
//!
//! 1. [`Enrolment::connected`] → `hello`, with what it takes to keep the nameplate.
//! 2. `nameplate` → a code with a secret of our own, to be shown.
//! 3. `claim` … `outcome`: see `claim.rs`. One at a time.
//! 4. A code that is spent, expired or tried too often is destroyed and replaced.
//!
//! The machine outlives its connections: the code, the count of failures and the brake on answers go on across them.

mod afterwards;
mod claim;
mod code;

use std::sync::Arc;
use std::time::{Duration, Instant};

use gangway_protocol::code::Nameplate;
use gangway_protocol::device::Facts;
use gangway_protocol::enrolment::{
    CODE_LIFE_SECS, DeviceToServer, Outcome, Provisioned, ProvisioningClaim, ReplaceReason, ServerToDevice,
};
use gangway_protocol::error::{Problem, ProblemCode};
use gangway_protocol::id::ClaimId;
use gangway_protocol::permit::DevicePermit;
use gangway_protocol::time::UnixMillis;

use self::claim::{Claim, Ending, Turn};
use self::code::{LiveCode, UnredeemedAnswers};
use crate::clock::ServerClock;
use crate::credential::Credential;
use crate::event::Event;
use crate::key::Csr;
use crate::rng::Random;

/// What the device introduces itself with.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Its CSR.
    pub csr: Csr,
    /// DER of the SubjectPublicKeyInfo of its key.
    pub spki: Vec<u8>,
    /// What it says about itself.
    pub facts: Facts,
    /// Software and platform, for `hello`.
    pub agent: String,
}

/// Who answers when an organisation wants the device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Accept {
    /// The person at the device: [`Event::ApprovalAsked`] waits for [`Enrolment::decide`].
    #[default]
    Ask,
    /// The device says yes by itself. Whoever reads its code can take it.
    Always,
}

/// What is to be done, in this order.
#[derive(Debug)]
#[non_exhaustive]
pub enum Effect {
    /// Send a frame.
    Send(DeviceToServer),
    /// Tell whoever watches.
    Tell(Event),
    /// Keep this for the next `hello`, across restarts too.
    KeepResume(Option<String>),
    /// Write the credential beside the present one, fsync it, then call [`Enrolment::installed`].
    Install(Box<Installation>),
    /// Fetch a certificate with this claim, then call [`Enrolment::provisioned`] with the id of the claim.
    Provision(Box<ProvisioningClaim>),
    /// The certificate is installed: close the connection; a session has to prove it.
    Enrolled,
    /// Close the connection and come back at this instant.
    Pause(Instant),
    /// The server ended the connection, for this reason.
    Refused(Problem),
}

/// A verified credential with what came along.
#[derive(Clone, Debug, PartialEq)]
pub struct Installation {
    /// The credential.
    pub credential: Credential,
    /// Settings, if any came.
    pub configuration: Option<serde_json::Map<String, serde_json::Value>>,
}

/// Why something did not come about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// For programs.
    pub code: &'static str,
    /// For people, on both screens.
    pub message: String,
}

/// The machine.
pub struct Enrolment {
    identity: Identity,
    accept: Accept,
    code_life: Duration,
    random: Arc<dyn Random>,
    connection: Connection,
    resume: Option<String>,
    code: Option<LiveCode>,
    /// What it has instead of a code, where it joins without a person.
    permit: Option<DevicePermit>,
    /// Times in a row that nothing came of that permit.
    refusals: u32,
    claim: Option<Claim>,
    answers: UnredeemedAnswers,
    server_clock: Option<ServerClock>,
}

/// What the server expects of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Connection {
    Down,
    /// We said `hello` or `replace`; it owes a `nameplate`.
    Expecting,
    /// We wait under the nameplate of the live code.
    Waiting,
}

impl Enrolment {
    /// A device without a connection. `resume` is what [`Effect::KeepResume`] last kept.
    #[must_use]
    pub fn new(identity: Identity, accept: Accept, resume: Option<String>, random: Arc<dyn Random>) -> Self {
        Self {
            identity,
            accept,
            code_life: Duration::from_secs(u64::from(CODE_LIFE_SECS)),
            random,
            connection: Connection::Down,
            resume,
            code: None,
            permit: None,
            refusals: 0,
            claim: None,
            answers: UnredeemedAnswers::default(),
            server_clock: None,
        }
    }

    /// Lets codes live for `life` instead of ten minutes, which is the most there is.
    #[must_use]
    pub fn with_code_life(mut self, life: Duration) -> Self {
        self.code_life = life.min(self.code_life);
        self
    }

    /// Joins by a permit instead of a code: the server claims the device, no person does, and nobody is asked.
    #[must_use]
    pub fn with_permit(mut self, permit: Option<DevicePermit>) -> Self {
        if permit.is_some() {
            self.accept = Accept::Always;
            self.resume = None;
        }
        self.permit = permit;
        self
    }

    /// 1: the connection stands.
    pub fn connected(&mut self) -> Vec<Effect> {
        self.connection = Connection::Expecting;
        let hello = DeviceToServer::Hello {
            agent: self.identity.agent.clone(),
            resume: self.resume.clone(),
            lookup: self.permit.as_ref().map(|permit| permit.lookup.clone()),
        };
        vec![Effect::Send(hello)]
    }

    /// The connection is gone. A claim that was running is over; its guess, if not redeemed, is a failure.
    pub fn disconnected(&mut self, now: Instant) -> Vec<Effect> {
        self.connection = Connection::Down;
        let mut effects = Vec::new();
        if let Some(claim) = self.claim.take() {
            self.after(
                claim.on_gone("the connection to the server broke"),
                &mut effects,
                now,
            );
        }
        effects
    }

    /// A frame of the server.
    pub fn frame(&mut self, frame: ServerToDevice, now: Instant) -> Vec<Effect> {
        let mut effects = self.tick(now);
        match frame {
            ServerToDevice::Nameplate {
                nameplate,
                expires_in_secs,
                verification_uri,
                resume,
                server_time,
            } => {
                self.server_clock = Some(ServerClock::new(server_time, now));
                if self.permit.is_none() {
                    self.resume = Some(resume.clone());
                    effects.push(Effect::KeepResume(Some(resume)));
                }
                self.take_nameplate(&nameplate, expires_in_secs, verification_uri, now, &mut effects);
            }
            ServerToDevice::Claim {
                claim,
                nameplate,
                pake,
            } => {
                self.take_claim(&claim, &nameplate, &pake, now, &mut effects);
            }
            ServerToDevice::Confirm { claim: id, confirm } => {
                if let (Some(claim), Some(code)) = (self.take_running(&id), &self.code) {
                    let mut turn = claim.on_confirm(&confirm, &self.identity, code.verification_uri(), now);
                    if let Turn::On(_, more) = &mut turn {
                        self.answers.redeem();
                        if self.permit.is_some() {
                            // Nobody has entered a code.
                            more.retain(|effect| !matches!(effect, Effect::Tell(Event::Claimed {})));
                        }
                    }
                    self.proceed(id, turn, &mut effects, now);
                }
            }
            ServerToDevice::Sealed { claim: id, sealed } => {
                if let Some(claim) = self.take_running(&id) {
                    let turn =
                        claim.on_sealed(&sealed, &self.identity, self.accept, self.server_time(now), now);
                    self.proceed(id, turn, &mut effects, now);
                }
            }
            ServerToDevice::Approval {
                claim: id,
                organisation,
                approver,
            } => {
                if let Some(claim) = self.take_running(&id) {
                    let turn = claim.on_approval(organisation, approver, self.accept);
                    self.proceed(id, turn, &mut effects, now);
                }
            }
            ServerToDevice::Closed { claim: id, reason } => {
                if let Some(claim) = self.take_running(&id) {
                    let ending = claim.on_gone(words(reason));
                    self.after(ending, &mut effects, now);
                }
            }
            ServerToDevice::Problem(problem) => effects.push(Effect::Refused(problem)),
        }
        effects
    }

    /// The person's answer to the [`Event::ApprovalAsked`] of the claim `question`. An answer to any other question
    /// changes nothing, and that is told: whoever meant it for an earlier claim has not seen who wants the device now.
    pub fn decide(&mut self, question: &ClaimId, accepted: bool, now: Instant) -> Vec<Effect> {
        let mut effects = Vec::new();
        match self.claim.take_if(|claim| claim.asks(question)) {
            Some(claim) => {
                let turn = claim.on_decision(accepted);
                self.proceed(question.clone(), turn, &mut effects, now);
            }
            None => effects.push(Effect::Tell(answer_refused(question))),
        }
        effects
    }

    /// What became of [`Effect::Install`].
    pub fn installed(&mut self, written: Result<(), String>, now: Instant) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(claim) = self.claim.take() {
            let id = claim.id().clone();
            self.proceed(id, claim.on_written(written), &mut effects, now);
        }
        effects
    }

    /// What became of [`Effect::Provision`] in `claim`: what was obtained, or why nothing was.
    pub fn provisioned(
        &mut self,
        claim: &ClaimId,
        outcome: Result<Provisioned, Fault>,
        now: Instant,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(running) = self.take_running(claim) {
            self.proceed(claim.clone(), running.on_provisioned(outcome), &mut effects, now);
        }
        effects
    }

    /// The claim in which the device fetches its certificate at the moment.
    #[must_use]
    pub fn provisions(&self) -> Option<&ClaimId> {
        self.claim
            .as_ref()
            .filter(|claim| claim.provisions())
            .map(Claim::id)
    }

    /// The person at the device wants another code. While a claim runs, nothing happens.
    pub fn replace_code(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.claim.is_none() && self.permit.is_none() {
            self.withdraw(ReplaceReason::Asked, &mut effects);
        }
        effects
    }

    /// Lets time limits act. Call it at [`Self::due`]; calling it more often changes nothing.
    pub fn tick(&mut self, now: Instant) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(claim) = self.claim.take() {
            let id = claim.id().clone();
            self.proceed(id, claim.on_due(now), &mut effects, now);
        }
        // protocol.md §2: expiry never interrupts a running claim.
        if self.claim.is_none() && self.code.as_ref().is_some_and(|code| code.has_expired(now)) {
            if self.permit.is_some() {
                // The server should have claimed the device long ago.
                let nobody = "the server did not take this device up".to_owned();
                self.after_unattended(Ending::Broken { reason: nobody }, &mut effects, now);
            } else {
                self.withdraw(ReplaceReason::Expired, &mut effects);
            }
        }
        effects
    }

    /// When [`Self::tick`] is needed next.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        match (&self.claim, &self.code) {
            (Some(claim), _) => Some(claim.due()),
            (None, code) => code.as_ref().map(LiveCode::expires_at),
        }
    }

    /// The server's clock, once it has told.
    #[must_use]
    pub fn server_clock(&self) -> Option<ServerClock> {
        self.server_clock
    }

    fn server_time(&self, now: Instant) -> UnixMillis {
        self.server_clock.map_or(UnixMillis(0), |clock| clock.at(now))
    }

    fn take_nameplate(
        &mut self,
        nameplate: &Nameplate,
        expires_in_secs: u32,
        verification_uri: String,
        now: Instant,
        effects: &mut Vec<Effect>,
    ) {
        let life = Duration::from_secs(u64::from(expires_in_secs)).min(self.code_life);
        let same = self
            .code
            .as_ref()
            .is_some_and(|code| code.nameplate() == nameplate);
        if !same && let Some(claim) = self.claim.take() {
            self.after(
                claim.on_gone("the server assigned another nameplate"),
                effects,
                now,
            );
        }
        if self.brake(effects, now) {
            return;
        }
        self.connection = Connection::Waiting;
        if let Some(permit) = self.permit.clone() {
            let lookup = permit.lookup.as_str().to_owned();
            self.code = Some(LiveCode::of_permit(
                permit,
                nameplate.clone(),
                verification_uri,
                life,
                now,
            ));
            effects.push(Effect::Tell(Event::PermitPresented { lookup }));
            return;
        }
        match &mut self.code {
            Some(code) if same => code.shorten(life, now),
            // protocol.md §1: a different nameplate always means a new secret.
            code => {
                let fresh = LiveCode::draw(nameplate, verification_uri, life, now, self.random.as_ref());
                effects.extend(fresh.shown(now).map(|shown| Effect::Tell(Event::Code(shown))));
                *code = Some(fresh);
            }
        }
        let expires_in_secs = self.code.as_ref().map_or(0, |code| code.remaining_secs(now));
        effects.push(Effect::Tell(Event::Waiting { expires_in_secs }));
    }

    fn take_claim(
        &mut self,
        id: &ClaimId,
        nameplate: &Nameplate,
        pake: &gangway_protocol::encoding::Base64,
        now: Instant,
        effects: &mut Vec<Effect>,
    ) {
        let decline = |code| {
            Effect::Send(DeviceToServer::Decline {
                claim: id.clone(),
                code,
            })
        };
        if self.claim.is_some() {
            return effects.push(decline(ProblemCode::Busy));
        }
        let live = self.code.as_ref().filter(|code| code.nameplate() == nameplate);
        let Some(code) = live.filter(|_| self.connection == Connection::Waiting) else {
            return effects.push(decline(ProblemCode::CodeUnknown));
        };
        match Claim::answer(id.clone(), code, pake, now, self.random.as_ref()) {
            Ok((claim, answer)) => {
                self.answers.count(now);
                self.claim = Some(claim);
                effects.extend(answer);
            }
            Err(_) => effects.push(decline(ProblemCode::Malformed)),
        }
    }

    /// Frames of claims that are over may still be under way; they are nobody's.
    fn take_running(&mut self, id: &ClaimId) -> Option<Claim> {
        self.claim.take_if(|claim| claim.id() == id)
    }

    fn proceed(&mut self, id: ClaimId, turn: Turn, effects: &mut Vec<Effect>, now: Instant) {
        match turn {
            Turn::On(claim, more) => {
                self.claim = Some(*claim);
                effects.extend(more);
            }
            Turn::Over(more, ending) => {
                effects.extend(more);
                let outcome = match ending {
                    Ending::Enrolled => Outcome::Enrolled,
                    Ending::Refused { .. } => Outcome::Refused,
                    Ending::Waits { .. } => Outcome::Waiting,
                    Ending::Unredeemed | Ending::Broken { .. } => Outcome::Failed,
                };
                effects.push(Effect::Send(DeviceToServer::Outcome { claim: id, outcome }));
                self.after(ending, effects, now);
            }
        }
    }
}

/// What becomes of an answer to a question that does not stand.
pub(crate) fn answer_refused(question: &ClaimId) -> Event {
    Event::AnswerRefused {
        claim: question.clone(),
        reason: "it belongs to a question that is over".to_owned(),
    }
}

fn words(reason: gangway_protocol::enrolment::ClosedReason) -> &'static str {
    use gangway_protocol::enrolment::ClosedReason;
    match reason {
        ClosedReason::Left => "the other side left",
        ClosedReason::Timeout => "the time for this attempt is over",
        ClosedReason::TooLarge => "the other side sent too much",
        ClosedReason::Superseded => "this device connected again",
        ClosedReason::Malformed => "the other side did not follow the protocol",
        ClosedReason::Unknown => "the server ended the attempt",
    }
}

#[cfg(test)]
mod answers;
#[cfg(test)]
mod permitted;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod provisioning;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod tests;
