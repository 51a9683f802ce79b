//! What is recorded: an entry before it has a place in a chain, and after. The hash that chains entries is here, because
//! appending needs it.

use gangway_protocol::audit::Action;
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::{AccountId, DeviceId, OrganisationId, PermitId, TokenId};
use gangway_protocol::time::UnixMillis;
use sha2::{Digest as _, Sha256};

/// The hash before the first entry of a chain.
pub const GENESIS: Sha256Hex = Sha256Hex([0; 32]);

/// What is to be recorded.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// Whose record.
    pub scope: Scope<'a>,
    /// When.
    pub at: UnixMillis,
    /// Who did it.
    pub actor: Actor<'a>,
    /// What.
    pub action: Action,
    /// The id of what it was done to.
    pub subject: &'a str,
    /// More, for people. Never a secret.
    pub detail: &'a str,
}

/// Whose record an entry belongs to.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// An organisation's.
    Organisation(&'a OrganisationId),
    /// The server's: what belongs to no organisation, such as sign-ins.
    Server,
}

impl Scope<'_> {
    /// The chain's name, as stored.
    #[must_use]
    pub fn chain(&self) -> &str {
        match self {
            Self::Organisation(id) => id.as_str(),
            Self::Server => "server",
        }
    }
}

/// Who did something.
#[derive(Clone, Copy, Debug)]
pub enum Actor<'a> {
    /// A signed-in person.
    Account {
        /// The account.
        id: &'a AccountId,
        /// Its name at the time.
        name: &'a str,
    },
    /// A program with a bearer token.
    Token {
        /// The token.
        id: &'a TokenId,
        /// Name of the token's account at the time.
        name: &'a str,
    },
    /// A permit that a member gave in advance.
    Permit {
        /// The permit.
        id: &'a PermitId,
        /// What people find it by.
        name: &'a str,
    },
    /// A device.
    Device(&'a DeviceId),
    /// The server by itself, or its operator on the command line.
    Server,
}

impl<'a> Actor<'a> {
    /// The id, as stored.
    #[must_use]
    pub fn id(&self) -> &'a str {
        match self {
            Self::Account { id, .. } => id.as_str(),
            Self::Token { id, .. } => id.as_str(),
            Self::Permit { id, .. } => id.as_str(),
            Self::Device(id) => id.as_str(),
            Self::Server => "server",
        }
    }

    /// The member's name, or the permit's; devices and the server have none.
    #[must_use]
    pub fn name(&self) -> Option<&'a str> {
        match self {
            Self::Account { name, .. } | Self::Token { name, .. } | Self::Permit { name, .. } => Some(name),
            Self::Device(_) | Self::Server => None,
        }
    }
}

/// An entry as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its place in the chain, from 1.
    pub seq: u64,
    /// When.
    pub at: UnixMillis,
    /// Who, by id.
    pub actor: String,
    /// Who, by name.
    pub actor_name: Option<String>,
    /// What.
    pub action: String,
    /// To what.
    pub subject: String,
    /// More.
    pub detail: String,
    /// The chain's hash with this entry.
    pub hash: Sha256Hex,
}

impl Recorded {
    /// The hash that belongs to this entry behind `previous` in `chain`.
    #[must_use]
    pub fn expected_hash(&self, chain: &str, previous: &Sha256Hex) -> Sha256Hex {
        let mut hasher = Sha256::new();
        hasher.update(b"gangway audit v1\0");
        hasher.update(previous.0);
        let mut text = |text: &str| {
            // A length before each text: no two entries read the same.
            hasher.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            hasher.update(text.as_bytes());
        };
        text(chain);
        text(&self.seq.to_string());
        text(&self.at.0.to_string());
        text(&self.actor);
        text(self.actor_name.as_deref().unwrap_or_default());
        text(&self.action);
        text(&self.subject);
        text(&self.detail);
        Sha256Hex(hasher.finalize().into())
    }
}
