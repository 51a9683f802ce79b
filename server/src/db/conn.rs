//! One connection of either engine, and the macros that run a query on it.

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres, Sqlite, SqliteConnection};

/// A connection, either engine: a reader's, or the one of a write transaction.
pub enum Conn<'c> {
    /// SQLite.
    Sqlite(&'c mut SqliteConnection),
    /// PostgreSQL.
    Postgres(&'c mut PgConnection),
}

/// A connection for reading, given back to its pool when dropped.
pub enum Reader {
    /// SQLite.
    Sqlite(PoolConnection<Sqlite>),
    /// PostgreSQL.
    Postgres(PoolConnection<Postgres>),
}

impl Reader {
    /// The connection, for functions that take one.
    pub fn conn(&mut self) -> Conn<'_> {
        match self {
            Self::Sqlite(connection) => Conn::Sqlite(connection),
            Self::Postgres(connection) => Conn::Postgres(connection),
        }
    }
}

/// `on!(conn, |c| query.fetch_one(c).await)`: one query on a `&mut Conn`, as `Result<_, DbError>`.
macro_rules! on {
    ($conn:expr, |$c:ident| $query:expr) => {
        match &mut *$conn {
            $crate::db::Conn::Sqlite(connection) => {
                let $c: &mut sqlx::SqliteConnection = connection;
                ($query).map_err($crate::db::DbError::from)
            }
            $crate::db::Conn::Postgres(connection) => {
                let $c: &mut sqlx::PgConnection = connection;
                ($query).map_err($crate::db::DbError::from)
            }
        }
    };
}

/// `execute!(conn, query)`: one statement on a `&mut Conn`, as `Result<u64, DbError>`: how many rows it touched.
macro_rules! execute {
    ($conn:expr, $query:expr) => {
        $crate::db::on!($conn, |c| $query
            .execute(c)
            .await
            .map(|done| done.rows_affected()))
    };
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

pub(crate) use {execute, on, write_transaction as write};
