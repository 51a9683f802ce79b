//! Passkey ceremonies between their two steps.

use gangway_protocol::id::CeremonyId;
use gangway_protocol::time::UnixMillis;

use super::{Conn, DbError, query};

/// Keeps a ceremony until its second step.
///
/// # Errors
/// What the database says.
pub async fn insert(
    conn: &mut Conn<'_>,
    id: &CeremonyId,
    state: &str,
    expires_at: UnixMillis,
) -> Result<(), DbError> {
    query("INSERT INTO ceremonies (id, state, expires_at) VALUES ($1, $2, $3)")
        .bind(id.as_str())
        .bind(state)
        .bind(expires_at.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Takes a ceremony out, so that nobody takes it again; `None` when it is unknown, taken or expired.
///
/// # Errors
/// What the database says.
pub async fn take(conn: &mut Conn<'_>, id: &CeremonyId, now: UnixMillis) -> Result<Option<String>, DbError> {
    let row: Option<(String, i64)> =
        query("DELETE FROM ceremonies WHERE id = $1 RETURNING state, expires_at")
            .bind(id.as_str())
            .fetch_optional(conn)
            .await?;
    Ok(row
        .filter(|(_, expires_at)| *expires_at > now.0)
        .map(|(state, _)| state))
}

/// Forgets the expired ones.
///
/// # Errors
/// What the database says.
pub async fn sweep(conn: &mut Conn<'_>, now: UnixMillis) -> Result<(), DbError> {
    query("DELETE FROM ceremonies WHERE expires_at <= $1")
        .bind(now.0)
        .execute(conn)
        .await?;
    Ok(())
}
