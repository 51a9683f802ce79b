//! SQLite's readers: connections that only read, lent one by one. A statement may take long, so it runs where blocking is
//! allowed, not among the server's tasks.

use std::path::PathBuf;

use deadpool::managed::{Manager, Metrics, Object, Pool, RecycleResult};
use rusqlite::Connection;

use super::{DbError, blocking, sqlite};

/// The pool of readers.
pub(super) type Readers = Pool<OpenReader>;

/// Opens readers of this file.
#[derive(Debug)]
pub struct OpenReader(pub(super) PathBuf);

impl Manager for OpenReader {
    type Type = Connection;
    type Error = DbError;

    async fn create(&self) -> Result<Connection, DbError> {
        let file = self.0.clone();
        blocking(move || sqlite::open_reader(&file)).await?
    }

    async fn recycle(&self, _: &mut Connection, _: &Metrics) -> RecycleResult<DbError> {
        // Nothing lies between us and a file: a connection that was opened is good.
        Ok(())
    }
}

/// A reader that was lent; dropping it gives it back.
pub struct PooledReader(Option<Object<OpenReader>>);

impl PooledReader {
    pub(super) fn new(reader: Object<OpenReader>) -> Self {
        Self(Some(reader))
    }

    /// Runs `work` with the connection. If the caller goes away meanwhile, the connection goes back when it is done.
    pub(super) async fn run<T, F>(&mut self, work: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, DbError> + Send + 'static,
    {
        let reader = self.0.take().ok_or(DbError::Abandoned)?;
        let (reader, result) = blocking(move || {
            let result = work(&reader);
            (reader, result)
        })
        .await?;
        self.0 = Some(reader);
        result
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::super::{Db, DbError, SQLITE_READERS, query};

    async fn open(folder: &tempfile::TempDir) -> Db {
        Db::open_sqlite(&folder.path().join("test.sqlite3"))
            .await
            .expect("a fresh database opens")
    }

    #[tokio::test]
    async fn a_reader_refuses_to_write() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let db = open(&folder).await;
        let mut reader = db.reader().await.expect("a reader is free");
        let written = query("DELETE FROM settings").execute(&mut reader.conn()).await;
        assert!(matches!(written, Err(DbError::Other(_))), "{written:?}");
    }

    #[tokio::test]
    async fn readers_whose_callers_went_away_are_lent_again() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let db = open(&folder).await;
        for _ in 0..2 * SQLITE_READERS {
            let mut reader = db.reader().await.expect("readers come back");
            let counting = query("SELECT COUNT(*) FROM settings");
            let mut conn = reader.conn();
            // Asked once, so that the statement is under way; then nobody waits for it any more.
            let counted = counting.fetch_one::<(i64,)>(&mut conn).now_or_never();
            assert!(counted.is_none_or(|counted| counted.is_ok()));
        }
    }
}
