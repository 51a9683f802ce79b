//! How a transaction is written down.

/// `write!(db, |tx| { … })`: a transaction with `tx: &mut Conn`, as `Result<_, DbError>`; with another error type,
/// `write!(db, |tx| -> Result<T, E> { … })`. The block owns what it uses.
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
