//! Forgets what is too old: blocks become minutes, old minutes and hours go. Each channel has its turn once a day.
//!
//! What holds is the shorter of a feed's own wish and of the rules of its organisation.

use gangway_protocol::measurement::{ChannelNumber, Retention};
use gangway_protocol::organisation::Policy;
use gangway_protocol::time::UnixMillis;

use super::Measurements;
use super::packing::{add_summaries, read_block, slot_of_minute};
use super::summary::Summaries;
use crate::context::Context;
use crate::db::measurements::{self, Level, partitions};
use crate::db::{Conn, DbError, feeds, write};

/// How often a channel has its turn.
const EVERY: i64 = UnixMillis::DAY;
/// Channels of one run.
const CHANNELS: i64 = 1_000;
/// Blocks that are made minutes in one transaction.
const BLOCKS: i64 = 100;

/// Sweeps the channels whose turn it is.
pub async fn run(context: &Context, measurements: &Measurements) {
    if let Err(error) = sweep(context, measurements).await {
        tracing::warn!(%error, "old measurements were not forgotten; the next run tries again");
    }
}

/// Days for which values, minutes and hours are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kept {
    raw: i64,
    minutes: i64,
    hours: i64,
}

impl Kept {
    fn of(own: &Retention, policy: &Policy) -> Self {
        let shorter = |own: Option<u32>, rule: u32| i64::from(own.map_or(rule, |own| own.min(rule)));
        Self {
            raw: shorter(own.raw_days, policy.measurements_raw_days),
            minutes: shorter(own.minute_days, policy.measurements_minute_days),
            hours: shorter(own.hour_days, policy.measurements_hour_days),
        }
    }
}

async fn sweep(context: &Context, store: &Measurements) -> Result<(), DbError> {
    let now = context.clock.now();
    let due = {
        let mut reader = store.db.reader().await?;
        measurements::to_sweep(&mut reader.conn(), now.0 - EVERY, CHANNELS).await?
    };
    for channel in due {
        let found = {
            let mut reader = context.db.reader().await?;
            feeds::kept(&mut reader.conn(), ChannelNumber(channel)).await?
        };
        match found {
            Some((own, policy)) => sweep_channel(store, channel, Kept::of(&own, &policy), now).await?,
            None => {
                let _writing = store.writing.lock().await;
                write!(store.db, |tx| { measurements::remove_channel(tx, channel).await })?;
            }
        }
    }
    drop_partitions(context, store, now).await
}

async fn sweep_channel(
    store: &Measurements,
    channel: i64,
    kept: Kept,
    now: UnixMillis,
) -> Result<(), DbError> {
    let hour = |days: i64| (now.0 - days * UnixMillis::DAY).div_euclid(UnixMillis::HOUR);
    let (raw, minutes) = (hour(kept.raw), hour(kept.minutes));
    while {
        let _writing = store.writing.lock().await;
        write!(store.db, |tx| {
            blocks_to_minutes(tx, channel, raw, minutes).await
        })?
    } {}
    let _writing = store.writing.lock().await;
    let day = hour(kept.hours).div_euclid(24);
    write!(store.db, |tx| {
        measurements::remove_pieces(tx, Level::Minutes, channel, minutes).await?;
        measurements::remove_pieces(tx, Level::Hours, channel, day).await?;
        measurements::remove_remarks(tx, channel, raw * UnixMillis::HOUR).await?;
        measurements::note_swept(tx, channel, now.0).await
    })
}

/// Makes minutes of the oldest blocks before an hour; true while there may be more of them.
async fn blocks_to_minutes(
    tx: &mut Conn<'_>,
    channel: i64,
    before: i64,
    minutes_from: i64,
) -> Result<bool, DbError> {
    let blocks = measurements::old_pieces(tx, Level::Blocks, channel, before, BLOCKS).await?;
    let Some(last) = blocks.last().map(|block| block.place) else {
        return Ok(false);
    };
    for block in &blocks {
        if block.place < minutes_from {
            continue;
        }
        let mut summaries = Summaries::default();
        for entry in read_block(block.place * UnixMillis::HOUR, &block.data)? {
            summaries.add_values(slot_of_minute(entry.at), &entry.values);
        }
        add_summaries(tx, Level::Minutes, channel, block.place, summaries).await?;
    }
    measurements::remove_pieces(tx, Level::Blocks, channel, last + 1).await?;
    Ok(true)
}

/// Drops what nobody keeps any more by whole partitions, where the engine has them.
async fn drop_partitions(context: &Context, store: &Measurements, now: UnixMillis) -> Result<(), DbError> {
    let longest = {
        let mut reader = context.db.reader().await?;
        feeds::longest_kept(&mut reader.conn()).await?
    };
    let [raw, minutes, hours] = longest.map(|days| now.0.div_euclid(UnixMillis::DAY) - i64::from(days));
    let _writing = store.writing.lock().await;
    write!(store.db, |tx| {
        partitions::drop_before(tx, Level::Blocks, raw * 24).await?;
        partitions::drop_before(tx, Level::Minutes, minutes * 24).await?;
        partitions::drop_before(tx, Level::Hours, hours).await
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_of_wish_and_rule_holds() {
        let policy = Policy::default();
        let own = Retention {
            raw_days: Some(7),
            minute_days: Some(99_999),
            hour_days: None,
        };
        let kept = Kept::of(&own, &policy);
        assert_eq!(kept.raw, 7);
        assert_eq!(kept.minutes, i64::from(policy.measurements_minute_days));
        assert_eq!(kept.hours, i64::from(policy.measurements_hour_days));
    }
}
