//! What the rest of the server asks of the reactor's thread.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use gangway_protocol::encoding::{Base64, Sha256Hex};
use gangway_protocol::enrolment::{ClaimantToServer, ServerToClaimant};
use gangway_protocol::error::Problem;
use gangway_protocol::id::{ClaimId, DeviceId};

use super::super::driver::{Done, Opening, SocketKey};
use super::super::hub::{Batch, Exclusion, Tell};
use super::Transport;

/// Something to do.
pub(crate) enum Command {
    /// Take a socket that was upgraded.
    Open {
        transport: Transport,
        /// Bytes that were read together with the upgrade.
        ahead: Bytes,
        opening: Opening,
    },
    /// A job has ended.
    Done { socket: SocketKey, done: Box<Done> },
    /// Look at all deadlines, then say what is to be written down.
    Tick { done: oneshot::Sender<Batch> },
    /// Tell a waiting device what the server has recorded.
    TellApproval {
        claim: ClaimId,
        organisation: String,
        approver: String,
    },
    /// The claimant leaves a claim: what it has sealed for the device still goes there.
    LeaveClaim(ClaimId),
    /// End a claim whose claimant may claim no more.
    EndClaim(ClaimId),
    /// The server claims a device that named a permit.
    ClaimByServer {
        socket: SocketKey,
        pake: Base64,
        /// What a claimant would be sent; dropped when the claim ends.
        heard: mpsc::UnboundedSender<ServerToClaimant>,
        claim: oneshot::Sender<ClaimId>,
    },
    /// What the server says as a claimant.
    SayAsClaimant(Box<ClaimantToServer>),
    /// A waiting device is sent away.
    SendAway { socket: SocketKey, problem: Problem },
    /// Tell a device with a session something.
    TellSession {
        device: DeviceId,
        tell: Box<Tell>,
        reached: oneshot::Sender<bool>,
    },
    /// End every session of a device.
    Exclude { device: DeviceId, exclusion: Exclusion },
    /// End the sessions of a device that run on one certificate.
    ExcludeCertificate {
        device: DeviceId,
        certificate: Sha256Hex,
        /// `None`: superseded, which needs no words.
        exclusion: Option<Exclusion>,
    },
    /// Make a device come back whose certificate was held and is not any more.
    Readmit(DeviceId),
    /// Make a device come back.
    Reconnect(DeviceId),
    /// Send everybody away, and say when they are gone.
    Drain { done: oneshot::Sender<()> },
    /// End the thread.
    Stop,
}

/// Where commands wait. Unbounded, because each has a bounded cause: a connection that has its place, the one job of a
/// socket, an HTTP request, the tick.
pub(crate) struct Inbox {
    /// `None` once the reactor has ended: what comes then is dropped, and whoever waits for an answer learns that.
    commands: Mutex<Option<Vec<Command>>>,
    waker: mio::Waker,
}

impl Inbox {
    pub(super) fn new(waker: mio::Waker) -> Self {
        Self {
            commands: Mutex::new(Some(Vec::new())),
            waker,
        }
    }

    /// Leaves a command and wakes the reactor.
    pub(crate) fn push(&self, command: Command) {
        match &mut *self.commands() {
            Some(commands) => commands.push(command),
            None => return,
        }
        if let Err(error) = self.waker.wake() {
            tracing::error!(%error, "the relay could not be woken");
        }
    }

    pub(super) fn take(&self) -> Vec<Command> {
        self.commands().as_mut().map(std::mem::take).unwrap_or_default()
    }

    pub(super) fn close(&self) {
        *self.commands() = None;
    }

    fn commands(&self) -> MutexGuard<'_, Option<Vec<Command>>> {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
