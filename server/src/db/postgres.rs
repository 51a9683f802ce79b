//! PostgreSQL: the pool, and transactions that share the commit which makes them durable.
//!
//! A transaction commits without waiting for the disk, and leaves what it records in `audit_pending`. Then it takes part in a
//! round: one of those that wait commits, with the disk, a transaction that appends all waiting entries to their chains.
//! PostgreSQL's log is written in order, so that this commit makes durable whatever was committed before. Only then is
//! anybody answered. The heads of the chains are thereby locked by one transaction at a time, however many there are, and
//! entries that a crash leaves behind are appended by the next round.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection, PgPool};
use tokio::sync::Mutex;

use super::conn::Link;
use super::server_epoch::{self, ServerEpoch};
use super::transaction::Work;
use super::trouble::Trouble;
use super::{ACQUIRE_TIMEOUT, Conn, DbError, Reader, audit, query, within};

/// Connections: a small multiple of the cores of a small database server.
const CONNECTIONS: u32 = 16;
/// A connection that rested for longer is asked whether it still works before it is lent.
const TRUSTED_FOR: Duration = Duration::from_secs(1);
/// How often a transaction is tried that PostgreSQL ends because of others: each time one of those has succeeded.
const ATTEMPTS: u32 = 8;
/// How long to wait before the second attempt; before later ones in proportion.
const CONFLICT_PAUSE: Duration = Duration::from_millis(5);
/// How long a transaction may take; revoking ten thousand devices takes seconds.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a round may take.
const ROUND_TIMEOUT: Duration = Duration::from_secs(10);
/// For how long a round is tried again that failed: what waits for it has committed, and telling anybody that it failed would
/// be untrue.
const SETTLE_FOR: Duration = Duration::from_secs(10);
const SETTLE_PAUSE: Duration = Duration::from_millis(50);

/// The pool of connections, and the rounds that end transactions. Cheap to clone.
#[derive(Clone)]
pub struct Postgres {
    pool: PgPool,
    rounds: Arc<Rounds>,
    epoch: ServerEpoch,
    pub(super) trouble: Trouble,
}

impl Postgres {
    /// Opens the pool.
    pub(super) async fn connect(options: PgConnectOptions, trouble: Trouble) -> Result<Self, DbError> {
        let doubting = trouble.clone();
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            // Asking before each use would cost as much as most queries: only those in doubt are asked.
            .test_before_acquire(false)
            // Planning a statement costs as much as running it, and every statement here follows one index whatever its
            // values are (db/plans.rs): one plan for each and connection.
            .after_connect(|connection, _| {
                Box::pin(async move {
                    connection
                        .execute("SET plan_cache_mode = force_generic_plan")
                        .await?;
                    Ok(())
                })
            })
            .before_acquire(move |connection, meta| {
                let doubted = meta.idle_for > TRUSTED_FOR || doubting.doubts(meta.idle_for);
                Box::pin(async move { Ok(!doubted || require_writable(connection).await.is_ok()) })
            })
            .connect_with(options.clone())
            .await;
        let pool = match pool {
            Err(sqlx::Error::PoolTimedOut) => return Err(why_unreachable(&options).await),
            other => other?,
        };
        Ok(Self {
            pool,
            rounds: Arc::default(),
            epoch: ServerEpoch::default(),
            trouble,
        })
    }

    /// A connection to read with.
    pub(super) async fn reader(&self) -> Result<Reader, DbError> {
        let acquired = self.pool.acquire().await.map_err(DbError::from);
        let connection = acquired.inspect_err(|error| self.trouble.note(error))?;
        Ok(Reader::Postgres(connection, self.trouble.clone()))
    }

    /// Makes sure that a session of the pool can write.
    pub(super) async fn require_writable(&self) -> Result<(), DbError> {
        let acquired = self.pool.acquire().await.map_err(DbError::from);
        let mut connection = acquired.inspect_err(|error| self.trouble.note(error))?;
        let writable = require_writable(&mut connection).await.map_err(DbError::from);
        if let Err(error) = &writable {
            self.trouble.note(error);
            connection.close_on_drop();
        }
        writable
    }

    /// Shuts out whatever server wrote before.
    pub(super) async fn begin_epoch(&self) -> Result<(), DbError> {
        let mut transaction = self.pool.begin().await?;
        let mut gathered = Work::default();
        let conn = &mut Conn::writing(Link::Postgres(&mut transaction), &mut gathered, &self.trouble);
        let epoch = server_epoch::begin_next(conn).await?;
        transaction.commit().await?;
        self.epoch.set(epoch);
        Ok(())
    }

    pub(super) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Runs `work` in a transaction, again when another one was in its way. Returns when it is durable.
    pub(super) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        E: From<DbError>,
        F: for<'c> FnOnce(Conn<'c>) -> BoxFuture<'c, Result<T, E>> + Clone,
    {
        for attempt in 1..=ATTEMPTS {
            if self.trouble.is_fenced() {
                return Err(DbError::Fenced.into());
            }
            let mut gathered = Work::default();
            let result = within(ATTEMPT_TIMEOUT, self.attempt(&mut gathered, work.clone())).await;
            if !gathered.conflicted || attempt == ATTEMPTS {
                let value = result?;
                self.settle().await?;
                return Ok(value);
            }
            metrics::counter!("gangway_db_conflicts_total").increment(1);
            // Whoever was in the way goes on meanwhile.
            tokio::time::sleep(CONFLICT_PAUSE * attempt).await;
        }
        Err(DbError::Busy.into())
    }

    async fn attempt<T, E, F>(&self, gathered: &mut Work, work: F) -> Result<T, E>
    where
        E: From<DbError>,
        F: for<'c> FnOnce(Conn<'c>) -> BoxFuture<'c, Result<T, E>>,
    {
        let begun = self
            .pool
            .begin_with(self.epoch.begin())
            .await
            .map_err(DbError::from);
        let mut transaction = begun.inspect_err(|error| self.trouble.note(error))?;
        let conn = Conn::writing(Link::Postgres(&mut transaction), gathered, &self.trouble);
        let value = work(conn).await?;
        let entries = std::mem::take(&mut gathered.entries);
        let conn = &mut Conn::writing(Link::Postgres(&mut transaction), gathered, &self.trouble);
        audit::leave(conn, entries).await?;
        if let Err(error) = transaction.commit().await {
            let error = DbError::from(error);
            self.trouble.note(&error);
            gathered.conflicted |= matches!(error, DbError::Conflict(_));
            return Err(error.into());
        }
        Ok(value)
    }

    /// Returns when everything that this process has committed is durable and in its chain.
    async fn settle(&self) -> Result<(), DbError> {
        let place = self.rounds.arrived.fetch_add(1, Ordering::SeqCst) + 1;
        let mut settled = self.rounds.settled.lock().await;
        if let Some(outcome) = settled.of(place) {
            return outcome;
        }
        // Whoever has arrived by now has committed.
        let arrived = self.rounds.arrived.load(Ordering::SeqCst);
        let began = Instant::now();
        let mut outcome = within(ROUND_TIMEOUT, self.round()).await;
        while let Err(error) = &outcome {
            self.trouble.note(error);
            if matches!(error, DbError::Fenced) || self.trouble.is_fenced() || began.elapsed() > SETTLE_FOR {
                settled.failed = Some((arrived, error.clone()));
                return outcome;
            }
            tokio::time::sleep(SETTLE_PAUSE).await;
            outcome = within(ROUND_TIMEOUT, self.round()).await;
        }
        settled.durable = arrived;
        self.trouble.clear();
        outcome
    }

    async fn round(&self) -> Result<(), DbError> {
        let mut transaction = self.pool.begin_with(self.epoch.begin_durable()).await?;
        let mut gathered = Work::default();
        let conn = &mut Conn::writing(Link::Postgres(&mut transaction), &mut gathered, &self.trouble);
        let entries = audit::take_left(conn).await?;
        if entries.is_empty() {
            // A commit that has written nothing would not wait for the disk.
            query("SELECT 1 FROM pg_logical_emit_message(true, 'gangway', '')")
                .execute(conn)
                .await?;
        } else {
            audit::chain(conn, entries).await?;
        }
        transaction.commit().await?;
        metrics::counter!("gangway_db_commits_total").increment(1);
        Ok(())
    }
}

/// Transactions that have committed and wait to be made durable, counted in the order of their coming.
#[derive(Default)]
struct Rounds {
    arrived: AtomicU64,
    /// What became of them. Whoever holds the lock makes the others durable.
    settled: Mutex<Settled>,
}

#[derive(Default)]
struct Settled {
    /// Those up to here are durable.
    durable: u64,
    /// Those up to here waited for rounds that failed, the last one so.
    failed: Option<(u64, DbError)>,
}

impl Settled {
    /// What became of the transaction at this place, when that is known.
    fn of(&self, place: u64) -> Option<Result<(), DbError>> {
        if self.durable >= place {
            return Some(Ok(()));
        }
        let (_, error) = self.failed.as_ref().filter(|(up_to, _)| *up_to >= place)?;
        Some(Err(error.clone()))
    }
}

/// After a failover a session may be left on a server that only reads: it is as good as none.
async fn require_writable(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let (read_only,): (String,) = sqlx::query_as("SHOW transaction_read_only")
        .fetch_one(connection)
        .await?;
    if read_only == "off" {
        return Ok(());
    }
    Err(sqlx::Error::Io(std::io::ErrorKind::ReadOnlyFilesystem.into()))
}

/// The pool has tried for a while and does not say why it failed; one more try tells.
async fn why_unreachable(options: &PgConnectOptions) -> DbError {
    match tokio::time::timeout(ACQUIRE_TIMEOUT, options.connect()).await {
        Ok(Err(error)) => error.into(),
        Ok(Ok(connection)) => {
            // It answers by now; that it did so too late is all there is to say.
            drop(connection.close().await);
            DbError::Busy
        }
        Err(_) => DbError::Busy,
    }
}
