//! The readiness loop: one thread that moves the bytes of every socket of the relay and lets the [`Hub`] decide.
//!
//! A socket is a record in a slab here and another in the hub: no task, no timer, no buffer of its own while it rests.
//! Reads go into one buffer that is lent from socket to socket; a frame for the other end of a claim is written straight
//! to that socket, on the same thread.
//!
//! 1. Wait for readiness, or for a [`Command`] in the [`Inbox`].
//! 2. Write what did not fit before. Each socket that has something to read gets one turn, which is bounded in bytes and
//!    messages ([`turn`]), pays for it out of its [`budget`], and waits for the next one behind all others.
//! 3. On [`Command::Tick`], look at all deadlines in slices, so that no frame waits behind a hundred thousand of them.
//!
//! Who takes no answers is not read from until it does: what it may make us keep for it is bounded.

mod budget;
mod command;
mod connection;
mod connections;
mod job_queue;
mod transport;
mod turn;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use mio::{Events, Poll, Token};
use tokio::sync::oneshot;

use super::driver::{Done, Driver as _, Job, Opening};
use super::hub::{Batch, Hub};
use crate::clock::{Clock, Now};
use budget::Budgets;
use connections::Connections;

pub(crate) use command::{Command, Inbox};
pub(crate) use job_queue::JobQueue;
use transport::Read;
pub(crate) use transport::Transport;

/// Room for the longest frame and what one turn brings.
const BUFFER_LEN: usize = 64 * 1024;
/// Events taken from the system at once.
const EVENTS: usize = 1024;
/// Records looked at between two looks at the sockets: about ten microseconds.
const SWEEP_SLICE: u32 = 1024;
/// Bytes of a socket that are read in one turn: the shortest frames in them take about ten microseconds.
const TURN_BYTES: usize = 4 * 1024;
/// Messages of a socket that are delivered in one turn: each may take the hub ten microseconds.
const TURN_MESSAGES: u32 = 16;
/// Commands that are carried out between two looks at the sockets: as long as a few dozen turns.
const COMMANDS: usize = 64;
/// The inbox's waker; sockets have their index.
const WAKER: Token = Token(usize::MAX);

/// See the module's description.
pub(crate) struct Reactor {
    poll: Poll,
    inbox: Arc<Inbox>,
    clock: Arc<dyn Clock>,
    hub: Hub,
    connections: Connections,
    /// Taken out of the inbox and not carried out yet.
    commands: VecDeque<Command>,
    /// Lent to the socket that is being read.
    buffer: Box<[u8]>,
    /// The payload of the Ping that is to be answered at the end of a turn.
    pong: Vec<u8>,
    sweep: Option<Sweep>,
}

/// A look at all deadlines that is under way.
struct Sweep {
    next: u32,
    done: oneshot::Sender<Batch>,
}

impl Reactor {
    /// A reactor and the inbox by which everybody else reaches it.
    ///
    /// # Errors
    /// When the system gives no readiness queue: file descriptors are short.
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        hub: Hub,
        jobs: JobQueue,
        max_sockets: u32,
        frames_per_second: u32,
    ) -> std::io::Result<(Self, Arc<Inbox>)> {
        let poll = Poll::new()?;
        let inbox = Arc::new(Inbox::new(mio::Waker::new(poll.registry(), WAKER)?));
        let registry = poll.registry().try_clone()?;
        let reactor = Self {
            poll,
            inbox: inbox.clone(),
            clock,
            hub,
            connections: Connections::new(
                registry,
                inbox.clone(),
                jobs,
                max_sockets,
                Budgets::new(frames_per_second),
            ),
            commands: VecDeque::new(),
            buffer: vec![0; BUFFER_LEN].into(),
            pong: Vec::new(),
            sweep: None,
        };
        Ok((reactor, inbox))
    }

    /// Runs until [`Command::Stop`].
    pub(crate) fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            let idle = self.sweep.is_none() && self.connections.waiting() == 0 && self.commands.is_empty();
            let timeout = (!idle).then_some(Duration::ZERO);
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != std::io::ErrorKind::Interrupted => {
                    tracing::error!(%error, "the relay cannot wait for its sockets any more");
                    return;
                }
                _ => {}
            }
            let now = self.clock.both();
            self.note(&events);
            self.bury(now);
            for _ in 0..COMMANDS.min(self.commands.len()) {
                match self.commands.pop_front() {
                    Some(Command::Stop) => return,
                    Some(command) => self.on_command(command, now),
                    None => break,
                }
            }
            for _ in 0..self.connections.waiting() {
                if let Some(socket) = self.connections.next_turn() {
                    self.take_turn(socket, now);
                    self.bury(now);
                }
            }
            self.begin_jobs(now);
            self.sweep_on(now);
        }
    }

    /// Begins the jobs whose turn has come.
    fn begin_jobs(&mut self, now: Now) {
        while let Some(turn) = self.connections.jobs.next(now.monotonic) {
            let job_queue::ReadyJob { socket, job, overdue } = turn;
            let is_proof = matches!(job, Job::Prove { .. });
            if let Some(problem) = overdue {
                let done = Done::Refused(problem);
                self.hub.on_done(socket, done, now, &mut self.connections);
                self.bury(now);
            } else if !is_proof {
                self.connections.begin(socket, job);
            } else if self.hub.is_present(socket) {
                // A device that has gone meanwhile comes again: its proof would be checked twice.
                if self.connections.has_gone(socket.index) {
                    self.connections.release(socket.index);
                } else {
                    self.connections.begin(socket, job);
                }
            }
        }
    }

    /// Writes where there is room again, and notes who has something to read.
    fn note(&mut self, events: &Events) {
        for event in events {
            if event.token() == WAKER {
                self.commands.extend(self.inbox.take());
            } else if let Ok(socket) = u32::try_from(event.token().0) {
                if event.is_writable() {
                    self.connections.flush(socket);
                }
                let ends = event.is_read_closed() || event.is_error();
                if event.is_readable() || ends {
                    self.connections.note_readable(socket, ends);
                }
            }
        }
    }

    fn on_command(&mut self, command: Command, now: Now) {
        let Self { hub, connections, .. } = self;
        match command {
            Command::Open {
                transport,
                ahead,
                opening,
            } => {
                let address = opening.address();
                if let Some((socket, budget)) = connections.adopt(transport, &ahead, address, now.monotonic) {
                    let opening = match budget {
                        Ok(()) => opening,
                        Err(too_many) => Opening::Refused(turn::flooded(too_many)),
                    };
                    hub.open(socket, opening, now, connections);
                }
            }
            Command::Done { socket, done } => {
                connections.jobs.note_done();
                hub.on_done(socket, *done, now, connections);
            }
            Command::Tick { done } => {
                connections.tick(now.monotonic);
                hub.sweep_claims(now, connections);
                // A second tick takes the place of one that has not ended: it looks at everything anew.
                self.sweep = Some(Sweep { next: 0, done });
            }
            Command::TellApproval {
                claim,
                organisation,
                approver,
            } => hub.tell_approval(&claim, organisation, approver, connections),
            Command::LeaveClaim(claim) => hub.leave_claim(&claim, now, connections),
            Command::EndClaim(claim) => hub.end_claim(&claim, now, connections),
            Command::ClaimByServer {
                socket,
                pake,
                heard,
                claim,
            } => {
                if let Some(id) = hub.claim_by_server(socket, pake, heard, now, connections) {
                    // Nobody may wait for it any more: then it ends as soon as the device has answered.
                    let _ = claim.send(id);
                }
            }
            Command::SayAsClaimant(message) => hub.say_as_claimant(*message, now, connections),
            Command::SendAway { socket, problem } => hub.send_away_waiting(socket, problem, now, connections),
            Command::TellSession {
                device,
                tell,
                reached,
            } => {
                // Nobody may wait for the answer any more.
                let _ = reached.send(hub.tell_session(&device, *tell, connections));
            }
            Command::Exclude { device, exclusion } => hub.exclude(&device, &exclusion, now, connections),
            Command::ExcludeCertificate {
                device,
                certificate,
                exclusion,
            } => hub.exclude_certificate(&device, &certificate, exclusion.as_ref(), now, connections),
            Command::Readmit(device) => hub.readmit(&device, now, connections),
            Command::Reconnect(device) => hub.reconnect(&device, now, connections),
            Command::Drain { done } => {
                hub.drain(now, connections);
                connections.when_empty(done);
            }
            Command::Stop => {}
        }
        self.bury(now);
    }

    /// Takes connections that have ended out of both slabs.
    fn bury(&mut self, now: Now) {
        while let Some((socket, why)) = self.connections.next_ended() {
            self.hub.on_gone(socket, why, now, &mut self.connections);
            self.connections.remove(socket);
        }
    }

    fn sweep_on(&mut self, now: Now) {
        let Some(Sweep { next, done }) = self.sweep.take() else {
            return;
        };
        for socket in next..next.saturating_add(SWEEP_SLICE) {
            if self.connections.is_message_overdue(socket, now.monotonic) {
                self.hub.on_slow_message(socket, now, &mut self.connections);
            }
        }
        match self.hub.sweep(next, SWEEP_SLICE, now, &mut self.connections) {
            Some(next) => self.sweep = Some(Sweep { next, done }),
            None => {
                self.bury(now);
                // Nobody may wait for it any more; then the next tick's batch would lack it, so it is only taken if so.
                if !done.is_closed() {
                    let _ = done.send(self.hub.take_batch());
                }
            }
        }
        self.bury(now);
    }
}

impl Drop for Reactor {
    fn drop(&mut self) {
        self.inbox.close();
    }
}
