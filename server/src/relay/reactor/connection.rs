//! One connection of the reactor: its stream, what is incomplete in either direction, what it may still send, and where it
//! stands.

use gangway_protocol::device::OfflineReason;
use gangway_protocol::time::UnixMillis;

use super::super::frame::Decoder;
use super::budget::Payer;
use super::{Read, Transport};
use crate::clock::Monotonic;
use crate::limits::Bucket;

/// Most bytes that wait for a slow reader. A claim brings 256 KiB at most; who takes none of it is gone.
const MAX_OUTBOX: usize = 512 * 1024;
/// Ticks for which an ending connection may still take what was sent to it.
const LINGER_TICKS: u8 = 5;
/// Reads of 4 KiB that an ending connection's bytes are worth: as many as a crossing has on its way. What comes beyond them
/// stays with the system, which lets the other end send no more when its buffer is full.
const LINGER_READS: u8 = 64;
/// How long a message may take from its first byte to its last: 32 KiB over a connection of 10 kbit/s.
const MESSAGE_DUE: i64 = 30 * UnixMillis::SECOND;

/// A connection.
pub(super) struct Connection {
    pub(super) transport: Transport,
    pub(super) decoder: Decoder,
    /// What did not fit into the socket.
    outbox: Option<Box<Outbox>>,
    phase: Phase,
    /// The system has said that the other end sends no more: read until it shows.
    pub(super) ends: bool,
    /// It has a place in the queue for the next turn.
    pub(super) queued: bool,
    /// What it may still send.
    pub(super) budget: Bucket,
    /// Whose address it comes from.
    pub(super) payer: Payer,
    /// Since when a message has been incomplete.
    incomplete_since: Monotonic,
}

#[derive(Default)]
struct Outbox {
    bytes: Vec<u8>,
    /// So many of them are written.
    written: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// Nothing is delivered until a job is done.
    Held,
    /// A Close was sent. What comes is read and forgotten, so that the system does not answer it with a reset, which
    /// would take back what we sent last.
    Ending {
        ticks: u8,
        /// How often it may still be read.
        reads: u8,
        /// The system knows that no more will be sent. Telling it again would be answered with a fresh event, on which
        /// we would tell it again.
        finished: bool,
    },
    Ended,
}

/// What a tick makes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tick {
    /// It is not ending.
    Other,
    /// It is ending and has time left.
    Ending,
    /// It has had its time.
    Over,
}

impl Connection {
    pub(super) fn new(transport: Transport, payer: Payer) -> Self {
        Self {
            transport,
            decoder: Decoder::default(),
            outbox: None,
            phase: Phase::Open,
            ends: false,
            queued: false,
            budget: Bucket::default(),
            payer,
            incomplete_since: Monotonic::NEVER,
        }
    }

    /// Whether its messages are to be delivered. Those of an end that takes no answers have to wait until it does.
    pub(super) fn is_open(&self) -> bool {
        self.phase == Phase::Open && !self.is_backed_up()
    }

    pub(super) fn is_ending(&self) -> bool {
        matches!(self.phase, Phase::Ending { .. })
    }

    /// Whether something waits for the other end to read.
    fn is_backed_up(&self) -> bool {
        self.outbox.is_some() || self.transport.has_unsent()
    }

    pub(super) fn hold(&mut self) {
        if self.phase == Phase::Open {
            self.phase = Phase::Held;
        }
    }

    /// True when it was held.
    pub(super) fn release(&mut self) -> bool {
        let held = self.phase == Phase::Held;
        if held {
            self.phase = Phase::Open;
        }
        held
    }

    /// Notes after a turn whether a message is incomplete; `completed` when one was completed in that turn.
    pub(super) fn note_progress(&mut self, completed: bool, now: Monotonic) {
        if !self.decoder.is_incomplete() {
            self.incomplete_since = Monotonic::NEVER;
        } else if completed || self.incomplete_since == Monotonic::NEVER {
            self.incomplete_since = now;
        }
    }

    /// Whether a message takes too long to come.
    pub(super) fn is_message_overdue(&self, now: Monotonic) -> bool {
        self.phase == Phase::Open && !self.queued && now >= self.incomplete_since.plus(MESSAGE_DUE)
    }

    /// Writes what can be written, and keeps the rest.
    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<(), OfflineReason> {
        if matches!(self.phase, Phase::Ending { .. } | Phase::Ended) {
            return Ok(());
        }
        let written = match self.outbox {
            Some(_) => 0,
            None => self
                .transport
                .write(bytes)
                .map_err(|_| OfflineReason::ConnectionLost)?,
        };
        let rest = &bytes[written..];
        if rest.is_empty() {
            return Ok(());
        }
        let outbox = self.outbox.get_or_insert_default();
        if outbox.bytes.len() - outbox.written + rest.len() > MAX_OUTBOX {
            return Err(OfflineReason::ConnectionLost);
        }
        outbox.bytes.drain(..std::mem::take(&mut outbox.written));
        outbox.bytes.extend_from_slice(rest);
        Ok(())
    }

    /// Sends no more, but lets the other end take what was sent.
    pub(super) fn end(&mut self) {
        if self.phase == Phase::Ended {
            return;
        }
        self.phase = Phase::Ending {
            ticks: LINGER_TICKS,
            reads: LINGER_READS,
            finished: false,
        };
        self.finish();
    }

    /// Goes on with what did not fit. True when nothing is left of it.
    pub(super) fn flush(&mut self) -> Result<bool, OfflineReason> {
        let lost = |_| OfflineReason::ConnectionLost;
        if !self.transport.flush().map_err(lost)? {
            return Ok(false);
        }
        if let Some(outbox) = &mut self.outbox {
            outbox.written += self
                .transport
                .write(&outbox.bytes[outbox.written..])
                .map_err(lost)?;
            if outbox.written == outbox.bytes.len() {
                self.outbox = None;
            }
        }
        self.finish();
        Ok(!self.is_backed_up())
    }

    /// Tells the other end once, after everything else, that nothing more comes.
    fn finish(&mut self) {
        if let Phase::Ending { finished, .. } = &mut self.phase
            && !*finished
            && self.outbox.is_none()
        {
            *finished = self.transport.finish();
        }
    }

    /// Throws away what an ending connection still sends. True when the other end has gone.
    pub(super) fn discard(&mut self) -> bool {
        let Phase::Ending { reads, .. } = &mut self.phase else {
            return false;
        };
        let mut discarded = [0; 4096];
        while *reads > 0 {
            *reads -= 1;
            match self.transport.read(&mut discarded) {
                Read::Bytes { .. } => {}
                Read::Nothing => return false,
                Read::End => return true,
            }
        }
        false
    }

    /// Counts an ending connection's time down.
    pub(super) fn tick(&mut self) -> Tick {
        match &mut self.phase {
            Phase::Ending { ticks: 0, .. } => Tick::Over,
            Phase::Ending { ticks, .. } => {
                *ticks -= 1;
                Tick::Ending
            }
            _ => Tick::Other,
        }
    }

    /// True the first time.
    pub(super) fn mark_ended(&mut self) -> bool {
        std::mem::replace(&mut self.phase, Phase::Ended) != Phase::Ended
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use mio::{Events, Poll, Token};

    use super::*;

    #[test]
    fn a_connection_at_rest_is_small() {
        assert!(size_of::<Connection>() <= 64, "{} bytes", size_of::<Connection>());
    }

    /// A device that did not close its end kept the reactor spinning for as long as its connection lingered.
    #[test]
    fn an_ending_connection_that_lingers_causes_no_events() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let address = listener.local_addr().expect("an address");
        let device = std::net::TcpStream::connect(address).expect("connected");
        let (server, _) = listener.accept().expect("accepted");
        server.set_nonblocking(true).expect("set");
        let mut connection = Connection::new(
            Transport::Plain(mio::net::TcpStream::from_std(server)),
            Payer::NOBODY,
        );
        let mut poll = Poll::new().expect("a queue");
        connection
            .transport
            .register(poll.registry(), Token(0))
            .expect("registered");
        connection.end();
        let mut events = Events::with_capacity(8);
        // What the end itself causes comes at once; after that the wait is in vain.
        let quiet = (0..10).any(|_| {
            poll.poll(&mut events, Some(Duration::from_millis(20)))
                .expect("polled");
            for _ in &events {
                connection.flush().expect("nothing to write");
            }
            events.is_empty()
        });
        assert!(quiet);
        drop(device);
    }
}
