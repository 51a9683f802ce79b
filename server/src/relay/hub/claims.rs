//! Claimants, and claims between two sockets: who is told what when a [`Claim`] goes on or ends.

use std::net::IpAddr;

use gangway_protocol::encoding::Base64;
use gangway_protocol::enrolment::{ClaimantToServer, NetworkComparison, ServerToClaimant, ServerToDevice};
use gangway_protocol::error::{Problem, ProblemCode};
use gangway_protocol::id::ClaimId;
use tokio::sync::mpsc;

use super::super::claim::{Claim, ClaimantEnd, DeviceEnd, Effect, End, Input, Next};
use super::super::driver::{Driver, SocketKey};
use super::super::frame::close_code;
use super::super::message::{Incoming, problem, read, write_sealed};
use super::super::record::{Claimant, ClaimantStage, Role};
use super::super::ticket::{ClaimInfo, Ticket};
use super::{Hub, ProblemMessage, send};
use crate::clock::Now;
use crate::limits::AddressKey;

/// A SPAKE2 message: side byte and point.
const PAKE_LEN: usize = 33;
/// What a claimant is told to wait when another claim runs: most take less.
const BUSY_RETRY_SECS: u32 = 15;

/// A claim with its two sockets.
#[derive(Debug)]
pub(super) struct OpenClaim {
    /// Absent while a step is under way.
    claim: Option<Claim>,
    device: u32,
    claimant: Side,
    /// The place that the attempt holds in the limits; given back when it is redeemed or ends.
    attempt: Option<crate::limits::CodeAttempt>,
}

/// The claimant's end of a claim.
#[derive(Clone, Debug)]
enum Side {
    /// Somebody's browser or command line.
    Socket(u32),
    /// This server, for a permit. Dropping it says that the claim is over.
    Server(mpsc::UnboundedSender<ServerToClaimant>),
}

impl Side {
    fn send(&self, message: ServerToClaimant, driver: &mut impl Driver) {
        match self {
            Self::Socket(socket) => send(driver, *socket, &message),
            // Whoever does not listen any more ends the claim by that.
            Self::Server(heard) => drop(heard.send(message)),
        }
    }
}

impl Hub {
    pub(super) fn on_claimant_text(&mut self, socket: u32, text: &str, now: Now, driver: &mut impl Driver) {
        let stage = match &self.record(socket).role {
            Role::Claimant(claimant) => &claimant.stage,
            _ => return,
        };
        let ClaimantStage::Claiming(index) = *stage else {
            return match read::<ClaimantToServer>(text) {
                Ok(Incoming::Message(ClaimantToServer::Claim { pake })) if pake.0.len() == PAKE_LEN => {
                    self.open_claim(socket, pake, now, driver);
                }
                Ok(_) => {
                    let problem = problem(
                        ProblemCode::Malformed,
                        "`claim` comes first, with a message of 33 bytes.",
                    );
                    self.refuse_now(socket, problem, now, driver);
                }
                Err(problem) => self.refuse_now(socket, problem, now, driver),
            };
        };
        let input = match read::<ClaimantToServer>(text) {
            Ok(Incoming::Sealed { claim, sealed }) if self.is_claim(index, claim) => {
                Input::SealedByClaimant(sealed)
            }
            Ok(Incoming::Message(ClaimantToServer::Confirm { claim, confirm }))
                if self.is_claim(index, claim.as_str()) =>
            {
                Input::Confirm(confirm)
            }
            // One whose JSON has escapes in it: the long way round, to the same end.
            Ok(Incoming::Message(ClaimantToServer::Sealed { claim, sealed }))
                if self.is_claim(index, claim.as_str()) =>
            {
                let sealed = data_encoding::BASE64.encode(&sealed.0);
                self.step(index, Input::SealedByClaimant(&sealed), now, driver);
                return;
            }
            Ok(_) => Input::ClaimantBroke(problem(
                ProblemCode::Malformed,
                "This is about another claim, or a second `claim`.",
            )),
            Err(problem) => Input::ClaimantBroke(problem),
        };
        self.step(index, input, now, driver);
    }

    fn open_claim(&mut self, socket: u32, pake: Base64, now: Now, driver: &mut impl Driver) {
        let Role::Claimant(claimant) = &self.record(socket).role else {
            return;
        };
        let ticket = claimant.ticket.clone();
        match self.find_device(&ticket, now) {
            Ok(device) => self.start_claim(socket, device, ticket, pake, now, driver),
            Err(problem) => {
                count("refused");
                self.refuse_now(socket, problem, now, driver);
            }
        }
    }

    /// The device that waits for this claimant. The attempt has its place in the limits when there is one.
    fn find_device(&mut self, ticket: &Ticket, now: Now) -> Result<u32, Problem> {
        let limits = &self.dependencies.limits;
        // threat model, ENR-1 and ENR-3: nobody learns anything about nameplates who has tried too often.
        limits.begin(&ticket.attempt, now).map_err(|too_many| Problem {
            retry_after_secs: Some(too_many.retry_after_secs),
            ..problem(
                ProblemCode::RateLimited,
                "Too many codes did not fit. Wait, look at the device's screen again, then try again.",
            )
        })?;
        let found = self.nameplates.find(&ticket.attempt.nameplate);
        let waiting = found.and_then(|socket| match &self.record(socket).role {
            Role::Waiting(waiting) if waiting.is_claimable(now) => Some((socket, waiting.claim)),
            _ => None,
        });
        match waiting {
            Some((socket, None)) => Ok(socket),
            Some((_, Some(_))) => {
                limits.settle(&ticket.attempt, false, now);
                Err(Problem {
                    retry_after_secs: Some(BUSY_RETRY_SECS),
                    ..problem(ProblemCode::Busy, "Somebody is enrolling this device right now.")
                })
            }
            None => {
                limits.settle(&ticket.attempt, true, now);
                Err(problem(
                    ProblemCode::CodeUnknown,
                    "No device waits under this code. Codes change after ten minutes: read it again on the device's screen.",
                ))
            }
        }
    }

    fn start_claim(
        &mut self,
        socket: u32,
        device: u32,
        ticket: Ticket,
        pake: Base64,
        now: Now,
        driver: &mut impl Driver,
    ) {
        let id = ClaimId::new(now.wall, self.dependencies.random.for_id());
        let index = self.claims.insert(OpenClaim {
            claim: Some(Claim::new(id.clone(), now)),
            device,
            claimant: Side::Socket(socket),
            attempt: Some(ticket.attempt.clone()),
        });
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        self.claim_ids.insert(id.clone(), index);
        if let Role::Claimant(claimant) = &mut self.record_mut(socket).role {
            claimant.stage = ClaimantStage::Claiming(index);
        }
        let Role::Waiting(waiting) = &mut self.record_mut(device).role else {
            return;
        };
        waiting.claim = Some(index);
        let (device_address, first_seen) = (waiting.address, waiting.first_seen);
        self.dependencies.claims.insert(ClaimInfo {
            claim: id.clone(),
            nameplate: ticket.attempt.nameplate.clone(),
            account: ticket.attempt.account,
            account_name: ticket.name,
            credential: ticket.credential,
            claimant_address: ticket.address,
            device_address,
            first_seen,
            opened_at: now.wall,
            redeemed_at: None,
            ended_at: None,
        });
        send(driver, socket, &ServerToClaimant::Accepted { claim: id.clone() });
        let nameplate = ticket.attempt.nameplate;
        send(
            driver,
            device,
            &ServerToDevice::Claim {
                claim: id,
                nameplate,
                pake,
            },
        );
    }

    /// The server claims a device that named a permit; gives the claim's id, unless the device has gone.
    pub(crate) fn claim_by_server(
        &mut self,
        key: SocketKey,
        pake: Base64,
        heard: mpsc::UnboundedSender<ServerToClaimant>,
        now: Now,
        driver: &mut impl Driver,
    ) -> Option<ClaimId> {
        if !self.is_present(key) {
            return None;
        }
        let device = key.index;
        let nameplate = match &self.record(device).role {
            Role::Waiting(waiting) if waiting.unattended && waiting.claim.is_none() => waiting.plate,
            _ => return None,
        };
        let id = ClaimId::new(now.wall, self.dependencies.random.for_id());
        let index = self.claims.insert(OpenClaim {
            claim: Some(Claim::new(id.clone(), now)),
            device,
            claimant: Side::Server(heard),
            attempt: None,
        });
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        self.claim_ids.insert(id.clone(), index);
        if let Role::Waiting(waiting) = &mut self.record_mut(device).role {
            waiting.claim = Some(index);
        }
        let message = ServerToDevice::Claim {
            claim: id.clone(),
            nameplate: nameplate.into(),
            pake,
        };
        send(driver, device, &message);
        Some(id)
    }

    /// What the server says in a claim of its own.
    pub(crate) fn say_as_claimant(&mut self, message: ClaimantToServer, now: Now, driver: &mut impl Driver) {
        let (claim, sealed, confirm) = match message {
            ClaimantToServer::Claim { .. } => return,
            ClaimantToServer::Confirm { claim, confirm } => (claim, None, Some(confirm)),
            ClaimantToServer::Sealed { claim, sealed } => (claim, Some(sealed), None),
        };
        let Some(index) = self.claim_ids.get(&claim).copied() else {
            return;
        };
        if let Some(confirm) = confirm {
            self.step(index, Input::Confirm(confirm), now, driver);
        }
        if let Some(sealed) = sealed {
            let sealed = data_encoding::BASE64.encode(&sealed.0);
            self.step(index, Input::SealedByClaimant(&sealed), now, driver);
        }
    }

    /// Takes a claim one step on. True when that ended it and its code is spent.
    pub(super) fn step(&mut self, index: u32, input: Input<'_>, now: Now, driver: &mut impl Driver) -> bool {
        let Some(open) = self.claims.get_mut(super::at(index)) else {
            return false;
        };
        let (device, claimant) = (open.device, open.claimant.clone());
        let Some(claim) = open.claim.take() else {
            return false;
        };
        let id = claim.id().clone();
        match claim.on(input, now) {
            Next::Goes(claim, effect) => {
                open.claim = Some(claim);
                match effect {
                    Effect::Nothing => {}
                    Effect::ToDevice(message) => send(driver, device, &message),
                    Effect::ToClaimant(message) => claimant.send(message, driver),
                    Effect::SealToDevice(sealed) => self.forward(device, &id, sealed, driver),
                    Effect::SealToClaimant(sealed) => self.forward_to(&claimant, &id, sealed, driver),
                    Effect::Introduce(sealed) => {
                        self.forward_to(&claimant, &id, sealed, driver);
                        self.redeem(index, &id, now, driver);
                    }
                }
                false
            }
            Next::Ends(end) => {
                let spent = end.spent;
                self.finish(index, &id, end, now, driver);
                spent
            }
        }
    }

    fn forward(&mut self, to: u32, claim: &ClaimId, sealed: &str, driver: &mut impl Driver) {
        write_sealed(claim.as_str(), sealed, &mut self.scratch);
        driver.send(to, &self.scratch);
    }

    fn forward_to(&mut self, claimant: &Side, claim: &ClaimId, sealed: &str, driver: &mut impl Driver) {
        match claimant {
            Side::Socket(socket) => self.forward(*socket, claim, sealed, driver),
            Side::Server(_) => {
                // What is no base64 opens no box either.
                let sealed = Base64(
                    data_encoding::BASE64
                        .decode(sealed.as_bytes())
                        .unwrap_or_default(),
                );
                let claim = claim.clone();
                claimant.send(ServerToClaimant::Sealed { claim, sealed }, driver);
            }
        }
    }

    /// The claimant knew the code: the limits are told, and the claimant what the server sees of the device.
    fn redeem(&mut self, index: u32, id: &ClaimId, now: Now, driver: &mut impl Driver) {
        let Some(open) = self.claims.get_mut(super::at(index)) else {
            return;
        };
        let (device, claimant) = (open.device, open.claimant.clone());
        if let Some(attempt) = open.attempt.take() {
            self.dependencies.limits.settle(&attempt, false, now);
        }
        self.dependencies.claims.redeemed(id, now.wall);
        if let Side::Socket(claimant) = claimant
            && let (Role::Waiting(waiting), Role::Claimant(of)) =
                (&self.record(device).role, &self.record(claimant).role)
        {
            let context = ServerToClaimant::Context {
                network: compare(waiting.address, Some(of.ticket.address)),
                first_seen: waiting.first_seen,
            };
            send(driver, claimant, &context);
        }
    }

    /// Tells both ends that the claim is over, each as far as it does not know yet.
    fn finish(&mut self, index: u32, id: &ClaimId, end: End, now: Now, driver: &mut impl Driver) {
        let open = self.claims.remove(super::at(index));
        self.claim_ids.remove(id);
        if let Some(attempt) = &open.attempt {
            self.dependencies.limits.settle(attempt, end.failed, now);
        }
        self.dependencies.claims.ended(id, now);
        self.note_claim_end(open.device, &end, now);
        count(end.result);
        match end.device {
            DeviceEnd::Knows => {}
            DeviceEnd::Closed(reason) => {
                let claim = id.clone();
                send(driver, open.device, &ServerToDevice::Closed { claim, reason });
            }
            DeviceEnd::Broke(problem) => self.refuse_now(open.device, problem, now, driver),
        }
        // From here on the claimant has no claim: leaving does not come back here.
        if let Side::Socket(claimant) = open.claimant
            && let Role::Claimant(_) = self.record(claimant).role
        {
            self.record_mut(claimant).role = Role::Closing;
            match end.claimant {
                ClaimantEnd::Gone | ClaimantEnd::Done => driver.close(claimant, close_code::NORMAL),
                ClaimantEnd::Problem(problem) => {
                    send(driver, claimant, &ProblemMessage::Problem(problem));
                    driver.close(claimant, close_code::POLICY);
                }
            }
        }
    }

    pub(super) fn claimant_left(&mut self, claimant: &Claimant, now: Now, driver: &mut impl Driver) {
        if let ClaimantStage::Claiming(claim) = claimant.stage {
            self.step(claim, Input::ClaimantGone, now, driver);
        }
    }

    pub(super) fn end_due_claims(&mut self, now: Now, driver: &mut impl Driver) {
        let due = |(index, open): (usize, &OpenClaim)| {
            let due = open.claim.as_ref().is_some_and(|claim| claim.is_due(now));
            due.then(|| u32::try_from(index).ok()).flatten()
        };
        let due: Vec<u32> = self.claims.iter().filter_map(due).collect();
        for index in due {
            self.step(index, Input::Tick, now, driver);
        }
    }

    /// The person said "not mine" or cancelled, and the API was told.
    pub(crate) fn leave_claim(&mut self, claim: &ClaimId, now: Now, driver: &mut impl Driver) {
        if let Some(index) = self.claim_ids.get(claim).copied() {
            self.step(index, Input::ClaimantLeaves, now, driver);
        }
    }

    /// The claimant may claim no more.
    pub(crate) fn end_claim(&mut self, claim: &ClaimId, now: Now, driver: &mut impl Driver) {
        if let Some(index) = self.claim_ids.get(claim).copied() {
            self.step(index, Input::ClaimantGone, now, driver);
        }
    }

    pub(super) fn is_claim(&self, index: u32, claim: &str) -> bool {
        let open = self.claims.get(super::at(index));
        open.and_then(|open| open.claim.as_ref())
            .is_some_and(|present| present.id().as_str() == claim)
    }

    pub(super) fn device_of(&self, claim: &ClaimId) -> Option<u32> {
        let index = self.claim_ids.get(claim)?;
        self.claims.get(super::at(*index)).map(|open| open.device)
    }
}

/// `protocol.md` §2, `context`: equal IPv4 address, or equal IPv6 /64; one of each cannot be compared.
fn compare(device: Option<IpAddr>, claimant: Option<IpAddr>) -> NetworkComparison {
    let keys = (device.map(AddressKey::from), claimant.map(AddressKey::from));
    match keys {
        (Some(AddressKey::V4(_)), Some(AddressKey::V4(_)))
        | (Some(AddressKey::V6(_)), Some(AddressKey::V6(_))) => {
            if keys.0 == keys.1 {
                NetworkComparison::Same
            } else {
                NetworkComparison::Different
            }
        }
        _ => NetworkComparison::NotComparable,
    }
}

fn count(result: &'static str) {
    metrics::counter!("gangway_claims_total", "result" => result).increment(1);
}
