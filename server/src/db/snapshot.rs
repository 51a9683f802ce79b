//! Whole copies of an SQLite database: made while a server writes to it, checked before they are put back.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use super::DbError;

/// How long a copy waits for a writer. Group commits take milliseconds.
const WAIT: Duration = Duration::from_secs(10);

/// Writes a consistent copy of the database in `file` to `copy`, which must be empty.
///
/// # Errors
/// What SQLite says.
pub async fn copy(file: &Path, copy: &Path) -> Result<(), DbError> {
    let mut connection = open(file, WAIT).await?;
    // One read transaction, and a file without free pages: https://www.sqlite.org/lang_vacuum.html#vacuuminto
    let copied = sqlx::query("VACUUM INTO $1")
        .bind(copy.to_string_lossy().into_owned())
        .execute(&mut connection)
        .await;
    connection.close().await?;
    copied?;
    Ok(())
}

/// Whether the copy of a database in `file` is whole. Nobody writes to it, and neither does this: it may be on a medium
/// that cannot be written.
///
/// # Errors
/// What SQLite says; [`DbError::Corrupt`] when it is damaged.
pub async fn check(file: &Path) -> Result<(), DbError> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .immutable(true)
        .read_only(true);
    let mut connection = options.connect().await?;
    let verdict: Result<(String,), _> = sqlx::query_as("PRAGMA integrity_check")
        .fetch_one(&mut connection)
        .await;
    connection.close().await?;
    match verdict?.0.as_str() {
        "ok" => Ok(()),
        _ => Err(DbError::Corrupt("SQLite's integrity check")),
    }
}

/// Whether another process has the database in `file` open.
///
/// # Errors
/// What SQLite says.
pub async fn is_in_use(file: &Path) -> Result<bool, DbError> {
    // In WAL mode every open connection holds a shared lock that an exclusive one cannot pass:
    // https://www.sqlite.org/pragma.html#pragma_locking_mode
    let mut connection = open(file, Duration::ZERO).await?;
    sqlx::query("PRAGMA locking_mode = EXCLUSIVE")
        .execute(&mut connection)
        .await?;
    let alone = sqlx::query("BEGIN EXCLUSIVE")
        .execute(&mut connection)
        .await
        .map_err(DbError::from);
    let in_use = match alone {
        Ok(_) => false,
        Err(DbError::Busy) => true,
        Err(other) => return Err(other),
    };
    connection.close().await?;
    Ok(in_use)
}

async fn open(file: &Path, busy_timeout: Duration) -> Result<SqliteConnection, DbError> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(busy_timeout);
    Ok(options.connect().await?)
}
