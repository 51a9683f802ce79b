//! What a database can answer besides rows.

use std::sync::Arc;

use deadpool::managed::PoolError;
use rusqlite::{ErrorCode, ffi};

use crate::start_error::StartError;

/// Why a query or a transaction did not succeed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DbError {
    /// A row with this key stands already: an expected outcome for whoever raced.
    #[error("a row with this key exists already")]
    Unique,
    /// The row that was asked for does not exist.
    #[error("no such row")]
    Missing,
    /// No connection became free in time, or another process held the database too long.
    #[error("the database is busy")]
    Busy,
    /// The connection to the database is broken or refused: it restarts, or the network does.
    #[error("the database does not answer: {0}")]
    Away(Arc<Cause>),
    /// A value that no version of Gangway has written.
    #[error("the database holds a value that cannot be read: {0}")]
    Corrupt(&'static str),
    /// The writer has been closed, or the transaction was abandoned because its code panicked.
    #[error("the transaction was abandoned")]
    Abandoned,
    /// Anything else: a fault.
    #[error("{0}")]
    Other(Arc<Cause>),
}

/// What the engine's driver said.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// SQLite.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// PostgreSQL.
    #[error(transparent)]
    Postgres(#[from] sqlx::Error),
    /// The file itself.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// Ourselves: the server ends.
    #[error("it has been closed")]
    Closed,
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        let away = match &error {
            sqlx::Error::RowNotFound => return Self::Missing,
            sqlx::Error::PoolTimedOut => return Self::Busy,
            sqlx::Error::Database(database) if database.is_unique_violation() => return Self::Unique,
            sqlx::Error::Database(database) => is_away(&**database),
            sqlx::Error::Io(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => true,
            _ => false,
        };
        let cause = Arc::new(error.into());
        if away {
            Self::Away(cause)
        } else {
            Self::Other(cause)
        }
    }
}

impl From<DbError> for StartError {
    fn from(error: DbError) -> Self {
        Self::Database(format!("the database failed at start: {error}").into())
    }
}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> Self {
        // https://www.sqlite.org/rescode.html
        const UNIQUE: [i32; 2] = [ffi::SQLITE_CONSTRAINT_UNIQUE, ffi::SQLITE_CONSTRAINT_PRIMARYKEY];
        match &error {
            rusqlite::Error::SqliteFailure(failure, _) if UNIQUE.contains(&failure.extended_code) => {
                Self::Unique
            }
            rusqlite::Error::SqliteFailure(failure, _) if failure.code == ErrorCode::DatabaseBusy => {
                Self::Busy
            }
            _ => Self::Other(Arc::new(error.into())),
        }
    }
}

impl From<std::io::Error> for DbError {
    fn from(error: std::io::Error) -> Self {
        Self::Away(Arc::new(error.into()))
    }
}

impl From<PoolError<Self>> for DbError {
    fn from(error: PoolError<Self>) -> Self {
        match error {
            PoolError::Timeout(_) => Self::Busy,
            PoolError::Backend(error) => error,
            PoolError::Closed => Self::Away(Arc::new(Cause::Closed)),
            PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => Self::Abandoned,
        }
    }
}

/// A value that we wrote, read back; where it does not parse, the database holds what no version of Gangway has written.
///
/// # Errors
/// [`DbError::Corrupt`] naming `column`.
pub(super) fn parsed<T: std::str::FromStr>(text: &str, column: &'static str) -> Result<T, DbError> {
    text.parse().map_err(|_| DbError::Corrupt(column))
}

/// Shutting down, starting up, or out of connections: https://www.postgresql.org/docs/current/errcodes-appendix.html
fn is_away(error: &dyn sqlx::error::DatabaseError) -> bool {
    const AWAY: [&str; 4] = ["57P01", "57P02", "57P03", "53300"];
    error
        .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
        .is_some()
        && error.code().is_some_and(|code| AWAY.contains(&&*code))
}
