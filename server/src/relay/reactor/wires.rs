//! The connections of the reactor, as the hub's [`Driver`].

use std::sync::Arc;

use mio::{Registry, Token};
use slab::Slab;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use gangway_protocol::device::OfflineReason;

use super::super::driver::{Driver, Job, SocketKey};
use super::super::{Jobs, frame};
use super::connection::{Connection, Tick};
use super::{Command, Inbox, Read, Wire};

/// Runs jobs on the server's tasks. It owns them: none outlives the reactor.
pub(crate) struct JobRunner {
    jobs: Box<dyn Jobs>,
    runtime: Handle,
    running: JoinSet<()>,
}

impl JobRunner {
    /// Jobs are done by `jobs`, on this runtime.
    pub(crate) fn new(jobs: Box<dyn Jobs>, runtime: Handle) -> Self {
        Self {
            jobs,
            runtime,
            running: JoinSet::new(),
        }
    }

    fn start(&mut self, socket: SocketKey, job: Job, inbox: Arc<Inbox>) {
        while self.running.try_join_next().is_some() {}
        let running = self.jobs.run(job);
        let work = async move {
            let done = Box::new(running.await);
            inbox.push(Command::Done { socket, done });
        };
        self.running.spawn_on(work, &self.runtime);
    }
}

/// All connections.
pub(super) struct Wires {
    connections: Slab<Connection>,
    max: usize,
    registry: Registry,
    inbox: Arc<Inbox>,
    jobs: JobRunner,
    /// Sockets that have something to read which no event will tell.
    pub(super) ready: Vec<u32>,
    ended: Vec<(u32, OfflineReason)>,
    /// Sockets that are ending.
    ending: Vec<u32>,
    empty: Option<oneshot::Sender<()>>,
    /// Lent to frames while they are written.
    scratch: Vec<u8>,
}

impl Wires {
    pub(super) fn new(registry: Registry, inbox: Arc<Inbox>, jobs: JobRunner, max: u32) -> Self {
        Self {
            connections: Slab::new(),
            max: usize::try_from(max).unwrap_or(usize::MAX),
            registry,
            inbox,
            jobs,
            ready: Vec::new(),
            ended: Vec::new(),
            ending: Vec::new(),
            empty: None,
            scratch: Vec::new(),
        }
    }

    /// Takes a stream in; its index names it from now on. Without room for it, it is dropped: whoever comes back later
    /// with back-off finds some.
    pub(super) fn adopt(&mut self, mut wire: Wire, ahead: &[u8]) -> Option<u32> {
        if self.connections.len() >= self.max {
            metrics::counter!("gangway_sockets_dropped_total").increment(1);
            return None;
        }
        let entry = self.connections.vacant_entry();
        let index = entry.key();
        let socket = u32::try_from(index).ok()?;
        if let Err(error) = wire.register(&self.registry, Token(index)) {
            tracing::warn!(%error, "a socket could not be taken over");
            return None;
        }
        let mut connection = Connection::new(wire);
        connection.decoder.keep(ahead);
        entry.insert(connection);
        Some(socket)
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
            let mut discarded = [0; 4096];
            loop {
                match connection.wire.read(&mut discarded) {
                    Read::Bytes { .. } => {}
                    Read::Nothing => return,
                    Read::End => return self.lost(socket),
                }
            }
        }
    }

    /// Writes what did not fit before.
    pub(super) fn flush(&mut self, socket: u32) {
        if let Some(Err(why)) = self.get(socket).map(Connection::flush) {
            self.end(socket, why);
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
            connection.wire.deregister(&self.registry);
        }
        self.tell_if_empty();
    }

    /// Ends what has been ending for too long.
    pub(super) fn tick(&mut self) {
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

impl Driver for Wires {
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
            self.ready.push(socket);
        }
    }

    fn start(&mut self, socket: SocketKey, job: Job) {
        self.jobs.start(socket, job, self.inbox.clone());
    }
}
