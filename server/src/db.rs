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

mod caller_credential;
mod conn;
mod error;
#[cfg(test)]
mod fresh_postgres;
mod locks;
mod many;
mod migrate;
#[cfg(test)]
mod plans;
mod postgres;
mod query;
mod readers;
mod row;
mod secret_hash;
mod server_epoch;
mod server_lock;
mod sqlite;
mod together;
mod transaction;
mod trouble;
mod writer;

pub mod accounts;
pub mod admission;
pub mod approvals;
pub mod audit;
pub mod bulk_jobs;
pub mod ceremonies;
pub mod certificates;
pub mod corporate_attempts;
pub mod device_keys;
pub mod devices;
pub mod expiry;
pub mod feeds;
pub mod fleet;
pub mod held;
pub mod idempotency;
pub mod identities;
pub mod identity_providers;
pub mod issuance;
pub mod issuers;
pub mod like;
pub mod links;
pub mod lobby;
pub mod measurements;
pub mod memberships;
pub mod moves;
pub mod nameplates;
pub mod organisations;
pub mod passkeys;
pub mod permits;
pub mod plgd;
pub mod presence;
pub mod proofs;
pub mod recovery_codes;
pub mod rules;
pub mod saved_views;
pub mod settings;
pub mod sign_ins;
pub mod signer_credentials;
pub mod signers;
pub mod snapshot;
pub mod tokens;
pub mod webhooks;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use deadpool::Runtime;
use futures_util::future::BoxFuture;
use sqlx::postgres::PgConnectOptions;

pub use caller_credential::CallerCredential;
pub use conn::{Conn, Reader};
use error::parsed;
pub use error::{Cause, DbError};
pub use migrate::MigrationError;
pub use postgres::Postgres;
pub use query::{Query, Value, assembled, query, query_of_each};
use readers::{OpenReader, PooledReader, Readers};
use row::row;
pub use row::{Cell, FromRow, Row};
pub use secret_hash::SecretHash;
pub use server_lock::{LockError, ServerLock};
pub(crate) use transaction::write;
pub use trouble::Trouble;
use writer::Writer;

/// Readers of SQLite: each has its own page cache, and reads are short.
const SQLITE_READERS: usize = 4;
/// What is written to see whether there is room again: more than a page of SQLite's, so that it needs new ones.
const PROBE_LEN: usize = 8_192;
/// How long a database may take to show that it works.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
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
    Postgres(Postgres),
}

impl Db {
    /// Opens the SQLite database in `file`, making it where there is none, and brings its tables up to date.
    ///
    /// # Errors
    /// [`MigrationError::Newer`] when a newer Gangway has written it; [`MigrationError::Foreign`] when another program has;
    /// otherwise what the database says.
    pub async fn open_sqlite(file: &Path) -> Result<Self, MigrationError> {
        Self::open_file(file, migrate::sqlite).await
    }

    /// Opens the SQLite file of the measurements, as [`Self::open_sqlite`]. It has a writer and readers of its own, so that
    /// measurements delay nobody who enrols a device.
    ///
    /// # Errors
    /// As [`Self::open_sqlite`].
    pub async fn open_measurements(file: &Path) -> Result<Self, MigrationError> {
        Self::open_file(file, migrate::measurements).await
    }

    async fn open_file(
        file: &Path,
        bring_up_to_date: fn(&Path) -> Result<(), MigrationError>,
    ) -> Result<Self, MigrationError> {
        let path = file.to_owned();
        blocking(move || {
            migrate::refuse_foreign(&path)?;
            make_private(&path)?;
            bring_up_to_date(&path)
        })
        .await??;
        let writer = Writer::start(file, Trouble::default()).await?;
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
        let postgres = Postgres::connect(options, Trouble::default()).await?;
        migrate::postgres(postgres.pool()).await?;
        Ok(Self::Postgres(postgres))
    }

    /// A connection to read with. Never write through it: on SQLite it refuses.
    ///
    /// # Errors
    /// [`DbError::Busy`] when none becomes free in time.
    pub async fn reader(&self) -> Result<Reader, DbError> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Reader::Sqlite(PooledReader::new(readers.get().await?)),
            Self::Postgres(postgres) => postgres.reader().await?,
        })
    }

    /// Runs `work` in a transaction of its own; `write!` writes the call more briefly. On PostgreSQL it is run again when the
    /// database has ended it because of another transaction. Returns when it is durable.
    ///
    /// # Errors
    /// What `work` says, which rolls back; or [`DbError`] when the transaction cannot begin or commit. A commit of which
    /// nothing is heard ([`DbError::Away`]) may have come about: what is done again finds out.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: for<'c> FnOnce(Conn<'c>) -> BoxFuture<'c, Result<T, E>> + Clone + Send + 'static,
    {
        match self {
            Self::Sqlite { writer, .. } => writer.run(work).await,
            Self::Postgres(postgres) => postgres.write(work).await,
        }
    }

    /// Whether it can do its work: it answers, and what failed lately for want of disk, rights or a connection works again.
    ///
    /// # Errors
    /// Why it cannot.
    pub async fn probe(&self) -> Result<(), DbError> {
        let trouble = match self {
            Self::Sqlite { writer, .. } => &writer.trouble,
            Self::Postgres(postgres) => &postgres.trouble,
        };
        if trouble.is_fenced() {
            return Err(DbError::Fenced);
        }
        let work = async {
            if let Self::Postgres(postgres) = self {
                postgres.require_writable().await?;
            }
            settings::probe(&mut self.reader().await?.conn()).await?;
            if trouble.is_failing() {
                let text = "x".repeat(PROBE_LEN);
                write!(self, |tx| { settings::put(tx, "probe", &text).await })?;
            }
            Ok(())
        };
        // A machine that vanishes sends no reset: whoever asks whether this server is ready is answered all the same.
        within(PROBE_TIMEOUT, work).await
    }

    /// Takes the place of whatever server wrote before: it writes nothing from now on, whether it knows or not. The embedded
    /// database is locked by its file.
    ///
    /// # Errors
    /// What the database says.
    pub(crate) async fn take_over(&self) -> Result<(), DbError> {
        match self {
            Self::Sqlite { .. } => Ok(()),
            Self::Postgres(postgres) => postgres.begin_epoch().await,
        }
    }

    /// Lets nothing be written from now on, or lets it again.
    pub(crate) fn fence(&self, fenced: bool) {
        if let Self::Postgres(postgres) = self {
            postgres.trouble.fence(fenced);
        }
    }

    /// Resolves when the thread that writes to SQLite has ended; PostgreSQL has none.
    pub fn writer_ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let ended = match self {
            Self::Sqlite { writer, .. } => Some(writer.ended()),
            Self::Postgres(_) => None,
        };
        async {
            match ended {
                Some(ended) => ended.await,
                None => std::future::pending().await,
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
            Self::Postgres(postgres) => postgres.pool().close().await,
        }
    }
}

/// What `work` says, unless nothing is heard for so long.
async fn within<T, E: From<DbError>>(
    limit: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match tokio::time::timeout(limit, work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(DbError::Away(Arc::new(Cause::Silence)).into()),
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
