//! One connection of either engine.

use rusqlite::Connection as SqliteConnection;
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres};

use super::DbError;
use super::locks::Lock;
use super::readers::PooledReader;
use super::transaction::Work;
use super::trouble::Trouble;

/// A connection, either engine: a reader's, or the one of a write transaction.
pub struct Conn<'c> {
    pub(super) link: Link<'c>,
    /// The write transaction that it belongs to.
    work: Option<&'c mut Work>,
    /// Where it is noted when the database fails.
    trouble: Option<&'c Trouble>,
    /// Tests of plans: what is asked is explained here before it is answered.
    #[cfg(test)]
    pub(super) explained: Option<Vec<super::plans::Plan>>,
}

/// The way to the engine.
pub(super) enum Link<'c> {
    /// SQLite's writer, on the writer's own thread.
    SqliteWriter(&'c mut SqliteConnection),
    /// One of SQLite's readers.
    SqliteReader(&'c mut PooledReader),
    /// PostgreSQL.
    Postgres(&'c mut PgConnection),
}

impl<'c> Conn<'c> {
    /// The connection of a write transaction.
    pub(super) fn writing(link: Link<'c>, work: &'c mut Work, trouble: &'c Trouble) -> Self {
        Self {
            work: Some(work),
            trouble: Some(trouble),
            ..Self::reading(link)
        }
    }

    /// A connection outside of any write transaction.
    pub(super) fn reading(link: Link<'c>) -> Self {
        Self {
            link,
            work: None,
            trouble: None,
            #[cfg(test)]
            explained: None,
        }
    }

    /// The write transaction, when there is one.
    pub(super) fn work(&mut self) -> Option<&mut Work> {
        self.work.as_deref_mut()
    }

    /// Takes note of how a statement failed.
    pub(super) fn note(&mut self, error: &DbError) {
        if let Some(trouble) = self.trouble {
            trouble.note(error);
        }
        // The transaction knows it, whatever is made of the error above.
        match (error, self.work()) {
            (DbError::Conflict(_), Some(work)) => work.conflicted = true,
            (DbError::Full(_) | DbError::Away(_), Some(work)) => work.fatal = Some(error.clone()),
            _ => {}
        }
    }

    /// Says that the transaction takes this lock: where they are checked, one that is out of order is a fault.
    pub(super) fn locking(&mut self, lock: Lock<'_>) {
        if let Some(work) = self.work() {
            work.locks.take(lock);
        }
    }
}

/// A connection for reading, given back to its pool when dropped.
pub enum Reader {
    /// SQLite.
    Sqlite(PooledReader),
    /// PostgreSQL.
    Postgres(PoolConnection<Postgres>, Trouble),
}

impl Reader {
    /// The connection, for functions that take one.
    pub fn conn(&mut self) -> Conn<'_> {
        match self {
            Self::Sqlite(lease) => Conn::reading(Link::SqliteReader(lease)),
            Self::Postgres(connection, trouble) => Conn {
                trouble: Some(trouble),
                ..Conn::reading(Link::Postgres(connection))
            },
        }
    }
}
