//! What was measured: entries as they come, hours of them packed, and what is kept of those that are old. What stands in the
//! bytes is the business of the service `measurements`.
//!
//! With SQLite these tables have a file of their own, with PostgreSQL they stand beside the others, the packed ones partitioned
//! by time ([`partitions`]). What is read of a span is [`spans`].

pub mod partitions;
pub mod spans;

use super::conn::Link;
use super::many::execute_many;
use super::{Conn, DbError, Value, query, query_of_each, row};

/// An entry of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The channel.
    pub channel: i64,
    /// When it was measured.
    pub at: i64,
    /// Its number.
    pub entry: i64,
    /// Its values.
    pub data: Vec<u8>,
    /// What was said beside them (JSON).
    pub remark: Option<String>,
}

/// How far a channel is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelState {
    /// The channel.
    pub channel: i64,
    /// The number of the last entry that came.
    pub last_entry: i64,
    /// The time of the newest entry.
    pub latest_at: i64,
    /// The day of [`Self::entries_of_day`].
    pub day: i64,
    /// Entries that came on that day.
    pub entries_of_day: i64,
    /// The oldest entry among the arrivals.
    pub unpacked_since: Option<i64>,
}

/// A packed piece of a channel: an hour or a day, and what stands for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Which hour or day.
    pub place: i64,
    /// Its bytes.
    pub data: Vec<u8>,
}

/// The tables of packed pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Entries, by hour.
    Blocks,
    /// Minutes, by hour.
    Minutes,
    /// Hours, by day.
    Hours,
}

/// How far these channels are; those that are new are missing.
///
/// # Errors
/// What the database says.
pub async fn states(conn: &mut Conn<'_>, channels: Vec<i64>) -> Result<Vec<ChannelState>, DbError> {
    let rows: Vec<StateRow> = query_of_each(
        select_state!("channel IN (SELECT value FROM json_each($1))"),
        select_state!("channel = ANY($1)"),
    )
    .bind(channels)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(ChannelState::from).collect())
}

/// Writes how far channels are.
///
/// # Errors
/// What the database says.
pub async fn put_states(conn: &mut Conn<'_>, states: &[ChannelState], now: i64) -> Result<(), DbError> {
    let rows = states
        .iter()
        .map(|state| {
            let numbers = [
                Some(state.channel),
                Some(state.last_entry),
                Some(state.latest_at),
                Some(state.day),
                Some(state.entries_of_day),
                state.unpacked_since,
                Some(now),
            ];
            numbers.map(Value::Integer)
        })
        .collect();
    execute_many(
        conn,
        put_state!("VALUES ($1, $2, $3, $4, $5, $6, $7)"),
        put_state!(
            "SELECT * FROM UNNEST($1::BIGINT[], $2::BIGINT[], $3::BIGINT[], $4::BIGINT[], $5::BIGINT[], $6::BIGINT[], $7::BIGINT[])"
        ),
        rows,
    )
    .await
}

/// The arrivals at these places, a channel and a time each.
///
/// # Errors
/// What the database says.
pub async fn arrived(conn: &mut Conn<'_>, places: &[(i64, i64)]) -> Result<Vec<Arrival>, DbError> {
    let mut found: Vec<(i64, i64, i64, Vec<u8>)> = Vec::new();
    if let Link::Postgres(_) = conn.link {
        let (channels, times): (Vec<i64>, Vec<i64>) = places.iter().copied().unzip();
        found = query(
            "SELECT a.channel, a.at, a.entry, a.data FROM UNNEST($1::BIGINT[], $2::BIGINT[]) AS p (channel, at)
                 JOIN measurement_arrivals a ON a.channel = p.channel AND a.at = p.at",
        )
        .bind(channels)
        .bind(times)
        .fetch_all(conn)
        .await?;
    } else {
        for (channel, at) in places {
            let row: Option<(i64, i64, i64, Vec<u8>)> = query(
                "SELECT channel, at, entry, data FROM measurement_arrivals WHERE channel = $1 AND at = $2",
            )
            .bind(*channel)
            .bind(*at)
            .fetch_optional(conn)
            .await?;
            found.extend(row);
        }
    }
    let arrival = |(channel, at, entry, data)| Arrival {
        channel,
        at,
        entry,
        data,
        remark: None,
    };
    Ok(found.into_iter().map(arrival).collect())
}

/// Writes the values of arrivals anew.
///
/// # Errors
/// What the database says.
pub async fn update(conn: &mut Conn<'_>, arrivals: Vec<Arrival>) -> Result<(), DbError> {
    let rows = arrivals
        .into_iter()
        .map(|arrival| {
            [
                Value::Integer(Some(arrival.channel)),
                Value::Integer(Some(arrival.at)),
                Value::Bytes(arrival.data),
            ]
        })
        .collect();
    execute_many(
        conn,
        "UPDATE measurement_arrivals SET data = $3 WHERE channel = $1 AND at = $2",
        "UPDATE measurement_arrivals SET data = p.data FROM UNNEST($1::BIGINT[], $2::BIGINT[], $3::BYTEA[]) AS p (channel, at, data)
             WHERE measurement_arrivals.channel = p.channel AND measurement_arrivals.at = p.at",
        rows,
    )
    .await
}

/// The times of a channel's arrivals from an instant on, as far as they follow each other closely.
///
/// # Errors
/// What the database says.
pub async fn times(conn: &mut Conn<'_>, channel: i64, from: i64) -> Result<Vec<i64>, DbError> {
    let rows: Vec<(i64,)> =
        query("SELECT at FROM measurement_arrivals WHERE channel = $1 AND at >= $2 ORDER BY at LIMIT 100000")
            .bind(channel)
            .bind(from)
            .fetch_all(conn)
            .await?;
    Ok(rows.into_iter().map(|(at,)| at).collect())
}

/// Adds entries.
///
/// # Errors
/// [`DbError::Unique`] where a channel has one of that time.
pub async fn insert(conn: &mut Conn<'_>, arrivals: &[Arrival]) -> Result<(), DbError> {
    let rows = arrivals
        .iter()
        .map(|arrival| {
            [
                Value::Integer(Some(arrival.channel)),
                Value::Integer(Some(arrival.at)),
                Value::Integer(Some(arrival.entry)),
                Value::Bytes(arrival.data.clone()),
            ]
        })
        .collect();
    execute_many(
        conn,
        "INSERT INTO measurement_arrivals (channel, at, entry, data) VALUES ($1, $2, $3, $4)",
        "INSERT INTO measurement_arrivals (channel, at, entry, data)
             SELECT * FROM UNNEST($1::BIGINT[], $2::BIGINT[], $3::BIGINT[], $4::BYTEA[])",
        rows,
    )
    .await?;
    let remarks = arrivals
        .iter()
        .filter_map(|arrival| {
            let remark = arrival.remark.clone()?;
            Some([
                Value::Integer(Some(arrival.channel)),
                Value::Integer(Some(arrival.at)),
                Value::Text(Some(remark)),
            ])
        })
        .collect();
    execute_many(
        conn,
        "INSERT INTO measurement_remarks (channel, at, remark) VALUES ($1, $2, $3)",
        "INSERT INTO measurement_remarks (channel, at, remark) SELECT * FROM UNNEST($1::BIGINT[], $2::BIGINT[], $3::TEXT[])",
        remarks,
    )
    .await
}

/// Channels with arrivals from before an instant, at most `limit`.
///
/// # Errors
/// What the database says.
pub async fn to_pack(conn: &mut Conn<'_>, before: i64, limit: i64) -> Result<Vec<i64>, DbError> {
    let rows: Vec<(i64,)> = query(
        "SELECT channel FROM measurement_channels WHERE unpacked_since < $1 ORDER BY unpacked_since LIMIT $2",
    )
    .bind(before)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|(channel,)| channel).collect())
}

/// At most `limit` arrivals of a channel from before an instant, oldest first.
///
/// # Errors
/// What the database says.
pub async fn oldest(
    conn: &mut Conn<'_>,
    channel: i64,
    before: i64,
    limit: i64,
) -> Result<Vec<(i64, i64, Vec<u8>)>, DbError> {
    query("SELECT at, entry, data FROM measurement_arrivals WHERE channel = $1 AND at < $2 ORDER BY at LIMIT $3")
        .bind(channel)
        .bind(before)
        .bind(limit)
        .fetch_all(conn)
        .await
}

/// Removes arrivals that were packed, and notes what is left.
///
/// # Errors
/// What the database says.
pub async fn remove_packed(conn: &mut Conn<'_>, channel: i64, times: Vec<i64>) -> Result<(), DbError> {
    query_of_each(
        "DELETE FROM measurement_arrivals WHERE channel = $1 AND at IN (SELECT value FROM json_each($2))",
        "DELETE FROM measurement_arrivals WHERE channel = $1 AND at = ANY($2)",
    )
    .bind(channel)
    .bind(times)
    .execute(conn)
    .await?;
    query(
        "UPDATE measurement_channels SET unpacked_since = (SELECT MIN(at) FROM measurement_arrivals WHERE channel = $1)
             WHERE channel = $1",
    )
    .bind(channel)
    .execute(conn)
    .await?;
    Ok(())
}

/// The piece of a channel at a place.
///
/// # Errors
/// What the database says.
pub async fn piece(
    conn: &mut Conn<'_>,
    level: Level,
    channel: i64,
    place: i64,
) -> Result<Option<Vec<u8>>, DbError> {
    let sql = match level {
        Level::Blocks => "SELECT data FROM measurement_blocks WHERE channel = $1 AND hour = $2",
        Level::Minutes => "SELECT data FROM measurement_minutes WHERE channel = $1 AND hour = $2",
        Level::Hours => "SELECT data FROM measurement_hours WHERE channel = $1 AND day = $2",
    };
    let row: Option<(Vec<u8>,)> = query(sql).bind(channel).bind(place).fetch_optional(conn).await?;
    Ok(row.map(|(data,)| data))
}

/// Writes a piece of a channel in the place of what was there.
///
/// # Errors
/// What the database says.
pub async fn put_piece(conn: &mut Conn<'_>, level: Level, channel: i64, piece: Piece) -> Result<(), DbError> {
    partitions::ensure(conn, level, piece.place).await?;
    let sql = match level {
        Level::Blocks => {
            "INSERT INTO measurement_blocks (channel, hour, data) VALUES ($1, $2, $3)
                 ON CONFLICT (channel, hour) DO UPDATE SET data = excluded.data"
        }
        Level::Minutes => {
            "INSERT INTO measurement_minutes (channel, hour, data) VALUES ($1, $2, $3)
                 ON CONFLICT (channel, hour) DO UPDATE SET data = excluded.data"
        }
        Level::Hours => {
            "INSERT INTO measurement_hours (channel, day, data) VALUES ($1, $2, $3)
                 ON CONFLICT (channel, day) DO UPDATE SET data = excluded.data"
        }
    };
    query(sql)
        .bind(channel)
        .bind(piece.place)
        .bind(piece.data)
        .execute(conn)
        .await?;
    Ok(())
}

/// At most `limit` pieces of a channel before a place, oldest first.
///
/// # Errors
/// What the database says.
pub async fn old_pieces(
    conn: &mut Conn<'_>,
    level: Level,
    channel: i64,
    before: i64,
    limit: i64,
) -> Result<Vec<Piece>, DbError> {
    let sql = match level {
        Level::Blocks => {
            "SELECT hour, data FROM measurement_blocks WHERE channel = $1 AND hour < $2 ORDER BY hour LIMIT $3"
        }
        Level::Minutes => {
            "SELECT hour, data FROM measurement_minutes WHERE channel = $1 AND hour < $2 ORDER BY hour LIMIT $3"
        }
        Level::Hours => {
            "SELECT day, data FROM measurement_hours WHERE channel = $1 AND day < $2 ORDER BY day LIMIT $3"
        }
    };
    let rows: Vec<(i64, Vec<u8>)> = query(sql)
        .bind(channel)
        .bind(before)
        .bind(limit)
        .fetch_all(conn)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(place, data)| Piece { place, data })
        .collect())
}

/// Removes the pieces of a channel before a place.
///
/// # Errors
/// What the database says.
pub async fn remove_pieces(
    conn: &mut Conn<'_>,
    level: Level,
    channel: i64,
    before: i64,
) -> Result<(), DbError> {
    let sql = match level {
        Level::Blocks => "DELETE FROM measurement_blocks WHERE channel = $1 AND hour < $2",
        Level::Minutes => "DELETE FROM measurement_minutes WHERE channel = $1 AND hour < $2",
        Level::Hours => "DELETE FROM measurement_hours WHERE channel = $1 AND day < $2",
    };
    query(sql).bind(channel).bind(before).execute(conn).await?;
    Ok(())
}

/// Removes the remarks of a channel from before an instant.
///
/// # Errors
/// What the database says.
pub async fn remove_remarks(conn: &mut Conn<'_>, channel: i64, before: i64) -> Result<(), DbError> {
    query("DELETE FROM measurement_remarks WHERE channel = $1 AND at < $2")
        .bind(channel)
        .bind(before)
        .execute(conn)
        .await?;
    Ok(())
}

/// Channels in which nobody has looked since an instant for what is too old, at most `limit`.
///
/// # Errors
/// What the database says.
pub async fn to_sweep(conn: &mut Conn<'_>, since: i64, limit: i64) -> Result<Vec<i64>, DbError> {
    let rows: Vec<(i64,)> =
        query("SELECT channel FROM measurement_channels WHERE swept_at < $1 ORDER BY swept_at LIMIT $2")
            .bind(since)
            .bind(limit)
            .fetch_all(conn)
            .await?;
    Ok(rows.into_iter().map(|(channel,)| channel).collect())
}

/// Notes that somebody has looked.
///
/// # Errors
/// What the database says.
pub async fn note_swept(conn: &mut Conn<'_>, channel: i64, now: i64) -> Result<(), DbError> {
    query("UPDATE measurement_channels SET swept_at = $2 WHERE channel = $1")
        .bind(channel)
        .bind(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// Removes everything of a channel.
///
/// # Errors
/// What the database says.
pub async fn remove_channel(conn: &mut Conn<'_>, channel: i64) -> Result<(), DbError> {
    for statement in [
        "DELETE FROM measurement_arrivals WHERE channel = $1",
        "DELETE FROM measurement_remarks WHERE channel = $1",
        "DELETE FROM measurement_blocks WHERE channel = $1",
        "DELETE FROM measurement_minutes WHERE channel = $1",
        "DELETE FROM measurement_hours WHERE channel = $1",
        "DELETE FROM measurement_channels WHERE channel = $1",
    ] {
        query(statement).bind(channel).execute(conn).await?;
    }
    Ok(())
}

macro_rules! select_state {
    ($which:literal) => {
        concat!(
            "SELECT channel, last_entry, latest_at, day, entries_of_day, unpacked_since FROM measurement_channels WHERE ",
            $which
        )
    };
}
use select_state;

macro_rules! put_state {
    ($values:literal) => {
        concat!(
            "INSERT INTO measurement_channels (channel, last_entry, latest_at, day, entries_of_day, unpacked_since, swept_at) ",
            $values,
            " ON CONFLICT (channel) DO UPDATE SET last_entry = excluded.last_entry, latest_at = excluded.latest_at,
                 day = excluded.day, entries_of_day = excluded.entries_of_day, unpacked_since = excluded.unpacked_since"
        )
    };
}
use put_state;

row! {
    struct StateRow {
        channel: i64,
        last_entry: i64,
        latest_at: i64,
        day: i64,
        entries_of_day: i64,
        unpacked_since: Option<i64>,
    }
}

impl From<StateRow> for ChannelState {
    fn from(row: StateRow) -> Self {
        Self {
            channel: row.channel,
            last_entry: row.last_entry,
            latest_at: row.latest_at,
            day: row.day,
            entries_of_day: row.entries_of_day,
            unpacked_since: row.unpacked_since,
        }
    }
}
