//! What other tasks hold of a running agent: wishes go in, the present comes out.

use std::sync::Arc;

use gangway_protocol::id::ClaimId;
use tokio::sync::{mpsc, watch};

use crate::status::{Phase, Status};
use crate::store::{NotKept, Point, Spool};

/// Answers and wishes that wait to be heard. People have few at a time, and whoever sends more waits.
const WISHES: usize = 8;

/// What a person or a program wants of a running device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Answer { question: ClaimId, accepted: bool },
    ReplaceCode,
    Renew,
    Stop,
}

/// A running device, as other tasks hold it. Clones are the same device. It does not keep the device running: that ends
/// with its [`super::Agent`].
#[derive(Clone, Debug)]
pub struct Handle {
    commands: mpsc::Sender<Command>,
    status: Arc<watch::Sender<Status>>,
    spool: Spool,
}

/// The agent's end of a [`Handle`].
pub(super) struct Wishes {
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) status: Arc<watch::Sender<Status>>,
}

impl Handle {
    pub(super) fn new(spool: Spool) -> (Self, Wishes) {
        let (sender, commands) = mpsc::channel(WISHES);
        let status = Arc::new(watch::Sender::new(Status::default()));
        let wishes = Wishes {
            commands,
            status: Arc::clone(&status),
        };
        let handle = Self {
            commands: sender,
            status,
            spool,
        };
        (handle, wishes)
    }

    /// The answer to the [`crate::Event::ApprovalAsked`] whose claim is `question`. If another question stands by now, or
    /// none, nothing happens but an [`crate::Event::AnswerRefused`].
    ///
    /// # Errors
    /// The agent has ended.
    pub async fn answer(&self, question: &ClaimId, accepted: bool) -> Result<(), Ended> {
        let question = question.clone();
        self.wish(Command::Answer { question, accepted }).await
    }

    /// Somebody wants another code than the one that is shown. While somebody crosses with it, nothing happens.
    ///
    /// # Errors
    /// The agent has ended.
    pub async fn replace_code(&self) -> Result<(), Ended> {
        self.wish(Command::ReplaceCode).await
    }

    /// Asks for a new certificate now. Without a session that allows it, an [`crate::Event::Error`] with the code
    /// `not_renewed` says so. Who asks early may get the certificate that stands.
    ///
    /// # Errors
    /// The agent has ended.
    pub async fn renew(&self) -> Result<(), Ended> {
        self.wish(Command::Renew).await
    }

    /// Keeps what was measured until a session has sent it, also while there is none and after a restart. Where too much waits, the oldest
    /// is lost.
    ///
    /// # Errors
    /// [`NotKept`]; then none of the points is kept.
    pub fn measure(&self, points: &[Point]) -> Result<(), NotKept> {
        self.spool.keep(points)
    }

    /// Ends the connection in order, and then the agent, whose events end.
    ///
    /// # Errors
    /// The agent has ended.
    pub async fn stop(&self) -> Result<(), Ended> {
        self.wish(Command::Stop).await
    }

    /// The present.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Waits until `is_so` holds of the present, and gives it.
    ///
    /// # Errors
    /// The agent has ended, and it does not hold of that.
    pub async fn until(&self, mut is_so: impl FnMut(&Status) -> bool) -> Result<Status, Ended> {
        let mut status = self.status.subscribe();
        let found = status
            .wait_for(|status| is_so(status) || status.phase == Phase::Ended)
            .await
            .map_err(|_| Ended)?
            .clone();
        if is_so(&found) { Ok(found) } else { Err(Ended) }
    }

    async fn wish(&self, command: Command) -> Result<(), Ended> {
        self.commands.send(command).await.map_err(|_| Ended)
    }
}

/// The device has ended: nobody hears wishes any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the device software has ended; start it again")]
pub struct Ended;
