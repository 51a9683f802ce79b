//! The lobby: devices that came by a permit and wait for a decision, or were rejected and may be let in after all.

use gangway_protocol::device::DeviceState;
use gangway_protocol::device::DeviceSummary;
use gangway_protocol::id::{DeviceId, OrganisationId, PermitId};
use gangway_protocol::permit::PermitKind;
use gangway_protocol::time::UnixMillis;

use super::query::texts;
use super::{Conn, DbError, parsed, query, query_of_each, row};

/// A device in the lobby.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The device.
    pub device: DeviceId,
    /// By which permit it came.
    pub permit: PermitId,
    /// What people find that permit by.
    pub permit_name: String,
    /// What that permit is.
    pub permit_kind: PermitKind,
    /// Its CSR, PEM.
    pub csr: String,
    /// From which address it asked last.
    pub address: Option<String>,
    /// When it asked last.
    pub asked_at: UnixMillis,
    /// When it asks again.
    pub asks_again_at: UnixMillis,
}

/// That a device asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The device.
    pub device: &'a DeviceId,
    /// By which permit.
    pub permit: &'a PermitId,
    /// Its CSR, PEM.
    pub csr: &'a str,
    /// From which address.
    pub address: Option<&'a str>,
    /// When.
    pub at: UnixMillis,
    /// When it asks again.
    pub again_at: UnixMillis,
}

/// Notes that a device asked for the first time.
///
/// # Errors
/// What the database says.
pub async fn note(conn: &mut Conn<'_>, asked: Asked<'_>) -> Result<(), DbError> {
    query(
        "INSERT INTO lobby (device, customer, permit, csr, address, asked_at, asks_again_at)
             VALUES ($1, (SELECT customer FROM devices WHERE id = $1), $2, $3, $4, $5, $6)",
    )
    .bind(asked.device.as_str())
    .bind(asked.permit.as_str())
    .bind(asked.csr)
    .bind(asked.address)
    .bind(asked.at.0)
    .bind(asked.again_at.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that a device asked again, if it is still in the lobby.
///
/// # Errors
/// What the database says.
pub async fn note_again(conn: &mut Conn<'_>, asked: Asked<'_>) -> Result<(), DbError> {
    query(
        "UPDATE lobby SET permit = $2, csr = $3, address = $4, asked_at = $5, asks_again_at = $6 WHERE device = $1
             AND EXISTS (SELECT 1 FROM devices WHERE id = $1 AND state IN ('pending', 'rejected'))",
    )
    .bind(asked.device.as_str())
    .bind(asked.permit.as_str())
    .bind(asked.csr)
    .bind(asked.address)
    .bind(asked.at.0)
    .bind(asked.again_at.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a device out of the lobby.
///
/// # Errors
/// What the database says.
pub async fn leave(conn: &mut Conn<'_>, device: &DeviceId) -> Result<(), DbError> {
    query("DELETE FROM lobby WHERE device = $1")
        .bind(device.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

/// One device of the lobby.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn<'_>, device: &DeviceId) -> Result<Option<Waiting>, DbError> {
    let row: Option<Row> = query(select!("WHERE l.device = $1"))
        .bind(device.as_str())
        .fetch_optional(conn)
        .await?;
    row.map(Waiting::try_from).transpose()
}

/// At most `limit` devices of these organisations of a customer that are in one state, in the order of their ids, behind `after`.
///
/// # Errors
/// What the database says.
pub async fn waiting(
    conn: &mut Conn<'_>,
    customer: &OrganisationId,
    organisations: &[OrganisationId],
    state: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<Waiting>, DbError> {
    // The lobby is walked, however many devices are in that state: both planners would begin with those.
    let rows: Vec<Row> = query_of_each(
        select!(
            "CROSS JOIN devices d ON d.id = l.device AND d.organisation IN (SELECT value FROM json_each($2)) AND d.state = $3
                 WHERE l.customer = $1 AND l.device > $4 ORDER BY l.device LIMIT $5"
        ),
        select!(
            "CROSS JOIN LATERAL (SELECT id FROM devices WHERE id = l.device AND organisation = ANY($2) AND state = $3 LIMIT 1) d
                 WHERE l.customer = $1 AND l.device > $4 ORDER BY l.device LIMIT $5"
        ),
    )
    .bind(customer.as_str())
    .bind(texts(organisations))
    .bind(state)
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Waiting::try_from).collect()
}

/// Devices of a customer, whatever their state, that state the serial number of one of these devices: at most 200 pairs of a device in
/// question and another one.
///
/// # Errors
/// What the database says.
pub async fn duplicates(
    conn: &mut Conn<'_>,
    customer: &OrganisationId,
    devices: &[DeviceId],
) -> Result<Vec<(DeviceId, DeviceSummary)>, DbError> {
    let rows: Vec<DuplicateRow> = query_of_each(
        "SELECT a.id AS of, b.id, b.name, b.state, b.state_since FROM devices a JOIN devices b
             ON b.customer = a.customer AND b.stated_serial = a.stated_serial AND b.id <> a.id
         WHERE a.customer = $1 AND a.id IN (SELECT value FROM json_each($2)) AND a.stated_serial IS NOT NULL
         ORDER BY a.id, b.id LIMIT 200",
        "SELECT a.id AS of, b.id, b.name, b.state, b.state_since FROM devices a JOIN devices b
             ON b.customer = a.customer AND b.stated_serial = a.stated_serial AND b.id <> a.id
         WHERE a.customer = $1 AND a.id = ANY($2) AND a.stated_serial IS NOT NULL
         ORDER BY a.id, b.id LIMIT 200",
    )
    .bind(customer.as_str())
    .bind(texts(devices))
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let state = DeviceState::from_name(&row.state, UnixMillis(row.state_since));
            let other = DeviceSummary {
                id: parsed(&row.id, "devices.id")?,
                name: row.name,
                state: state.ok_or(DbError::Corrupt("devices.state"))?,
            };
            Ok((parsed(&row.of, "devices.id")?, other))
        })
        .collect()
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT l.device, l.permit, p.name AS permit_name, p.kind AS permit_kind, l.csr, l.address, l.asked_at, l.asks_again_at
                 FROM lobby l JOIN permits p ON p.id = l.permit ",
            $rest
        )
    };
}
use select;

row! {
    struct Row {
        device: String,
        permit: String,
        permit_name: String,
        permit_kind: String,
        csr: String,
        address: Option<String>,
        asked_at: i64,
        asks_again_at: i64,
    }
}

row! {
    struct DuplicateRow {
        of: String,
        id: String,
        name: String,
        state: String,
        state_since: i64,
    }
}

impl TryFrom<Row> for Waiting {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        Ok(Self {
            device: parsed(&row.device, "lobby.device")?,
            permit: parsed(&row.permit, "lobby.permit")?,
            permit_name: row.permit_name,
            permit_kind: PermitKind::from_name(&row.permit_kind).ok_or(DbError::Corrupt("permits.kind"))?,
            csr: row.csr,
            address: row.address,
            asked_at: UnixMillis(row.asked_at),
            asks_again_at: UnixMillis(row.asks_again_at),
        })
    }
}
