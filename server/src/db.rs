//! The database: SQLite or PostgreSQL behind one set of queries in portable SQL.
//!
//! A query is one string with `$1` parameters, TEXT, BIGINT and BOOLEAN ([`query`]); rows become structs or tuples ([`FromRow`]).
//! Functions take a [`Conn`], so that they compose inside one transaction:
//!
//! 1. [`Db::reader`] gives a connection to read with; `query("SELECT …").bind(id).fetch_one(conn).await` runs one query on it.
//! 2. `write!(db, |tx| { … })` runs a transaction. On SQLite it joins a group commit ([`writer`]): `Ok` is returned only
//!    after the commit has reached the disk. An `Err` rolls back what this transaction did, and nothing else.
//!
//! Rows stay private to the modules below; what leaves them are wire types and ids.

mod conn;
mod error;
mod migrate;
#[cfg(test)]
mod plans;
mod query;
mod readers;
mod row;
mod secret_hash;
mod sqlite;
mod transaction;
mod writer;

pub mod accounts;
pub mod approvals;
pub mod audit;
pub mod ceremonies;
pub mod certificates;
pub mod device_keys;
pub mod devices;
pub mod fleet;
pub mod held;
pub mod idempotency;
pub mod issuers;
pub mod like;
pub mod links;
pub mod memberships;
pub mod nameplates;
pub mod organisations;
pub mod passkeys;
pub mod presence;
pub mod recovery_codes;
pub mod rules;
pub mod settings;
pub mod sign_ins;
pub mod signers;
pub mod snapshot;
pub mod tokens;

use std::path::Path;
use std::time::Duration;

use deadpool::Runtime;
use futures_util::future::BoxFuture;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, PgPool};

pub use conn::{Conn, Reader};
use error::parsed;
pub use error::{Cause, DbError};
pub use migrate::MigrationError;
pub use query::{Query, Value, assembled, query};
use readers::{Lease, OpenReader, Readers};
use row::row;
pub use row::{Cell, FromRow, Row};
pub use secret_hash::SecretHash;
pub(crate) use transaction::write;
use writer::Writer;

/// Readers of SQLite: each has its own page cache, and reads are short.
const SQLITE_READERS: usize = 4;
/// Connections to PostgreSQL: a small multiple of the cores of a small database server.
const POSTGRES_CONNECTIONS: u32 = 16;
/// How long a request waits for a connection before it is told that the server is busy.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// The database, either engine. Cheap to clone.
#[derive(Clone)]
pub enum Db {
    /// Embedded: readers, and one writer that commits in groups.
    Sqlite {
        /// Connections that can only read.
        readers: Readers,
        /// The one connection that writes.
        writer: Writer,
    },
    /// A server that several nodes may share.
    Postgres(PgPool),
}

impl Db {
    /// Opens the SQLite database in `file`, making it where there is none, and brings its tables up to date.
    ///
    /// # Errors
    /// [`MigrationError::Newer`] when a newer Gangway has written it; otherwise what the database says.
    pub async fn open_sqlite(file: &Path) -> Result<Self, MigrationError> {
        make_private(file)?;
        let path = file.to_owned();
        blocking(move || migrate::sqlite(&path)).await??;
        let writer = Writer::start(file).await?;
        let readers = Readers::builder(OpenReader(file.to_owned()))
            .max_size(SQLITE_READERS)
            .wait_timeout(Some(ACQUIRE_TIMEOUT))
            .runtime(Runtime::Tokio1)
            .build()
            // Only where timeouts have no runtime.
            .map_err(|_| DbError::Abandoned)?;
        Ok(Self::Sqlite { readers, writer })
    }

    /// Connects to the PostgreSQL database at `url` and brings its tables up to date.
    ///
    /// # Errors
    /// [`MigrationError::Newer`] when a newer Gangway has written it; otherwise what the database says.
    pub async fn open_postgres(url: &str) -> Result<Self, MigrationError> {
        let options: PgConnectOptions = url.parse().map_err(DbError::from)?;
        let options = options.application_name("gangway");
        let pool = PgPoolOptions::new()
            .max_connections(POSTGRES_CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options.clone())
            .await;
        let pool = match pool {
            Err(sqlx::Error::PoolTimedOut) => return Err(why_unreachable(&options).await.into()),
            other => other.map_err(DbError::from)?,
        };
        migrate::postgres(&pool).await?;
        Ok(Self::Postgres(pool))
    }

    /// A connection to read with. Never write through it: on SQLite it refuses.
    ///
    /// # Errors
    /// [`DbError::Busy`] when none becomes free in time.
    pub async fn reader(&self) -> Result<Reader, DbError> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Reader::Sqlite(Lease::new(readers.get().await?)),
            Self::Postgres(pool) => Reader::Postgres(pool.acquire().await?),
        })
    }

    /// Runs `work` in a transaction of its own; `write!` writes the call more briefly.
    ///
    /// # Errors
    /// What `work` says, which rolls back; or [`DbError`] when the transaction cannot begin or commit.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: for<'c> FnOnce(Conn<'c>) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
    {
        match self {
            Self::Sqlite { writer, .. } => writer.run(work).await,
            Self::Postgres(pool) => {
                let mut transaction = pool.begin().await.map_err(DbError::from)?;
                let value = work(Conn::Postgres(&mut transaction)).await?;
                transaction.commit().await.map_err(DbError::from)?;
                Ok(value)
            }
        }
    }

    /// Finishes what is queued and closes every connection.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { readers, writer } => {
                readers.close();
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// The pool has tried for a while and does not say why it failed; one more try tells.
async fn why_unreachable(options: &PgConnectOptions) -> DbError {
    match tokio::time::timeout(ACQUIRE_TIMEOUT, options.connect()).await {
        Ok(Err(error)) => error.into(),
        Ok(Ok(_)) | Err(_) => DbError::Busy,
    }
}

/// Runs what may block. Fails when it panics.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, DbError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| DbError::Abandoned)
}

/// Makes the file where there is none, for its owner's eyes only; SQLite gives the files beside it the same permissions.
fn make_private(file: &Path) -> Result<(), DbError> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?;
    crate::ownership::follow_folder(file)?;
    Ok(())
}
