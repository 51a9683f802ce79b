//! One server per PostgreSQL database: two would take each other's devices for lost, and each other's nameplates for free.
//!
//! A session of its own holds an advisory lock, which PostgreSQL gives back when that session ends. While the session is
//! lost, nothing is written (`DbError::Fenced`): another server may have taken the place. If none has, the lock is taken
//! again and work goes on; if one has, this server ends.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection, Row as _};
use tokio::time::{sleep, timeout};

use super::{Db, DbError};
use crate::start_error::StartError;

/// The key of the lock: "gangway" in ASCII.
const KEY: &str = "29099049411371385";
/// How often the session is asked whether it lives.
const EVERY: Duration = Duration::from_secs(1);
/// How long it may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// The session of a server that was killed a moment ago may not have ended yet.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(100);
/// PostgreSQL notices within twenty seconds when this machine is gone, and lets another server start.
const KEEPALIVE: &str =
    "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3";

/// The place of the one server at a database.
pub struct ServerLock {
    options: PgConnectOptions,
    /// What the session is called: by it, one of our own that has not ended yet is told from another server's.
    name: String,
    session: PgConnection,
}

/// Why a server does not get its place.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another server has it.
    #[error(
        "another server is running on this database: two would take each other's devices for lost. Stop it first, or give this one a database of its own"
    )]
    Taken,
    /// The sessions that a lock needs cannot be had.
    #[error(
        "the database is behind a pooler that gives each transaction another session (PgBouncer's pool_mode = transaction), which loses the lock of the one server. Connect to PostgreSQL directly, or use pool_mode = session"
    )]
    Pooled,
    /// A pooler that does not know what every client of PostgreSQL may set.
    #[error(
        "PgBouncer refuses the parameter extra_float_digits, which PostgreSQL takes: set `ignore_startup_parameters = extra_float_digits` in pgbouncer.ini, and pool_mode = session"
    )]
    StartupParameter,
    /// The database.
    #[error("the database cannot be opened: {0}")]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for LockError {
    fn from(error: sqlx::Error) -> Self {
        let refused = error
            .as_database_error()
            .is_some_and(|error| error.message().contains("unsupported startup parameter"));
        if refused {
            return Self::StartupParameter;
        }
        Self::Db(error.into())
    }
}

impl From<LockError> for StartError {
    fn from(error: LockError) -> Self {
        Self::Database(error.into())
    }
}

impl ServerLock {
    /// Takes the place at the database at `url`. `instance` is random.
    ///
    /// # Errors
    /// [`LockError::Taken`] while another server has it.
    pub async fn take(url: &str, instance: &[u8]) -> Result<Self, LockError> {
        let options: PgConnectOptions = url.parse()?;
        let name = format!("gangway {}", data_encoding::HEXLOWER.encode(instance));
        let options = options.application_name(&name);
        refuse_pooler(&options).await?;
        let session = open(&options).await?;
        let mut lock = Self {
            options,
            name,
            session,
        };
        let taken = timeout(PATIENCE, async {
            while !try_lock(&mut lock.session).await? {
                sleep(PAUSE).await;
            }
            Ok(())
        });
        match taken.await {
            Ok(Ok(())) => Ok(lock),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(LockError::Taken),
        }
    }

    /// Keeps the place for as long as it can. Returns when another server has it.
    pub async fn keep(mut self, db: Db) {
        loop {
            sleep(EVERY).await;
            if timeout(ANSWER_TIMEOUT, self.session.execute("SELECT 1"))
                .await
                .is_ok_and(|answer| answer.is_ok())
            {
                continue;
            }
            tracing::warn!(
                "the session that holds this server's lock on the database is lost; nothing is written until it is back"
            );
            db.fence(true);
            while let Err(error) = self.retake().await {
                if let LockError::Taken = error {
                    return;
                }
                tracing::warn!(%error, "the lock on the database cannot be taken again yet");
                sleep(EVERY).await;
            }
            db.fence(false);
            tracing::info!("this server has its lock on the database again");
        }
    }

    async fn retake(&mut self) -> Result<(), LockError> {
        let again = timeout(ANSWER_TIMEOUT, async {
            let mut session = open(&self.options).await?;
            // A session of ours that PostgreSQL does not know to be dead yet.
            let ghosts = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE application_name = $1 AND pid <> pg_backend_pid()";
            sqlx::query(ghosts).bind(&self.name).execute(&mut session).await?;
            for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
                if try_lock(&mut session).await? {
                    return Ok(session);
                }
                sleep(PAUSE).await;
            }
            Err(LockError::Taken)
        });
        self.session = again.await.map_err(|_| LockError::Db(DbError::Busy))??;
        Ok(())
    }
}

async fn open(options: &PgConnectOptions) -> Result<PgConnection, LockError> {
    let mut session = options.connect().await?;
    session.execute(KEEPALIVE).await?;
    Ok(session)
}

async fn try_lock(session: &mut PgConnection) -> Result<bool, LockError> {
    let sql = sqlx::AssertSqlSafe(format!("SELECT pg_try_advisory_lock({KEY})"));
    Ok(session.fetch_one(sql).await?.try_get(0)?)
}

/// A pooler lends sessions to transactions: then one of them serves two connections, or a connection has two of them.
async fn refuse_pooler(options: &PgConnectOptions) -> Result<(), LockError> {
    let (mut one, mut other) = (options.connect().await?, options.connect().await?);
    let first = session_of(&mut one).await?;
    other.execute("BEGIN").await?;
    let held = session_of(&mut other).await?;
    let second = session_of(&mut one).await?;
    other.execute("ROLLBACK").await?;
    one.close().await?;
    other.close().await?;
    if first == held || first != second {
        return Err(LockError::Pooled);
    }
    Ok(())
}

/// Which process of PostgreSQL serves a connection. Asked without a prepared statement, which a pooler may not know.
async fn session_of(connection: &mut PgConnection) -> Result<i32, LockError> {
    let row = sqlx::raw_sql("SELECT pg_backend_pid()")
        .fetch_one(&mut *connection)
        .await?;
    Ok(row.try_get_unchecked(0)?)
}
