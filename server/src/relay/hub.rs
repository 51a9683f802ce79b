//! The hub: every waiting device, claim and session of this node, and what follows from each message, disconnection and
//! passed deadline. No socket, no task, no database: bytes are moved by a [`Driver`], long work is a [`Job`], the time
//! is an argument. It belongs to one thread, so that forwarding a frame takes no lock.
//!
//! - [`devices`]: waiting devices and their nameplates
//! - [`claims`]: claimants, and claims between two sockets
//! - [`admission`]: enrolled devices that have not proven themselves yet
//! - [`sessions`]: enrolled devices
//! - [`exclusions`]: those that may not be connected any more
//!
//! [`Job`]: super::driver::Job

mod admission;
mod claims;
mod devices;
mod exclusions;
mod sessions;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use serde::Serialize;
use slab::Slab;

use gangway_protocol::device::{OfflineReason, Presence};
use gangway_protocol::error::{Problem, ProblemCode};
use gangway_protocol::id::{ClaimId, DeviceId};

use super::driver::{Done, Driver, Opening, SocketKey};
use super::frame::{FrameError, close_code};
use super::message::problem;
use super::nameplates::{Lease, Nameplates};
use super::packed_nameplate::PackedNameplate;
use super::record::{Claimant, ClaimantStage, Liveness, Pulse, Record, Role, hello_due};
use super::resume::ResumeKey;
use super::ticket::Claims;
use crate::clock::Now;
use crate::limits::{AddressKey, Limits, Places};
use crate::rng::Random;

pub use exclusions::Exclusion;
pub use sessions::Tell;

/// What the hub is given once and for all.
pub(crate) struct Dependencies {
    pub(crate) random: Arc<dyn Random>,
    pub(crate) limits: Limits,
    pub(crate) resume_key: ResumeKey,
    /// The page where codes are typed.
    pub(crate) verification_uri: String,
    /// Most waiting devices, of the node and of one address.
    pub(crate) max_waiting: u32,
    pub(crate) max_waiting_per_address: u32,
    /// Most sessions of one address that are not proven yet.
    pub(crate) max_unproven_per_address: u32,
    /// The claims as the API sees them.
    pub(crate) claims: Arc<Claims>,
}

/// See the module's description.
pub(crate) struct Hub {
    dependencies: Dependencies,
    records: Vec<Record>,
    /// Enrolment sockets, before and after `hello`.
    devices: u32,
    waiting_places: Places,
    /// Sessions that are not proven yet.
    proving_places: Places,
    /// Those that wait for such a place. Sockets that have gone stay in it until their turn comes.
    queues: HashMap<AddressKey, VecDeque<SocketKey>>,
    /// Most that wait, of one address.
    max_queued: usize,
    nameplates: Nameplates,
    claims: Slab<claims::OpenClaim>,
    claim_ids: HashMap<ClaimId, u32>,
    sessions: HashMap<DeviceId, Vec<u32>>,
    session_count: u32,
    exclusions: VecDeque<exclusions::RecentExclusion>,
    exclusion_count: u64,
    presence: HashMap<DeviceId, Presence>,
    draining: bool,
    /// Lent to forwarded messages.
    scratch: String,
}

/// What is to be written to the database, and to the gauges.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) leases: HashMap<PackedNameplate, Lease>,
    pub(crate) presence: HashMap<DeviceId, Presence>,
    pub(crate) counts: Counts,
}

/// How many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) waiting: u32,
    pub(crate) claims: u32,
    pub(crate) sessions: u32,
}

impl Hub {
    /// Nobody is connected, and these nameplates are not free.
    pub(crate) fn new(
        dependencies: Dependencies,
        leases: impl IntoIterator<Item = (PackedNameplate, Lease)>,
        now: Now,
    ) -> Self {
        Self {
            waiting_places: Places::new(dependencies.max_waiting_per_address),
            proving_places: Places::new(dependencies.max_unproven_per_address),
            queues: HashMap::new(),
            max_queued: admission::max_queued(dependencies.max_unproven_per_address),
            dependencies,
            records: Vec::new(),
            devices: 0,
            nameplates: Nameplates::new(leases, now),
            claims: Slab::new(),
            claim_ids: HashMap::new(),
            sessions: HashMap::new(),
            session_count: 0,
            exclusions: VecDeque::new(),
            exclusion_count: 0,
            presence: HashMap::new(),
            draining: false,
            scratch: String::new(),
        }
    }

    /// A socket was upgraded; the driver names it by an index that is free.
    pub(crate) fn open(&mut self, socket: u32, opening: Opening, now: Now, driver: &mut impl Driver) {
        while self.records.len() <= at(socket) {
            self.records.push(Record::vacant());
        }
        let liveness = Liveness::new(now, &*self.dependencies.random);
        let record = self.record_mut(socket);
        record.generation = record.generation.wrapping_add(1);
        record.liveness = liveness;
        if self.draining {
            return self.refuse(socket, shutting_down(), driver);
        }
        match opening {
            Opening::Refused(problem) => self.refuse(socket, problem, driver),
            Opening::Device { address } => self.open_device(socket, address, now, driver),
            Opening::Claimant(ticket) => {
                let stage = ClaimantStage::Greeting { due: hello_due(now) };
                self.record_mut(socket).role = Role::Claimant(Box::new(Claimant {
                    ticket: *ticket,
                    stage,
                }));
            }
            Opening::Session { address } => self.admit(socket, address, now, driver),
        }
    }

    /// A text message came.
    pub(crate) fn on_text(&mut self, socket: u32, text: &str, now: Now, driver: &mut impl Driver) {
        match self.record(socket).role {
            Role::Greeting(_) | Role::Waiting(_) => self.on_device_text(socket, text, now, driver),
            Role::Claimant(_) => self.on_claimant_text(socket, text, now, driver),
            Role::Proving(_) | Role::Session(_) => self.on_session_text(socket, text, now, driver),
            Role::Vacant | Role::Closing | Role::Queued(_) => {}
        }
    }

    /// A Pong came.
    pub(crate) fn on_pong(&mut self, socket: u32, payload: &[u8], now: Now, driver: &mut impl Driver) {
        let random = self.dependencies.random.clone();
        self.record_mut(socket).liveness.on_pong(now, &*random);
        self.on_probe_answer(socket, payload, now, driver);
    }

    /// The bytes cannot be read any further.
    pub(crate) fn on_frame_error(
        &mut self,
        socket: u32,
        error: FrameError,
        now: Now,
        driver: &mut impl Driver,
    ) {
        if error == FrameError::TooLarge && self.is_open(socket) {
            send(
                driver,
                socket,
                &ProblemMessage::Problem(problem(ProblemCode::TooLarge, format!("{error}."))),
            );
        }
        self.end(socket, error.close_code(), OfflineReason::Malformed, now, driver);
    }

    /// More came than the socket or its address may send.
    pub(crate) fn on_flood(&mut self, socket: u32, problem: Problem, now: Now, driver: &mut impl Driver) {
        self.refuse_now(socket, problem, now, driver);
    }

    /// A message began long ago and has not ended.
    pub(crate) fn on_slow_message(&mut self, socket: u32, now: Now, driver: &mut impl Driver) {
        let problem = problem(ProblemCode::Timeout, "The rest of a message was due within 30 s.");
        self.refuse_now(socket, problem, now, driver);
    }

    /// The connection has ended, whoever ended it. The driver may use the index again.
    pub(crate) fn on_gone(&mut self, socket: u32, why: OfflineReason, now: Now, driver: &mut impl Driver) {
        self.leave(socket, why, now, driver);
        self.record_mut(socket).role = Role::Vacant;
    }

    /// Whether this owner of a socket is still there: another may have its index by now.
    pub(crate) fn is_present(&self, key: SocketKey) -> bool {
        self.record(key.index).generation == key.generation && self.is_open(key.index)
    }

    /// A job has ended.
    pub(crate) fn on_done(&mut self, key: SocketKey, done: Done, now: Now, driver: &mut impl Driver) {
        if self.is_present(key) {
            self.on_job_done(key.index, done, now, driver);
        }
    }

    /// Acts on what is due among `len` sockets from `from` on; returns where to go on, `None` at the end.
    pub(crate) fn sweep(&mut self, from: u32, len: u32, now: Now, driver: &mut impl Driver) -> Option<u32> {
        let end = from.saturating_add(len);
        for socket in from..end {
            match self.records.get(at(socket)) {
                None => return None,
                Some(record) if now.is_past(record.due()) => self.on_due(socket, now, driver),
                Some(_) => {}
            }
        }
        Some(end)
    }

    /// Once per tick: claims whose time is over, and exclusions that nobody can have missed any more.
    pub(crate) fn sweep_claims(&mut self, now: Now, driver: &mut impl Driver) {
        self.end_due_claims(now, driver);
        self.forget_exclusions(now);
        self.dependencies.claims.forget_old(now);
    }

    /// Hands out what is to be written down.
    pub(crate) fn take_batch(&mut self) -> Batch {
        Batch {
            leases: self.nameplates.take_changes(),
            presence: std::mem::take(&mut self.presence),
            counts: Counts {
                waiting: self.devices,
                claims: u32::try_from(self.claims.len()).unwrap_or(u32::MAX),
                sessions: self.session_count,
            },
        }
    }

    /// Sends everybody away because the server goes down; who comes later is refused.
    pub(crate) fn drain(&mut self, now: Now, driver: &mut impl Driver) {
        self.draining = true;
        let sockets = 0..u32::try_from(self.records.len()).unwrap_or(u32::MAX);
        for claimant in sockets.clone() {
            if matches!(self.record(claimant).role, Role::Claimant(_)) {
                // Claimants are people: they are told why, and before they hear that their device is gone.
                send(driver, claimant, &ProblemMessage::Problem(shutting_down()));
                self.end(
                    claimant,
                    close_code::GOING_AWAY,
                    OfflineReason::ServerStopped,
                    now,
                    driver,
                );
            }
        }
        for socket in sockets {
            self.end(
                socket,
                close_code::GOING_AWAY,
                OfflineReason::ServerStopped,
                now,
                driver,
            );
        }
    }

    fn on_due(&mut self, socket: u32, now: Now, driver: &mut impl Driver) {
        match self.record_mut(socket).liveness.on_tick(now) {
            Pulse::Fine => {}
            Pulse::Ping => driver.ping(socket, &[]),
            Pulse::Dead => {
                return self.end(
                    socket,
                    close_code::GOING_AWAY,
                    OfflineReason::PingTimeout,
                    now,
                    driver,
                );
            }
        }
        let role = &self.record(socket).role;
        if !now.is_past(role.due()) {
            return;
        }
        let message = match role {
            Role::Greeting(_) => "`hello` was due within 10 s.",
            Role::Claimant(_) => "`claim` was due within 10 s.",
            Role::Waiting(_) => "The code has expired, and `replace` was due.",
            Role::Proving(_) => "`proof` was due within 10 s.",
            Role::Queued(_) => {
                let crowded = self.crowded();
                return self.refuse_now(socket, crowded, now, driver);
            }
            Role::Session(_) => return self.end_unanswered_probe(socket, now, driver),
            Role::Vacant | Role::Closing => return,
        };
        self.refuse_now(socket, problem(ProblemCode::Timeout, message), now, driver);
    }

    /// Tells a problem and ends the connection (`protocol.md`, common rules). Only for sockets that hold nothing yet.
    fn refuse(&mut self, socket: u32, problem: Problem, driver: &mut impl Driver) {
        send(driver, socket, &ProblemMessage::Problem(problem));
        driver.close(socket, close_code::POLICY);
        self.record_mut(socket).role = Role::Closing;
    }

    /// As [`Self::refuse`], for sockets that may hold a nameplate, a claim or a session.
    fn refuse_now(&mut self, socket: u32, problem: Problem, now: Now, driver: &mut impl Driver) {
        if self.is_open(socket) {
            let why = match problem.code {
                ProblemCode::Malformed | ProblemCode::UnknownType => OfflineReason::Malformed,
                _ => OfflineReason::Closed,
            };
            send(driver, socket, &ProblemMessage::Problem(problem));
            self.end(socket, close_code::POLICY, why, now, driver);
        }
    }

    /// Ends a connection, with everything that hangs on it.
    fn end(&mut self, socket: u32, code: u16, why: OfflineReason, now: Now, driver: &mut impl Driver) {
        if self.is_open(socket) {
            self.leave(socket, why, now, driver);
            driver.close(socket, code);
        }
    }

    /// Takes a socket out of everything it is part of. Its role is `Closing` then.
    fn leave(&mut self, socket: u32, why: OfflineReason, now: Now, driver: &mut impl Driver) {
        match std::mem::replace(&mut self.record_mut(socket).role, Role::Closing) {
            Role::Greeting(greeting) => self.forget_address(greeting.address),
            Role::Waiting(waiting) => self.device_left(socket, &waiting, now, driver),
            Role::Claimant(claimant) => self.claimant_left(&claimant, now, driver),
            Role::Session(session) => self.session_ended(socket, *session, why, now),
            Role::Proving(proving) => self.free_place(proving.address, now, driver),
            Role::Vacant | Role::Closing | Role::Queued(_) => {}
        }
    }

    fn is_open(&self, socket: u32) -> bool {
        !matches!(self.record(socket).role, Role::Vacant | Role::Closing)
    }

    fn record(&self, socket: u32) -> &Record {
        &self.records[at(socket)]
    }

    fn record_mut(&mut self, socket: u32) -> &mut Record {
        &mut self.records[at(socket)]
    }
}

/// A problem as any of the sockets says it.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ProblemMessage {
    Problem(Problem),
}

fn send(driver: &mut impl Driver, socket: u32, message: &impl Serialize) {
    // Wire types hold nothing that JSON cannot say.
    if let Ok(text) = serde_json::to_string(message) {
        driver.send(socket, &text);
    }
}

fn shutting_down() -> Problem {
    Problem {
        retry_after_secs: Some(30),
        ..problem(
            ProblemCode::ShuttingDown,
            "The server is going down. Try again in half a minute.",
        )
    }
}

#[expect(
    clippy::expect_used,
    reason = "the server does not run where addresses have 16 bits"
)]
fn at(socket: u32) -> usize {
    usize::try_from(socket).expect("a socket's index fits")
}

#[cfg(test)]
mod tests;
