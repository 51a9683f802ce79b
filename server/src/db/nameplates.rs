//! Nameplates that are taken or rest: what a restarted server must not give to anybody else, and the key of `resume`
//! tokens.

use std::fmt::Write as _;

use gangway_protocol::code::Nameplate;
use gangway_protocol::time::UnixMillis;

use super::{Conn, DbError, assembled, parsed, query, row};

/// Rows of one statement: three parameters each, of 32,766 that SQLite allows.
const ROWS_PER_STATEMENT: usize = 1_000;

/// A nameplate that is not free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The nameplate.
    pub nameplate: Nameplate,
    /// When it was assigned; `None` when not even its own device may come back to it.
    pub epoch: Option<UnixMillis>,
    /// Until when nobody else gets it.
    pub rests_until: UnixMillis,
}

row! {
    struct Row {
        nameplate: String,
        epoch: Option<i64>,
        rests_until: i64,
    }
}

/// All that are not free at `now`.
///
/// # Errors
/// What the database says.
pub async fn all(conn: &mut Conn<'_>, now: UnixMillis) -> Result<Vec<Lease>, DbError> {
    let sql = "SELECT nameplate, epoch, rests_until FROM nameplates WHERE rests_until > $1";
    let rows: Vec<Row> = query(sql).bind(now.0).fetch_all(conn).await?;
    rows.into_iter()
        .map(|row| {
            Ok(Lease {
                nameplate: parsed(&row.nameplate, "nameplates.nameplate")?,
                epoch: row.epoch.map(UnixMillis),
                rests_until: UnixMillis(row.rests_until),
            })
        })
        .collect()
}

/// Writes down what has changed, in as few statements as possible. Each nameplate occurs once.
///
/// # Errors
/// What the database says.
pub async fn put(conn: &mut Conn<'_>, leases: &[Lease]) -> Result<(), DbError> {
    for leases in leases.chunks(ROWS_PER_STATEMENT) {
        let mut sql = "INSERT INTO nameplates (nameplate, epoch, rests_until) VALUES ".to_owned();
        for row in 0..leases.len() {
            let (comma, first) = (if row == 0 { "" } else { ", " }, 3 * row + 1);
            // Writing to a String cannot fail.
            let _ = write!(sql, "{comma}(${first}, ${}, ${})", first + 1, first + 2);
        }
        sql.push_str(
            " ON CONFLICT (nameplate) DO UPDATE SET epoch = excluded.epoch, rests_until = excluded.rests_until",
        );
        let mut query = assembled(sql);
        for lease in leases {
            query = query
                .bind(lease.nameplate.as_str())
                .bind(lease.epoch.map(|epoch| epoch.0))
                .bind(lease.rests_until.0);
        }
        query.execute(conn).await?;
    }
    Ok(())
}

/// Forgets those whose rest is over.
///
/// # Errors
/// What the database says.
pub async fn forget_rested(conn: &mut Conn<'_>, now: UnixMillis) -> Result<u64, DbError> {
    query("DELETE FROM nameplates WHERE rests_until <= $1")
        .bind(now.0)
        .execute(conn)
        .await
}
