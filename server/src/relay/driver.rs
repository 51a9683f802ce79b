//! What the hub asks of whoever moves its bytes, and what the two say to each other. The reactor is the one driver in
//! production; tests drive the hub by hand.

use std::net::IpAddr;

use gangway_protocol::device::Facts;
use gangway_protocol::encoding::{Base64, Sha256Hex};
use gangway_protocol::error::Problem;
use gangway_protocol::id::DeviceId;
use gangway_protocol::permit::Lookup;
use gangway_protocol::session::{NONCE_LEN, Series, SessionAbility};

use super::ticket::Ticket;
use crate::clock::Monotonic;

/// A socket and which of its successive owners is meant: indices are used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SocketKey {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

/// Moves bytes. None of these calls comes back into the hub before it has returned.
pub(crate) trait Driver {
    /// Sends a text message.
    fn send(&mut self, socket: u32, text: &str);
    /// Sends a Ping.
    fn ping(&mut self, socket: u32, payload: &[u8]);
    /// Sends a Close after what was sent before, and lets the connection end. The hub hears no more from it but that.
    fn close(&mut self, socket: u32, code: u16);
    /// Delivers nothing more of this socket until [`Self::release`].
    fn hold(&mut self, socket: u32);
    /// Goes on delivering.
    fn release(&mut self, socket: u32);
    /// Runs a job beside everything else, when its turn comes; its [`Done`] comes back by `Hub::on_done`.
    fn start(&mut self, socket: SocketKey, job: Job, now: Monotonic);
    /// Has the server claim a waiting device that named a permit.
    fn attend(&mut self, socket: SocketKey, lookup: Lookup, address: Option<IpAddr>);
}

/// What a new socket is for.
#[derive(Debug)]
pub(crate) enum Opening {
    /// A device that will say `hello`.
    Device {
        /// Where it comes from.
        address: Option<IpAddr>,
    },
    /// A claimant that may try.
    Claimant(Box<Ticket>),
    /// An enrolled device that will prove itself.
    Session {
        /// Where it comes from.
        address: Option<IpAddr>,
    },
    /// Nobody: it is told why, and closed.
    Refused(Problem),
}

impl Opening {
    /// Where the socket comes from, if that matters still.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Device { address } | Self::Session { address } => *address,
            Self::Claimant(ticket) => Some(ticket.address),
            Self::Refused(_) => None,
        }
    }
}

/// Work with the database or with public keys: too long for the hub, done by a task of its own. A socket has at most one
/// at a time; all but the alarm hold it.
#[derive(Debug)]
pub(crate) enum Job {
    /// Check a proof and admit the device.
    Prove {
        chain: String,
        signature: Base64,
        nonce: [u8; NONCE_LEN],
        counter: u64,
    },
    /// Issue a new certificate.
    Renew {
        pass: SessionPass,
        csr: String,
        endorsement: Base64,
    },
    /// Note that a certificate is installed.
    Installed {
        device: DeviceId,
        certificate: Sha256Hex,
    },
    /// Store what the device says about itself.
    Facts { device: DeviceId, facts: Facts },
    /// Store what it has measured. The socket is held meanwhile, so that whatever the server says later says that it is stored.
    Measurements { device: DeviceId, series: Vec<Series> },
    /// Two live sessions of one certificate.
    RaiseCloneAlarm { device: DeviceId },
}

/// How a job ended.
#[derive(Debug)]
pub(crate) enum Done {
    /// The proof is good, and so recorded.
    Proved(Box<Proved>),
    /// A text to send: a certificate.
    Send(String),
    /// Nothing to say.
    Quiet,
    /// The alarm is raised, or could not be: the socket was not held for it, and goes on.
    Alarmed,
    /// The connection ends with this problem.
    Refused(Problem),
}

/// What an admitted device gets.
#[derive(Debug)]
pub(crate) struct Proved {
    pub(crate) pass: SessionPass,
    /// No newer certificate of the device was proven: sessions on others are older.
    pub(crate) newest: bool,
    /// The `welcome` message.
    pub(crate) welcome: String,
}

/// What a session may do, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SessionPass {
    pub(crate) device: DeviceId,
    pub(crate) certificate: Sha256Hex,
    /// When present, the only things it may do.
    pub(crate) only: Option<Vec<SessionAbility>>,
}

impl SessionPass {
    /// Whether it may do nothing but wait for an operator (`protocol.md` §3).
    pub(crate) fn is_held(&self) -> bool {
        self.only.as_ref().is_some_and(Vec::is_empty)
    }
}
