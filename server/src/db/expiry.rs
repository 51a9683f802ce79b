//! Certificates of active devices by their end.

use gangway_protocol::device::Device;
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::time::UnixMillis;

use super::devices::{Row, columns};
use super::{Conn, DbError, parsed, query, settings};

/// A place among certificates by their end: the end, and the device.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(pub UnixMillis, pub String);

/// A certificate that ends, by its device.
#[derive(Clone, Debug)]
pub struct Ending {
    /// The device.
    pub device: DeviceId,
    /// Where it is.
    pub organisation: OrganisationId,
    /// When the certificate ends.
    pub at: UnixMillis,
}

/// At most `limit` devices of an organisation whose certificates end behind `after`, until then, soonest first.
///
/// # Errors
/// What the database says.
pub async fn page(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    after: &Place,
    until: UnixMillis,
    limit: i64,
) -> Result<Vec<Device>, DbError> {
    let rows: Vec<Row> = query(concat!(
        "SELECT ",
        columns!(),
        " FROM devices CROSS JOIN presence WHERE presence.device = devices.id AND devices.organisation = $1 AND state = 'active'
             AND (certificate_expires_at, devices.id) > ($2, $3) AND certificate_expires_at <= $4
         ORDER BY certificate_expires_at, devices.id LIMIT $5"
    ))
    .bind(organisation.as_str())
    .bind(after.0.0)
    .bind(&after.1)
    .bind(until.0)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Device::try_from).collect()
}

/// How many devices of an organisation have certificates that end between the two instants.
///
/// # Errors
/// What the database says.
pub async fn count(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    from: UnixMillis,
    until: UnixMillis,
) -> Result<u64, DbError> {
    let (count,): (i64,) = query(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM devices WHERE organisation = $1 AND state = 'active'
             AND certificate_expires_at > $2 AND certificate_expires_at <= $3",
    )
    .bind(organisation.as_str())
    .bind(from.0)
    .bind(until.0)
    .fetch_one(conn)
    .await?;
    Ok(count.unsigned_abs())
}

/// At most `limit` certificates of active devices, of all organisations, that end behind `after`, until then; only those that were
/// issued more than `life` before their end.
///
/// # Errors
/// What the database says.
pub async fn following(
    conn: &mut Conn<'_>,
    after: &Place,
    until: UnixMillis,
    life: i64,
    limit: i64,
) -> Result<Vec<Ending>, DbError> {
    let rows: Vec<(String, String, i64)> = query(
        "SELECT id, organisation, certificate_expires_at FROM devices
         WHERE state = 'active' AND (certificate_expires_at, id) > ($1, $2) AND certificate_expires_at <= $3
             AND NOT EXISTS (SELECT 1 FROM certificates c WHERE c.device = devices.id
                 AND c.not_after = devices.certificate_expires_at AND c.issued_at >= c.not_after - $4)
         ORDER BY certificate_expires_at, id LIMIT $5",
    )
    .bind(after.0.0)
    .bind(&after.1)
    .bind(until.0)
    .bind(life)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(device, organisation, at)| {
            Ok(Ending {
                device: parsed(&device, "devices.id")?,
                organisation: parsed(&organisation, "devices.organisation")?,
                at: UnixMillis(at),
            })
        })
        .collect()
}

/// How far the notices of so many days before the end have got.
///
/// # Errors
/// What the database says.
pub async fn noticed(conn: &mut Conn<'_>, days: u32) -> Result<Option<Place>, DbError> {
    let Some(text) = settings::get(conn, &setting(days)).await? else {
        return Ok(None);
    };
    let place = || {
        let (at, device) = text.split_once(' ')?;
        Some(Place(UnixMillis(at.parse().ok()?), device.to_owned()))
    };
    place()
        .map(Some)
        .ok_or(DbError::Corrupt("settings.expiry_noticed"))
}

/// Notes how far they have got.
///
/// # Errors
/// What the database says.
pub async fn note_noticed(conn: &mut Conn<'_>, days: u32, place: &Place) -> Result<(), DbError> {
    settings::put(conn, &setting(days), &format!("{} {}", place.0.0, place.1)).await
}

fn setting(days: u32) -> String {
    format!("expiry_noticed_{days}")
}
