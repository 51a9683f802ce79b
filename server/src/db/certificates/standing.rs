//! Which certificate of a device stands, and how those that it has replaced end.

use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::DeviceId;
use gangway_protocol::time::UnixMillis;

use super::{CertificateRecord, Conn, DbError, Query, Row, columns};
use crate::db::query::texts;
use crate::db::{query, query_of_each};

/// Marks the certificates of `device` that are older than the one just proven: from `grace_until` on, at once where there
/// is none, they open no session.
pub(in crate::db) fn older_superseded(
    proven: &CertificateRecord,
    at: UnixMillis,
    grace_until: Option<UnixMillis>,
) -> Query {
    query(
        "UPDATE certificates SET superseded_at = $4, grace_until = $5
         WHERE device = $1 AND sha256 <> $2 AND issued_at <= $3 AND superseded_at IS NULL",
    )
    .bind(proven.device.as_str())
    .bind(proven.sha256.to_string())
    .bind(proven.issued_at.0)
    .bind(at.0)
    .bind(grace_until.map(|until| until.0))
}

/// At most `limit` superseded certificates whose grace is over and has not been ended yet.
///
/// # Errors
/// What the database says.
pub async fn grace_over(
    conn: &mut Conn<'_>,
    now: UnixMillis,
    limit: u32,
) -> Result<Vec<CertificateRecord>, DbError> {
    let rows: Vec<Row> = query(concat!(
        "SELECT ",
        columns!(),
        " FROM certificates WHERE grace_until <= $1 ORDER BY grace_until LIMIT $2"
    ))
    .bind(now.0)
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(CertificateRecord::try_from).collect()
}

/// Ends the grace of a superseded certificate.
///
/// # Errors
/// What the database says.
pub async fn end_grace(conn: &mut Conn<'_>, sha256: &Sha256Hex) -> Result<(), DbError> {
    query("UPDATE certificates SET grace_until = NULL WHERE sha256 = $1")
        .bind(sha256.to_string())
        .execute(conn)
        .await?;
    Ok(())
}

/// The certificate that stands for `device`: the newest that a session has proved and nothing has ended.
///
/// # Errors
/// What the database says.
pub async fn standing(conn: &mut Conn<'_>, device: &DeviceId) -> Result<Option<CertificateRecord>, DbError> {
    let row: Option<Row> = query(concat!(
        "SELECT ",
        columns!(),
        " FROM certificates
         WHERE device = $1 AND proven_at IS NOT NULL AND superseded_at IS NULL AND revoked_at IS NULL
         ORDER BY issued_at DESC LIMIT 1"
    ))
    .bind(device.as_str())
    .fetch_optional(conn)
    .await?;
    row.map(CertificateRecord::try_from).transpose()
}

/// How many certificates our own CA has issued for `device` after `since`.
///
/// # Errors
/// What the database says.
pub async fn count_issued_since(
    conn: &mut Conn<'_>,
    device: &DeviceId,
    since: UnixMillis,
) -> Result<i64, DbError> {
    let (issued,): (i64,) = query(
        "SELECT COUNT(*) FROM certificates WHERE device = $1 AND issued_at > $2 AND issuer IS NOT NULL",
    )
    .bind(device.as_str())
    .bind(since.0)
    .fetch_one(conn)
    .await?;
    Ok(issued)
}

/// How many certificates of these devices are neither revoked, nor superseded, nor expired.
///
/// # Errors
/// What the database says.
pub async fn count_live_of(
    conn: &mut Conn<'_>,
    devices: &[DeviceId],
    now: UnixMillis,
) -> Result<u64, DbError> {
    macro_rules! live_of {
        ($devices:literal) => {
            concat!(
                "SELECT COUNT(*) FROM certificates WHERE ",
                $devices,
                " AND revoked_at IS NULL AND superseded_at IS NULL AND not_after > $2"
            )
        };
    }
    let (live,): (i64,) = query_of_each(
        live_of!("device IN (SELECT value FROM json_each($1))"),
        live_of!("device = ANY($1)"),
    )
    .bind(texts(devices))
    .bind(now.0)
    .fetch_one(conn)
    .await?;
    Ok(live.unsigned_abs())
}

/// How many certificates of `device` are neither revoked, nor superseded, nor expired.
///
/// # Errors
/// What the database says.
pub async fn count_live(conn: &mut Conn<'_>, device: &DeviceId, now: UnixMillis) -> Result<i64, DbError> {
    let (live,): (i64,) = query(
        "SELECT COUNT(*) FROM certificates
         WHERE device = $1 AND revoked_at IS NULL AND superseded_at IS NULL
             AND not_after > $2",
    )
    .bind(device.as_str())
    .bind(now.0)
    .fetch_one(conn)
    .await?;
    Ok(live)
}
