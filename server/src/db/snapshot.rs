//! Whole copies of an SQLite database: made while a server writes to it, checked before they are put back.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::DbError;

/// How long a copy waits for a writer. Group commits take milliseconds.
const WAIT: Duration = Duration::from_secs(10);

/// Writes a consistent copy of the database in `file` to `copy`, which must be empty.
///
/// # Errors
/// What SQLite says.
pub fn copy(file: &Path, copy: &Path) -> Result<(), DbError> {
    // One read transaction, and a file without free pages: https://www.sqlite.org/lang_vacuum.html#vacuuminto
    open(file, WAIT)?.execute("VACUUM INTO ?1", [copy.to_string_lossy()])?;
    Ok(())
}

/// Whether the copy of a database in `file` is whole. Nobody writes to it, and neither does this: it may be on a medium
/// that cannot be written.
///
/// # Errors
/// What SQLite says; [`DbError::Corrupt`] when it is damaged.
pub fn check(file: &Path) -> Result<(), DbError> {
    let verdict: String = open_still(file)?.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    match verdict.as_str() {
        "ok" => Ok(()),
        _ => Err(DbError::Corrupt("SQLite's integrity check")),
    }
}

/// Whether the whole database in `file` has tables of ours. An empty file is a whole database to SQLite.
///
/// # Errors
/// What SQLite says.
pub fn is_ours(file: &Path) -> Result<bool, DbError> {
    let tables: i64 = open_still(file)?.query_row(
        "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('_sqlx_migrations', 'issuers', 'audit')",
        [],
        |row| row.get(0),
    )?;
    Ok(tables == 3)
}

/// Opens a file to which nobody writes.
fn open_still(file: &Path) -> Result<Connection, DbError> {
    // https://www.sqlite.org/uri.html
    let path = file
        .to_string_lossy()
        .replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23");
    Ok(Connection::open_with_flags(
        format!("file:{path}?immutable=1"),
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI,
    )?)
}

/// Whether another process has the database in `file` open.
///
/// # Errors
/// What SQLite says.
pub fn is_in_use(file: &Path) -> Result<bool, DbError> {
    // In WAL mode every open connection holds a shared lock that an exclusive one cannot pass:
    // https://www.sqlite.org/pragma.html#pragma_locking_mode
    let connection = open(file, Duration::ZERO)?;
    let alone = connection
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE")
        .map_err(DbError::from);
    match alone {
        Ok(()) => Ok(false),
        Err(DbError::Busy) => Ok(true),
        Err(other) => Err(other),
    }
}

fn open(file: &Path, busy_timeout: Duration) -> Result<Connection, DbError> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(busy_timeout)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    Ok(connection)
}
