//! Sessions of enrolled devices (`protocol.md` §3): challenge, proof, what may be said after `welcome`, clone detection,
//! presence. Who may not be connected any more is [`exclusions`](super::exclusions)' business.
//!
//! 1. [`admission`](super::admission) sends a nonce; `proof` is due in ten seconds.
//! 2. The proof goes to a [`Job`]; the socket is held meanwhile.
//! 3. [`Hub::on_job_done`] welcomes the device, asks an older session of the same certificate whether it is alive, and
//!    ends those of older certificates.
//!
//! Measurements are checked and bounded here; a job stores them.

use gangway_protocol::device::{OfflineReason, Presence, check_text};
use gangway_protocol::error::{Problem, ProblemCode};
use gangway_protocol::id::DeviceId;
use gangway_protocol::session::{
    Configuration, DeviceToServer, MAX_COUNTER, MAX_POINTS, MAX_SERIES, MAX_SERIES_NAME_LEN, Series,
    ServerToDevice, SessionAbility,
};

use super::super::driver::{Done, Driver, Job, Proved, SocketKey};
use super::super::frame::close_code;
use super::super::message::{Incoming, problem, read};
use super::super::record::{PROBE_DUE, Probe, ProvingStage, Role, Session};
use super::{Hub, send};
use crate::clock::Now;
use crate::limits::{Bucket, Rate};

/// Longest `agent`.
const MAX_AGENT_LEN: usize = 256;
/// A session may send sixty messages at once and one a second on average: a device that measures every ten seconds and
/// catches up after an outage stays below it.
const MESSAGES: Rate = Rate::per_second(1, 60);
/// What a session is told to wait that has used up its allowance: the time in which it is whole again.
const ALLOWANCE_RETRY_SECS: u32 = 60;
/// What the server tells a connected device.
#[derive(Clone, Debug, PartialEq)]
pub enum Tell {
    /// Show yourself.
    Identify,
    /// Ask for a new certificate now.
    RenewNow,
    /// Your configuration has changed.
    Configuration(Configuration),
    /// Install this certificate.
    Certificate {
        /// PEM blocks, leaf first.
        chain: String,
        /// PEM blocks of the issuers at which the chain must end.
        trust_anchors: Option<String>,
    },
}

impl Hub {
    pub(super) fn on_session_text(&mut self, socket: u32, text: &str, now: Now, driver: &mut impl Driver) {
        let message = match read::<DeviceToServer>(text) {
            Ok(Incoming::Message(message)) => message,
            // No session message is `sealed`; `read` has refused it.
            Ok(Incoming::Sealed { .. }) => return,
            Err(problem) => return self.refuse_now(socket, problem, now, driver),
        };
        let outcome = match (message, &mut self.record_mut(socket).role) {
            (
                DeviceToServer::Proof {
                    chain,
                    signature,
                    counter,
                    agent,
                },
                Role::Proving(proving),
            ) => {
                let nonce = match proving.stage {
                    ProvingStage::Challenged { nonce, .. } => nonce,
                    ProvingStage::Checking { .. } => return,
                };
                check_proof(&agent, counter).map(|()| {
                    Some(Job::Prove {
                        chain,
                        signature,
                        nonce,
                        counter,
                    })
                })
            }
            (_, Role::Proving(_)) => Err(malformed("`proof` comes first.")),
            (message, Role::Session(session)) => session.on_message(message, now),
            _ => return,
        };
        match outcome {
            Ok(Some(job)) => self.start(socket, job, now, driver),
            Ok(None) => {}
            Err(problem) => self.refuse_now(socket, problem, now, driver),
        }
    }

    /// Runs a job for this socket, which is held until it is done: one at a time, and in the order of the messages.
    fn start(&mut self, socket: u32, job: Job, now: Now, driver: &mut impl Driver) {
        let since = self.exclusion_count;
        let record = self.record_mut(socket);
        if let Role::Proving(proving) = &mut record.role {
            proving.stage = ProvingStage::Checking { since };
        }
        let key = SocketKey {
            index: socket,
            generation: record.generation,
        };
        driver.hold(socket);
        driver.start(key, job, now.monotonic);
    }

    pub(super) fn on_job_done(&mut self, socket: u32, done: Done, now: Now, driver: &mut impl Driver) {
        match done {
            Done::Alarmed => return,
            Done::Proved(proved) => self.welcome(socket, *proved, now, driver),
            Done::Send(text) => driver.send(socket, &text),
            Done::Quiet => {}
            Done::Refused(problem) => self.refuse_now(socket, problem, now, driver),
        }
        if self.is_open(socket) {
            driver.release(socket);
        }
    }

    fn welcome(&mut self, socket: u32, proved: Proved, now: Now, driver: &mut impl Driver) {
        let Role::Proving(proving) = &self.record(socket).role else {
            return;
        };
        let ProvingStage::Checking { since } = proving.stage else {
            return;
        };
        let address = proving.address;
        let device = proved.pass.device.clone();
        if let Some(exclusion) = self.excluded_since(since, &device) {
            return self.send_away(socket, &exclusion, now, driver);
        }
        self.meet_rivals(&proved, now, driver);
        let session = Session {
            pass: proved.pass,
            probe: None,
            allowance: Bucket::default(),
        };
        self.record_mut(socket).role = Role::Session(Box::new(session));
        self.free_place(address, now, driver);
        let sockets = self.sessions.entry(device.clone()).or_default();
        sockets.push(socket);
        self.session_count += 1;
        if sockets.len() == 1 {
            self.presence.insert(device, Presence::Online { since: now.wall });
        }
        driver.send(socket, &proved.welcome);
    }

    /// Other sessions of the device: those of older certificates end, one of the same certificate is asked whether it
    /// is alive (`protocol.md` §3).
    fn meet_rivals(&mut self, newcomer: &Proved, now: Now, driver: &mut impl Driver) {
        let rivals = self
            .sessions
            .get(&newcomer.pass.device)
            .cloned()
            .unwrap_or_default();
        for rival in rivals {
            let token = self.dependencies.random.bytes();
            let Role::Session(session) = &mut self.record_mut(rival).role else {
                continue;
            };
            if session.pass.certificate == newcomer.pass.certificate {
                let due = now.plus(PROBE_DUE);
                session.probe = Some(Probe { token, due });
                driver.ping(rival, &token);
            } else if newcomer.newest {
                self.end(rival, close_code::NORMAL, OfflineReason::Superseded, now, driver);
            }
        }
    }

    /// The older of two sessions is alive: both stay, and the alarm is raised.
    pub(super) fn on_probe_answer(
        &mut self,
        socket: u32,
        payload: &[u8],
        now: Now,
        driver: &mut impl Driver,
    ) {
        let record = self.record_mut(socket);
        let key = SocketKey {
            index: socket,
            generation: record.generation,
        };
        if let Role::Session(session) = &mut record.role
            && let Some(probe) = session.probe
            && payload == probe.token
        {
            session.probe = None;
            let device = session.pass.device.clone();
            driver.start(key, Job::RaiseCloneAlarm { device }, now.monotonic);
        }
    }

    /// The older of two sessions has not answered: it is superseded, without alarm.
    pub(super) fn end_unanswered_probe(&mut self, socket: u32, now: Now, driver: &mut impl Driver) {
        self.end(socket, close_code::NORMAL, OfflineReason::Superseded, now, driver);
    }

    pub(super) fn session_ended(&mut self, socket: u32, session: Session, why: OfflineReason, now: Now) {
        let Session { pass, .. } = session;
        let Some(sockets) = self.sessions.get_mut(&pass.device) else {
            return;
        };
        sockets.retain(|other| *other != socket);
        self.session_count = self.session_count.saturating_sub(1);
        if sockets.is_empty() {
            self.sessions.remove(&pass.device);
            let presence = Presence::Offline {
                last_seen_at: now.wall,
                reason: why,
            };
            self.presence.insert(pass.device, presence);
        }
    }

    /// Tells a connected device something. False when it is not connected here.
    pub(crate) fn tell_session(&mut self, device: &DeviceId, tell: Tell, driver: &mut impl Driver) -> bool {
        let message = match tell {
            Tell::Identify => ServerToDevice::Identify {},
            Tell::RenewNow => ServerToDevice::RenewNow {},
            Tell::Configuration(configuration) => ServerToDevice::Configuration { configuration },
            Tell::Certificate { chain, trust_anchors } => {
                ServerToDevice::Certificate { chain, trust_anchors }
            }
        };
        let sockets = self.sessions.get(device).map_or(&[][..], Vec::as_slice);
        for socket in sockets {
            send(driver, *socket, &message);
        }
        !sockets.is_empty()
    }

    /// Makes a held device come back and be admitted. Its other sessions, if there are any, go on.
    pub(crate) fn readmit(&mut self, device: &DeviceId, now: Now, driver: &mut impl Driver) {
        for socket in self.sessions.get(device).cloned().unwrap_or_default() {
            let role = &self.record(socket).role;
            if matches!(role, Role::Session(session) if session.pass.is_held()) {
                self.end(socket, close_code::GOING_AWAY, OfflineReason::Closed, now, driver);
            }
        }
    }

    /// Makes a device come back and be admitted anew.
    pub(crate) fn reconnect(&mut self, device: &DeviceId, now: Now, driver: &mut impl Driver) {
        for socket in self.sessions.get(device).cloned().unwrap_or_default() {
            self.end(socket, close_code::GOING_AWAY, OfflineReason::Closed, now, driver);
        }
    }
}

impl Session {
    /// What a message of the device asks for.
    fn on_message(&mut self, message: DeviceToServer, now: Now) -> Result<Option<Job>, Problem> {
        self.spend_allowance(now)?;
        let renewal = matches!(
            message,
            DeviceToServer::Renew { .. } | DeviceToServer::Installed { .. }
        );
        if let Some(only) = &self.pass.only
            && !(renewal && only.contains(&SessionAbility::Renew))
        {
            return Err(problem(
                ProblemCode::Forbidden,
                "This session may send only what `only` names.",
            ));
        }
        let device = self.pass.device.clone();
        match message {
            DeviceToServer::Proof { .. } => Err(malformed("`proof` comes once.")),
            DeviceToServer::Facts { facts } => {
                facts.check().map_err(|unfit| malformed(format!("{unfit}.")))?;
                Ok(Some(Job::Facts { device, facts }))
            }
            DeviceToServer::Measurements { series } => {
                check_measurements(&series)?;
                let measured = series.iter().any(|one| !one.points.is_empty());
                Ok(measured.then_some(Job::Measurements { device, series }))
            }
            DeviceToServer::Renew { csr, endorsement } => Ok(Some(Job::Renew {
                pass: self.pass.clone(),
                csr,
                endorsement,
            })),
            DeviceToServer::Installed { certificate_sha256 } => Ok(Some(Job::Installed {
                device,
                certificate: certificate_sha256,
            })),
        }
    }

    fn spend_allowance(&mut self, now: Now) -> Result<(), Problem> {
        self.allowance
            .spend(1, MESSAGES, now.monotonic)
            .map_err(|too_many| Problem {
                retry_after_secs: Some(too_many.retry_after_secs.max(ALLOWANCE_RETRY_SECS)),
                ..problem(
                    ProblemCode::RateLimited,
                    "This session sends more than one message a second.",
                )
            })
    }
}

fn check_proof(agent: &str, counter: u64) -> Result<(), Problem> {
    check_text("agent", agent, MAX_AGENT_LEN).map_err(|unfit| malformed(format!("{unfit}.")))?;
    if counter >= MAX_COUNTER {
        return Err(malformed("`counter` is below 2^53."));
    }
    Ok(())
}

fn check_measurements(series: &[Series]) -> Result<(), Problem> {
    if series.len() > MAX_SERIES || series.iter().map(|one| one.points.len()).sum::<usize>() > MAX_POINTS {
        return Err(problem(
            ProblemCode::TooLarge,
            format!("A message holds at most {MAX_SERIES} series and {MAX_POINTS} points."),
        ));
    }
    series.iter().try_for_each(|one| {
        check_text("name", &one.name, MAX_SERIES_NAME_LEN).map_err(|unfit| malformed(format!("{unfit}.")))
    })
}

fn malformed(message: impl Into<String>) -> Problem {
    problem(ProblemCode::Malformed, message)
}
