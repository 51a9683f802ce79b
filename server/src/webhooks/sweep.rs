//! The log of deliveries is kept within bounds, and former secrets are forgotten.

use gangway_protocol::time::UnixMillis;

use crate::context::Context;
use crate::db::webhooks::{deliveries, outbox};
use crate::db::{DbError, webhooks, write};

/// For how long a delivery is kept, whatever became of it: longer than it is tried, and long enough to be looked at after holidays.
const KEPT_FOR: i64 = 30 * UnixMillis::DAY;
/// How many deliveries of a webhook are kept that are over, the newest: some megabytes of text.
const KEPT: i64 = 10_000;
/// Webhooks that are looked at in one go.
const PAGE: i64 = 500;

/// Removes what is too old or too much.
pub async fn run(context: &Context) {
    if let Err(error) = sweep(context, context.clock.now()).await {
        tracing::warn!(%error, "old deliveries of webhooks were not removed; the next sweep tries again");
    }
}

async fn sweep(context: &Context, now: UnixMillis) -> Result<(), DbError> {
    write!(context.db, |tx| {
        webhooks::forget_former_secrets(tx, now).await?;
        outbox::sweep(tx, now.plus(-KEPT_FOR)).await
    })?;
    let mut after = String::new();
    loop {
        let mut reader = context.db.reader().await?;
        let page = webhooks::ids(&mut reader.conn(), &after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.to_string();
        for webhook in page {
            let beyond = deliveries::first_beyond(&mut reader.conn(), &webhook, KEPT).await?;
            if let Some(event) = beyond {
                write!(context.db, |tx| {
                    deliveries::remove_up_to(tx, &webhook, &event).await
                })?;
            }
        }
    }
}
