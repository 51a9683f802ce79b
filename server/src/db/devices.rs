//! Devices: what members gave them, what they say about themselves, state, alarm, counter. Presence stands in a table of
//! its own, written by `presence`; the fleet is read by `fleet`.

use std::collections::BTreeMap;

use gangway_protocol::device::{AlarmKind, Device, DeviceAlarm, DeviceState, Facts, OfflineReason, Presence};
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::{AccountId, DeviceId, OrganisationId, SignerId};
use gangway_protocol::session::Configuration;
use gangway_protocol::time::UnixMillis;

use super::locks::Lock;
use super::query::texts;
use super::{Conn, DbError, Query, parsed, query, query_of_each, row};

/// Longest text to search in. It stands in indexes, and PostgreSQL's hold 2,704 bytes at most; only somebody who fills
/// every label to its limit comes near.
const MAX_SEARCH_LEN: usize = 2_000;

/// A device with what only the server needs to know of it.
#[derive(Clone, Debug)]
pub struct DeviceRecord {
    /// As it is shown.
    pub device: Device,
    /// Who approved it last.
    pub approver: AccountId,
    /// A member asked for renewal then.
    pub renewal_requested_at: Option<UnixMillis>,
    /// Its settings.
    pub configuration: Configuration,
}

/// What is written about a device that was approved.
#[derive(Clone, Debug)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// What it says about itself.
    pub facts: Facts,
    /// Who approved it.
    pub approver: AccountId,
}

/// Adds a device, enrolling.
///
/// # Errors
/// What the database says.
pub async fn insert(
    conn: &mut Conn<'_>,
    id: &DeviceId,
    organisation: &OrganisationId,
    description: &Description,
    at: UnixMillis,
) -> Result<(), DbError> {
    insertion(id, organisation, description, at)?
        .execute(conn)
        .await?;
    Ok(())
}

/// As [`insert`].
pub(super) fn insertion(
    id: &DeviceId,
    organisation: &OrganisationId,
    description: &Description,
    at: UnixMillis,
) -> Result<Query, DbError> {
    let text = Text::of(id, &description.name, &description.labels, &description.facts)?;
    let insertion = query(
        "INSERT INTO devices (id, organisation, customer, name, sort_name, labels, state, state_since, facts, search,
                 approver, created_at)
             VALUES ($1, $2, (SELECT COALESCE(root, id) FROM organisations WHERE id = $2), $3, $4, $5, 'enrolling', $6, $7,
                 $8, $9, $6)",
    )
    .bind(id.as_str())
    .bind(organisation.as_str())
    .bind(&description.name)
    .bind(&text.sort_name)
    .bind(&text.labels)
    .bind(at.0)
    .bind(&text.facts)
    .bind(&text.search)
    .bind(description.approver.as_str());
    Ok(insertion)
}

/// A device, locked against other transactions that lock it, until this one ends. A transaction that locks several does so
/// in the order of their ids: see [`lock_all`].
///
/// # Errors
/// What the database says.
pub async fn lock(conn: &mut Conn<'_>, id: &DeviceId) -> Result<Option<DeviceRecord>, DbError> {
    conn.locking(Lock::Device(id.as_str()));
    let row: Option<Row> = query_of_each(
        select!("WHERE devices.id = $1"),
        // Not FOR UPDATE: rows that refer to the device may be added meanwhile.
        select!("WHERE devices.id = $1 FOR NO KEY UPDATE OF devices"),
    )
    .bind(id.as_str())
    .fetch_optional(conn)
    .await?;
    row.map(DeviceRecord::try_from).transpose()
}

/// All of these devices that there are, locked as by [`lock`], in the order of their ids.
///
/// # Errors
/// What the database says.
pub async fn lock_all(conn: &mut Conn<'_>, ids: &[DeviceId]) -> Result<Vec<DeviceRecord>, DbError> {
    let mut ids: Vec<&DeviceId> = ids.iter().collect();
    ids.sort_unstable();
    ids.dedup();
    for id in &ids {
        conn.locking(Lock::Device(id.as_str()));
    }
    let rows: Vec<Row> = query_of_each(
        select!("WHERE devices.id IN (SELECT value FROM json_each($1)) ORDER BY devices.id"),
        select!("WHERE devices.id = ANY($1) ORDER BY devices.id FOR NO KEY UPDATE OF devices"),
    )
    .bind(texts(&ids))
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(DeviceRecord::try_from).collect()
}

/// All of these devices that there are.
///
/// # Errors
/// What the database says.
pub async fn all_of(conn: &mut Conn<'_>, ids: &[DeviceId]) -> Result<Vec<DeviceRecord>, DbError> {
    let rows: Vec<Row> = query_of_each(
        select!("WHERE devices.id IN (SELECT value FROM json_each($1)) ORDER BY devices.id"),
        select!("WHERE devices.id = ANY($1) ORDER BY devices.id"),
    )
    .bind(texts(ids))
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(DeviceRecord::try_from).collect()
}

/// A device.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn<'_>, id: &DeviceId) -> Result<Option<DeviceRecord>, DbError> {
    let row: Option<Row> = query(select!("WHERE devices.id = $1"))
        .bind(id.as_str())
        .fetch_optional(conn)
        .await?;
    row.map(DeviceRecord::try_from).transpose()
}

/// Moves a device to another state.
///
/// # Errors
/// What the database says.
pub async fn set_state(conn: &mut Conn<'_>, id: &DeviceId, state: &DeviceState) -> Result<(), DbError> {
    put_into(id, state).execute(conn).await?;
    Ok(())
}

/// As [`set_state`].
pub(super) fn put_into(id: &DeviceId, state: &DeviceState) -> Query {
    query("UPDATE devices SET state = $2, state_since = $3 WHERE id = $1")
        .bind(id.as_str())
        .bind(state.name())
        .bind(state.since().0)
}

/// Writes anew what members gave a device and what it says about itself.
///
/// # Errors
/// What the database says.
pub async fn describe(conn: &mut Conn<'_>, id: &DeviceId, description: &Description) -> Result<(), DbError> {
    let text = Text::of(id, &description.name, &description.labels, &description.facts)?;
    query(
        "UPDATE devices SET name = $2, sort_name = $3, labels = $4, facts = $5, search = $6, approver = $7
             WHERE id = $1",
    )
    .bind(id.as_str())
    .bind(&description.name)
    .bind(&text.sort_name)
    .bind(&text.labels)
    .bind(&text.facts)
    .bind(&text.search)
    .bind(description.approver.as_str())
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes when the device's newest certificate that stands expires, and who signed it.
///
/// # Errors
/// What the database says.
pub async fn refresh_expiry(conn: &mut Conn<'_>, id: &DeviceId) -> Result<(), DbError> {
    query(
        "UPDATE devices SET
                 certificate_expires_at = (SELECT MAX(not_after) FROM certificates
                     WHERE device = $1 AND revoked_at IS NULL AND superseded_at IS NULL),
                 signer = (SELECT signer FROM certificates
                     WHERE device = $1 AND revoked_at IS NULL AND superseded_at IS NULL ORDER BY not_after DESC LIMIT 1)
             WHERE id = $1",
    )
    .bind(id.as_str())
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that `signer` issued a certificate which expires at `not_after`, and that the wish for a new one is met. Other
/// statements of the same trip may not be seen yet, so that the certificate itself is not read.
pub(super) fn certification(id: &DeviceId, signer: &SignerId, not_after: UnixMillis) -> Query {
    query(
        "UPDATE devices SET renewal_requested_at = NULL, signer = $3,
                 certificate_expires_at = (SELECT MAX(not_after) FROM (
                     SELECT CAST($2 AS BIGINT) AS not_after UNION ALL SELECT not_after FROM certificates
                     WHERE device = $1 AND revoked_at IS NULL AND superseded_at IS NULL) AS standing)
             WHERE id = $1",
    )
    .bind(id.as_str())
    .bind(not_after.0)
    .bind(signer.as_str())
}

/// Notes that a member asked for renewal.
///
/// # Errors
/// What the database says.
pub async fn request_renewal(conn: &mut Conn<'_>, id: &DeviceId, at: UnixMillis) -> Result<(), DbError> {
    query("UPDATE devices SET renewal_requested_at = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(at.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Takes the counter of a proof if it is greater than any before. Of two equal ones only one gets true.
///
/// # Errors
/// What the database says.
pub async fn advance_counter(conn: &mut Conn<'_>, id: &DeviceId, counter: i64) -> Result<bool, DbError> {
    let advanced = query("UPDATE devices SET counter = $2 WHERE id = $1 AND counter < $2")
        .bind(id.as_str())
        .bind(counter)
        .execute(conn)
        .await?;
    Ok(advanced > 0)
}

/// Counts a device anew from here: it was installed anew, and a person has let it in again.
///
/// # Errors
/// What the database says.
pub async fn begin_counter(conn: &mut Conn<'_>, id: &DeviceId, counter: i64) -> Result<(), DbError> {
    query("UPDATE devices SET counter = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(counter)
        .execute(conn)
        .await?;
    Ok(())
}

/// As [`advance_counter`], where nothing stands in the way: the device is active and without alarm, and its certificate has
/// been proved before, and has been neither revoked nor superseded. So it is for nearly every proof, and after a restart for
/// a whole fleet at once. False does not say which of these does not hold.
///
/// # Errors
/// What the database says.
pub async fn advance_counter_of_standing(
    conn: &mut Conn<'_>,
    id: &DeviceId,
    certificate: &Sha256Hex,
    counter: i64,
) -> Result<bool, DbError> {
    conn.locking(Lock::Device(id.as_str()));
    // A statement of its own: the one behind it sees what whoever had the lock has committed.
    let _locked: Option<(String,)> = query_of_each(
        "SELECT id FROM devices WHERE id = $1 LIMIT 0",
        "SELECT id FROM devices WHERE id = $1 FOR NO KEY UPDATE",
    )
    .bind(id.as_str())
    .fetch_optional(conn)
    .await?;
    let advanced = query(
        "UPDATE devices SET counter = $2
         WHERE id = $1 AND counter < $2 AND state = 'active' AND alarm_kind IS NULL AND EXISTS (
             SELECT 1 FROM certificates c
             WHERE c.sha256 = $3 AND c.device = $1
                 AND c.proven_at IS NOT NULL AND c.revoked_at IS NULL AND c.superseded_at IS NULL)",
    )
    .bind(id.as_str())
    .bind(counter)
    .bind(certificate.to_string())
    .execute(conn)
    .await?;
    Ok(advanced > 0)
}

/// Raises the clone alarm, or lets the one that stands stand. True when it is new.
///
/// # Errors
/// What the database says.
pub async fn raise_alarm(
    conn: &mut Conn<'_>,
    id: &DeviceId,
    at: UnixMillis,
    counter: Option<i64>,
) -> Result<bool, DbError> {
    let raised = query(
        "UPDATE devices SET alarm_kind = 'clone', alarm_since = $2 WHERE id = $1 AND alarm_kind IS NULL",
    )
    .bind(id.as_str())
    .bind(at.0)
    .execute(conn)
    .await?;
    if let Some(counter) = counter {
        query("UPDATE devices SET alarm_counter = $2 WHERE id = $1")
            .bind(id.as_str())
            .bind(counter)
            .execute(conn)
            .await?;
    }
    Ok(raised > 0)
}

/// Answers an alarm with "restored from backup": counting goes on from what the device presented last.
///
/// # Errors
/// What the database says.
pub async fn clear_alarm(conn: &mut Conn<'_>, id: &DeviceId) -> Result<(), DbError> {
    query(
            "UPDATE devices SET counter = COALESCE(alarm_counter, counter), alarm_kind = NULL, alarm_since = NULL,
                 alarm_counter = NULL WHERE id = $1"
        )
        .bind(id.as_str()).execute(conn).await?;
    Ok(())
}

/// The forms in which a device's texts are stored.
struct Text {
    sort_name: String,
    labels: String,
    facts: String,
    search: String,
}

impl Text {
    fn of(id: &DeviceId, name: &str, labels: &[String], facts: &Facts) -> Result<Self, DbError> {
        let mut search = vec![
            name,
            facts.hostname.as_str(),
            facts.serial.as_deref().unwrap_or_default(),
            id.as_str(),
        ];
        search.extend(labels.iter().map(String::as_str));
        let unwritable = |_| DbError::Corrupt("devices: a text cannot be written as JSON");
        Ok(Self {
            sort_name: name.to_lowercase(),
            labels: serde_json::to_string(labels).map_err(unwritable)?,
            facts: serde_json::to_string(facts).map_err(unwritable)?,
            search: within(search.join("\n").to_lowercase(), MAX_SEARCH_LEN),
        })
    }
}

/// The beginning of `text` that fits into `max` bytes.
fn within(mut text: String, max: usize) -> String {
    let end = (0..=max.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or_default();
    text.truncate(end);
    text
}

/// The columns of a device, its presence among them. A key that is refused since the device left, or since later, tells a
/// revocation from a retirement.
macro_rules! columns {
    () => {
        "devices.id, devices.organisation, name, labels, state, state_since, facts, approver, certificate_expires_at, \
         renewal_requested_at, configuration, configuration_revision, alarm_kind, alarm_since, online_since, \
         last_seen_at, offline_reason, created_at, \
         (state = 'retired' AND EXISTS (SELECT 1 FROM device_keys k \
             WHERE k.device = devices.id AND k.refused_at >= state_since)) AS revoked"
    };
}
pub(super) use columns;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM devices JOIN presence ON presence.device = devices.id ",
            $rest
        )
    };
}
use select;

row! {
    pub(super) struct Row {
        id: String,
        organisation: String,
        name: String,
        labels: String,
        state: String,
        state_since: i64,
        facts: String,
        approver: String,
        certificate_expires_at: Option<i64>,
        renewal_requested_at: Option<i64>,
        configuration: String,
        configuration_revision: i64,
        alarm_kind: Option<String>,
        alarm_since: Option<i64>,
        online_since: Option<i64>,
        last_seen_at: i64,
        offline_reason: Option<String>,
        created_at: i64,
        revoked: bool,
    }
}

/// A device's settings, read back.
pub(super) fn configuration(values: &str, revision: i64) -> Result<Configuration, DbError> {
    let corrupt = DbError::Corrupt;
    let values: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(values).map_err(|_| corrupt("devices.configuration"))?;
    Ok(Configuration {
        revision: u64::try_from(revision).map_err(|_| corrupt("devices.configuration_revision"))?,
        values: values.into_iter().collect(),
    })
}

impl TryFrom<Row> for DeviceRecord {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        Ok(Self {
            approver: parsed(&row.approver, "devices.approver")?,
            renewal_requested_at: row.renewal_requested_at.map(UnixMillis),
            configuration: configuration(&row.configuration, row.configuration_revision)?,
            device: Device::try_from(row)?,
        })
    }
}

impl TryFrom<Row> for Device {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let corrupt = DbError::Corrupt;
        let presence = match (row.online_since, row.last_seen_at) {
            (Some(since), _) => Presence::Online {
                since: UnixMillis(since),
            },
            (None, 0) => Presence::Never,
            (None, last_seen_at) => Presence::Offline {
                last_seen_at: UnixMillis(last_seen_at),
                reason: OfflineReason::from_name(row.offline_reason.as_deref().unwrap_or_default()),
            },
        };
        let alarm = match (row.alarm_kind.as_deref(), row.alarm_since) {
            (Some("clone"), Some(since)) => Some(DeviceAlarm {
                kind: AlarmKind::Clone,
                since: UnixMillis(since),
            }),
            (None, _) => None,
            _ => return Err(corrupt("devices.alarm_kind")),
        };
        Ok(Self {
            id: parsed(&row.id, "devices.id")?,
            organisation: parsed(&row.organisation, "devices.organisation")?,
            name: row.name,
            labels: serde_json::from_str(&row.labels).map_err(|_| corrupt("devices.labels"))?,
            state: DeviceState::from_name(&row.state, UnixMillis(row.state_since))
                .ok_or(corrupt("devices.state"))?,
            revoked: row.revoked,
            presence,
            facts: serde_json::from_str(&row.facts).map_err(|_| corrupt("devices.facts"))?,
            certificate_expires_at: row.certificate_expires_at.map(UnixMillis),
            alarm,
            created_at: UnixMillis(row.created_at),
        })
    }
}
