//! The record of what was done: entries, and the hash chain that makes a changed or missing one show. Where they are
//! kept is `db::audit`'s business.
//!
//! Each entry's hash covers the entry and the hash before it. Whoever holds a [`Checkpoint`] from some day can tell
//! whether anything up to that day was rewritten since, even by somebody who computed all hashes anew.

pub mod verification;

use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::{AccountId, DeviceId, OrganisationId, TokenId};
use gangway_protocol::time::UnixMillis;
use serde::{Deserialize, Serialize};
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
    /// What, e.g. `device.approved`.
    pub action: &'static str,
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
            Self::Device(id) => id.as_str(),
            Self::Server => "server",
        }
    }

    /// The member's name; devices and the server have none.
    #[must_use]
    pub fn name(&self) -> Option<&'a str> {
        match self {
            Self::Account { name, .. } | Self::Token { name, .. } => Some(name),
            Self::Device(_) | Self::Server => None,
        }
    }
}

/// A member who does something, or whose program does; kept for as long as the doing takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// The token, when a program asks.
    pub token: Option<TokenId>,
}

impl Member {
    /// The actor of an entry.
    #[must_use]
    pub fn actor(&self) -> Actor<'_> {
        match &self.token {
            Some(id) => Actor::Token { id, name: &self.name },
            None => Actor::Account {
                id: &self.account,
                name: &self.name,
            },
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

/// The state of a chain at some time: export it, keep it elsewhere, and compare later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The chain: an organisation's id, or `server`.
    pub chain: String,
    /// How many entries it had.
    pub seq: u64,
    /// Its hash.
    pub hash: Sha256Hex,
    /// When this was noted.
    pub at: UnixMillis,
}

/// Where a chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenChain {
    /// An entry is not what its hash says, or what stood before it has changed.
    #[error("entry {seq} of {chain} was changed, or one before it is missing")]
    Entry {
        /// The chain.
        chain: String,
        /// The entry.
        seq: u64,
    },
    /// The chain ends before its head, or goes on behind it.
    #[error("{chain} ends at entry {found}, but its head says {head}: entries were cut off")]
    Length {
        /// The chain.
        chain: String,
        /// The last entry there is.
        found: u64,
        /// The entry its head names.
        head: u64,
    },
    /// The chain was rewritten since the checkpoint.
    #[error("{chain} no longer has the hash that the checkpoint noted for entry {seq}: it was rewritten")]
    Checkpoint {
        /// The chain.
        chain: String,
        /// The checkpoint's entry.
        seq: u64,
    },
}

/// Follows a chain entry by entry.
#[derive(Debug)]
pub struct Verifier {
    chain: String,
    seq: u64,
    hash: Sha256Hex,
    checkpoints: Vec<Checkpoint>,
}

impl Verifier {
    /// A verifier at the beginning of `chain`, which must pass through `checkpoints` of it.
    #[must_use]
    pub fn new(chain: &str, checkpoints: &[Checkpoint]) -> Self {
        let checkpoints = checkpoints
            .iter()
            .filter(|checkpoint| checkpoint.chain == chain)
            .cloned()
            .collect();
        Self {
            chain: chain.to_owned(),
            seq: 0,
            hash: GENESIS,
            checkpoints,
        }
    }

    /// The entry after the one before.
    ///
    /// # Errors
    /// When it does not follow.
    pub fn follow(&mut self, entry: &Recorded) -> Result<(), BrokenChain> {
        let broken = || BrokenChain::Entry {
            chain: self.chain.clone(),
            seq: entry.seq,
        };
        if entry.seq != self.seq + 1 || entry.expected_hash(&self.chain, &self.hash) != entry.hash {
            return Err(broken());
        }
        if self
            .checkpoints
            .iter()
            .any(|noted| noted.seq == entry.seq && noted.hash != entry.hash)
        {
            return Err(BrokenChain::Checkpoint {
                chain: self.chain.clone(),
                seq: entry.seq,
            });
        }
        (self.seq, self.hash) = (entry.seq, entry.hash);
        Ok(())
    }

    /// The end: `head` is what the chain's head says.
    ///
    /// # Errors
    /// When entries are missing at the end.
    pub fn finish(self, head: (u64, Sha256Hex)) -> Result<(), BrokenChain> {
        if head != (self.seq, self.hash) {
            return Err(BrokenChain::Length {
                chain: self.chain,
                found: self.seq,
                head: head.0,
            });
        }
        match self.checkpoints.into_iter().find(|noted| noted.seq > self.seq) {
            Some(noted) => Err(BrokenChain::Checkpoint {
                chain: self.chain,
                seq: noted.seq,
            }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain() -> Vec<Recorded> {
        let mut previous = GENESIS;
        (1..=3)
            .map(|seq| {
                let mut entry = Recorded {
                    seq,
                    at: UnixMillis(1_000),
                    actor: "acc_1".to_owned(),
                    actor_name: Some("Ada".to_owned()),
                    action: "device.approved".to_owned(),
                    subject: format!("dev_{seq}"),
                    detail: String::new(),
                    hash: GENESIS,
                };
                entry.hash = entry.expected_hash("org_1", &previous);
                previous = entry.hash;
                entry
            })
            .collect()
    }

    fn verify(entries: &[Recorded], head: (u64, Sha256Hex), noted: &[Checkpoint]) -> Result<(), BrokenChain> {
        let mut verifier = Verifier::new("org_1", noted);
        entries.iter().try_for_each(|entry| verifier.follow(entry))?;
        verifier.finish(head)
    }

    #[test]
    fn an_untouched_chain_holds() {
        let entries = chain();
        assert_eq!(verify(&entries, (3, entries[2].hash), &[]), Ok(()));
    }

    #[test]
    fn every_changed_field_shows() {
        let changes: [fn(&mut Recorded); 6] = [
            |entry| entry.at = UnixMillis(1),
            |entry| entry.actor.push('2'),
            |entry| entry.actor_name = None,
            |entry| entry.action.push('x'),
            |entry| entry.subject.push('x'),
            |entry| entry.detail.push('x'),
        ];
        for change in changes {
            let mut entries = chain();
            let head = (3, entries[2].hash);
            change(&mut entries[1]);
            assert_eq!(
                verify(&entries, head, &[]),
                Err(BrokenChain::Entry {
                    chain: "org_1".to_owned(),
                    seq: 2
                })
            );
        }
    }

    #[test]
    fn removed_and_cut_off_entries_show() {
        let entries = chain();
        let head = (3, entries[2].hash);
        assert!(verify(&[entries[0].clone(), entries[2].clone()], head, &[]).is_err());
        assert!(verify(&entries[..2], head, &[]).is_err());
    }

    #[test]
    fn a_chain_that_was_computed_anew_shows_against_a_checkpoint() {
        let entries = chain();
        let noted = Checkpoint {
            chain: "org_1".to_owned(),
            seq: 2,
            hash: GENESIS,
            at: UnixMillis(0),
        };
        let head = (3, entries[2].hash);
        assert_eq!(
            verify(&entries, head, &[noted]),
            Err(BrokenChain::Checkpoint {
                chain: "org_1".to_owned(),
                seq: 2
            })
        );
    }
}
