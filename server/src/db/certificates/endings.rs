//! Certificates that were revoked here and have to be ended at their signers.

use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::time::UnixMillis;

use super::{CertificateRecord, Conn, DbError, Row, columns};
use crate::db::query;

/// At most `limit` that signers of an organisation have signed, for whichever device below, and that have not run out by now, in
/// the order of their digests behind `after`.
///
/// # Errors
/// What the database says.
pub async fn endings_due(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    now: UnixMillis,
    after: &str,
    limit: i64,
) -> Result<Vec<CertificateRecord>, DbError> {
    let rows: Vec<Row> = query(concat!(
        "SELECT ",
        columns!(),
        " FROM certificates WHERE signer IN (SELECT id FROM signers WHERE signers.organisation = $1) AND issuer IS NULL AND revoked_at IS NOT NULL AND ended_at IS NULL
             AND sha256 > $2 AND not_after > $3 AND revocation_reason <> 'certificate_hold' ORDER BY sha256 LIMIT $4"
    ))
    .bind(organisation.as_str())
    .bind(after)
    .bind(now.0)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(CertificateRecord::try_from).collect()
}

/// How often it was tried to end a certificate at its CA, and before when it is not tried again.
///
/// # Errors
/// What the database says.
pub async fn ending_tries(
    conn: &mut Conn<'_>,
    sha256: &Sha256Hex,
) -> Result<Option<(i64, UnixMillis)>, DbError> {
    let found: Option<(i64, i64)> =
        query("SELECT tries, not_before FROM corporate_endings WHERE sha256 = $1")
            .bind(sha256.to_string())
            .fetch_optional(conn)
            .await?;
    Ok(found.map(|(tries, until)| (tries, UnixMillis(until))))
}

/// Notes that a certificate could not be ended at its CA, where it is tried again then.
///
/// # Errors
/// What the database says.
pub async fn postpone_ending(
    conn: &mut Conn<'_>,
    sha256: &Sha256Hex,
    until: UnixMillis,
) -> Result<(), DbError> {
    query(
        "INSERT INTO corporate_endings (sha256, tries, not_before) VALUES ($1, 1, $2)
             ON CONFLICT (sha256) DO UPDATE SET tries = corporate_endings.tries + 1, not_before = excluded.not_before",
    )
    .bind(sha256.to_string())
    .bind(until.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that a certificate was ended at its signer. False when it was before.
///
/// # Errors
/// What the database says.
pub async fn end(conn: &mut Conn<'_>, sha256: &Sha256Hex, at: UnixMillis) -> Result<bool, DbError> {
    let ended = query("UPDATE certificates SET ended_at = $2 WHERE sha256 = $1 AND ended_at IS NULL")
        .bind(sha256.to_string())
        .bind(at.0)
        .execute(conn)
        .await?;
    Ok(ended > 0)
}
