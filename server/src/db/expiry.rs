//! Certificates of active devices by their end.

use std::collections::HashMap;

use gangway_protocol::device::Device;
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::time::UnixMillis;

use super::devices::{Row, columns};
use super::query::texts;
use super::{Conn, DbError, Query, parsed, query, query_of_each, settings};

/// A place among certificates by their end: the end, and the device.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(pub UnixMillis, pub String);

/// A certificate that ends, by its device.
#[derive(Clone, Debug)]
pub struct Expiring {
    /// The device.
    pub device: DeviceId,
    /// Where it is.
    pub organisation: OrganisationId,
    /// When the certificate ends.
    pub at: UnixMillis,
}

/// Where certificates are looked for.
#[derive(Clone, Copy, Debug)]
pub struct Within<'a> {
    /// The customer.
    pub customer: &'a OrganisationId,
    /// Only these of its organisations; `None`: all.
    pub part: Option<&'a [OrganisationId]>,
}

macro_rules! expiring {
    ($select:expr, $part:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $select,
            " FROM devices CROSS JOIN presence WHERE presence.device = devices.id AND devices.customer = $1 AND state = 'active'
                 AND (certificate_expires_at, devices.id) > ($2, $3) AND certificate_expires_at <= $4",
            $part,
            $rest
        )
    };
}

/// A query of devices in an organisation's part of the index of ends, or in all of it.
macro_rules! within {
    ($within:expr, $select:expr, $rest:literal) => {
        match $within.part {
            None => query(expiring!($select, "", $rest)),
            Some(_) => query_of_each(
                expiring!(
                    $select,
                    " AND devices.organisation IN (SELECT value FROM json_each($6))",
                    $rest
                ),
                expiring!($select, " AND devices.organisation = ANY($6)", $rest),
            ),
        }
    };
}

/// At most `limit` devices whose certificates end behind `after`, until then, soonest first.
///
/// # Errors
/// What the database says.
pub async fn page(
    conn: &mut Conn<'_>,
    within: Within<'_>,
    after: &Place,
    until: UnixMillis,
    limit: i64,
) -> Result<Vec<Device>, DbError> {
    let query = within!(
        within,
        columns!(),
        " ORDER BY certificate_expires_at, devices.id LIMIT $5"
    );
    let rows: Vec<Row> = bound(query, within, after, until, limit).fetch_all(conn).await?;
    rows.into_iter().map(Device::try_from).collect()
}

/// How many devices have certificates that end between the two instants, counted up to `most`.
///
/// # Errors
/// What the database says.
pub async fn count(
    conn: &mut Conn<'_>,
    within: Within<'_>,
    from: UnixMillis,
    until: UnixMillis,
    most: u64,
) -> Result<u64, DbError> {
    let query = within!(within, "COUNT(*) FROM (SELECT 1", " LIMIT $5) AS counted");
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let after = Place(from, "~".to_owned());
    let (count,): (i64,) = bound(query, within, &after, until, most).fetch_one(conn).await?;
    Ok(count.unsigned_abs())
}

fn bound(query: Query, within: Within<'_>, after: &Place, until: UnixMillis, limit: i64) -> Query {
    let query = query
        .bind(within.customer.as_str())
        .bind(after.0.0)
        .bind(&after.1)
        .bind(until.0)
        .bind(limit);
    match within.part {
        None => query,
        Some(part) => query.bind(texts(part)),
    }
}

/// At most `limit` certificates of active devices, of all organisations, that end behind `after`, until then.
///
/// # Errors
/// What the database says.
pub async fn following(
    conn: &mut Conn<'_>,
    after: &Place,
    until: UnixMillis,
    limit: i64,
) -> Result<Vec<Expiring>, DbError> {
    let rows: Vec<(String, String, i64)> = query(
        "SELECT id, organisation, certificate_expires_at FROM devices
         WHERE state = 'active' AND (certificate_expires_at, id) > ($1, $2) AND certificate_expires_at <= $3
         ORDER BY certificate_expires_at, id LIMIT $4",
    )
    .bind(after.0.0)
    .bind(&after.1)
    .bind(until.0)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(device, organisation, at)| {
            Ok(Expiring {
                device: parsed(&device, "devices.id")?,
                organisation: parsed(&organisation, "devices.organisation")?,
                at: UnixMillis(at),
            })
        })
        .collect()
}

/// When the newest certificates of these devices were issued.
///
/// # Errors
/// What the database says.
pub async fn newest_issued(
    conn: &mut Conn<'_>,
    devices: &[&DeviceId],
) -> Result<HashMap<DeviceId, UnixMillis>, DbError> {
    let rows: Vec<(String, i64)> = query_of_each(
        "SELECT device, MAX(issued_at) FROM certificates WHERE device IN (SELECT value FROM json_each($1)) GROUP BY device",
        "SELECT device, MAX(issued_at) FROM certificates WHERE device = ANY($1) GROUP BY device",
    )
    .bind(texts(devices))
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(device, at)| Ok((parsed(&device, "certificates.device")?, UnixMillis(at))))
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
