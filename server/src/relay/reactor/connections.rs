//! The connections of the reactor, as the hub's [`Driver`].

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use mio::{Registry, Token};
use slab::Slab;
use tokio::sync::oneshot;

use gangway_protocol::device::OfflineReason;
use gangway_protocol::permit::Lookup;

use super::super::driver::{Driver, Job, SocketKey};
use super::super::frame;
use super::super::unattended::Attendance;
use super::budget::{Budgets, Cost, Payer};
use super::connection::{Connection, Tick};
use super::job_queue::JobQueue;
use super::{Inbox, Transport};
use crate::clock::Monotonic;
use crate::limits::TooMany;

/// All connections.
pub(super) struct Connections {
    connections: Slab<Connection>,
    max: usize,
    registry: Registry,
    inbox: Arc<Inbox>,
    pub(super) jobs: JobQueue,
    budgets: Budgets,
    /// Sockets that wait for their turn: each of them once.
    queue: VecDeque<u32>,
    ended: Vec<(u32, OfflineReason)>,
    /// Sockets that are ending.
    ending: Vec<u32>,
    empty: Option<oneshot::Sender<()>>,
    /// Lent to frames while they are written.
    scratch: Vec<u8>,
}

impl Connections {
    pub(super) fn new(
        registry: Registry,
        inbox: Arc<Inbox>,
        jobs: JobQueue,
        max: u32,
        budgets: Budgets,
    ) -> Self {
        Self {
            connections: Slab::new(),
            max: usize::try_from(max).unwrap_or(usize::MAX),
            registry,
            inbox,
            jobs,
            budgets,
            queue: VecDeque::new(),
            ended: Vec::new(),
            ending: Vec::new(),
            empty: None,
            scratch: Vec::new(),
        }
    }

    /// Takes a stream in; its index names it from now on, and it waits for its first turn. Without room for it, it is dropped:
    /// whoever comes back later with back-off finds some. With it comes whether its address may send anything at all.
    pub(super) fn adopt(
        &mut self,
        mut transport: Transport,
        ahead: &[u8],
        address: Option<IpAddr>,
        now: Monotonic,
    ) -> Option<(u32, Result<(), TooMany>)> {
        // Nobody has a long message to send before the answer to the upgrade has come.
        if self.connections.len() >= self.max || ahead.len() > frame::MAX_MESSAGE_LEN {
            metrics::counter!("gangway_sockets_dropped_total").increment(1);
            return None;
        }
        let entry = self.connections.vacant_entry();
        let index = entry.key();
        let socket = u32::try_from(index).ok()?;
        if let Err(error) = transport.register(&self.registry, Token(index)) {
            tracing::warn!(%error, "a socket could not be taken over");
            return None;
        }
        let payer = self.budgets.join(address, now);
        let mut connection = Connection::new(transport, payer.unwrap_or(Payer::NOBODY));
        connection.decoder.keep(ahead);
        connection.queued = true;
        entry.insert(connection);
        self.queue.push_back(socket);
        Some((socket, payer.map(|_| ())))
    }

    /// Gives a socket a turn, unless it waits for one already.
    pub(super) fn enqueue(&mut self, socket: u32) {
        if let Some(connection) = self.get(socket)
            && !std::mem::replace(&mut connection.queued, true)
        {
            self.queue.push_back(socket);
        }
    }

    /// Whether the other end of a socket that waits for a job has gone: it needs no answer any more.
    pub(super) fn has_gone(&mut self, socket: u32) -> bool {
        self.get(socket).is_none_or(|connection| connection.ends)
    }

    /// Begins a job whose turn has come.
    pub(super) fn begin(&mut self, socket: SocketKey, job: Job) {
        self.jobs.start(socket, job, self.inbox.clone());
    }

    /// How many sockets wait for their turn.
    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// The socket whose turn it is.
    pub(super) fn next_turn(&mut self) -> Option<u32> {
        let socket = self.queue.pop_front()?;
        if let Some(connection) = self.get(socket) {
            connection.queued = false;
        }
        Some(socket)
    }

    /// Pays for a socket's turn.
    ///
    /// # Errors
    /// When it has used up what it may send.
    pub(super) fn pay(&mut self, socket: u32, cost: Cost, now: Monotonic) -> Result<(), TooMany> {
        let connection = usize::try_from(socket)
            .ok()
            .and_then(|index| self.connections.get_mut(index));
        connection.map_or(Ok(()), |connection| {
            let payer = connection.payer;
            self.budgets.pay(cost, &mut connection.budget, payer, now)
        })
    }

    /// Whether a message of this socket takes too long to come.
    pub(super) fn is_message_overdue(&mut self, socket: u32, now: Monotonic) -> bool {
        self.get(socket)
            .is_some_and(|connection| connection.is_message_overdue(now))
    }

    /// The connection, if its messages are to be delivered.
    pub(super) fn reading(&mut self, socket: u32) -> Option<&mut Connection> {
        self.get(socket).filter(|connection| connection.is_open())
    }

    /// The undelivered rest of a buffer, for a socket that was put on hold.
    pub(super) fn keep(&mut self, socket: u32, rest: &[u8]) {
        if let Some(connection) = self.get(socket)
            && !connection.is_ending()
        {
            connection.decoder.keep(rest);
        }
    }

    /// There is something to read. An ending connection's is thrown away here.
    pub(super) fn note_readable(&mut self, socket: u32, ends: bool) {
        let Some(connection) = self.get(socket) else {
            return;
        };
        connection.ends |= ends;
        if connection.is_ending() {
            if connection.discard() {
                self.lost(socket);
            }
        } else {
            self.enqueue(socket);
        }
    }

    /// Writes what did not fit before.
    pub(super) fn flush(&mut self, socket: u32) {
        match self.get(socket).map(Connection::flush) {
            Some(Err(why)) => self.end(socket, why),
            // What came meanwhile was left where it was.
            Some(Ok(true)) => self.enqueue(socket),
            Some(Ok(false)) | None => {}
        }
    }

    pub(super) fn pong(&mut self, socket: u32, payload: &[u8]) {
        self.write(socket, |scratch| frame::write_pong(payload, scratch));
    }

    /// RFC 6455 §5.5.1: a Close is answered with one, and the server closes the connection.
    pub(super) fn close_back(&mut self, socket: u32, code: Option<u16>) {
        self.write(socket, |scratch| frame::write_close(code, scratch));
        self.end(socket, OfflineReason::Closed);
    }

    /// The other end is gone without a word.
    pub(super) fn lost(&mut self, socket: u32) {
        self.end(socket, OfflineReason::ConnectionLost);
    }

    pub(super) fn next_ended(&mut self) -> Option<(u32, OfflineReason)> {
        self.ended.pop()
    }

    pub(super) fn remove(&mut self, socket: u32) {
        if let Some(mut connection) = usize::try_from(socket)
            .ok()
            .and_then(|index| self.connections.try_remove(index))
        {
            connection.transport.deregister(&self.registry);
            self.budgets.leave(connection.payer);
        }
        self.tell_if_empty();
    }

    /// Ends what has been ending for too long, and forgets addresses that have gone.
    pub(super) fn tick(&mut self, now: Monotonic) {
        self.budgets.forget(now);
        for socket in std::mem::take(&mut self.ending) {
            // An index may have a new owner by now, which is not ending.
            match self.get(socket).map(Connection::tick) {
                Some(Tick::Over) => self.lost(socket),
                Some(Tick::Ending) => self.ending.push(socket),
                Some(Tick::Other) | None => {}
            }
        }
    }

    /// Says when the last connection has gone.
    pub(super) fn when_empty(&mut self, done: oneshot::Sender<()>) {
        self.empty = Some(done);
        self.tell_if_empty();
    }

    fn tell_if_empty(&mut self) {
        if self.connections.is_empty()
            && let Some(done) = self.empty.take()
        {
            // Nobody may wait for it any more.
            let _ = done.send(());
        }
    }

    fn end(&mut self, socket: u32, why: OfflineReason) {
        if self.get(socket).is_some_and(Connection::mark_ended) {
            self.ended.push((socket, why));
        }
    }

    fn write(&mut self, socket: u32, encode: impl FnOnce(&mut Vec<u8>)) {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        encode(&mut scratch);
        if let Some(Err(why)) = self.get(socket).map(|connection| connection.send(&scratch)) {
            self.end(socket, why);
        }
        self.scratch = scratch;
    }

    fn get(&mut self, socket: u32) -> Option<&mut Connection> {
        usize::try_from(socket)
            .ok()
            .and_then(|index| self.connections.get_mut(index))
    }
}

impl Driver for Connections {
    fn send(&mut self, socket: u32, text: &str) {
        self.write(socket, |scratch| frame::write_text(text, scratch));
    }

    fn ping(&mut self, socket: u32, payload: &[u8]) {
        self.write(socket, |scratch| frame::write_ping(payload, scratch));
    }

    fn close(&mut self, socket: u32, code: u16) {
        self.write(socket, |scratch| frame::write_close(Some(code), scratch));
        if let Some(connection) = self.get(socket) {
            connection.end();
            self.ending.push(socket);
        }
    }

    fn hold(&mut self, socket: u32) {
        if let Some(connection) = self.get(socket) {
            connection.hold();
        }
    }

    fn release(&mut self, socket: u32) {
        if self.get(socket).is_some_and(Connection::release) {
            self.enqueue(socket);
        }
    }

    fn start(&mut self, socket: SocketKey, job: Job, now: Monotonic) {
        self.jobs.push(socket, job, now);
    }

    fn attend(&mut self, socket: SocketKey, lookup: Lookup, address: Option<IpAddr>) {
        self.jobs
            .attend(Attendance::new(socket, lookup, address, self.inbox.clone()));
    }
}
