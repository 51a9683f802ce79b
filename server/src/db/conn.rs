//! One connection of either engine, and the macro that writes a transaction.

use rusqlite::Connection as SqliteConnection;
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres};

use super::readers::Lease;

/// A connection, either engine: a reader's, or the one of a write transaction.
pub enum Conn<'c> {
    /// SQLite's writer, on the writer's own thread.
    SqliteWriter(&'c mut SqliteConnection),
    /// One of SQLite's readers.
    SqliteReader(&'c mut Lease),
    /// PostgreSQL.
    Postgres(&'c mut PgConnection),
}

/// A connection for reading, given back to its pool when dropped.
pub enum Reader {
    /// SQLite.
    Sqlite(Lease),
    /// PostgreSQL.
    Postgres(PoolConnection<Postgres>),
}

impl Reader {
    /// The connection, for functions that take one.
    pub fn conn(&mut self) -> Conn<'_> {
        match self {
            Self::Sqlite(lease) => Conn::SqliteReader(lease),
            Self::Postgres(connection) => Conn::Postgres(connection),
        }
    }
}

/// `write!(db, |tx| { … })`: a transaction with `tx: &mut Conn`, as `Result<_, DbError>`; with another error type,
/// `write!(db, |tx| -> Result<T, E> { … })`. The block owns what it uses.
macro_rules! write_transaction {
    ($db:expr, |$tx:ident| $body:block) => {
        $crate::db::write!($db, |$tx| -> Result<_, $crate::db::DbError> $body)
    };
    ($db:expr, |$tx:ident| -> $result:ty $body:block) => {
        $db.write(move |mut connection| {
            Box::pin(async move {
                let $tx = &mut connection;
                let result: $result = async { $body }.await;
                result
            })
        })
        .await
    };
}

pub(crate) use write_transaction as write;
