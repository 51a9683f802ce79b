//! Keys of measurement feeds. Of a key only its hash is kept.

use gangway_protocol::id::FeedKeyId;
use gangway_protocol::measurement::{ChannelNumber, Feed, FeedKey, FeedKeyKind};
use gangway_protocol::organisation::Policy;
use gangway_protocol::time::UnixMillis;

use super::{json, read};
use crate::db::rules::policy_of;
use crate::db::{Conn, DbError, SecretHash, parsed, query, row};

/// A key that somebody showed, with the feed that it opens and the rules that hold there.
#[derive(Clone, Debug)]
pub struct ShownKey {
    /// The key.
    pub key: FeedKey,
    /// Its feed.
    pub feed: Feed,
    /// The rules of the feed's organisation.
    pub policy: Policy,
}

/// Adds a key.
///
/// # Errors
/// What the database says.
pub async fn insert(
    conn: &mut Conn<'_>,
    channel: ChannelNumber,
    secret: &SecretHash,
    key: &FeedKey,
) -> Result<(), DbError> {
    query(
        "INSERT INTO feed_keys (id, channel, secret_hash, writes, name, fields, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(key.id.as_str())
    .bind(channel.0)
    .bind(secret.as_str())
    .bind(key.kind == FeedKeyKind::Write)
    .bind(&key.name)
    .bind(key.fields.as_ref().map(json).transpose()?)
    .bind(key.created_at.0)
    .bind(key.expires_at.map(|at| at.0))
    .execute(conn)
    .await?;
    Ok(())
}

/// The key of this secret, unless its time is over.
///
/// # Errors
/// What the database says.
pub async fn by_secret(
    conn: &mut Conn<'_>,
    secret: &SecretHash,
    now: UnixMillis,
) -> Result<Option<ShownKey>, DbError> {
    let row: Option<ShownRow> = query(
        "SELECT k.id, k.channel, k.writes, k.name, k.fields, k.created_at, k.expires_at, k.last_used_at, o.policy
             FROM feed_keys k JOIN feeds f ON f.channel = k.channel JOIN organisations o ON o.id = f.organisation
             WHERE k.secret_hash = $1 AND (k.expires_at IS NULL OR k.expires_at > $2)",
    )
    .bind(secret.as_str())
    .bind(now.0)
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let Some(feed) = super::find(conn, ChannelNumber(row.key.channel)).await? else {
        return Ok(None);
    };
    Ok(Some(ShownKey {
        policy: policy_of(&row.policy)?,
        key: FeedKey::try_from(row.key)?,
        feed,
    }))
}

/// The keys of a feed, oldest first. There are at most [`MAX_READ_KEYS`](gangway_protocol::measurement::MAX_READ_KEYS) that
/// read, and few that write.
///
/// # Errors
/// What the database says.
pub async fn of_feed(conn: &mut Conn<'_>, channel: ChannelNumber) -> Result<Vec<FeedKey>, DbError> {
    let rows: Vec<Row> = query(
        "SELECT id, channel, writes, name, fields, created_at, expires_at, last_used_at FROM feed_keys
             WHERE channel = $1 ORDER BY id",
    )
    .bind(channel.0)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(FeedKey::try_from).collect()
}

/// Has a key end then.
///
/// # Errors
/// What the database says.
pub async fn expire(conn: &mut Conn<'_>, id: &FeedKeyId, at: UnixMillis) -> Result<(), DbError> {
    query("UPDATE feed_keys SET expires_at = $2 WHERE id = $1 AND (expires_at IS NULL OR expires_at > $2)")
        .bind(id.as_str())
        .bind(at.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Writes down that a key was used.
///
/// # Errors
/// What the database says.
pub async fn note_use(conn: &mut Conn<'_>, id: &FeedKeyId, now: UnixMillis) -> Result<(), DbError> {
    query("UPDATE feed_keys SET last_used_at = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(now.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Removes a key of a feed; false where there is none.
///
/// # Errors
/// What the database says.
pub async fn remove(conn: &mut Conn<'_>, channel: ChannelNumber, id: &FeedKeyId) -> Result<bool, DbError> {
    let removed = query("DELETE FROM feed_keys WHERE id = $1 AND channel = $2")
        .bind(id.as_str())
        .bind(channel.0)
        .execute(conn)
        .await?;
    Ok(removed > 0)
}

row! {
    struct Row {
        id: String,
        channel: i64,
        writes: bool,
        name: String,
        fields: Option<String>,
        created_at: i64,
        expires_at: Option<i64>,
        last_used_at: Option<i64>,
    }
}

row! {
    struct ShownRow {
        policy: String,
        #[rest] key: Row,
    }
}

impl TryFrom<Row> for FeedKey {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let fields: Option<Vec<u8>> = row
            .fields
            .map(|text| read(&text, "feed_keys.fields"))
            .transpose()?;
        Ok(Self {
            id: parsed(&row.id, "feed_keys.id")?,
            kind: if row.writes {
                FeedKeyKind::Write
            } else {
                FeedKeyKind::Read
            },
            name: row.name,
            fields,
            created_at: UnixMillis(row.created_at),
            expires_at: row.expires_at.map(UnixMillis),
            last_used_at: row.last_used_at.map(UnixMillis),
            secret: None,
        })
    }
}
