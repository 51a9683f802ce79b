//! Certificates that were revoked here and have to be ended at their signers.

use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::time::UnixMillis;

use super::{CertificateRecord, Conn, DbError, Row, columns};
use crate::db::{query, row};

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

/// At most `limit` of all organisations that the server itself may end, because a corporate CA signed them, and whose turn it is. With
/// how often that was tried before.
///
/// # Errors
/// What the database says.
pub async fn endings_due_at_corporate(
    conn: &mut Conn<'_>,
    now: UnixMillis,
    limit: i64,
) -> Result<Vec<(CertificateRecord, i64)>, DbError> {
    let rows: Vec<TriedRow> = query(concat!(
        "SELECT c.*, COALESCE(e.tries, 0) AS tries FROM (SELECT ",
        columns!(),
        " FROM certificates WHERE issuer IS NULL AND revoked_at IS NOT NULL AND ended_at IS NULL
              AND not_after > $1 AND revocation_reason <> 'certificate_hold'
              AND signer IN (SELECT signer FROM signer_credentials)) c
          LEFT JOIN corporate_endings e ON e.sha256 = c.sha256
         WHERE COALESCE(e.not_before, 0) <= $1 ORDER BY c.organisation, c.sha256 LIMIT $2"
    ))
    .bind(now.0)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| Ok((CertificateRecord::try_from(row.certificate)?, row.tries)))
        .collect()
}

row! {
    struct TriedRow {
        tries: i64,
        #[rest]
        certificate: Row,
    }
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
