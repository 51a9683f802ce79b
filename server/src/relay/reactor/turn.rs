//! One turn of a socket: a bounded number of bytes is read, a bounded number of messages delivered, and the turn paid for.

use gangway_protocol::error::{Problem, ProblemCode};

use super::super::frame::{Decoded, Event};
use super::super::message::problem;
use super::budget::Cost;
use super::{Reactor, Read, TURN_BYTES, TURN_MESSAGES};
use crate::clock::Now;
use crate::limits::TooMany;

/// What a turn has brought so far.
#[derive(Default)]
struct Turn {
    cost: Cost,
    /// Messages that were delivered.
    messages: u32,
    /// Control frames that were taken.
    controls: u32,
    /// A Ping has come, whose payload the reactor holds.
    pinged: bool,
}

impl Turn {
    /// Whether more may be delivered in it.
    fn has_room(&self) -> bool {
        self.messages < TURN_MESSAGES
    }
}

impl Reactor {
    /// Gives a socket its turn.
    pub(super) fn take_turn(&mut self, socket: u32, now: Now) {
        let mut turn = Turn::default();
        let goes_on = self.read(socket, &mut turn, now);
        if turn.pinged {
            // RFC 6455 §5.5.3: of several Pings the newest may be answered alone.
            self.connections.pong(socket, &self.pong);
        }
        if let Some(connection) = self.connections.reading(socket) {
            let in_message = connection.decoder.is_in_message();
            let completed = turn.messages > 0 || (turn.controls > 0 && !in_message);
            connection.note_progress(completed, now.monotonic);
        }
        if let Err(too_many) = self.connections.pay(socket, turn.cost, now.monotonic) {
            metrics::counter!("gangway_sockets_rate_limited_total").increment(1);
            let problem = flooded(too_many);
            return self.hub.on_flood(socket, problem, now, &mut self.connections);
        }
        if goes_on {
            self.connections.enqueue(socket);
        }
    }

    /// Delivers what was left over, then reads once. True when there may be more, of which no event will tell.
    fn read(&mut self, socket: u32, turn: &mut Turn, now: Now) -> bool {
        let Some(connection) = self.connections.reading(socket) else {
            return false;
        };
        let kept = connection.decoder.resume(&mut self.buffer);
        let Some(kept) = self.deliver(socket, kept, turn, now) else {
            return !turn.has_room();
        };
        let Some(connection) = self.connections.reading(socket) else {
            return false;
        };
        let (len, drained) = match connection
            .transport
            .read(&mut self.buffer[kept..kept + TURN_BYTES])
        {
            Read::Bytes { len, drained } => (len, drained && !connection.ends),
            Read::Nothing => (0, true),
            Read::End => {
                self.connections.lost(socket);
                return false;
            }
        };
        turn.cost.add_read(len);
        let Some(kept) = self.deliver(socket, kept + len, turn, now) else {
            return !turn.has_room();
        };
        self.connections.keep(socket, &self.buffer[..kept]);
        !drained
    }

    /// Decodes the first `filled` bytes of the buffer and hands on what they say. What is incomplete moves to the front:
    /// its length is returned. `None` when nothing more is delivered in this turn; the rest has been kept then.
    fn deliver(&mut self, socket: u32, filled: usize, turn: &mut Turn, now: Now) -> Option<usize> {
        let Self {
            hub,
            connections,
            buffer,
            pong,
            ..
        } = self;
        let mut start = 0;
        while start < filled {
            if connections.reading(socket).is_none() || !turn.has_room() {
                connections.keep(socket, &buffer[start..filled]);
                return None;
            }
            let connection = connections.reading(socket)?;
            let Decoded { used, frames, event } = match connection.decoder.decode(&mut buffer[start..filled])
            {
                Ok(decoded) => decoded,
                Err(error) => {
                    hub.on_frame_error(socket, error, now, connections);
                    return None;
                }
            };
            start += used;
            turn.cost.add_frames(frames);
            match event {
                None => break,
                Some(Event::Text(text)) => {
                    turn.messages += 1;
                    hub.on_text(socket, &text, now, connections);
                }
                Some(Event::Ping(payload)) => {
                    turn.controls += 1;
                    turn.pinged = true;
                    pong.clear();
                    pong.extend_from_slice(payload);
                }
                Some(Event::Pong(payload)) => {
                    turn.controls += 1;
                    hub.on_pong(socket, payload, now, connections);
                }
                Some(Event::Close(code)) => {
                    connections.close_back(socket, code);
                    return None;
                }
            }
        }
        buffer.copy_within(start..filled, 0);
        Some(filled - start)
    }
}

/// What a socket is told that sends more than it may, or whose address does.
pub(super) fn flooded(too_many: TooMany) -> Problem {
    Problem {
        retry_after_secs: Some(too_many.retry_after_secs),
        ..problem(
            ProblemCode::RateLimited,
            "More frames came than this connection or its address may send. Wait, then connect again.",
        )
    }
}
