//! Nameplates that are taken or rest: what a restarted server must not give to anybody else, and the key of `resume`
//! tokens.

use gangway_protocol::code::Nameplate;
use gangway_protocol::time::UnixMillis;

use super::many::execute_many;
use super::{Conn, DbError, parsed, query, row};

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

/// Writes down what has changed, in one statement where that is faster. Each nameplate occurs once.
///
/// # Errors
/// What the database says.
pub async fn put(conn: &mut Conn<'_>, leases: &[Lease]) -> Result<(), DbError> {
    let rows = leases.iter().map(|lease| {
        [
            lease.nameplate.as_str().into(),
            lease.epoch.map(|epoch| epoch.0).into(),
            lease.rests_until.0.into(),
        ]
    });
    execute_many(conn, PUT_ONE, PUT_ALL, rows.collect()).await
}

const PUT_ONE: &str = "INSERT INTO nameplates (nameplate, epoch, rests_until) VALUES ($1, $2, $3)
    ON CONFLICT (nameplate) DO UPDATE SET epoch = excluded.epoch, rests_until = excluded.rests_until";
const PUT_ALL: &str = "INSERT INTO nameplates (nameplate, epoch, rests_until)
    SELECT * FROM UNNEST($1::TEXT[], $2::BIGINT[], $3::BIGINT[])
    ON CONFLICT (nameplate) DO UPDATE SET epoch = excluded.epoch, rests_until = excluded.rests_until";

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
