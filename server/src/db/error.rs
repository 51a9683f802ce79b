//! What a database can answer besides rows.

use std::sync::Arc;

use deadpool::managed::PoolError;
use rusqlite::{ErrorCode, ffi};

use super::server_epoch::ANOTHER_EPOCH;
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
    /// The disk of the database is full.
    #[error("the disk of the database is full: {0}")]
    Full(Arc<Cause>),
    /// It can be read and not written: a standby, or a failover is under way.
    #[error("the database is read-only: it is a standby, or a failover is under way")]
    ReadOnly,
    /// This server has lost its place at the database, and another has taken it or may have.
    #[error("this server's lock on the database was lost")]
    Fenced,
    /// A text with the character NUL, which PostgreSQL cannot hold and SQLite does not compare as people expect.
    #[error("a text holds the character NUL, which cannot be stored")]
    Nul,
    /// PostgreSQL ended the transaction because of another one, again and again.
    #[error("the transaction was ended because of others: {0}")]
    Conflict(Arc<Cause>),
    /// PostgreSQL does not let this program in.
    #[error(
        "PostgreSQL lets nobody in with this database_url: check its user, password and database. PostgreSQL says: {}",
        .0.said()
    )]
    Rejected(Arc<Cause>),
    /// PostgreSQL lets this program in, and not do its work.
    #[error(
        "the user that database_url names may not do this in the database: make that user the database's owner (ALTER DATABASE \
         … OWNER TO …), or let it use the schema and make tables there (GRANT CREATE, USAGE ON SCHEMA public TO …). PostgreSQL \
         says: {}",
        .0.said()
    )]
    Denied(Arc<Cause>),
    /// A table, a column or a function is missing that the migrations have made.
    #[error(
        "the tables in the database are not those that this version of Gangway works with: they were changed by hand or restored \
         in part, or they are another program's. Restore a backup, or give Gangway a database of its own. PostgreSQL says: {}",
        .0.said()
    )]
    Tables(Arc<Cause>),
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
    /// It took longer than anything takes that works.
    #[error("nothing was heard from it in time")]
    Silence,
    /// Ourselves: the server ends.
    #[error("it has been closed")]
    Closed,
}

impl Cause {
    /// Its words, without those that the driver puts around them.
    pub(super) fn said(&self) -> String {
        match self {
            Self::Postgres(sqlx::Error::Database(error)) => error.message().to_owned(),
            other => other.to_string(),
        }
    }
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        let kind = match &error {
            sqlx::Error::RowNotFound => return Self::Missing,
            sqlx::Error::PoolTimedOut => return Self::Busy,
            sqlx::Error::Database(database) if database.is_unique_violation() => return Self::Unique,
            sqlx::Error::Database(database) if database.code().as_deref() == Some("25006") => {
                return Self::ReadOnly;
            }
            sqlx::Error::Database(database) if database.code().as_deref() == Some(ANOTHER_EPOCH) => {
                return Self::Fenced;
            }
            sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::ReadOnlyFilesystem => {
                return Self::ReadOnly;
            }
            sqlx::Error::Database(database) => kind_of(database.code().as_deref().unwrap_or_default()),
            sqlx::Error::Io(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Away,
            _ => Self::Other,
        };
        kind(Arc::new(error.into()))
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
            rusqlite::Error::SqliteFailure(failure, _) => {
                let kind = match failure.code {
                    ErrorCode::DiskFull => Self::Full,
                    // The file system went away, or became read-only, under a database that was opened for writing.
                    ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::ReadOnly
                        if failure.extended_code != ffi::SQLITE_READONLY =>
                    {
                        Self::Away
                    }
                    _ => Self::Other,
                };
                kind(Arc::new(error.into()))
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

/// What a code of PostgreSQL's means to us: https://www.postgresql.org/docs/current/errcodes-appendix.html
fn kind_of(code: &str) -> fn(Arc<Cause>) -> DbError {
    match code {
        // Serialization failure, deadlock.
        "40001" | "40P01" => DbError::Conflict,
        "53100" => DbError::Full,
        // Wrong password, no entry in pg_hba.conf, no such database.
        "28P01" | "28000" | "3D000" => DbError::Rejected,
        "42501" => DbError::Denied,
        // No such table, column, function or schema.
        "42P01" | "42703" | "42883" | "3F000" => DbError::Tables,
        // Shutting down, killed by an operator, starting up; out of connections.
        "57P01" | "57P02" | "57P03" | "53300" => DbError::Away,
        // 08: the connection is broken.
        code if code.starts_with("08") => DbError::Away,
        _ => DbError::Other,
    }
}
