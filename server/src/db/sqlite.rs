//! How connections to SQLite are opened.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use super::DbError;

/// Statements that a connection keeps compiled: more than there are different ones.
const COMPILED: usize = 256;
/// Rows of an index that are looked at for the planner: SQLite's own recommendation for a quick look.
const ANALYSIS_LIMIT: u32 = 400;
/// Pages that the writer keeps, as SQLite wants it written: 8 MiB. With its default of 2 MiB, fleets of ten thousand devices and
/// more made it spend most of its time reading pages again. Readers keep the default: each commit voids what they have.
const WRITER_CACHE: i64 = -8192;
/// Pages of the write-ahead log after which they are copied into the database: 16 MiB. A batch of transactions writes some
/// thousands; with SQLite's default of a thousand, each of them would be followed by a copy and its fsync, of pages that the
/// next one writes again.
const CHECKPOINT_AFTER: i64 = 4_096;
/// What the write-ahead log is cut back to after a checkpoint, in bytes: a burst must not occupy the disk for ever.
const WAL_LIMIT: i64 = 64 << 20;
/// How long SQLite waits for another process (the command line beside the server) to finish its transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The connection that writes.
pub(super) fn open_writer(file: &Path) -> Result<Connection, DbError> {
    let connection = open(file)?;
    connection.pragma_update(None, "cache_size", WRITER_CACHE)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_AFTER)?;
    // What a savepoint may have to undo is kept here: every transaction of a batch is one, and would write it to a file.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

/// A connection that refuses to write.
pub(super) fn open_reader(file: &Path) -> Result<Connection, DbError> {
    let connection = open(file)?;
    connection.pragma_update(None, "query_only", "ON")?;
    Ok(connection)
}

/// A table of the database in `file`, if it has some but not `expected`. Nothing is written, and no mode is set.
pub(super) fn first_table_without(file: &Path, expected: &str) -> Result<Option<String>, DbError> {
    // For writing, because a read-only connection would leave files beside a database in WAL mode.
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let found = connection
        .query_row(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND NOT EXISTS (
                 SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1) LIMIT 1",
            [expected],
            |row| row.get(0),
        )
        .optional()?;
    Ok(found)
}

fn open(file: &Path) -> Result<Connection, DbError> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(COMPILED);
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // FULL: an acknowledged certificate survives a power cut. Group commit pays for it.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "journal_size_limit", WAL_LIMIT)?;
    Ok(connection)
}

/// Closes the writer's connection. SQLite first looks at what its planner should know of the tables
/// (https://www.sqlite.org/lang_analyze.html).
pub(super) fn close_writer(connection: Connection) -> Result<(), DbError> {
    connection.pragma_update(None, "analysis_limit", ANALYSIS_LIMIT)?;
    connection.execute_batch("PRAGMA optimize")?;
    connection.close().map_err(|(_, error)| error.into())
}
