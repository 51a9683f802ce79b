//! Replies to creations, kept for clients that repeat a request.

use gangway_protocol::id::AccountId;
use gangway_protocol::time::UnixMillis;

use super::{Conn, DbError, query};

/// For how long a reply is kept: who does not know after a day, looks.
pub const KEPT_FOR: i64 = UnixMillis::DAY;

/// Claims a key for a request. `None`: it is the first with this key, and keeps it when the transaction commits.
/// Otherwise hash and sealed reply of the request that came before.
///
/// # Errors
/// What the database says.
pub async fn claim(
    conn: &mut Conn<'_>,
    account: &AccountId,
    key_hash: &str,
    request_hash: &str,
    now: UnixMillis,
) -> Result<Option<(String, String)>, DbError> {
    // On PostgreSQL a second request waits here until the first one has committed or given up.
    let rows = query(
        "INSERT INTO idempotency_keys (account, key_hash, request_hash, sealed_body, created_at)
             VALUES ($1, $2, $3, '', $4) ON CONFLICT (account, key_hash) DO NOTHING",
    )
    .bind(account.as_str())
    .bind(key_hash)
    .bind(request_hash)
    .bind(now.0)
    .execute(conn)
    .await?;
    if rows > 0 {
        return Ok(None);
    }
    let row: (String, String) =
        query("SELECT request_hash, sealed_body FROM idempotency_keys WHERE account = $1 AND key_hash = $2")
            .bind(account.as_str())
            .bind(key_hash)
            .fetch_one(conn)
            .await?;
    Ok(Some(row))
}

/// Keeps the reply to the request that has claimed this key.
///
/// # Errors
/// What the database says.
pub async fn keep(
    conn: &mut Conn<'_>,
    account: &AccountId,
    key_hash: &str,
    sealed_body: &str,
) -> Result<(), DbError> {
    query("UPDATE idempotency_keys SET sealed_body = $3 WHERE account = $1 AND key_hash = $2")
        .bind(account.as_str())
        .bind(key_hash)
        .bind(sealed_body)
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets the replies to an account: they may hold what it may not have any more.
///
/// # Errors
/// What the database says.
pub async fn forget(conn: &mut Conn<'_>, account: &AccountId) -> Result<(), DbError> {
    query("DELETE FROM idempotency_keys WHERE account = $1")
        .bind(account.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets the replies that are older than `before`.
///
/// # Errors
/// What the database says.
pub async fn sweep(conn: &mut Conn<'_>, before: UnixMillis) -> Result<(), DbError> {
    query("DELETE FROM idempotency_keys WHERE created_at <= $1")
        .bind(before.0)
        .execute(conn)
        .await?;
    Ok(())
}
