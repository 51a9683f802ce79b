//! One connection of either engine.

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
