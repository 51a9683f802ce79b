//! The record: appended to, read, never changed.

mod entry;

use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::time::UnixMillis;

use super::{Conn, DbError, parsed, query, row};

pub use entry::{Actor, Entry, GENESIS, Recorded, Scope};

/// Appends an entry to its chain, in the transaction that does what it records. Make it the last statement: on
/// PostgreSQL the chain's head stays locked until the commit.
///
/// # Errors
/// What the database says.
pub async fn append(conn: &mut Conn<'_>, entry: &Entry<'_>) -> Result<(), DbError> {
    append_all(conn, std::slice::from_ref(entry)).await
}

/// Appends entries of one chain, in their order.
///
/// # Errors
/// What the database says.
pub async fn append_all(conn: &mut Conn<'_>, entries: &[Entry<'_>]) -> Result<(), DbError> {
    let Some(first) = entries.first() else {
        return Ok(());
    };
    let chain = first.scope.chain();
    let (mut seq, mut previous) = lock_head(conn, chain).await?;
    for entry in entries {
        seq += 1;
        let mut recorded = Recorded {
            seq,
            at: entry.at,
            actor: entry.actor.id().to_owned(),
            actor_name: entry.actor.name().map(str::to_owned),
            action: entry.action.to_owned(),
            subject: entry.subject.to_owned(),
            detail: entry.detail.to_owned(),
            hash: GENESIS,
        };
        recorded.hash = recorded.expected_hash(chain, &previous);
        previous = recorded.hash;
        insert(conn, chain, &recorded).await?;
    }
    let seq = i64::try_from(seq).map_err(|_| DbError::Corrupt("audit_heads.seq"))?;
    query("UPDATE audit_heads SET seq = $2, hash = $3 WHERE chain = $1")
        .bind(chain)
        .bind(seq)
        .bind(previous.to_string())
        .execute(conn)
        .await?;
    Ok(())
}

/// The chain's last place and hash, locked against other writers until the transaction ends.
async fn lock_head(conn: &mut Conn<'_>, chain: &str) -> Result<(u64, Sha256Hex), DbError> {
    let (seq, hash): (i64, String) = query(
        "INSERT INTO audit_heads (chain, seq, hash) VALUES ($1, 0, $2)
         ON CONFLICT (chain) DO UPDATE SET seq = audit_heads.seq RETURNING seq, hash",
    )
    .bind(chain)
    .bind(GENESIS.to_string())
    .fetch_one(conn)
    .await?;
    head((seq, hash))
}

async fn insert(conn: &mut Conn<'_>, chain: &str, entry: &Recorded) -> Result<(), DbError> {
    let seq = i64::try_from(entry.seq).map_err(|_| DbError::Corrupt("audit.seq"))?;
    query(
        "INSERT INTO audit (chain, seq, at, actor, actor_name, action, subject, detail, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(chain)
    .bind(seq)
    .bind(entry.at.0)
    .bind(&entry.actor)
    .bind(&entry.actor_name)
    .bind(&entry.action)
    .bind(&entry.subject)
    .bind(&entry.detail)
    .bind(entry.hash.to_string())
    .execute(conn)
    .await?;
    Ok(())
}

/// Every chain with its last place and hash.
///
/// # Errors
/// What the database says.
pub async fn heads(conn: &mut Conn<'_>) -> Result<Vec<(String, u64, Sha256Hex)>, DbError> {
    let rows: Vec<(String, i64, String)> = query("SELECT chain, seq, hash FROM audit_heads ORDER BY chain")
        .fetch_all(conn)
        .await?;
    rows.into_iter()
        .map(|(chain, seq, hash)| head((seq, hash)).map(|(seq, hash)| (chain, seq, hash)))
        .collect()
}

/// At most `limit` entries of a chain behind the place `after`.
///
/// # Errors
/// What the database says.
pub async fn following(
    conn: &mut Conn<'_>,
    chain: &str,
    after: u64,
    limit: u32,
) -> Result<Vec<Recorded>, DbError> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let rows: Vec<Row> = query(
        "SELECT seq, at, actor, actor_name, action, subject, detail, hash FROM audit
         WHERE chain = $1 AND seq > $2 ORDER BY seq LIMIT $3",
    )
    .bind(chain)
    .bind(after)
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Recorded::try_from).collect()
}

/// The last `limit` entries of a chain, in their order.
///
/// # Errors
/// What the database says.
pub async fn last(conn: &mut Conn<'_>, chain: &str, limit: u32) -> Result<Vec<Recorded>, DbError> {
    let rows: Vec<Row> = query(
        "SELECT seq, at, actor, actor_name, action, subject, detail, hash FROM audit
         WHERE chain = $1 ORDER BY seq DESC LIMIT $2",
    )
    .bind(chain)
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await?;
    rows.into_iter().rev().map(Recorded::try_from).collect()
}

/// At most `limit` entries about `subject`, newest first, before the place `before`.
///
/// # Errors
/// What the database says.
pub async fn about(
    conn: &mut Conn<'_>,
    chain: &str,
    subject: &str,
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<Recorded>, DbError> {
    let before = before.and_then(|seq| i64::try_from(seq).ok()).unwrap_or(i64::MAX);
    let rows: Vec<Row> = query(
        "SELECT seq, at, actor, actor_name, action, subject, detail, hash FROM audit
         WHERE chain = $1 AND subject = $2 AND seq < $3 ORDER BY seq DESC LIMIT $4",
    )
    .bind(chain)
    .bind(subject)
    .bind(before)
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Recorded::try_from).collect()
}

row! {
    struct Row {
        seq: i64,
        at: i64,
        actor: String,
        actor_name: Option<String>,
        action: String,
        subject: String,
        detail: String,
        hash: String,
    }
}

impl TryFrom<Row> for Recorded {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let (seq, hash) = head((row.seq, row.hash))?;
        Ok(Self {
            seq,
            at: UnixMillis(row.at),
            actor: row.actor,
            actor_name: row.actor_name,
            action: row.action,
            subject: row.subject,
            detail: row.detail,
            hash,
        })
    }
}

fn head((seq, hash): (i64, String)) -> Result<(u64, Sha256Hex), DbError> {
    let seq = u64::try_from(seq).map_err(|_| DbError::Corrupt("audit.seq"))?;
    let hash = parsed(&hash, "audit.hash")?;
    Ok((seq, hash))
}
