//! Public keys that organisations have seen, whose they are, and which of them are refused.

use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::time::UnixMillis;

use super::locks::Lock;
use super::query::texts;
use super::{Conn, DbError, Query, parsed, query, query_of_each};

/// [`is_refused_elsewhere`] as a condition.
macro_rules! refused_elsewhere {
    ($spki:literal, $organisation:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM device_keys e WHERE e.spki_sha256 = ",
            $spki,
            " AND e.organisation <> ",
            $organisation,
            " AND e.proven_at IS NOT NULL AND e.refused_at IS NOT NULL)"
        )
    };
}
pub(super) use refused_elsewhere;

/// [`is_in_use_elsewhere`] as a condition.
macro_rules! in_use_elsewhere {
    ($spki:literal, $organisation:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM device_keys e JOIN devices r ON r.id = e.device WHERE e.spki_sha256 = ",
            $spki,
            " AND e.organisation <> ",
            $organisation,
            " AND e.proven_at IS NOT NULL AND r.state IN ('active', 'suspended'))"
        )
    };
}
pub(super) use in_use_elsewhere;

/// A key as an organisation knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceKey {
    /// Whose it is.
    pub device: DeviceId,
    /// Revoked.
    pub refused: bool,
}

/// Notes a key as that of a device.
///
/// # Errors
/// [`DbError::Unique`] when the organisation knows it already, perhaps since a moment ago.
pub async fn insert(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    spki: &Sha256Hex,
    device: &DeviceId,
    at: UnixMillis,
) -> Result<(), DbError> {
    insertion(organisation, spki, device, at).execute(conn).await?;
    Ok(())
}

/// As [`insert`].
pub(super) fn insertion(
    organisation: &OrganisationId,
    spki: &Sha256Hex,
    device: &DeviceId,
    at: UnixMillis,
) -> Query {
    query("INSERT INTO device_keys (organisation, spki_sha256, device, created_at) VALUES ($1, $2, $3, $4)")
        .bind(organisation.as_str())
        .bind(spki.to_string())
        .bind(device.as_str())
        .bind(at.0)
}

/// What an organisation knows of a key.
///
/// # Errors
/// What the database says.
pub async fn find(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    spki: &Sha256Hex,
) -> Result<Option<DeviceKey>, DbError> {
    let row: Option<(String, Option<i64>)> =
        query("SELECT device, refused_at FROM device_keys WHERE organisation = $1 AND spki_sha256 = $2")
            .bind(organisation.as_str())
            .bind(spki.to_string())
            .fetch_optional(conn)
            .await?;
    row.map(|(device, refused_at)| {
        let device = parsed(&device, "device_keys.device")?;
        Ok(DeviceKey {
            device,
            refused: refused_at.is_some(),
        })
    })
    .transpose()
}

/// Whether a key that sessions of another organisation have proved was revoked there.
///
/// Only proven ones count: otherwise anyone who gets hold of a CSR could have its key refused everywhere, by enrolling
/// and revoking it in an organisation of their own.
///
/// # Errors
/// What the database says.
pub async fn is_refused_elsewhere(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    spki: &Sha256Hex,
) -> Result<bool, DbError> {
    let (found,) = query(concat!("SELECT ", refused_elsewhere!("$2", "$1")))
        .bind(organisation.as_str())
        .bind(spki.to_string())
        .fetch_one(conn)
        .await?;
    Ok(found)
}

/// Whether a session of another organisation has proved this key, of a device that is still there.
///
/// # Errors
/// What the database says.
pub async fn is_in_use_elsewhere(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    spki: &Sha256Hex,
) -> Result<bool, DbError> {
    let (found,) = query(concat!("SELECT ", in_use_elsewhere!("$2", "$1")))
        .bind(organisation.as_str())
        .bind(spki.to_string())
        .fetch_one(conn)
        .await?;
    Ok(found)
}

/// The devices of other organisations that have this key.
///
/// # Errors
/// What the database says.
pub async fn devices_elsewhere(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    spki: &Sha256Hex,
) -> Result<Vec<DeviceId>, DbError> {
    let rows: Vec<(String,)> =
        query("SELECT device FROM device_keys WHERE spki_sha256 = $2 AND organisation <> $1")
            .bind(organisation.as_str())
            .bind(spki.to_string())
            .fetch_all(conn)
            .await?;
    rows.into_iter()
        .map(|(device,)| parsed(&device, "device_keys.device"))
        .collect()
}

/// Locks a key wherever it is known, in one order, so that two first proofs of it decide one after the other.
///
/// # Errors
/// What the database says.
pub async fn lock_everywhere(conn: &mut Conn<'_>, spki: &Sha256Hex) -> Result<(), DbError> {
    let spki = spki.to_string();
    conn.locking(Lock::Key(&spki));
    let _: Vec<(String,)> = query_of_each(
        "SELECT organisation FROM device_keys WHERE spki_sha256 = $1 LIMIT 0",
        "SELECT organisation FROM device_keys WHERE spki_sha256 = $1 ORDER BY organisation FOR NO KEY UPDATE",
    )
    .bind(spki)
    .fetch_all(conn)
    .await?;
    Ok(())
}

/// Notes that somebody has shown to hold a key; nothing without an instant.
pub(super) fn proven(organisation: &OrganisationId, spki: &Sha256Hex, at: Option<UnixMillis>) -> Query {
    query(
        "UPDATE device_keys SET proven_at = $3
         WHERE organisation = $1 AND spki_sha256 = $2 AND proven_at IS NULL",
    )
    .bind(organisation.as_str())
    .bind(spki.to_string())
    .bind(at.map(|at| at.0))
}

/// Refuses a key from now on.
///
/// # Errors
/// What the database says.
pub async fn refuse(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    spki: &Sha256Hex,
    at: UnixMillis,
) -> Result<(), DbError> {
    let sql = "UPDATE device_keys SET refused_at = $3
         WHERE organisation = $1 AND spki_sha256 = $2 AND refused_at IS NULL";
    mark(sql, organisation, spki, at).execute(conn).await?;
    Ok(())
}

/// Writes an instant at a key, once.
fn mark(sql: &'static str, organisation: &OrganisationId, spki: &Sha256Hex, at: UnixMillis) -> Query {
    query(sql)
        .bind(organisation.as_str())
        .bind(spki.to_string())
        .bind(at.0)
}

/// Refuses every key of these devices from now on.
///
/// # Errors
/// What the database says.
pub async fn refuse_of_devices(
    conn: &mut Conn<'_>,
    devices: &[DeviceId],
    at: UnixMillis,
) -> Result<(), DbError> {
    query_of_each(
        "UPDATE device_keys SET refused_at = $2
         WHERE device IN (SELECT value FROM json_each($1)) AND refused_at IS NULL",
        "UPDATE device_keys SET refused_at = $2 WHERE device = ANY($1) AND refused_at IS NULL",
    )
    .bind(texts(devices))
    .bind(at.0)
    .execute(conn)
    .await?;
    Ok(())
}
