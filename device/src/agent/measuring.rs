//! Sends in a session what was measured, a frame each second: the server takes no more for long. What has been sent is kept until the
//! connection has held for a moment longer, and sent again where it has not: the protocol has no receipt for measurements, and the server
//! keeps one value for each series and time.

use std::collections::VecDeque;
use std::io;
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
    /// How many points were taken, until all of them have been sent.
    taken: Option<usize>,
    has_looked: bool,
}

impl Measuring {
    pub(super) fn new(spool: Spool) -> Self {
        Self {
            spool,
            next: Instant::now(),
            frames: VecDeque::new(),
            taken: None,
            has_looked: false,
        }
    }

    /// Resolves when there may be something to do.
    pub(super) async fn due(&self) {
        if !self.has_looked || self.taken.is_some() || self.spool.is_shared() {
            tokio::time::sleep_until(self.next).await;
        } else {
            self.spool.added().await;
        }
    }

    /// The frame that goes out now, if there is one.
    pub(super) fn next_frame(&mut self) -> io::Result<Option<Vec<Series>>> {
        self.has_looked = true;
        self.next = Instant::now() + EVERY;
        if let Some(frame) = self.frames.pop_front() {
            return Ok(Some(frame));
        }
        self.forget()?;
        let frames = self.spool.take()?;
        let count: usize = frames.iter().flatten().map(|series| series.points.len()).sum();
        self.taken = (count > 0).then_some(count);
        self.frames = frames.into();
        Ok(self.frames.pop_front())
    }

    /// The server has ended the session with this problem: what it does not take must not end the next one too.
    pub(super) fn refused(&mut self, problem: &Problem) -> io::Result<()> {
        match problem.code {
            ProblemCode::Malformed | ProblemCode::TooLarge | ProblemCode::Invalid => self.forget(),
            _ => Ok(()),
        }
    }

    fn forget(&mut self) -> io::Result<()> {
        match self.taken.take() {
            Some(count) => self.spool.sent(count),
            None => Ok(()),
        }
    }
}
