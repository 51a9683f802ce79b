//! What the rest of the server needs to be the claimant of a device that named a permit (`docs/protocol.md` §7): the device, and
//! the conversation with it. It goes by the same machine as the claim of a person, without a socket of its own.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use gangway_protocol::encoding::Base64;
use gangway_protocol::enrolment::{ClaimantToServer, ServerToClaimant};
use gangway_protocol::error::Problem;
use gangway_protocol::id::ClaimId;
use gangway_protocol::permit::Lookup;

use super::driver::SocketKey;
use super::reactor::{Command, Inbox};

/// A waiting device that named a permit.
pub(crate) struct Attendance {
    /// By what its permit is found.
    pub(crate) lookup: Lookup,
    /// Where it comes from.
    pub(crate) address: Option<IpAddr>,
    socket: SocketKey,
    inbox: Arc<Inbox>,
}

impl Attendance {
    pub(super) fn new(socket: SocketKey, lookup: Lookup, address: Option<IpAddr>, inbox: Arc<Inbox>) -> Self {
        Self {
            lookup,
            address,
            socket,
            inbox,
        }
    }

    /// Claims the device. `None` when it has gone.
    pub(crate) async fn claim(&self, pake: Base64) -> Option<Conversation> {
        let (heard, frames) = mpsc::unbounded_channel();
        let (claim, made) = oneshot::channel();
        self.inbox.push(Command::ClaimByServer {
            socket: self.socket,
            pake,
            heard,
            claim,
        });
        let claim = made.await.ok()?;
        Some(Conversation {
            claim,
            frames,
            inbox: self.inbox.clone(),
        })
    }

    /// Ends the device's connection with this problem.
    pub(crate) fn refuse(&self, problem: Problem) {
        self.inbox.push(Command::SendAway {
            socket: self.socket,
            problem,
        });
    }
}

/// A claim of the server's own. Dropping it ends the claim, behind what was said before.
pub(crate) struct Conversation {
    claim: ClaimId,
    /// Bounded by what a claim may carry.
    frames: mpsc::UnboundedReceiver<ServerToClaimant>,
    inbox: Arc<Inbox>,
}

impl Conversation {
    /// The claim's id.
    pub(crate) fn claim(&self) -> &ClaimId {
        &self.claim
    }

    /// What the device says next; `None` when the claim is over.
    pub(crate) async fn next(&mut self) -> Option<ServerToClaimant> {
        self.frames.recv().await
    }

    /// Says something to the device.
    pub(crate) fn send(&self, message: ClaimantToServer) {
        self.inbox.push(Command::SayAsClaimant(Box::new(message)));
    }

    /// Tells the device what was recorded; it compares that with the sealed `offer`.
    pub(crate) fn tell_approval(&self, organisation: String, approver: String) {
        self.inbox.push(Command::TellApproval {
            claim: self.claim.clone(),
            organisation,
            approver,
        });
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.inbox.push(Command::EndClaim(self.claim.clone()));
    }
}
