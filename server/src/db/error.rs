//! What a database can answer besides rows.

use std::sync::Arc;

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
    Away(Arc<sqlx::Error>),
    /// A value that no version of Gangway has written.
    #[error("the database holds a value that cannot be read: {0}")]
    Corrupt(&'static str),
    /// The writer has been closed, or the transaction was abandoned because its code panicked.
    #[error("the transaction was abandoned")]
    Abandoned,
    /// Anything else: a fault.
    #[error("{0}")]
    Other(Arc<sqlx::Error>),
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::RowNotFound => Self::Missing,
            sqlx::Error::PoolTimedOut => Self::Busy,
            sqlx::Error::Database(database) if database.is_unique_violation() => Self::Unique,
            // SQLITE_BUSY (5) with its extended codes (low byte 5): https://www.sqlite.org/rescode.html
            sqlx::Error::Database(database) if is_sqlite_busy(&**database) => Self::Busy,
            sqlx::Error::Io(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                Self::Away(Arc::new(error))
            }
            sqlx::Error::Database(database) if is_postgres_away(&**database) => Self::Away(Arc::new(error)),
            _ => Self::Other(Arc::new(error)),
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

fn is_sqlite_busy(error: &dyn sqlx::error::DatabaseError) -> bool {
    error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some()
        && error
            .code()
            .and_then(|code| code.parse::<u32>().ok())
            .is_some_and(|code| code & 0xff == 5)
}

/// Shutting down, starting up, or out of connections: https://www.postgresql.org/docs/current/errcodes-appendix.html
fn is_postgres_away(error: &dyn sqlx::error::DatabaseError) -> bool {
    const AWAY: [&str; 4] = ["57P01", "57P02", "57P03", "53300"];
    error
        .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
        .is_some()
        && error.code().is_some_and(|code| AWAY.contains(&&*code))
}
