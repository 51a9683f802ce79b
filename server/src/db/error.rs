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
