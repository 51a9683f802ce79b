//! Measurement feeds: what devices and programs measure, kept and read.
//!
//! 1. Entries come by a device's session ([`session`]) or by a key ([`access`]). [`Measurements::store`] hands them to the one
//!    task that writes ([`writer`]), which commits those of many at once and answers when they are durable.
//! 2. When an hour is over, its entries are packed into a block, and what they have in common is added to the hours of their
//!    day ([`packing`]). Entries that come late are added in the same way.
//! 3. Old blocks become minutes, old minutes and hours go ([`sweep`]), by the rules of the organisation and of the feed.
//! 4. [`reading`] puts together what lies in all of these. A chart of years reads hours, a chart of a day minutes.
//!
//! Values have a database of their own, so that they delay nobody who enrols a device; with PostgreSQL, tables of their own.
//! Feeds and keys are in the main database ([`feeds`], [`keys`]).

pub mod access;
pub mod block;
pub mod feeds;
pub mod keys;
pub mod metrics;
pub mod operator;
pub mod packing;
pub mod rates;
pub mod reading;
pub mod remark;
pub mod session;
pub mod summary;
pub mod sweep;
mod varint;
pub mod writer;

use std::sync::Arc;

use gangway_protocol::measurement::ChannelNumber;
use gangway_protocol::time::UnixMillis;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_util::task::TaskTracker;

use crate::authority::{Error, Result};
use crate::clock::Clock;
use crate::config::{Config, Database};
use crate::db::Db;
use crate::start_error::StartError;
use crate::supervisor::{Failure, Supervisor};
use block::Values;
use rates::Rates;
use remark::Remark;
use varint::Unreadable;
use writer::{Message, Submission, Writer};

/// Name of the file beside the embedded database.
pub const FILE: &str = "measurements.db";
/// Submissions that may queue; further callers wait.
const QUEUE: usize = 4_096;
/// The earliest time that is believed, 2000-01-01T00:00:00Z: a device that has lost the date says 1970.
const EARLIEST: i64 = 946_684_800_000;
/// How far ahead of ours a device's clock may be.
const AHEAD: i64 = UnixMillis::DAY;

/// When something was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// As it came: the next free millisecond.
    Arrival,
    /// Then.
    At(UnixMillis),
}

/// An entry on its way in.
#[derive(Clone, Debug, PartialEq)]
pub struct Incoming {
    /// When it was measured.
    pub at: When,
    /// The values.
    pub values: Values,
    /// What was said beside them.
    pub remark: Option<Remark>,
    /// Whether it gives an entry of the same time the values that it lacks. Otherwise there is one entry of a time, the first.
    pub joins: bool,
}

/// An entry that is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its number.
    pub number: i64,
    /// Its time.
    pub at: UnixMillis,
}

/// The values of all feeds, and the one who writes them.
pub struct Measurements {
    db: Db,
    queue: mpsc::Sender<Message>,
    writer: TaskTracker,
    /// Held by whoever writes: entries that come are looked for among those that are packed at the same time.
    writing: Arc<Mutex<()>>,
    /// What each feed may still take at present.
    pub rates: Rates,
}

impl Measurements {
    /// Opens the database of the values, and starts the task that writes them.
    ///
    /// # Errors
    /// Says what an operator has to put right.
    pub async fn open(
        config: &Config,
        main: &Db,
        clock: Arc<dyn Clock>,
        supervisor: &Supervisor,
    ) -> std::result::Result<Arc<Self>, StartError> {
        let db = open_values(config, main).await?;
        let (queue, submitted) = mpsc::channel(QUEUE);
        let writing = Arc::new(Mutex::new(()));
        let writer = TaskTracker::new();
        let task = writer.spawn(
            Writer {
                db: db.clone(),
                clock,
                queue: submitted,
                writing: writing.clone(),
                entries_per_day: i64::from(config.caps.measurements_per_day_per_feed),
            }
            .run(),
        );
        writer.close();
        let watch = supervisor.clone();
        supervisor.spawn("measurements writer", async move {
            tokio::select! {
                // It ends last, when all that is under way has been stored.
                () = watch.stopping() => {}
                ended = task => {
                    let reason = match ended {
                        Ok(()) => "it returned",
                        Err(_) => "it panicked",
                    };
                    watch.fail(Failure { job: "measurements writer", reason: reason.to_owned() });
                }
            }
        });
        Ok(Arc::new(Self {
            db,
            queue,
            writer,
            writing,
            rates: Rates::new(&config.caps),
        }))
    }

    /// Stores entries of a channel; returns when they are durable. `None` stands for one of a time that has an entry already.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a time that cannot be; [`Error::RateLimited`] when the feed has had its share of the day.
    pub async fn store(
        &self,
        channel: ChannelNumber,
        entries: Vec<Incoming>,
        now: UnixMillis,
    ) -> Result<Vec<Option<Stored>>> {
        for entry in &entries {
            if let When::At(at) = entry.at
                && !may_be(at, now)
            {
                return Err(Error::invalid(
                    "created_at",
                    "a time of measurement is after 1999, and at most a day ahead of the server's clock",
                ));
            }
        }
        let (answer, answered) = oneshot::channel();
        let submission = Submission {
            channel: channel.0,
            entries,
            answer,
        };
        let gone = |_| Error::Unavailable("the server is stopping: send it again in a moment");
        self.queue
            .send(Message::Store(submission))
            .await
            .map_err(|_| gone(()))?;
        answered.await.map_err(|_| gone(()))?
    }

    /// Stores what is queued, and closes the file of the values. With PostgreSQL the pool is the main database's.
    pub async fn close(&self) {
        // A task that has ended already leaves nothing to close.
        let _ = self.queue.send(Message::Close).await;
        self.writer.wait().await;
        if let Db::Sqlite { .. } = self.db {
            self.db.close().await;
        }
    }
}

/// Whether something can have been measured then.
#[must_use]
pub fn may_be(at: UnixMillis, now: UnixMillis) -> bool {
    (EARLIEST..=now.plus(AHEAD).0).contains(&at.0)
}

/// Opens the database of the values.
async fn open_values(config: &Config, main: &Db) -> std::result::Result<Db, StartError> {
    Ok(match config.database() {
        Database::Sqlite(_) => Db::open_measurements(&config.data_dir.join(FILE)).await?,
        Database::Postgres(_) => main.clone(),
    })
}

impl From<Unreadable> for Error {
    fn from(error: Unreadable) -> Self {
        Self::internal(error)
    }
}
