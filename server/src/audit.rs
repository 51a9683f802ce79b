//! The record: read by those who administer an organisation ([`reading`]), and verified: the hash chain makes a changed or missing
//! entry show ([`verification`]). Entries are kept by `db::audit`.
//!
//! Each entry's hash covers the entry and the hash before it. Whoever holds a [`Checkpoint`] from some day can tell
//! whether anything up to that day was rewritten since, even by somebody who computed all hashes anew.

pub mod checkpoints;
pub mod reading;
pub mod verification;

use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::time::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::db::audit::{GENESIS, Recorded};

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

impl BrokenChain {
    /// The first entry that does not hold; of a chain that was cut off, the last that is there.
    #[must_use]
    pub fn seq(&self) -> u64 {
        match self {
            Self::Entry { seq, .. } | Self::Checkpoint { seq, .. } => *seq,
            Self::Length { found, .. } => *found,
        }
    }
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

    /// Threat model: WEB-6.
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

    /// Threat model: WEB-6.
    #[test]
    fn removed_and_cut_off_entries_show() {
        let entries = chain();
        let head = (3, entries[2].hash);
        let chain = || "org_1".to_owned();
        assert_eq!(
            verify(&[entries[0].clone(), entries[2].clone()], head, &[]),
            Err(BrokenChain::Entry {
                chain: chain(),
                seq: 3
            })
        );
        assert_eq!(
            verify(&entries[..2], head, &[]),
            Err(BrokenChain::Length {
                chain: chain(),
                found: 2,
                head: 3
            })
        );
    }

    /// Threat model: WEB-6.
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
