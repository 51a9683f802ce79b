//! The readiness loop: one thread that moves the bytes of every socket of the relay and lets the [`Hub`] decide.
//!
//! A socket is a record in a slab here and another in the hub: no task, no timer, no buffer of its own while it rests.
//! Reads go into one buffer that is lent from socket to socket; a frame for the other end of a claim is written straight
//! to that socket, on the same thread.
//!
//! 1. Wait for readiness, or for a [`Command`] in the [`Inbox`].
//! 2. Write what did not fit before, read what is there, hand every message to the hub.
//! 3. On [`Command::Tick`], look at all deadlines in slices, so that no frame waits behind a hundred thousand of them.

mod command;
mod connection;
mod wire;
mod wires;

use std::sync::Arc;

use mio::{Events, Poll, Token};
use tokio::sync::oneshot;

use gangway_protocol::time::UnixMillis;

use super::frame::Event;
use super::hub::{Harvest, Hub};
use crate::clock::Clock;
use wire::Read;
use wires::Wires;

pub(crate) use command::{Command, Inbox};
pub(crate) use wire::Wire;
pub(crate) use wires::JobRunner;

/// Room for two of the longest frames, so that one read takes what a crossing has to say at once.
const BUFFER_LEN: usize = 64 * 1024;
/// Events taken from the system at once.
const EVENTS: usize = 1024;
/// Records looked at between two looks at the sockets: about ten microseconds.
const SWEEP_SLICE: u32 = 1024;
/// Reads from one socket before the others have their turn.
const MAX_READS: u32 = 4;
/// The inbox's waker; sockets have their index.
const WAKER: Token = Token(usize::MAX);

/// See the module's description.
pub(crate) struct Reactor {
    poll: Poll,
    inbox: Arc<Inbox>,
    clock: Arc<dyn Clock>,
    hub: Hub,
    wires: Wires,
    /// Lent to the socket that is being read.
    buffer: Box<[u8]>,
    sweep: Option<Sweep>,
}

/// A look at all deadlines that is under way.
struct Sweep {
    next: u32,
    done: oneshot::Sender<Harvest>,
}

impl Reactor {
    /// A reactor and the inbox by which everybody else reaches it.
    ///
    /// # Errors
    /// When the system gives no readiness queue: file descriptors are short.
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        hub: Hub,
        jobs: JobRunner,
        max_sockets: u32,
    ) -> std::io::Result<(Self, Arc<Inbox>)> {
        let poll = Poll::new()?;
        let inbox = Arc::new(Inbox::new(mio::Waker::new(poll.registry(), WAKER)?));
        let registry = poll.registry().try_clone()?;
        let reactor = Self {
            poll,
            inbox: inbox.clone(),
            clock,
            hub,
            wires: Wires::new(registry, inbox.clone(), jobs, max_sockets),
            buffer: vec![0; BUFFER_LEN].into(),
            sweep: None,
        };
        Ok((reactor, inbox))
    }

    /// Runs until [`Command::Stop`].
    pub(crate) fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            let idle = self.sweep.is_none() && self.wires.ready.is_empty();
            let timeout = (!idle).then_some(std::time::Duration::ZERO);
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != std::io::ErrorKind::Interrupted => {
                    tracing::error!(%error, "the relay cannot wait for its sockets any more");
                    return;
                }
                _ => {}
            }
            let now = self.clock.now();
            for event in &events {
                if event.token() == WAKER {
                    for command in self.inbox.take() {
                        if let Command::Stop = command {
                            return;
                        }
                        self.on_command(command, now);
                    }
                } else if let Ok(socket) = u32::try_from(event.token().0) {
                    if event.is_writable() {
                        self.wires.flush(socket);
                    }
                    if event.is_readable() || event.is_read_closed() || event.is_error() {
                        self.wires
                            .note_readable(socket, event.is_read_closed() || event.is_error());
                        self.read(socket, now);
                    }
                }
                self.bury(now);
            }
            for socket in std::mem::take(&mut self.wires.ready) {
                self.read(socket, now);
                self.bury(now);
            }
            self.sweep_on(now);
        }
    }

    fn on_command(&mut self, command: Command, now: UnixMillis) {
        let Self { hub, wires, .. } = self;
        match command {
            Command::Open { wire, ahead, opening } => {
                if let Some(socket) = wires.adopt(wire, &ahead) {
                    hub.open(socket, opening, now, wires);
                    wires.ready.push(socket);
                }
            }
            Command::Done { socket, done } => hub.on_done(socket, *done, now, wires),
            Command::Tick { done } => {
                wires.tick();
                hub.sweep_claims(now, wires);
                // A second tick takes the place of one that has not ended: it looks at everything anew.
                self.sweep = Some(Sweep { next: 0, done });
            }
            Command::TellApproval {
                claim,
                organisation,
                approver,
            } => hub.tell_approval(&claim, organisation, approver, wires),
            Command::EndClaim(claim) => hub.end_claim(&claim, now, wires),
            Command::TellSession {
                device,
                tell,
                reached,
            } => {
                // Nobody may wait for the answer any more.
                let _ = reached.send(hub.tell_session(&device, *tell, wires));
            }
            Command::Exclude { device, exclusion } => hub.exclude(&device, &exclusion, now, wires),
            Command::ExcludeCertificate {
                device,
                certificate,
                exclusion,
            } => hub.exclude_certificate(&device, &certificate, exclusion.as_ref(), now, wires),
            Command::Readmit(device) => hub.readmit(&device, now, wires),
            Command::Reconnect(device) => hub.reconnect(&device, now, wires),
            Command::Drain { done } => {
                hub.drain(now, wires);
                wires.when_empty(done);
            }
            Command::Stop => {}
        }
        self.bury(now);
    }

    /// Reads from a socket until there is no more, or others should have their turn.
    fn read(&mut self, socket: u32, now: UnixMillis) {
        for _ in 0..MAX_READS {
            let Some(connection) = self.wires.reading(socket) else {
                return;
            };
            let kept = connection.decoder.resume(&mut self.buffer);
            let Some(kept) = self.deliver(socket, kept, now) else {
                return;
            };
            let Some(connection) = self.wires.reading(socket) else {
                return;
            };
            let (more, drained) = match connection.wire.read(&mut self.buffer[kept..]) {
                Read::Bytes { len, drained } => (len, drained && !connection.ends),
                Read::Nothing => {
                    connection.decoder.keep(&self.buffer[..kept]);
                    return;
                }
                Read::End => return self.wires.lost(socket),
            };
            let Some(kept) = self.deliver(socket, kept + more, now) else {
                return;
            };
            if let Some(connection) = self.wires.reading(socket) {
                connection.decoder.keep(&self.buffer[..kept]);
            }
            if drained {
                return;
            }
        }
        self.wires.ready.push(socket);
    }

    /// Decodes the first `filled` bytes of the buffer and hands on what they say. What is incomplete moves to the front:
    /// its length is returned. `None` when the socket takes no more for now; the rest has been kept then.
    fn deliver(&mut self, socket: u32, filled: usize, now: UnixMillis) -> Option<usize> {
        let Self {
            hub, wires, buffer, ..
        } = self;
        let mut start = 0;
        while start < filled {
            let connection = wires.reading(socket)?;
            let (used, event) = match connection.decoder.decode(&mut buffer[start..filled]) {
                Ok(decoded) => decoded,
                Err(error) => {
                    hub.on_frame_error(socket, error, now, wires);
                    return None;
                }
            };
            start += used;
            match event {
                None => break,
                Some(Event::Text(text)) => hub.on_text(socket, &text, now, wires),
                Some(Event::Ping(payload)) => wires.pong(socket, payload),
                Some(Event::Pong(payload)) => hub.on_pong(socket, payload, now, wires),
                Some(Event::Close(code)) => {
                    wires.close_back(socket, code);
                    return None;
                }
            }
            if wires.reading(socket).is_none() {
                wires.keep(socket, &buffer[start..filled]);
                return None;
            }
        }
        buffer.copy_within(start..filled, 0);
        Some(filled - start)
    }

    /// Takes connections that have ended out of both slabs.
    fn bury(&mut self, now: UnixMillis) {
        while let Some((socket, why)) = self.wires.next_ended() {
            self.hub.on_gone(socket, why, now, &mut self.wires);
            self.wires.remove(socket);
        }
    }

    fn sweep_on(&mut self, now: UnixMillis) {
        let Some(Sweep { next, done }) = self.sweep.take() else {
            return;
        };
        match self.hub.sweep(next, SWEEP_SLICE, now, &mut self.wires) {
            Some(next) => self.sweep = Some(Sweep { next, done }),
            None => {
                self.bury(now);
                // Nobody may wait for it any more; then the next tick's harvest would lack it, so it is only taken if so.
                if !done.is_closed() {
                    let _ = done.send(self.hub.harvest());
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
