//! Verification: a chain followed from its first entry, through the checkpoints that are given.
//!
//! A chain may be long. It is read a piece at a time, each on a connection that is given back, so that others have their turn.
//! Nothing is remembered from one verification to the next: what was verified once may have been changed since. Instead a node
//! runs one for an organisation at a time, and few in all.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use gangway_protocol::audit::AuditVerification;
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::OrganisationId;

use super::{BrokenChain, Checkpoint, Verifier};
use crate::authority::{Caller, Error, Result, Right};
use crate::context::Context;
use crate::db::audit::GENESIS;
use crate::db::{Db, DbError, audit};

/// Entries that are read at a time: some milliseconds of a connection, and about one of a thread.
const CHUNK: u32 = 1_000;
/// Verifications that a node runs at a time: each has one of the database's few connections most of the time.
const MAX_AT_ONCE: usize = 2;
/// When trying again makes sense: most records are followed by then.
const RETRY_AFTER_SECS: u32 = 5;

/// Why the record is not verified.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// It was tampered with.
    #[error(transparent)]
    Broken(#[from] BrokenChain),
    /// It cannot be read.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The verifications that run on this node.
#[derive(Debug, Default)]
pub struct Verifications(Mutex<BTreeSet<OrganisationId>>);

/// One of them, which ends when this is dropped.
struct Running<'a> {
    all: &'a Verifications,
    organisation: &'a OrganisationId,
}

impl Verifications {
    fn begin<'a>(&'a self, organisation: &'a OrganisationId) -> Result<Running<'a>> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if running.len() >= MAX_AT_ONCE || !running.insert(organisation.clone()) {
            return Err(Error::Busy {
                detail: "records are being verified at this moment: try again when that is done",
                retry_after_secs: RETRY_AFTER_SECS,
            });
        }
        Ok(Running {
            all: self,
            organisation,
        })
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut running = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        running.remove(self.organisation);
    }
}

/// Follows the chain of an organisation, for one who may read it.
///
/// # Errors
/// As [`Caller::require`]; [`Error::Busy`] while it is being verified, or others are.
pub async fn verify_organisation(
    context: &Context,
    verifications: &Verifications,
    caller: &Caller,
    organisation: &OrganisationId,
) -> Result<AuditVerification> {
    let (db, at) = (&context.db, context.clock.now());
    caller.require(db, organisation, Right::ReadAudit).await?;
    let _running = verifications.begin(organisation)?;
    match follow_present(db, organisation.as_str()).await {
        Ok((entries, hash)) => Ok(AuditVerification::Holds { entries, hash, at }),
        Err(CheckError::Broken(broken)) => {
            tracing::error!(%broken, "a record was tampered with");
            Ok(AuditVerification::Broken {
                seq: broken.seq(),
                detail: broken.to_string(),
                at,
            })
        }
        Err(CheckError::Db(error)) => Err(error.into()),
    }
}

/// Follows a chain up to its present head, and gives that.
async fn follow_present(db: &Db, chain: &str) -> Result<(u64, Sha256Hex), CheckError> {
    // Read before the head, which is committed with what it counts: entries without a head have lost it. One that cannot be read
    // is as good as none.
    let (begun, head) = {
        let mut reader = db.reader().await?;
        let conn = &mut reader.conn();
        let begun = match audit::following(conn, chain, 0, 1).await {
            Ok(entries) => !entries.is_empty(),
            Err(DbError::Corrupt(_)) => true,
            Err(error) => return Err(error.into()),
        };
        let head = match audit::head_of(conn, chain).await {
            Err(DbError::Corrupt(_)) => None,
            read => read?,
        };
        (begun, head)
    };
    let head = match head {
        Some(head) => head,
        None if !begun => (0, GENESIS),
        None => {
            return Err(BrokenChain::Length {
                chain: chain.to_owned(),
                found: 1,
                head: 0,
            }
            .into());
        }
    };
    follow(db, chain, head, &[]).await?;
    Ok(head)
}

/// Follows every chain from its beginning; says where each ends.
///
/// # Errors
/// [`CheckError::Broken`] names the first entry that does not hold.
pub async fn verify(db: &Db, noted: &[Checkpoint]) -> Result<Vec<(String, u64)>, CheckError> {
    let heads = audit::heads(&mut db.reader().await?.conn()).await?;
    if let Some(gone) = noted
        .iter()
        .find(|noted| noted.seq > 0 && !heads.iter().any(|(chain, ..)| *chain == noted.chain))
    {
        return Err(BrokenChain::Checkpoint {
            chain: gone.chain.clone(),
            seq: gone.seq,
        }
        .into());
    }
    let mut ends = Vec::with_capacity(heads.len());
    for (chain, seq, hash) in heads {
        follow(db, &chain, (seq, hash), noted).await?;
        ends.push((chain, seq));
    }
    Ok(ends)
}

/// Follows a chain up to a head that it has had. Entries that are appended meanwhile are left for the next time.
async fn follow(
    db: &Db,
    chain: &str,
    (seq, hash): (u64, Sha256Hex),
    noted: &[Checkpoint],
) -> Result<(), CheckError> {
    let mut verifier = Verifier::new(chain, noted);
    let (mut after, mut size) = (0, CHUNK);
    while after < seq {
        let mut entries = match piece(db, chain, after, size).await {
            Ok(entries) => entries,
            // One of them is unreadable: those before it are followed one by one.
            Err(DbError::Corrupt(_)) if size > 1 => {
                size = 1;
                continue;
            }
            Err(DbError::Corrupt(_)) => {
                return Err(BrokenChain::Entry {
                    chain: chain.to_owned(),
                    seq: after + 1,
                }
                .into());
            }
            Err(error) => return Err(error.into()),
        };
        entries.retain(|entry| entry.seq <= seq);
        let Some(last) = entries.last() else { break };
        after = last.seq;
        entries.iter().try_for_each(|entry| verifier.follow(entry))?;
        tokio::task::yield_now().await;
    }
    Ok(verifier.finish((seq, hash))?)
}

async fn piece(db: &Db, chain: &str, after: u64, limit: u32) -> Result<Vec<audit::Recorded>, DbError> {
    audit::following(&mut db.reader().await?.conn(), chain, after, limit).await
}
