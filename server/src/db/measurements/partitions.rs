//! Partitions of the packed measurements on PostgreSQL: one for each thirty days, made when something of it is written, dropped
//! when the last of it is too old. SQLite has none: it deletes rows, an hour of a channel each.

use super::Level;
use crate::db::conn::Link;
use crate::db::{Conn, DbError, assembled, query};

/// Hours of a partition.
const HOURS: i64 = 720;
/// Days of a partition.
const DAYS: i64 = 30;

impl Level {
    fn table(self) -> &'static str {
        match self {
            Self::Blocks => "measurement_blocks",
            Self::Minutes => "measurement_minutes",
            Self::Hours => "measurement_hours",
        }
    }

    /// How many places a partition has.
    fn width(self) -> i64 {
        match self {
            Self::Blocks | Self::Minutes => HOURS,
            Self::Hours => DAYS,
        }
    }
}

/// Makes the partition of a place where there is none.
pub(super) async fn ensure(conn: &mut Conn<'_>, level: Level, place: i64) -> Result<(), DbError> {
    let Link::Postgres(_) = conn.link else {
        return Ok(());
    };
    let (table, width) = (level.table(), level.width());
    let number = place.div_euclid(width);
    let name = name(table, number);
    let there: Option<(bool,)> = query("SELECT TRUE FROM pg_class WHERE oid = to_regclass($1)")
        .bind(&name)
        .fetch_optional(conn)
        .await?;
    if there.is_none() {
        let (first, next) = (number * width, (number + 1) * width);
        assembled(format!(
            "CREATE TABLE IF NOT EXISTS {name} PARTITION OF {table} FOR VALUES FROM ({first}) TO ({next})"
        ))
        .execute(conn)
        .await?;
    }
    Ok(())
}

/// Drops the partitions whose last place is before `oldest`. One that still holds entries is left until their minutes are made.
///
/// # Errors
/// What the database says.
pub async fn drop_before(conn: &mut Conn<'_>, level: Level, oldest: i64) -> Result<(), DbError> {
    let Link::Postgres(_) = conn.link else {
        return Ok(());
    };
    let table = level.table();
    let before = oldest.div_euclid(level.width());
    for name in of_table(conn, table).await? {
        let number = name
            .rsplit_once("_p")
            .and_then(|(_, number)| number.parse::<i64>().ok());
        if number.is_none_or(|number| number >= before) {
            continue;
        }
        if level != Level::Blocks || is_empty(conn, &name).await? {
            assembled(format!("DROP TABLE IF EXISTS {name}"))
                .execute(conn)
                .await?;
        }
    }
    Ok(())
}

async fn of_table(conn: &mut Conn<'_>, table: &str) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String,)> = query(
        "SELECT CAST(c.relname AS TEXT) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
             WHERE i.inhparent = to_regclass($1) ORDER BY c.relname",
    )
    .bind(table)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

async fn is_empty(conn: &mut Conn<'_>, name: &str) -> Result<bool, DbError> {
    let first: Option<(bool,)> = assembled(format!("SELECT TRUE FROM {name} LIMIT 1"))
        .fetch_optional(conn)
        .await?;
    Ok(first.is_none())
}

fn name(table: &str, number: i64) -> String {
    format!("{table}_p{number}")
}
