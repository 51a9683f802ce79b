//! The one writer of SQLite: a thread that owns the connection and commits the transactions of many callers at once.
//!
//! 1. It waits for a job, begins (`BEGIN IMMEDIATE`), and runs the job inside a savepoint.
//! 2. While more jobs are queued, and fewer than [`MAX_BATCH`] have run, it runs the next, each in its own savepoint; a job
//!    that fails or panics is rolled back to its savepoint, which the next one takes over, and disturbs no other.
//! 3. It appends what they record to the audit chains, commits once, and only then answers all of them. If the commit fails, every job of the batch is told so.
//!
//! One fsync is thereby shared by all that arrived during the last one: on a disk with 4 ms per fsync, 270 commits a second
//! carry more than 10,000 transactions.

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use rusqlite::Connection;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;

use super::conn::Link;
use super::transaction::Work;
use super::trouble::Trouble;
use super::{Conn, DbError, audit, blocking, sqlite};

/// Most jobs in one commit: beyond this the fsync is no longer what costs, and the first job has waited long enough.
const MAX_BATCH: usize = 64;
/// Most jobs that may queue; further callers wait. Four batches are some tens of milliseconds of work.
const QUEUE: usize = 4 * MAX_BATCH;

/// The callers' end of the writer. Cheap to clone.
#[derive(Clone)]
pub struct Writer {
    jobs: mpsc::Sender<Message>,
    thread: TaskTracker,
    pub(super) trouble: Trouble,
}

impl Writer {
    /// Opens the connection and starts the thread. Statements run on it, as calls: a trip to another thread and back for each
    /// of them would take several times as long as most of them do.
    pub(super) async fn start(file: &Path, trouble: Trouble) -> Result<Self, DbError> {
        let file = file.to_owned();
        let (connection, file) = blocking(move || (sqlite::open_writer(&file), file)).await?;
        let (jobs, queue) = mpsc::channel(QUEUE);
        let runtime = Builder::new_current_thread().build()?;
        let thread = TaskTracker::new();
        let running = thread.token();
        let work = Loop {
            connection: connection?,
            file,
            queue,
            trouble: trouble.clone(),
        };
        std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || {
                let _running = running;
                runtime.block_on(work.run());
            })?;
        thread.close();
        Ok(Self {
            jobs,
            thread,
            trouble,
        })
    }

    /// Runs `work` in a transaction that shares its commit with others. It runs to its end even if the caller goes away.
    pub(super) async fn run<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: for<'c> FnOnce(Conn<'c>) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job = Box::new(Queued { work, answer });
        self.jobs
            .send(Message::Run(job))
            .await
            .map_err(|_| DbError::Abandoned)?;
        answered.await.unwrap_or_else(|_| Err(DbError::Abandoned.into()))
    }

    /// Resolves when the thread has ended. It does not keep the writer alive.
    pub(super) fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let thread = self.thread.clone();
        async move { thread.wait().await }
    }

    /// Finishes the jobs that are queued, closes the connection and ends the thread.
    pub(super) async fn close(&self) {
        // A thread that has ended already leaves nothing to close.
        let _ = self.jobs.send(Message::Close).await;
        self.thread.wait().await;
    }
}

enum Message {
    Run(Box<dyn Job>),
    Close,
}

/// A transaction that waits for its turn.
trait Job: Send {
    fn run<'c>(
        self: Box<Self>,
        connection: &'c mut Connection,
        trouble: &'c Trouble,
    ) -> BoxFuture<'c, Box<dyn Finished>>;
    fn refuse(self: Box<Self>, error: DbError);
}

/// A transaction that has run and waits for the commit.
trait Finished: Send {
    fn succeeded(&self) -> bool;
    /// What is recorded of it.
    fn take_entries(&mut self) -> Vec<audit::Pending>;
    /// How the database failed under it, if it did.
    fn fatal(&self) -> Option<DbError>;
    fn answer(self: Box<Self>, commit: &Result<(), DbError>);
}

struct Queued<F, T, E> {
    work: F,
    answer: oneshot::Sender<Result<T, E>>,
}

struct Done<T, E> {
    result: Result<T, E>,
    entries: Vec<audit::Pending>,
    fatal: Option<DbError>,
    answer: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Job for Queued<F, T, E>
where
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
    F: for<'c> FnOnce(Conn<'c>) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
{
    fn run<'c>(
        self: Box<Self>,
        connection: &'c mut Connection,
        trouble: &'c Trouble,
    ) -> BoxFuture<'c, Box<dyn Finished>> {
        Box::pin(async move {
            let Self { work, answer } = *self;
            let mut gathered = Work::default();
            let conn = Conn::writing(Link::SqliteWriter(connection), &mut gathered, trouble);
            let result = work(conn).await;
            let Work { entries, fatal, .. } = gathered;
            let done: Box<dyn Finished> = Box::new(Done {
                result,
                entries,
                fatal,
                answer,
            });
            done
        })
    }

    fn refuse(self: Box<Self>, error: DbError) {
        // A caller that went away needs no answer.
        let _ = self.answer.send(Err(error.into()));
    }
}

impl<T: Send, E: From<DbError> + Send> Finished for Done<T, E> {
    fn succeeded(&self) -> bool {
        self.result.is_ok()
    }

    fn take_entries(&mut self) -> Vec<audit::Pending> {
        std::mem::take(&mut self.entries)
    }

    fn fatal(&self) -> Option<DbError> {
        self.fatal.clone()
    }

    fn answer(self: Box<Self>, commit: &Result<(), DbError>) {
        // What a job concluded from rows that were never committed is void too, so a failed commit replaces errors as well.
        let result = match commit {
            Ok(()) => self.result,
            Err(error) => Err(error.clone().into()),
        };
        let _ = self.answer.send(result);
    }
}

struct Loop {
    connection: Connection,
    file: PathBuf,
    queue: mpsc::Receiver<Message>,
    trouble: Trouble,
}

impl Loop {
    async fn run(mut self) {
        while let Some(Message::Run(first)) = self.queue.recv().await {
            if self.commit_batch(first).await.is_break() {
                break;
            }
        }
        self.queue.close();
        if let Err(error) = sqlite::close_writer(self.connection) {
            tracing::warn!(%error, "the database did not close cleanly");
        }
    }

    /// Runs `first` and what is queued behind it in one transaction. Breaks when the queue asks to close.
    async fn commit_batch(&mut self, first: Box<dyn Job>) -> std::ops::ControlFlow<()> {
        if let Err(error) = self.begin() {
            first.refuse(error);
            return std::ops::ControlFlow::Continue(());
        }
        let mut flow = std::ops::ControlFlow::Continue(());
        let mut finished = Vec::new();
        let mut entries = Vec::new();
        let mut broken = Ok(());
        let mut next = Some(first);
        while let Some(job) = next.take() {
            let succeeded = self.run_in_savepoint(job, &mut finished).await;
            if succeeded && let Some(done) = finished.last_mut() {
                entries.append(&mut done.take_entries());
            }
            if finished.len() < MAX_BATCH {
                match self.queue.try_recv() {
                    Ok(Message::Run(job)) => next = Some(job),
                    Ok(Message::Close) => flow = std::ops::ControlFlow::Break(()),
                    Err(_) => {}
                }
            }
            broken = match (succeeded, &next) {
                // With its disk full, SQLite may have undone the whole batch: then there is nothing to roll back to.
                (false, _) => self
                    .execute("ROLLBACK TO job")
                    .map_err(|error| finished.last().and_then(|job| job.fatal()).unwrap_or(error)),
                (true, Some(_)) => self
                    .execute("RELEASE job")
                    .and_then(|()| self.execute("SAVEPOINT job")),
                // A commit takes the last savepoint along.
                (true, None) => Ok(()),
            };
            if broken.is_err() {
                break;
            }
        }
        if let (Err(error), Some(job)) = (&broken, next) {
            job.refuse(error.clone());
        }
        let commit = match broken {
            Ok(()) => self.record(entries).await.and_then(|()| self.execute("COMMIT")),
            Err(error) => Err(error),
        };
        if let Err(error) = &commit {
            tracing::error!(%error, jobs = finished.len(), "a batch of transactions was not committed");
            self.trouble.note(error);
            // Fails when SQLite has rolled back by itself (disk full, input/output error), which is what is wanted.
            let _ = self.execute("ROLLBACK");
        }
        if commit.is_ok() && finished.iter().any(|job| job.succeeded()) {
            self.trouble.clear();
        }
        // Their quotient is how many transactions share an fsync.
        metrics::counter!("gangway_db_commits_total").increment(1);
        metrics::counter!("gangway_db_transactions_total")
            .increment(u64::try_from(finished.len()).unwrap_or_default());
        for job in finished {
            job.answer(&commit);
        }
        flow
    }

    /// Runs one job; false when what it did has to be undone.
    async fn run_in_savepoint(&mut self, job: Box<dyn Job>, finished: &mut Vec<Box<dyn Finished>>) -> bool {
        // A panicking job drops its end of the answer, so its caller reads `Abandoned`.
        let done = AssertUnwindSafe(job.run(&mut self.connection, &self.trouble))
            .catch_unwind()
            .await;
        let succeeded = done.as_ref().is_ok_and(|done| done.succeeded());
        if let Ok(done) = done {
            finished.push(done);
        }
        succeeded
    }

    /// Appends what the jobs of a batch record, each chain's entries together.
    async fn record(&mut self, entries: Vec<audit::Pending>) -> Result<(), DbError> {
        let conn = &mut Conn::reading(Link::SqliteWriter(&mut self.connection));
        audit::chain(conn, entries).await
    }

    fn begin(&mut self) -> Result<(), DbError> {
        match self.try_begin() {
            Ok(()) => Ok(()),
            Err(DbError::Busy) => Err(DbError::Busy),
            Err(_) => {
                // The connection itself is unfit (a transaction was left open): take a new one.
                self.connection = sqlite::open_writer(&self.file)?;
                self.try_begin()
            }
        }
    }

    fn try_begin(&self) -> Result<(), DbError> {
        self.execute("BEGIN IMMEDIATE")?;
        self.execute("SAVEPOINT job")
    }

    fn execute(&self, sql: &'static str) -> Result<(), DbError> {
        self.connection.prepare_cached(sql)?.raw_execute()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use futures_util::future::join_all;
    use tokio::sync::Notify;

    use super::super::{Db, DbError, query, write};

    async fn open(folder: &Path) -> Db {
        Db::open_sqlite(&folder.join("test.sqlite3"))
            .await
            .expect("a fresh database opens")
    }

    async fn put(db: &Db, name: String) -> Result<(), DbError> {
        write!(db, |tx| {
            query("INSERT INTO settings (name, value) VALUES ($1, 'x')")
                .bind(name)
                .execute(tx)
                .await?;
            Ok(())
        })
    }

    async fn count(db: &Db) -> i64 {
        let mut reader = db.reader().await.expect("a reader is free");
        let counted: Result<(i64,), _> = query("SELECT COUNT(*) FROM settings")
            .fetch_one(&mut reader.conn())
            .await;
        counted.expect("counting works").0
    }

    /// Holds the writer inside a job until told, so that what is queued meanwhile shares the batch.
    fn hold(db: &Db) -> (Arc<Notify>, tokio::task::JoinHandle<Result<(), DbError>>) {
        let release = Arc::new(Notify::new());
        let (db, wait) = (db.clone(), release.clone());
        let held = tokio::spawn(async move {
            write!(db, |tx| {
                query("INSERT INTO settings (name, value) VALUES ('held', 'x')")
                    .execute(tx)
                    .await?;
                wait.notified().await;
                Ok(())
            })
        });
        (release, held)
    }

    #[tokio::test]
    async fn a_failing_job_does_not_hurt_the_others_in_its_batch() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let db = open(folder.path()).await;
        let (release, held) = hold(&db);
        let jobs = ["a", "b", "a", "c"].map(|name| put(&db, name.to_owned()));
        let (results, ()) = tokio::join!(join_all(jobs), async {
            tokio::task::yield_now().await;
            release.notify_one();
        });
        assert!(held.await.expect("no panic").is_ok());
        assert!(results[0].is_ok() && results[1].is_ok() && results[3].is_ok());
        assert!(matches!(results[2], Err(DbError::Unique)));
        assert_eq!(count(&db).await, 4);
    }

    #[tokio::test]
    async fn a_job_that_fails_late_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let db = open(folder.path()).await;
        let result: Result<(), DbError> = write!(db, |tx| {
            query("INSERT INTO settings (name, value) VALUES ('half', 'x')")
                .execute(tx)
                .await?;
            Err(DbError::Missing)
        });
        assert!(matches!(result, Err(DbError::Missing)));
        assert_eq!(count(&db).await, 0);
    }

    #[tokio::test]
    async fn a_panicking_job_is_abandoned_and_the_writer_lives_on() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let db = open(folder.path()).await;
        let result: Result<(), DbError> = write!(db, |tx| {
            query("INSERT INTO settings (name, value) VALUES ('half', 'x')")
                .execute(tx)
                .await?;
            panic!("a fault in a handler")
        });
        assert!(matches!(result, Err(DbError::Abandoned)));
        assert!(put(&db, "after".to_owned()).await.is_ok());
        assert_eq!(count(&db).await, 1);
    }

    #[tokio::test]
    async fn nothing_is_acknowledged_before_it_is_committed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let db = open(folder.path()).await;
        let (release, held) = hold(&db);
        let early = tokio::spawn({
            let db = db.clone();
            async move {
                let result = put(&db, "early".to_owned()).await;
                // Whoever is answered sees the row through another connection at once.
                (result, count(&db).await)
            }
        });
        tokio::task::yield_now().await;
        assert_eq!(count(&db).await, 0);
        assert!(!early.is_finished() && !held.is_finished());
        release.notify_one();
        let (result, seen) = early.await.expect("no panic");
        assert!(result.is_ok());
        assert_eq!(seen, 2);
    }

    #[tokio::test]
    async fn acknowledged_rows_are_there_after_opening_again() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let db = open(folder.path()).await;
        let results = join_all((0..200).map(|n| put(&db, format!("row {n}")))).await;
        assert!(results.iter().all(Result::is_ok));
        db.close().await;
        assert!(matches!(
            put(&db, "late".to_owned()).await,
            Err(DbError::Abandoned)
        ));
        assert_eq!(count(&open(folder.path()).await).await, 200);
    }

    #[tokio::test]
    async fn a_database_of_a_newer_version_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let db = open(folder.path()).await;
        let _: Result<(), DbError> = write!(db, |tx| {
            query(
                    "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', TRUE, x'00', 0)"
                ).execute(tx).await?;
            Ok(())
        });
        db.close().await;
        let refused = Db::open_sqlite(&folder.path().join("test.sqlite3")).await;
        assert!(
            refused
                .err()
                .is_some_and(|error| error.to_string().contains("newer version of Gangway"))
        );
    }
}
