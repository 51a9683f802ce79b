//! Credentials for corporate CAs, as they were sealed. What is in them is for whoever has the key.

use gangway_protocol::id::{OrganisationId, SignerId};
use gangway_protocol::time::UnixMillis;

use super::{Conn, DbError, parsed, query};

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

/// The organisations that have a corporate CA.
///
/// # Errors
/// What the database says.
pub async fn organisations(conn: &mut Conn<'_>) -> Result<Vec<OrganisationId>, DbError> {
    let rows: Vec<(String,)> = query(
        "SELECT DISTINCT s.organisation FROM signer_credentials c JOIN signers s ON s.id = c.signer ORDER BY s.organisation",
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(organisation,)| parsed(&organisation, "signers.organisation"))
        .collect()
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
