//! Devices for which a corporate CA is asked: one attempt at a time, and after one that failed none before a while.

use gangway_protocol::id::DeviceId;
use gangway_protocol::time::UnixMillis;

use super::{Conn, DbError, query};

/// Begins an attempt that ends then at the latest. False while another one goes on, or nobody is to ask yet.
///
/// # Errors
/// What the database says.
pub async fn begin(
    conn: &mut Conn<'_>,
    device: &DeviceId,
    now: UnixMillis,
    until: UnixMillis,
) -> Result<bool, DbError> {
    let begun = query(
        "INSERT INTO corporate_attempts (device, not_before, lost) VALUES ($1, $2, 0)
             ON CONFLICT (device) DO UPDATE SET not_before = excluded.not_before WHERE corporate_attempts.not_before <= $3",
    )
    .bind(device.as_str())
    .bind(until.0)
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(begun > 0)
}

/// Until when nobody asks for the device.
///
/// # Errors
/// What the database says.
pub async fn not_before(conn: &mut Conn<'_>, device: &DeviceId) -> Result<Option<UnixMillis>, DbError> {
    let found: Option<(i64,)> = query("SELECT not_before FROM corporate_attempts WHERE device = $1")
        .bind(device.as_str())
        .fetch_optional(conn)
        .await?;
    Ok(found.map(|(until,)| UnixMillis(until)))
}

/// Ends an attempt without a certificate: nobody asks before then.
///
/// # Errors
/// What the database says.
pub async fn postpone(conn: &mut Conn<'_>, device: &DeviceId, until: UnixMillis) -> Result<(), DbError> {
    query("UPDATE corporate_attempts SET not_before = $2 WHERE device = $1")
        .bind(device.as_str())
        .bind(until.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Counts a lost reply, and tells how many there have been, one after the other.
///
/// # Errors
/// What the database says.
pub async fn lose(conn: &mut Conn<'_>, device: &DeviceId) -> Result<i64, DbError> {
    let found: Option<(i64,)> =
        query("UPDATE corporate_attempts SET lost = lost + 1 WHERE device = $1 RETURNING lost")
            .bind(device.as_str())
            .fetch_optional(conn)
            .await?;
    Ok(found.map_or(1, |(lost,)| lost))
}

/// Ends an attempt that led to a certificate.
///
/// # Errors
/// What the database says.
pub async fn end(conn: &mut Conn<'_>, device: &DeviceId) -> Result<(), DbError> {
    query("DELETE FROM corporate_attempts WHERE device = $1")
        .bind(device.as_str())
        .execute(conn)
        .await?;
    Ok(())
}
