//! Which server may write to a PostgreSQL database: the one that has begun the newest epoch.
//!
//! A server's session with its lock ([`super::ServerLock`]) may die without its knowledge, and another server may start
//! meanwhile. That one begins an epoch: it waits until every write transaction of the former has ended, and later ones of the
//! former are refused by the database itself, at their beginning and without a trip of their own. Commands beside a server
//! belong to no epoch.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sqlx::AssertSqlSafe;

use super::{Conn, DbError, query};

/// What `require_epoch` raises.
pub(super) const ANOTHER_EPOCH: &str = "GW001";
/// The next round makes durable what a transaction of this beginning commits.
const UNHURRIED: &str = "BEGIN; SET LOCAL synchronous_commit TO OFF";
const HURRIED: &str = "BEGIN";

/// The epoch of this server. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct ServerEpoch(Arc<AtomicI64>);

impl ServerEpoch {
    /// How a transaction begins that commits without waiting for the disk.
    pub(super) fn begin(&self) -> AssertSqlSafe<String> {
        self.behind(UNHURRIED)
    }

    /// How a transaction begins whose commit waits for the disk.
    pub(super) fn begin_durable(&self) -> AssertSqlSafe<String> {
        self.behind(HURRIED)
    }

    /// From now on transactions belong to this epoch.
    pub(super) fn set(&self, epoch: i64) {
        self.0.store(epoch, Ordering::SeqCst);
    }

    fn behind(&self, beginning: &str) -> AssertSqlSafe<String> {
        AssertSqlSafe(match self.0.load(Ordering::SeqCst) {
            0 => beginning.to_owned(),
            epoch => format!("{beginning}; SELECT require_epoch({epoch})"),
        })
    }
}

/// Begins the next epoch, in a transaction that belongs to none.
pub(super) async fn begin_next(conn: &mut Conn<'_>) -> Result<i64, DbError> {
    // `require_epoch` takes it shared.
    let _waited: (String,) = query("SELECT pg_advisory_xact_lock(29099049411371386)::TEXT")
        .fetch_one(conn)
        .await?;
    let (epoch,): (i64,) = query("UPDATE server_epoch SET epoch = epoch + 1 RETURNING epoch")
        .fetch_one(conn)
        .await?;
    Ok(epoch)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt as _;
    use tokio::sync::Notify;

    use super::super::fresh_postgres::fresh_database;
    use super::super::{Db, DbError, settings, write};

    async fn put(db: &Db, name: &'static str) -> Result<(), DbError> {
        write!(db, |tx| { settings::put(tx, name, "x").await })
    }

    /// Threat model: SES-11.
    #[tokio::test]
    async fn a_server_whose_place_was_taken_writes_nothing_more() {
        let url = fresh_database().await;
        let former = Db::open_postgres(&url).await.expect("a fresh database opens");
        former.take_over().await.expect("the place is free");
        put(&former, "before").await.expect("it may write");
        let newer = Db::open_postgres(&url).await.expect("it opens");
        newer.take_over().await.expect("the place is taken over");
        assert!(matches!(put(&former, "after").await, Err(DbError::Fenced)));
        put(&newer, "after").await.expect("it may write");
        let beside = Db::open_postgres(&url).await.expect("it opens");
        put(&beside, "by a command")
            .await
            .expect("commands belong to no epoch");
    }

    #[tokio::test]
    async fn a_place_is_taken_over_when_what_was_being_written_has_ended() {
        let url = fresh_database().await;
        let former = Db::open_postgres(&url).await.expect("a fresh database opens");
        former.take_over().await.expect("the place is free");
        let newer = Db::open_postgres(&url).await.expect("it opens");
        let (begun, goes_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let writing = tokio::spawn({
            let (former, begun, goes_on) = (former.clone(), begun.clone(), goes_on.clone());
            async move {
                write!(former, |tx| {
                    settings::put(tx, "late", "x").await?;
                    begun.notify_one();
                    goes_on.notified().await;
                    Ok(())
                })
            }
        });
        begun.notified().await;
        let mut taking = Box::pin(newer.take_over());
        // It has asked PostgreSQL for the lock by the time that PostgreSQL answers something else.
        for _ in 0..3 {
            assert!(taking.as_mut().now_or_never().is_none(), "somebody still writes");
            let mut reader = newer.reader().await.expect("a connection is free");
            settings::get(&mut reader.conn(), "late")
                .await
                .expect("it answers");
        }
        goes_on.notify_one();
        taking.await.expect("nobody writes any more");
        // Its transaction was first; what makes it durable is the newer server's from now on.
        let outcome = writing.await.expect("no panic");
        assert!(matches!(outcome, Ok(()) | Err(DbError::Fenced)), "{outcome:?}");
        let mut reader = newer.reader().await.expect("a connection is free");
        let kept = settings::get(&mut reader.conn(), "late")
            .await
            .expect("it answers");
        assert_eq!(kept.as_deref(), Some("x"));
    }
}
