//! The record: appended to, read, never changed.

mod entry;
mod search;
mod subjects;

use std::collections::BTreeMap;

use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::time::UnixMillis;

use super::many::execute_many;
use super::query::texts;
use super::{Conn, DbError, Value, parsed, query, query_of_each, row};

pub use entry::{Actor, Entry, GENESIS, Recorded, Scope};
pub use search::{AuditFilter, Moment, Placed, newest};
pub use subjects::{
    Ground, Named, devices_named, grounds, members_named, organisations_named, passkeys_named, signers_named,
};

/// An entry that waits for the end of its transaction.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    chain: String,
    at: UnixMillis,
    actor: String,
    actor_name: Option<String>,
    action: String,
    subject: String,
    detail: String,
}

/// Records an entry in the transaction that does what it records. It joins its chain when the transaction ends, wherever
/// in it this is called: the head of a chain is locked last and for a moment.
///
/// # Errors
/// [`DbError::Abandoned`] outside of a write transaction.
pub async fn append(conn: &mut Conn<'_>, entry: &Entry<'_>) -> Result<(), DbError> {
    append_all(conn, std::slice::from_ref(entry)).await
}

/// Records entries in their order.
///
/// # Errors
/// As [`append`].
pub async fn append_all(conn: &mut Conn<'_>, entries: &[Entry<'_>]) -> Result<(), DbError> {
    let work = conn.work().ok_or(DbError::Abandoned)?;
    work.entries.extend(entries.iter().map(Pending::from));
    Ok(())
}

impl From<&Entry<'_>> for Pending {
    fn from(entry: &Entry<'_>) -> Self {
        Self {
            chain: entry.scope.chain().to_owned(),
            at: entry.at,
            actor: entry.actor.id().to_owned(),
            actor_name: entry.actor.name().map(str::to_owned),
            action: entry.action.as_str().to_owned(),
            subject: entry.subject.to_owned(),
            detail: entry.detail.to_owned(),
        }
    }
}

/// Leaves entries for the next round (PostgreSQL).
pub(super) async fn leave(conn: &mut Conn<'_>, entries: Vec<Pending>) -> Result<(), DbError> {
    let rows = entries.into_iter().map(|entry| {
        [
            entry.chain.into(),
            entry.at.0.into(),
            entry.actor.into(),
            entry.actor_name.into(),
            entry.action.into(),
            entry.subject.into(),
            entry.detail.into(),
        ]
    });
    let one = "INSERT INTO audit_pending (chain, at, actor, actor_name, action, subject, detail)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let all = "INSERT INTO audit_pending (chain, at, actor, actor_name, action, subject, detail)
        SELECT * FROM UNNEST($1::TEXT[], $2::BIGINT[], $3::TEXT[], $4::TEXT[], $5::TEXT[], $6::TEXT[], $7::TEXT[])";
    execute_many(conn, one, all, rows.collect()).await
}

/// Takes the entries that committed transactions have left, in the order in which they did (PostgreSQL).
pub(super) async fn take_left(conn: &mut Conn<'_>) -> Result<Vec<Pending>, DbError> {
    let sql = "WITH taken AS (DELETE FROM audit_pending RETURNING *)
        SELECT chain, at, actor, actor_name, action, subject, detail FROM taken ORDER BY place";
    let rows: Vec<LeftRow> = query(sql).fetch_all(conn).await?;
    Ok(rows.into_iter().map(Pending::from).collect())
}

row! {
    struct LeftRow {
        chain: String,
        at: i64,
        actor: String,
        actor_name: Option<String>,
        action: String,
        subject: String,
        detail: String,
    }
}

impl From<LeftRow> for Pending {
    fn from(row: LeftRow) -> Self {
        let LeftRow {
            chain,
            at,
            actor,
            actor_name,
            action,
            subject,
            detail,
        } = row;
        Self {
            chain,
            at: UnixMillis(at),
            actor,
            actor_name,
            action,
            subject,
            detail,
        }
    }
}

/// Appends entries to their chains, as the last statements of a transaction. All heads are locked at once, in the order of
/// their names, so that two transactions never wait for each other in a circle.
pub(super) async fn chain(conn: &mut Conn<'_>, entries: Vec<Pending>) -> Result<(), DbError> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut chains: BTreeMap<String, Vec<Pending>> = BTreeMap::new();
    for entry in entries {
        chains.entry(entry.chain.clone()).or_default().push(entry);
    }
    let names: Vec<&String> = chains.keys().collect();
    let mut heads = lock_heads(conn, &names).await?;
    let (mut rows, mut ends) = (Vec::new(), Vec::with_capacity(chains.len()));
    for (chain, entries) in chains {
        let head = match heads.remove(&chain) {
            Some(head) => head,
            None => begin(conn, &chain).await?,
        };
        let (mut seq, mut previous) = head;
        for entry in entries {
            seq += 1;
            let mut recorded = Recorded {
                seq,
                at: entry.at,
                actor: entry.actor,
                actor_name: entry.actor_name,
                action: entry.action,
                subject: entry.subject,
                detail: entry.detail,
                hash: GENESIS,
            };
            recorded.hash = recorded.expected_hash(&chain, &previous);
            previous = recorded.hash;
            rows.push(columns_of(&chain, recorded)?);
        }
        ends.push([chain.into(), stored(seq)?.into(), previous.to_string().into()]);
    }
    execute_many(conn, INSERT_ONE, INSERT_ALL, rows).await?;
    execute_many(conn, END_ONE, END_ALL, ends).await
}

/// Last place and hash of those of these chains that have begun, locked against other writers until the transaction ends.
pub(super) async fn lock_heads(
    conn: &mut Conn<'_>,
    chains: &[&String],
) -> Result<BTreeMap<String, (u64, Sha256Hex)>, DbError> {
    let rows: Vec<(String, i64, String)> = query_of_each(
        "SELECT chain, seq, hash FROM audit_heads WHERE chain IN (SELECT value FROM json_each($1))",
        "SELECT chain, seq, hash FROM audit_heads WHERE chain = ANY($1) ORDER BY chain FOR UPDATE",
    )
    .bind(texts(chains))
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(chain, seq, hash)| Ok((chain, head((seq, hash))?)))
        .collect()
}

/// Begins a chain. Somebody else may begin it at the same time: then this waits for them, and goes on behind.
async fn begin(conn: &mut Conn<'_>, chain: &str) -> Result<(u64, Sha256Hex), DbError> {
    let begun: (i64, String) = query(
        "INSERT INTO audit_heads (chain, seq, hash) VALUES ($1, 0, $2)
         ON CONFLICT (chain) DO UPDATE SET seq = audit_heads.seq RETURNING seq, hash",
    )
    .bind(chain)
    .bind(GENESIS.to_string())
    .fetch_one(conn)
    .await?;
    head(begun)
}

const END_ONE: &str = "UPDATE audit_heads SET seq = $2, hash = $3 WHERE chain = $1";
const END_ALL: &str = "UPDATE audit_heads SET seq = v.seq, hash = v.hash
    FROM UNNEST($1::TEXT[], $2::BIGINT[], $3::TEXT[]) AS v (chain, seq, hash) WHERE audit_heads.chain = v.chain";
const INSERT_ONE: &str =
    "INSERT INTO audit (chain, seq, at, actor, actor_name, action, subject, detail, hash)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const INSERT_ALL: &str = "INSERT INTO audit (chain, seq, at, actor, actor_name, action, subject, detail, hash)
    SELECT * FROM UNNEST($1::TEXT[], $2::BIGINT[], $3::BIGINT[], $4::TEXT[], $5::TEXT[], $6::TEXT[], $7::TEXT[],
        $8::TEXT[], $9::TEXT[])";

fn columns_of(chain: &str, entry: Recorded) -> Result<[Value; 9], DbError> {
    Ok([
        chain.into(),
        stored(entry.seq)?.into(),
        entry.at.0.into(),
        entry.actor.into(),
        entry.actor_name.into(),
        entry.action.into(),
        entry.subject.into(),
        entry.detail.into(),
        entry.hash.to_string().into(),
    ])
}

fn stored(seq: u64) -> Result<i64, DbError> {
    i64::try_from(seq).map_err(|_| DbError::Corrupt("audit.seq"))
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

/// The last place and hash of a chain; `None` while nothing is recorded.
///
/// # Errors
/// What the database says.
pub async fn head_of(conn: &mut Conn<'_>, chain: &str) -> Result<Option<(u64, Sha256Hex)>, DbError> {
    let row: Option<(i64, String)> = query("SELECT seq, hash FROM audit_heads WHERE chain = $1")
        .bind(chain)
        .fetch_optional(conn)
        .await?;
    row.map(head).transpose()
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
