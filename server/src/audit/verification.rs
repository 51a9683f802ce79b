//! Verification of the whole record: every chain followed from its first entry, through the checkpoints that are given.

use gangway_protocol::time::UnixMillis;

use super::{BrokenChain, Checkpoint, Verifier};
use crate::db::{Db, DbError, audit};

/// Entries that are read at a time.
const CHUNK: u32 = 1_000;

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

/// Follows every chain from its beginning; says where each ends.
///
/// # Errors
/// [`CheckError::Broken`] names the first entry that does not hold.
pub async fn verify(db: &Db, noted: &[Checkpoint]) -> Result<Vec<(String, u64)>, CheckError> {
    let mut reader = db.reader().await?;
    let conn = &mut reader.conn();
    let heads = audit::heads(conn).await?;
    if let Some(gone) = noted
        .iter()
        .find(|noted| !heads.iter().any(|(chain, ..)| *chain == noted.chain))
    {
        return Err(BrokenChain::Checkpoint {
            chain: gone.chain.clone(),
            seq: gone.seq,
        }
        .into());
    }
    let mut ends = Vec::with_capacity(heads.len());
    for (chain, seq, hash) in heads {
        let mut verifier = Verifier::new(&chain, noted);
        let mut after = 0;
        // Entries that are appended meanwhile are left for the next time.
        while after < seq {
            let mut entries = audit::following(conn, &chain, after, CHUNK).await?;
            entries.retain(|entry| entry.seq <= seq);
            let Some(last) = entries.last() else { break };
            after = last.seq;
            entries.iter().try_for_each(|entry| verifier.follow(entry))?;
        }
        verifier.finish((seq, hash))?;
        ends.push((chain, seq));
    }
    Ok(ends)
}

/// The present state of every chain, to be kept elsewhere.
///
/// # Errors
/// What the database says.
pub async fn checkpoints(db: &Db, at: UnixMillis) -> Result<Vec<Checkpoint>, DbError> {
    let heads = audit::heads(&mut db.reader().await?.conn()).await?;
    Ok(heads
        .into_iter()
        .map(|(chain, seq, hash)| Checkpoint { chain, seq, hash, at })
        .collect())
}
