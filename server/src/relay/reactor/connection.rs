//! One connection of the reactor: its stream, what is incomplete in either direction, and where it stands.

use gangway_protocol::device::OfflineReason;

use super::super::frame::Decoder;
use super::Wire;

/// Most bytes that wait for a slow reader. A claim brings 256 KiB at most; who takes none of it is gone.
const MAX_OUTBOX: usize = 512 * 1024;
/// Ticks for which an ending connection may still take what was sent to it.
const LINGER_TICKS: u8 = 5;

/// A connection.
pub(super) struct Connection {
    pub(super) wire: Wire,
    pub(super) decoder: Decoder,
    /// What did not fit into the socket.
    outbox: Vec<u8>,
    phase: Phase,
    /// The system has said that the other end sends no more: read until it shows.
    pub(super) ends: bool,
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
    pub(super) fn new(wire: Wire) -> Self {
        Self {
            wire,
            decoder: Decoder::default(),
            outbox: Vec::new(),
            phase: Phase::Open,
            ends: false,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    pub(super) fn is_ending(&self) -> bool {
        matches!(self.phase, Phase::Ending { .. })
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

    /// Writes what can be written, and keeps the rest.
    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<(), OfflineReason> {
        if matches!(self.phase, Phase::Ending { .. } | Phase::Ended) {
            return Ok(());
        }
        let written = if self.outbox.is_empty() {
            self.wire
                .write(bytes)
                .map_err(|_| OfflineReason::ConnectionLost)?
        } else {
            0
        };
        let rest = &bytes[written..];
        if self.outbox.len() + rest.len() > MAX_OUTBOX {
            return Err(OfflineReason::ConnectionLost);
        }
        self.outbox.extend_from_slice(rest);
        Ok(())
    }

    /// Sends no more, but lets the other end take what was sent.
    pub(super) fn end(&mut self) {
        if self.phase == Phase::Ended {
            return;
        }
        self.phase = Phase::Ending {
            ticks: LINGER_TICKS,
            finished: false,
        };
        self.finish();
    }

    /// Goes on with what did not fit.
    pub(super) fn flush(&mut self) -> Result<(), OfflineReason> {
        let lost = |_| OfflineReason::ConnectionLost;
        if !self.wire.flush().map_err(lost)? {
            return Ok(());
        }
        if !self.outbox.is_empty() {
            let written = self.wire.write(&self.outbox).map_err(lost)?;
            self.outbox.drain(..written);
        }
        if self.outbox.is_empty() {
            self.outbox = Vec::new();
            self.finish();
        }
        Ok(())
    }

    /// Tells the other end once, after everything else, that nothing more comes.
    fn finish(&mut self) {
        if let Phase::Ending { finished, .. } = &mut self.phase
            && !*finished
            && self.outbox.is_empty()
        {
            *finished = self.wire.finish();
        }
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
        let mut connection = Connection::new(Wire::Plain(mio::net::TcpStream::from_std(server)));
        let mut poll = Poll::new().expect("a queue");
        connection
            .wire
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
