//! Sends in a session what was measured. What has been sent is kept for a moment longer, and sent again where the connection breaks within
//! that: the protocol has no receipt for measurements, and the server keeps one value for each series and time.

use std::io;
use std::time::Duration;

use gangway_protocol::session::Series;
use tokio::time::Instant;

use crate::store::Spool;

/// How often it is looked for what other processes have added, and for how long what was sent is kept.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What of the measurements one session has sent.
pub(super) struct Measuring {
    spool: Spool,
    look_at: Instant,
    /// How many points went out at the last look.
    sent: Option<usize>,
    has_looked: bool,
}

impl Measuring {
    pub(super) fn new(spool: Spool) -> Self {
        Self {
            spool,
            look_at: Instant::now(),
            sent: None,
            has_looked: false,
        }
    }

    /// Resolves when there may be something to do.
    pub(super) async fn due(&self) {
        if !self.has_looked || self.sent.is_some() || self.spool.is_shared() {
            tokio::time::sleep_until(self.look_at).await;
        } else {
            self.spool.added().await;
        }
    }

    /// What is to be sent now, as frames.
    pub(super) fn look(&mut self) -> io::Result<Vec<Vec<Series>>> {
        self.has_looked = true;
        self.look_at = Instant::now() + LOOK_EVERY;
        if let Some(count) = self.sent.take() {
            self.spool.sent(count)?;
        }
        let frames = self.spool.take()?;
        let count: usize = frames.iter().flatten().map(|series| series.points.len()).sum();
        self.sent = (count > 0).then_some(count);
        Ok(frames)
    }
}
