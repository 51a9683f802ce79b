//! Measurement feeds: what they are called, their fields, whose they are. Their keys are in [`keys`], their values in
//! [`measurements`](super::measurements).

pub mod keys;

use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::measurement::{ChannelNumber, Feed, FeedField, Location, Retention};
use gangway_protocol::organisation::Policy;
use gangway_protocol::time::UnixMillis;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::rules::policy_of;
use super::{Conn, DbError, parsed, query, query_of_each, row};

/// Adds a feed, and says its number; what stands in [`Feed::channel`] does not count.
///
/// # Errors
/// [`DbError::Unique`] where the device has one already.
pub async fn insert(conn: &mut Conn<'_>, feed: &Feed) -> Result<ChannelNumber, DbError> {
    let (channel,): (i64,) = query(
        "INSERT INTO feeds (organisation, device, name, description, fields, location, metadata, retention, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING channel",
    )
    .bind(feed.organisation.as_str())
    .bind(feed.device.as_ref().map(DeviceId::as_str))
    .bind(&feed.name)
    .bind(&feed.description)
    .bind(json(&feed.fields)?)
    .bind(feed.location.as_ref().map(json).transpose()?)
    .bind(&feed.metadata)
    .bind(json(&feed.retention)?)
    .bind(feed.created_at.0)
    .fetch_one(conn)
    .await?;
    Ok(ChannelNumber(channel))
}

/// Writes what a feed is called, its fields, its place, its metadata and for how long it is kept.
///
/// # Errors
/// What the database says.
pub async fn update(conn: &mut Conn<'_>, feed: &Feed) -> Result<(), DbError> {
    query(
        "UPDATE feeds SET name = $2, description = $3, fields = $4, location = $5, metadata = $6, retention = $7
             WHERE channel = $1",
    )
    .bind(feed.channel.0)
    .bind(&feed.name)
    .bind(&feed.description)
    .bind(json(&feed.fields)?)
    .bind(feed.location.as_ref().map(json).transpose()?)
    .bind(&feed.metadata)
    .bind(json(&feed.retention)?)
    .execute(conn)
    .await?;
    Ok(())
}

/// A feed.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn<'_>, channel: ChannelNumber) -> Result<Option<Feed>, DbError> {
    let row: Option<Row> = query(select!("WHERE channel = $1"))
        .bind(channel.0)
        .fetch_optional(conn)
        .await?;
    row.map(Feed::try_from).transpose()
}

/// A feed, kept as it is until the transaction ends.
///
/// # Errors
/// What the database says.
pub async fn lock(conn: &mut Conn<'_>, channel: ChannelNumber) -> Result<Option<Feed>, DbError> {
    let row: Option<Row> = query_of_each(
        select!("WHERE channel = $1"),
        select!("WHERE channel = $1 FOR UPDATE"),
    )
    .bind(channel.0)
    .fetch_optional(conn)
    .await?;
    row.map(Feed::try_from).transpose()
}

/// The feed of a device.
///
/// # Errors
/// What the database says.
pub async fn of_device(conn: &mut Conn<'_>, device: &DeviceId) -> Result<Option<Feed>, DbError> {
    let row: Option<Row> = query(select!("WHERE device = $1"))
        .bind(device.as_str())
        .fetch_optional(conn)
        .await?;
    row.map(Feed::try_from).transpose()
}

/// At most `limit` feeds of an organisation behind the number `after`.
///
/// # Errors
/// What the database says.
pub async fn of_organisation(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    after: i64,
    limit: i64,
) -> Result<Vec<Feed>, DbError> {
    let rows: Vec<Row> = query(select!(
        "WHERE organisation = $1 AND channel > $2 ORDER BY channel LIMIT $3"
    ))
    .bind(organisation.as_str())
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Feed::try_from).collect()
}

/// How many feeds an organisation has.
///
/// # Errors
/// What the database says.
pub async fn count(conn: &mut Conn<'_>, organisation: &OrganisationId) -> Result<u64, DbError> {
    let (count,): (i64,) = query("SELECT CAST(COUNT(*) AS BIGINT) FROM feeds WHERE organisation = $1")
        .bind(organisation.as_str())
        .fetch_one(conn)
        .await?;
    Ok(count.unsigned_abs())
}

/// For how long a feed is kept: its own wish, and the rules of its organisation. `None` for a feed that there is not.
///
/// # Errors
/// What the database says.
pub async fn kept(
    conn: &mut Conn<'_>,
    channel: ChannelNumber,
) -> Result<Option<(Retention, Policy)>, DbError> {
    let row: Option<(Option<String>, String)> = query(
        "SELECT f.retention, o.policy FROM feeds f JOIN organisations o ON o.id = f.organisation WHERE f.channel = $1",
    )
    .bind(channel.0)
    .fetch_optional(conn)
    .await?;
    row.map(|(retention, policy)| Ok((retention_of(retention)?, policy_of(&policy)?)))
        .transpose()
}

/// The longest that anything is kept anywhere, by the rules of the organisations.
///
/// # Errors
/// What the database says.
pub async fn longest_kept(conn: &mut Conn<'_>) -> Result<[u32; 3], DbError> {
    let rows: Vec<(String,)> = query("SELECT DISTINCT policy FROM organisations")
        .fetch_all(conn)
        .await?;
    let mut longest = [0; 3];
    for (policy,) in rows {
        let policy = policy_of(&policy)?;
        let days = [
            policy.measurements_raw_days,
            policy.measurements_minute_days,
            policy.measurements_hour_days,
        ];
        for (longest, days) in longest.iter_mut().zip(days) {
            *longest = days.max(*longest);
        }
    }
    Ok(longest)
}

/// Removes a feed and its keys.
///
/// # Errors
/// What the database says.
pub async fn remove(conn: &mut Conn<'_>, channel: ChannelNumber) -> Result<(), DbError> {
    for statement in [
        "DELETE FROM feed_keys WHERE channel = $1",
        "DELETE FROM feeds WHERE channel = $1",
    ] {
        query(statement).bind(channel.0).execute(conn).await?;
    }
    Ok(())
}

fn json(value: &impl Serialize) -> Result<String, DbError> {
    serde_json::to_string(value).map_err(|_| DbError::Corrupt("feeds: a value cannot be written as JSON"))
}

fn read<T: DeserializeOwned>(text: &str, column: &'static str) -> Result<T, DbError> {
    serde_json::from_str(text).map_err(|_| DbError::Corrupt(column))
}

fn retention_of(text: Option<String>) -> Result<Retention, DbError> {
    let read = text.map(|text| read(&text, "feeds.retention")).transpose()?;
    Ok(read.unwrap_or_default())
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT channel, organisation, device, name, description, fields, location, metadata, retention, created_at FROM feeds ",
            $rest
        )
    };
}
use select;

row! {
    struct Row {
        channel: i64,
        organisation: String,
        device: Option<String>,
        name: String,
        description: String,
        fields: String,
        location: Option<String>,
        metadata: String,
        retention: Option<String>,
        created_at: i64,
    }
}

impl TryFrom<Row> for Feed {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let location: Option<Location> = row
            .location
            .map(|text| read(&text, "feeds.location"))
            .transpose()?;
        Ok(Self {
            channel: ChannelNumber(row.channel),
            organisation: parsed(&row.organisation, "feeds.organisation")?,
            device: row.device.map(|id| parsed(&id, "feeds.device")).transpose()?,
            name: row.name,
            description: row.description,
            fields: read::<Vec<FeedField>>(&row.fields, "feeds.fields")?,
            location,
            metadata: row.metadata,
            retention: retention_of(row.retention)?,
            created_at: UnixMillis(row.created_at),
            keys: None,
        })
    }
}
