//! Sends in a session what was measured, a frame each second: the server takes no more for long. Behind each frame goes a ping, and its
//! pong is the receipt: what has none when the connection ends is sent again in the next session. The server keeps one value for each
//! series and time.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::time::Duration;

use gangway_protocol::error::{Problem, ProblemCode};
use gangway_protocol::session::Series;
use tokio::time::Instant;

use crate::store::Spool;

/// How often a frame goes out, and how often it is looked for what other processes have added.
const EVERY: Duration = Duration::from_secs(1);

/// What of the measurements one session has sent.
pub(super) struct Measuring {
    spool: Spool,
    next: Instant,
    /// What was taken and not sent yet.
    frames: VecDeque<Vec<Series>>,
    /// Something was taken, and not all of it has arrived.
    is_under_way: bool,
    has_looked: bool,
}

impl Measuring {
    pub(super) fn new(spool: Spool) -> Self {
        Self {
            spool,
            next: Instant::now(),
            frames: VecDeque::new(),
            is_under_way: false,
            has_looked: false,
        }
    }

    /// Resolves when there may be something to do.
    pub(super) async fn due(&self) {
        if !self.has_looked || self.is_under_way || self.spool.is_shared() {
            tokio::time::sleep_until(self.next).await;
        } else {
            self.spool.added().await;
        }
    }

    /// The frame that goes out now, if there is one. `has_arrived`: whether everything has that was sent before.
    pub(super) fn next_frame(&mut self, has_arrived: bool) -> io::Result<Option<Vec<Series>>> {
        self.has_looked = true;
        self.next = Instant::now() + EVERY;
        if self.is_under_way && !has_arrived {
            return Ok(None);
        }
        if let Some(frame) = self.frames.pop_front() {
            return Ok(Some(frame));
        }
        match self.take_more() {
            // Another process adds something just now.
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            taken => taken,
        }
    }

    fn take_more(&mut self) -> io::Result<Option<Vec<Series>>> {
        self.forget()?;
        self.frames = self.spool.take()?.into();
        let frame = self.frames.pop_front();
        self.is_under_way = frame.is_some();
        Ok(frame)
    }

    /// The server has ended the session with this problem: what it does not take must not end the next one too.
    pub(super) fn refused(&mut self, problem: &Problem) -> io::Result<()> {
        match problem.code {
            ProblemCode::Malformed | ProblemCode::TooLarge | ProblemCode::Invalid => self.forget(),
            _ => Ok(()),
        }
    }

    fn forget(&mut self) -> io::Result<()> {
        if self.is_under_way {
            self.spool.sent()?;
            self.is_under_way = false;
        }
        Ok(())
    }
}
