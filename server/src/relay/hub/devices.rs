//! Waiting devices: `hello`, nameplates, `replace`, and what they send in a claim (`protocol.md` §2).

use std::net::IpAddr;

use gangway_protocol::device::{OfflineReason, UnfitText, check_text};
use gangway_protocol::enrolment::{DeviceToServer, MAX_CODE_FAILURES, ServerToDevice};
use gangway_protocol::error::{Problem, ProblemCode};
use gangway_protocol::id::ClaimId;
use gangway_protocol::permit::Lookup;
use gangway_protocol::time::UnixMillis;

use super::super::claim::{End, Input};
use super::super::driver::{Driver, SocketKey};
use super::super::frame::close_code;
use super::super::message::{Incoming, problem, read};
use super::super::nameplates::{Assigned, Resumed};
use super::super::record::{Greeting, Role, Waiting, hello_due};
use super::super::resume::Resume;
use super::{Hub, send};
use crate::clock::{Monotonic, Now};

/// Longest `agent`.
const MAX_AGENT_LEN: usize = 256;
/// What a device is told to wait when there is no room for it. Rooms become free as codes expire, every ten minutes.
const FULL_RETRY_SECS: u32 = 60;

impl Hub {
    pub(super) fn open_device(
        &mut self,
        socket: u32,
        address: Option<IpAddr>,
        now: Now,
        driver: &mut impl Driver,
    ) {
        // threat model, ENR-23: per-address and global caps, `busy` with a time.
        if self.devices >= self.dependencies.max_waiting || !self.waiting_places.take(address) {
            return self.refuse(socket, full(FULL_RETRY_SECS), driver);
        }
        self.devices += 1;
        let due = hello_due(now);
        self.record_mut(socket).role = Role::Greeting(Greeting { address, due });
    }

    pub(super) fn on_device_text(&mut self, socket: u32, text: &str, now: Now, driver: &mut impl Driver) {
        let message = match read::<DeviceToServer>(text) {
            Ok(Incoming::Sealed { claim, sealed }) => {
                return self.on_device_claim(socket, claim, Input::SealedByDevice(sealed), now, driver);
            }
            Ok(Incoming::Message(message)) => message,
            Err(problem) => return self.refuse_now(socket, problem, now, driver),
        };
        match (message, &self.record(socket).role) {
            (
                DeviceToServer::Hello {
                    agent,
                    resume,
                    lookup,
                },
                Role::Greeting(_),
            ) => match lookup {
                None => self.on_hello(socket, &agent, resume.as_deref(), now, driver),
                Some(lookup) => self.on_unattended(socket, &agent, lookup, now, driver),
            },
            (DeviceToServer::Hello { .. }, _) | (_, Role::Greeting(_)) => {
                let problem = problem(ProblemCode::Malformed, "`hello` comes first, and once.");
                self.refuse_now(socket, problem, now, driver);
            }
            (DeviceToServer::Replace { .. }, _) => self.replace(socket, now, driver),
            (DeviceToServer::Decline { claim, code }, _) => {
                self.on_device_claim(socket, claim.as_str(), Input::Decline(code), now, driver);
            }
            (DeviceToServer::Answer { claim, pake, confirm }, _) => {
                self.on_device_claim(
                    socket,
                    claim.as_str(),
                    Input::Answer { pake, confirm },
                    now,
                    driver,
                );
            }
            (DeviceToServer::Outcome { claim, outcome }, _) => {
                self.on_device_claim(socket, claim.as_str(), Input::Outcome(outcome), now, driver);
            }
            // One whose JSON has escapes in it: the long way round, to the same end.
            (DeviceToServer::Sealed { claim, sealed }, _) => {
                let sealed = data_encoding::BASE64.encode(&sealed.0);
                self.on_device_claim(
                    socket,
                    claim.as_str(),
                    Input::SealedByDevice(&sealed),
                    now,
                    driver,
                );
            }
        }
    }

    /// What a device says about a claim that has ended meanwhile crossed our `closed`, and means nothing any more.
    fn on_device_claim(
        &mut self,
        socket: u32,
        claim: &str,
        input: Input<'_>,
        now: Now,
        driver: &mut impl Driver,
    ) {
        match &self.record(socket).role {
            Role::Waiting(waiting) => {
                if let Some(index) = waiting.claim
                    && self.is_claim(index, claim)
                {
                    self.step(index, input, now, driver);
                }
            }
            _ => {
                let problem = problem(ProblemCode::Malformed, "`hello` comes first.");
                self.refuse_now(socket, problem, now, driver);
            }
        }
    }

    fn on_hello(
        &mut self,
        socket: u32,
        agent: &str,
        resume: Option<&str>,
        now: Now,
        driver: &mut impl Driver,
    ) {
        if let Err(unfit) = check_text("agent", agent, MAX_AGENT_LEN) {
            return self.refuse_now(socket, unreadable(&unfit), now, driver);
        }
        let Role::Greeting(Greeting { address, .. }) = self.record(socket).role else {
            return;
        };
        let token = resume.and_then(|token| self.dependencies.resume_key.read(token));
        let first_seen = token.map_or(now.wall, |token| token.first_seen);
        let resumed = token.and_then(|token| self.resume(socket, token, address, now, driver));
        if let Some((waiting, expires)) = resumed {
            self.record_mut(socket).role = Role::Waiting(waiting);
            return self.send_nameplate(socket, expires, now, driver);
        }
        self.assign(socket, address, first_seen, false, now, driver);
    }

    /// A device that has a permit: it gets a nameplate as every waiting device does, and the server claims it.
    fn on_unattended(
        &mut self,
        socket: u32,
        agent: &str,
        lookup: Lookup,
        now: Now,
        driver: &mut impl Driver,
    ) {
        let fit = check_text("agent", agent, MAX_AGENT_LEN).and_then(|()| lookup.check());
        if let Err(unfit) = fit {
            return self.refuse_now(socket, unreadable(&unfit), now, driver);
        }
        let Role::Greeting(Greeting { address, .. }) = self.record(socket).role else {
            return;
        };
        self.assign(socket, address, now.wall, true, now, driver);
        if matches!(self.record(socket).role, Role::Waiting(_)) {
            let generation = self.record(socket).generation;
            let key = SocketKey {
                index: socket,
                generation,
            };
            driver.attend(key, lookup, address);
        }
    }

    /// Ends the connection of a device that named a permit.
    pub(crate) fn send_away_waiting(
        &mut self,
        key: SocketKey,
        problem: Problem,
        now: Now,
        driver: &mut impl Driver,
    ) {
        if self.is_present(key)
            && matches!(&self.record(key.index).role, Role::Waiting(waiting) if waiting.unattended)
        {
            self.refuse_now(key.index, problem, now, driver);
        }
    }

    /// Gives the device the nameplate of its token back, if that can still be, and says until when.
    fn resume(
        &mut self,
        socket: u32,
        token: Resume,
        address: Option<IpAddr>,
        now: Now,
        driver: &mut impl Driver,
    ) -> Option<(Waiting, Monotonic)> {
        let Resume {
            plate,
            epoch,
            first_seen,
        } = token;
        let mut failures = 0;
        let expires = match self.nameplates.resume(plate, epoch, socket, now) {
            Resumed::Stale => return None,
            Resumed::Yes { expires } => expires,
            Resumed::FromSocket { older, expires } => {
                let spent;
                (failures, spent) = self.supersede(older, now, driver);
                if spent {
                    self.nameplates.free(plate, socket, true, now);
                    return None;
                }
                expires
            }
        };
        let waiting = Waiting {
            plate,
            epoch,
            first_seen,
            address,
            claim: None,
            failures,
            spent: false,
            unattended: false,
            replace_due: Waiting::first_replace_due(expires),
        };
        Some((waiting, expires))
    }

    /// The newer of two sockets wins. Returns what the older one knew of its code: failures, and whether it is spent.
    fn supersede(&mut self, older: u32, now: Now, driver: &mut impl Driver) -> (u8, bool) {
        if let Role::Waiting(Waiting {
            claim: Some(claim), ..
        }) = self.record(older).role
        {
            self.step(claim, Input::Superseded, now, driver);
        }
        let knew = match &self.record(older).role {
            Role::Waiting(waiting) => (waiting.failures, waiting.spent),
            _ => (0, false),
        };
        self.end(older, close_code::NORMAL, OfflineReason::Superseded, now, driver);
        knew
    }

    /// Gives the device a nameplate that it has not had.
    fn assign(
        &mut self,
        socket: u32,
        address: Option<IpAddr>,
        first_seen: UnixMillis,
        unattended: bool,
        now: Now,
        driver: &mut impl Driver,
    ) {
        // Who keeps taking new ones would use up the short ones: each rests for fifteen minutes.
        let limits = &self.dependencies.limits;
        if let Some(address) = address
            && let Err(too_many) = match unattended {
                true => limits.unattended(address.into(), now.monotonic),
                false => limits.nameplate(address.into(), now.monotonic),
            }
        {
            return self.refuse_now(socket, full(too_many.retry_after_secs), now, driver);
        }
        let Assigned { plate, expires } = self.nameplates.assign(socket, now, &*self.dependencies.random);
        self.record_mut(socket).role = Role::Waiting(Waiting {
            plate,
            epoch: now.wall,
            first_seen,
            address,
            claim: None,
            failures: 0,
            spent: false,
            unattended,
            replace_due: Waiting::first_replace_due(expires),
        });
        self.send_nameplate(socket, expires, now, driver);
    }

    fn replace(&mut self, socket: u32, now: Now, driver: &mut impl Driver) {
        if let Role::Waiting(Waiting {
            claim: Some(claim), ..
        }) = self.record(socket).role
        {
            self.step(claim, Input::DeviceGone, now, driver);
        }
        // The claim's end may have ended the connection.
        let Role::Waiting(Waiting {
            plate,
            address,
            first_seen,
            unattended,
            ..
        }) = self.record(socket).role
        else {
            return;
        };
        if unattended {
            // It shows no code that could be replaced.
            let problem = problem(
                ProblemCode::Malformed,
                "A device with a permit connects again instead.",
            );
            return self.refuse_now(socket, problem, now, driver);
        }
        self.nameplates.free(plate, socket, true, now);
        self.assign(socket, address, first_seen, false, now, driver);
    }

    fn send_nameplate(&self, socket: u32, expires: Monotonic, now: Now, driver: &mut impl Driver) {
        let Role::Waiting(waiting) = &self.record(socket).role else {
            return;
        };
        let left = expires.since(now.monotonic) / UnixMillis::SECOND;
        let resume = Resume {
            plate: waiting.plate,
            epoch: waiting.epoch,
            first_seen: waiting.first_seen,
        };
        let message = ServerToDevice::Nameplate {
            nameplate: waiting.plate.into(),
            expires_in_secs: u32::try_from(left).unwrap_or_default(),
            verification_uri: self.dependencies.verification_uri.clone(),
            resume: self.dependencies.resume_key.issue(resume),
            server_time: now.wall,
        };
        send(driver, socket, &message);
    }

    /// The claim of a device has ended.
    pub(super) fn note_claim_end(&mut self, socket: u32, end: &End, now: Now) {
        if let Role::Waiting(waiting) = &mut self.record_mut(socket).role {
            waiting.end_claim(now);
            waiting.failures = waiting.failures.saturating_add(u8::from(end.failed));
            // The device counts by itself; one that does not must not give an attacker more than three guesses either.
            waiting.spent |= end.spent || u32::from(waiting.failures) >= MAX_CODE_FAILURES;
        }
    }

    pub(super) fn device_left(&mut self, socket: u32, waiting: &Waiting, now: Now, driver: &mut impl Driver) {
        self.forget_address(waiting.address);
        let mut spent = waiting.spent;
        if let Some(claim) = waiting.claim {
            spent |= self.step(claim, Input::DeviceGone, now, driver);
        }
        if waiting.unattended {
            self.nameplates.release(waiting.plate, socket, now);
        } else {
            self.nameplates.free(waiting.plate, socket, spent, now);
        }
    }

    pub(super) fn forget_address(&mut self, address: Option<IpAddr>) {
        self.devices = self.devices.saturating_sub(1);
        self.waiting_places.give_back(address);
    }

    /// What the server has recorded goes to the device, to be compared with the sealed `offer`.
    pub(crate) fn tell_approval(
        &mut self,
        claim: &ClaimId,
        organisation: String,
        approver: String,
        driver: &mut impl Driver,
    ) {
        if let Some(device) = self.device_of(claim) {
            let claim = claim.clone();
            send(
                driver,
                device,
                &ServerToDevice::Approval {
                    claim,
                    organisation,
                    approver,
                },
            );
        }
    }
}

fn unreadable(unfit: &UnfitText) -> Problem {
    problem(ProblemCode::Malformed, format!("{unfit}."))
}

fn full(retry_after_secs: u32) -> Problem {
    Problem {
        retry_after_secs: Some(retry_after_secs),
        ..problem(
            ProblemCode::Busy,
            "Too many devices are waiting here at the moment.",
        )
    }
}
