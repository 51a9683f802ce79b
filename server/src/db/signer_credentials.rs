//! Credentials for corporate CAs, as they were sealed. What is in them is for whoever has the key.

use gangway_protocol::id::SignerId;
use gangway_protocol::time::UnixMillis;

use super::{Conn, DbError, query};

/// Gives a signer its credential, or another one.
///
/// # Errors
/// What the database says.
pub async fn put(
    conn: &mut Conn<'_>,
    signer: &SignerId,
    sealed: &str,
    now: UnixMillis,
) -> Result<(), DbError> {
    query(
        "INSERT INTO signer_credentials (signer, sealed, changed_at) VALUES ($1, $2, $3)
             ON CONFLICT (signer) DO UPDATE SET sealed = excluded.sealed, changed_at = excluded.changed_at",
    )
    .bind(signer.as_str())
    .bind(sealed)
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// The sealed credential of a signer.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn<'_>, signer: &SignerId) -> Result<Option<String>, DbError> {
    let found: Option<(String,)> = query("SELECT sealed FROM signer_credentials WHERE signer = $1")
        .bind(signer.as_str())
        .fetch_optional(conn)
        .await?;
    Ok(found.map(|(sealed,)| sealed))
}
