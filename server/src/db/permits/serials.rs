//! The list of a permit that lets in only those on it. Each serial number is for one key: the first that states it.

use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::PermitId;

use crate::db::query::texts;
use crate::db::{Conn, DbError, query, query_of_each};

/// Adds serial numbers; those that stand already stay as they are.
///
/// # Errors
/// What the database says.
pub async fn add(conn: &mut Conn<'_>, permit: &PermitId, serials: &[String]) -> Result<u64, DbError> {
    query_of_each(
        "INSERT INTO permit_serials (permit, serial) SELECT $1, value FROM json_each($2) WHERE true
             ON CONFLICT (permit, serial) DO NOTHING",
        "INSERT INTO permit_serials (permit, serial) SELECT DISTINCT $1, s FROM unnest($2) AS s
             ON CONFLICT (permit, serial) DO NOTHING",
    )
    .bind(permit.as_str())
    .bind(texts(serials))
    .execute(conn)
    .await
}

/// How many there are.
///
/// # Errors
/// What the database says.
pub async fn count(conn: &mut Conn<'_>, permit: &PermitId) -> Result<u64, DbError> {
    let (count,): (i64,) = query("SELECT CAST(COUNT(*) AS BIGINT) FROM permit_serials WHERE permit = $1")
        .bind(permit.as_str())
        .fetch_one(conn)
        .await?;
    Ok(count.unsigned_abs())
}

/// Copies the list of a permit to the one that takes its place, with what has come already.
///
/// # Errors
/// What the database says.
pub async fn copy(conn: &mut Conn<'_>, from: &PermitId, to: &PermitId) -> Result<(), DbError> {
    query(
        "INSERT INTO permit_serials (permit, serial, spki_sha256)
             SELECT $2, serial, spki_sha256 FROM permit_serials WHERE permit = $1",
    )
    .bind(from.as_str())
    .bind(to.as_str())
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives a serial number to a key. False when it is not on the list, another key has it, or the key has another one.
///
/// # Errors
/// What the database says.
pub async fn take(
    conn: &mut Conn<'_>,
    permit: &PermitId,
    serial: &str,
    spki: &Sha256Hex,
) -> Result<bool, DbError> {
    let taken = query(
        "UPDATE permit_serials SET spki_sha256 = $3
             WHERE permit = $1 AND serial = $2 AND (spki_sha256 IS NULL OR spki_sha256 = $3)
                 AND NOT EXISTS (SELECT 1 FROM permit_serials o WHERE o.permit = $1 AND o.spki_sha256 = $3 AND o.serial <> $2)",
    )
    .bind(permit.as_str())
    .bind(serial)
    .bind(spki.to_string())
    .execute(conn)
    .await?;
    Ok(taken > 0)
}
