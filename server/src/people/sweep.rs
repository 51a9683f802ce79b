//! Removal of what has expired: ceremonies, links, sign-ins, kept replies. Nothing relies on it; every query looks at the
//! dates itself. The number of failed attempts is recorded here as well, once their hour is over.

use gangway_protocol::time::UnixMillis;

use super::failing;
use crate::context::Context;
use crate::db::{DbError, ceremonies, idempotency, links, sign_ins, write};

/// Removes what has expired by now.
pub async fn run(context: &Context) {
    if let Err(error) = sweep(context, context.clock.now()).await {
        tracing::warn!(%error, "expired sign-ins and ceremonies were not removed; the next sweep tries again");
    }
}

async fn sweep(context: &Context, now: UnixMillis) -> Result<(), DbError> {
    failing::close(context).await?;
    write!(context.db, |tx| {
        ceremonies::sweep(tx, now).await?;
        links::sweep(tx, now).await?;
        sign_ins::sweep(tx, now).await?;
        idempotency::sweep(tx, now.plus(-idempotency::KEPT_FOR)).await
    })
}
