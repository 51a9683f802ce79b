//! Brings the tables up to date at start, and refuses a database that a newer Gangway has written.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Instant;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use sqlx::PgPool;
use sqlx::migrate::{MigrateError, Migration, Migrator};

use super::{DbError, sqlite};
use crate::start_error::StartError;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
/// Those of the file with the measurements.
static MEASUREMENTS: Migrator = sqlx::migrate!("migrations/measurements");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");
/// Where it stands which migrations were applied.
const MIGRATIONS: &str = "_sqlx_migrations";
/// Gangway counts its migrations from 1; other programs number theirs like 20260131123000.
const BY_DATE: i64 = 1_000_000;

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// A newer version has changed its tables in ways that this one does not know.
    #[error(
        "this database was written by a newer version of Gangway (its tables are at version {database}, this program knows {known}). Start that newer version, or restore a backup made before the upgrade"
    )]
    Newer {
        /// The version found.
        database: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// Another program's tables, or its own list of migrations.
    #[error(
        "this database is another program's: give Gangway one of its own, in PostgreSQL with CREATE DATABASE gangway and its name in \
         database_url, otherwise with another data_dir. What is there already: {0}"
    )]
    Foreign(String),
    /// A migration of ours is not what it was.
    #[error(
        "this database was written by a version of Gangway that was never released, or by another program (migration {0} is not \
         the one that this program knows). Start the program that wrote it, or restore a backup"
    )]
    Altered(i64),
    /// The database cannot be reached or says no.
    #[error("the database cannot be opened: {0}")]
    Db(#[from] DbError),
    /// A migration failed. Each runs in a transaction of its own.
    #[error(
        "the tables cannot be brought up to date: migration {version} failed. Nothing of it was kept, the database is as the \
         version before left it, and the next start tries again. {cause}"
    )]
    Failed {
        /// Which one.
        version: i64,
        /// Why.
        cause: DbError,
    },
    /// Anything else of sqlx's migrator.
    #[error("the tables cannot be brought up to date: {0}")]
    Migrator(MigrateError),
}

impl From<MigrationError> for StartError {
    fn from(error: MigrationError) -> Self {
        Self::Database(Box::new(error))
    }
}

/// Refuses a file with tables but without our list of migrations, before anything about it is changed: another program's.
pub(super) fn refuse_foreign(file: &Path) -> Result<(), MigrationError> {
    // A file that may not be opened is told in the system's words, which say why.
    let found = match File::options().append(true).open(file) {
        Ok(found) => found.metadata().map_err(DbError::from)?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(DbError::from(error).into()),
    };
    if found.len() == 0 {
        return Ok(());
    }
    match sqlite::first_table_without(file, MIGRATIONS)? {
        Some(table) => Err(MigrationError::Foreign(format!(
            "the table {table} in {}",
            file.display()
        ))),
        None => Ok(()),
    }
}

/// Migrates the SQLite database in `file`, in one transaction. What was applied stands in the table that sqlx keeps on
/// PostgreSQL, with the same rules: only versions behind the newest are applied, and none may have changed since.
pub(super) fn sqlite(file: &Path) -> Result<(), MigrationError> {
    migrate(file, &SQLITE)
}

/// Migrates the file with the measurements, as [`sqlite`].
pub(super) fn measurements(file: &Path) -> Result<(), MigrationError> {
    migrate(file, &MEASUREMENTS)
}

fn migrate(file: &Path, migrator: &'static Migrator) -> Result<(), MigrationError> {
    let mut connection = sqlite::open_writer(file)?;
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(DbError::from)?;
    let applied = applied(&transaction).map_err(DbError::from)?;
    let known = || migrator.iter();
    for (version, checksum) in &applied {
        match known().find(|migration| migration.version == *version) {
            None => return Err(explain(migrator, MigrateError::VersionMissing(*version))),
            Some(migration) if *migration.checksum != **checksum => {
                return Err(explain(migrator, MigrateError::VersionMismatch(*version)));
            }
            Some(_) => {}
        }
    }
    let newest = applied.last().map(|(version, _)| *version);
    for migration in known().filter(|migration| Some(migration.version) > newest) {
        apply(&transaction, migration).map_err(DbError::from)?;
    }
    transaction.commit().map_err(DbError::from)?;
    connection.close().map_err(|(_, error)| DbError::from(error))?;
    Ok(())
}

/// Versions and checksums of what was applied, oldest first.
fn applied(connection: &Connection) -> rusqlite::Result<Vec<(i64, Vec<u8>)>> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS _sqlx_migrations (
             version BIGINT PRIMARY KEY,
             description TEXT NOT NULL,
             installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
             success BOOLEAN NOT NULL,
             checksum BLOB NOT NULL,
             execution_time BIGINT NOT NULL
         )",
    )?;
    connection
        .prepare("SELECT version, CAST(checksum AS BLOB) FROM _sqlx_migrations ORDER BY version")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

fn apply(transaction: &Transaction<'_>, migration: &Migration) -> rusqlite::Result<()> {
    let started = Instant::now();
    transaction.execute_batch(migration.sql.as_str())?;
    let nanos = i64::try_from(started.elapsed().as_nanos()).unwrap_or(i64::MAX);
    transaction.execute(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (?1, ?2, TRUE, ?3, ?4)",
        params![
            migration.version,
            migration.description,
            migration.checksum,
            nanos
        ],
    )?;
    Ok(())
}

/// Migrates a PostgreSQL database; nodes that start together wait for each other on an advisory lock.
pub(super) async fn postgres(pool: &PgPool) -> Result<(), MigrationError> {
    POSTGRES
        .run(pool)
        .await
        .map_err(|error| explain(&POSTGRES, error))
}

fn explain(migrator: &Migrator, error: MigrateError) -> MigrationError {
    let known = migrator
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or_default();
    match error {
        // sqlx's command line numbers the migrations of most programs by date and time.
        MigrateError::VersionMissing(database) if !(known..BY_DATE).contains(&database) => {
            MigrationError::Foreign(format!("a migration with the number {database}"))
        }
        MigrateError::VersionMissing(database) => MigrationError::Newer { database, known },
        MigrateError::VersionMismatch(version) => MigrationError::Altered(version),
        MigrateError::Execute(error) => MigrationError::Db(error.into()),
        MigrateError::ExecuteMigration(error, version) => failed(error, version),
        other => MigrationError::Migrator(other),
    }
}

/// Why a migration failed. Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
fn failed(error: sqlx::Error, version: i64) -> MigrationError {
    // A table, a function, a schema or an object of another kind stands already.
    const STANDS: [&str; 4] = ["42P07", "42723", "42P06", "42710"];
    if let Some(found) = error.as_database_error()
        && found.code().is_some_and(|code| STANDS.contains(&&*code))
    {
        return MigrationError::Foreign(found.message().to_owned());
    }
    match DbError::from(error) {
        cause @ DbError::Denied(_) => MigrationError::Db(cause),
        cause => MigrationError::Failed { version, cause },
    }
}

#[cfg(test)]
mod tests;
