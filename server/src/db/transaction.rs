//! How a transaction is written down, and what it gathers while it runs.

use super::DbError;
use super::audit::Pending;
use super::locks::Locks;

/// `write!(db, |tx| { … })`: a transaction with `tx: &mut Conn`, as `Result<_, DbError>`; with another error type,
/// `write!(db, |tx| -> Result<T, E> { … })`. The block owns what it uses, and all of that can be cloned: PostgreSQL may end
/// a transaction because of another one, and then it is run again.
macro_rules! write_transaction {
    ($db:expr, |$tx:ident| $body:block) => {
        $crate::db::write!($db, |$tx| -> Result<_, $crate::db::DbError> $body)
    };
    ($db:expr, |$tx:ident| -> $result:ty $body:block) => {
        $db.write(move |mut connection| {
            Box::pin(async move {
                let $tx = &mut connection;
                let result: $result = async { $body }.await;
                result
            })
        })
        .await
    };
}

pub(crate) use write_transaction as write;

/// What a write transaction has gathered besides its statements.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// The locks it has taken.
    pub(super) locks: Locks,
    /// What is recorded of it at its end.
    pub(super) entries: Vec<Pending>,
    /// The database failed under it: SQLite may have rolled back more than its own work.
    pub(super) fatal: Option<DbError>,
    /// PostgreSQL ended it because of another transaction; run again, it may succeed.
    pub(super) conflicted: bool,
}
