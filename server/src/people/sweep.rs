//! Removal of what has expired: ceremonies, links, sign-ins, kept replies. Nothing relies on it; every query looks at the
//! dates itself. The number of failed attempts is recorded here as well, once their hour is over.

use std::sync::atomic::{AtomicI64, Ordering};

use gangway_protocol::time::UnixMillis;

use super::failing;
use crate::context::Context;
use crate::db::{DbError, ceremonies, idempotency, links, sign_ins, write};

/// How often: rows that wait for it cost nothing but space.
const EVERY: i64 = 10 * UnixMillis::MINUTE;

/// When the next sweep is due.
#[derive(Debug, Default)]
pub struct Sweeper {
    next: AtomicI64,
}

/// Sweeps when it is time; called once a second by one task.
pub async fn tick(context: &Context, sweeper: &Sweeper) {
    let now = context.clock.now();
    let due = &sweeper.next;
    if now.0 < due.load(Ordering::Relaxed) {
        return;
    }
    due.store(now.plus(EVERY).0, Ordering::Relaxed);
    if let Err(error) = sweep(context, now).await {
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
