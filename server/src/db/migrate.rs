//! Brings the tables up to date at start, and refuses a database that a newer Gangway has written.

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgPool};

use super::DbError;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

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
    /// The database cannot be reached or says no.
    #[error("the database cannot be opened: {0}")]
    Db(#[from] DbError),
    /// A migration failed.
    #[error("the tables cannot be brought up to date: {0}")]
    Failed(MigrateError),
}

/// Migrates an SQLite database through a connection of its own.
pub(super) async fn sqlite(options: &SqliteConnectOptions) -> Result<(), MigrationError> {
    let mut connection = options.connect().await.map_err(DbError::from)?;
    let result = SQLITE.run(&mut connection).await;
    connection.close().await.map_err(DbError::from)?;
    result.map_err(|error| explain(&SQLITE, error))
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
        MigrateError::VersionMissing(database) if database > known => {
            MigrationError::Newer { database, known }
        }
        other => MigrationError::Failed(other),
    }
}
