//! Spans of a channel, read from all tables at one moment.

use super::Level;
use crate::db::query::Query;
use crate::db::{Conn, DbError, query, row};

/// A stored piece of a span, of one of the tables.
#[derive(Clone, Debug)]
pub struct Found {
    /// Where it was found; `None`: among the arrivals.
    pub level: Option<Level>,
    /// The hour, the day, or for an arrival its time.
    pub place: i64,
    /// An arrival's number.
    pub entry: i64,
    /// Its bytes.
    pub data: Vec<u8>,
}

/// A span of a channel.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// The channel.
    pub channel: i64,
    /// From this instant on.
    pub from: i64,
    /// Before this one.
    pub until: i64,
}

impl Span {
    /// The first and the last piece of so many milliseconds in which something of the span may be.
    fn places(self, width: i64) -> (i64, i64) {
        let last = self.until.saturating_sub(1).div_euclid(width);
        (self.from.div_euclid(width), last)
    }
}

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// What is asked of a span and of the pieces of this width in which something of it may be.
fn over(span: Span, width: i64, sql: &'static str) -> Query {
    let (first, last) = span.places(width);
    query(sql)
        .bind(span.channel)
        .bind(span.from)
        .bind(span.until)
        .bind(first)
        .bind(last)
}

/// Entries of a span, packed and not: of one moment, so that what is packed meanwhile is neither missed nor found twice.
///
/// # Errors
/// What the database says.
pub async fn entries(conn: &mut Conn<'_>, span: Span) -> Result<Vec<Found>, DbError> {
    let found: Vec<FoundRow> = over(
        span,
        HOUR,
        "SELECT CAST(0 AS BIGINT) AS kind, at AS place, entry, data FROM measurement_arrivals
             WHERE channel = $1 AND at >= $2 AND at < $3
         UNION ALL SELECT CAST(1 AS BIGINT), hour, CAST(0 AS BIGINT), data FROM measurement_blocks
             WHERE channel = $1 AND hour >= $4 AND hour <= $5",
    )
    .fetch_all(conn)
    .await?;
    Ok(found.into_iter().map(Found::from).collect())
}

/// As [`entries`], and the minutes of hours whose entries are not kept any more.
///
/// # Errors
/// What the database says.
pub async fn minutes(conn: &mut Conn<'_>, span: Span) -> Result<Vec<Found>, DbError> {
    let found: Vec<FoundRow> = over(
        span,
        HOUR,
        "SELECT CAST(0 AS BIGINT) AS kind, at AS place, entry, data FROM measurement_arrivals
             WHERE channel = $1 AND at >= $2 AND at < $3
         UNION ALL SELECT CAST(1 AS BIGINT), hour, CAST(0 AS BIGINT), data FROM measurement_blocks
             WHERE channel = $1 AND hour >= $4 AND hour <= $5
         UNION ALL SELECT CAST(2 AS BIGINT), hour, CAST(0 AS BIGINT), data FROM measurement_minutes
             WHERE channel = $1 AND hour >= $4 AND hour <= $5",
    )
    .fetch_all(conn)
    .await?;
    Ok(found.into_iter().map(Found::from).collect())
}

/// Hours of a span, and the entries that are in none yet.
///
/// # Errors
/// What the database says.
pub async fn hours(conn: &mut Conn<'_>, span: Span) -> Result<Vec<Found>, DbError> {
    let found: Vec<FoundRow> = over(
        span,
        DAY,
        "SELECT CAST(0 AS BIGINT) AS kind, at AS place, entry, data FROM measurement_arrivals
             WHERE channel = $1 AND at >= $2 AND at < $3
         UNION ALL SELECT CAST(3 AS BIGINT), day, CAST(0 AS BIGINT), data FROM measurement_hours
             WHERE channel = $1 AND day >= $4 AND day <= $5",
    )
    .fetch_all(conn)
    .await?;
    Ok(found.into_iter().map(Found::from).collect())
}

/// The newest arrivals and packed hours of a channel: at most so many of each, from before an instant.
///
/// # Errors
/// What the database says.
pub async fn newest(
    conn: &mut Conn<'_>,
    span: Span,
    arrivals: i64,
    blocks: i64,
) -> Result<Vec<Found>, DbError> {
    let (first, last) = span.places(HOUR);
    let rows: Vec<FoundRow> = query(
        "SELECT * FROM (SELECT CAST(0 AS BIGINT) AS kind, at AS place, entry, data FROM measurement_arrivals
             WHERE channel = $1 AND at >= $2 AND at < $3 ORDER BY at DESC LIMIT $4) AS arrived
         UNION ALL SELECT * FROM (SELECT CAST(1 AS BIGINT), hour, CAST(0 AS BIGINT), data FROM measurement_blocks
             WHERE channel = $1 AND hour >= $5 AND hour <= $6 ORDER BY hour DESC LIMIT $7) AS packed",
    )
    .bind(span.channel)
    .bind(span.from)
    .bind(span.until)
    .bind(arrivals)
    .bind(first)
    .bind(last)
    .bind(blocks)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Found::from).collect())
}

/// Remarks of a span with their times, oldest first.
///
/// # Errors
/// What the database says.
pub async fn remarks(conn: &mut Conn<'_>, span: Span) -> Result<Vec<(i64, String)>, DbError> {
    query(
        "SELECT at, remark FROM measurement_remarks WHERE channel = $1 AND at >= $2 AND at < $3 ORDER BY at",
    )
    .bind(span.channel)
    .bind(span.from)
    .bind(span.until)
    .fetch_all(conn)
    .await
}

row! {
    struct FoundRow {
        kind: i64,
        place: i64,
        entry: i64,
        data: Vec<u8>,
    }
}

impl From<FoundRow> for Found {
    fn from(row: FoundRow) -> Self {
        Self {
            level: match row.kind {
                1 => Some(Level::Blocks),
                2 => Some(Level::Minutes),
                3 => Some(Level::Hours),
                _ => None,
            },
            place: row.place,
            entry: row.entry,
            data: row.data,
        }
    }
}
