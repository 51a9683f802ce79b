//! Packs the entries of hours that are over: into the block of their hour, and into the hours of their day. What comes late joins
//! what was packed before. The entries leave the arrivals in the same transaction, so that each is counted once.

use std::collections::BTreeMap;

use gangway_protocol::time::UnixMillis;

use super::Measurements;
use super::block::{self, Entry, Values, unpack_values};
use super::summary::Summaries;
use crate::context::Context;
use crate::db::measurements::{self, Level, Piece};
use crate::db::{Conn, DbError, write};

/// How long an entry stays among the arrivals at least: what is newer is read and written all the time.
pub(super) const PACK_AFTER: i64 = UnixMillis::HOUR;
/// Channels of one look.
const CHANNELS: i64 = 200;
/// Entries of a channel that are packed in one transaction: an hour of one in a second.
const ENTRIES: i64 = 4_000;
/// Looks of one run: a burst of late entries shall not hold up everything else.
const LOOKS: u32 = 50;

/// Packs what is due.
pub async fn run(context: &Context, measurements: &Measurements) {
    if let Err(error) = pack(measurements, context.clock.now()).await {
        tracing::warn!(%error, "measurements were not packed; the next run tries again");
    }
}

async fn pack(store: &Measurements, now: UnixMillis) -> Result<(), DbError> {
    // Whole hours, so that a block is written once unless something comes late.
    let before = (now.0 - PACK_AFTER).div_euclid(UnixMillis::HOUR) * UnixMillis::HOUR;
    for _ in 0..LOOKS {
        let due = {
            let mut reader = store.db.reader().await?;
            measurements::to_pack(&mut reader.conn(), before, CHANNELS).await?
        };
        if due.is_empty() {
            return Ok(());
        }
        for channel in due {
            let _writing = store.writing.lock().await;
            write!(store.db, |tx| { pack_channel(tx, channel, before).await })?;
        }
    }
    Ok(())
}

async fn pack_channel(tx: &mut Conn<'_>, channel: i64, before: i64) -> Result<(), DbError> {
    let arrivals = measurements::oldest(tx, channel, before, ENTRIES).await?;
    let times: Vec<i64> = arrivals.iter().map(|(at, _, _)| *at).collect();
    let mut by_hour: BTreeMap<i64, Vec<Entry>> = BTreeMap::new();
    for (at, number, data) in arrivals {
        let values = unpack_values(&data).map_err(|_| DbError::Corrupt("measurement_arrivals.data"))?;
        let hour = at.div_euclid(UnixMillis::HOUR);
        by_hour
            .entry(hour)
            .or_default()
            .push(Entry { at, number, values });
    }
    let mut days: BTreeMap<i64, Summaries> = BTreeMap::new();
    for (hour, entries) in by_hour {
        let day = days.entry(hour.div_euclid(24)).or_default();
        let slot = slot_of_hour(hour);
        for added in add_to_block(tx, channel, hour, entries).await? {
            day.add_values(slot, &added);
        }
    }
    for (day, summaries) in days {
        add_summaries(tx, Level::Hours, channel, day, summaries).await?;
    }
    measurements::remove_packed(tx, channel, times).await
}

/// The hour of the day.
pub(super) fn slot_of_hour(hour: i64) -> u8 {
    u8::try_from(hour.rem_euclid(24)).unwrap_or_default()
}

/// The minute of the hour.
pub(super) fn slot_of_minute(at: i64) -> u8 {
    u8::try_from(at.rem_euclid(UnixMillis::HOUR) / UnixMillis::MINUTE).unwrap_or_default()
}

/// Adds entries to the block of their hour, and says which values it did not have.
async fn add_to_block(
    tx: &mut Conn<'_>,
    channel: i64,
    hour: i64,
    entries: Vec<Entry>,
) -> Result<Vec<Values>, DbError> {
    let start = hour * UnixMillis::HOUR;
    let mut block: BTreeMap<i64, Entry> = BTreeMap::new();
    if let Some(bytes) = measurements::piece(tx, Level::Blocks, channel, hour).await? {
        block.extend(
            read_block(start, &bytes)?
                .into_iter()
                .map(|entry| (entry.at, entry)),
        );
    }
    let mut added = Vec::with_capacity(entries.len());
    for entry in entries {
        match block.get_mut(&entry.at) {
            Some(packed) => added.push(packed.values.fill(&entry.values)),
            None => {
                added.push(entry.values);
                block.insert(entry.at, entry);
            }
        }
    }
    let entries: Vec<Entry> = block.into_values().collect();
    let piece = Piece {
        place: hour,
        data: block::pack(start, &entries),
    };
    measurements::put_piece(tx, Level::Blocks, channel, piece).await?;
    Ok(added)
}

pub(super) fn read_block(start: i64, bytes: &[u8]) -> Result<Vec<Entry>, DbError> {
    block::unpack(start, bytes).map_err(|_| DbError::Corrupt("measurement_blocks.data"))
}

pub(super) fn read_summaries(bytes: &[u8]) -> Result<Summaries, DbError> {
    Summaries::unpack(bytes).map_err(|_| DbError::Corrupt("summaries of measurements"))
}

/// Adds summaries to those that stand at a place.
pub(super) async fn add_summaries(
    tx: &mut Conn<'_>,
    level: Level,
    channel: i64,
    place: i64,
    mut summaries: Summaries,
) -> Result<(), DbError> {
    if let Some(bytes) = measurements::piece(tx, level, channel, place).await? {
        let mut standing = read_summaries(&bytes)?;
        standing.add_all(&summaries);
        summaries = standing;
    }
    let piece = Piece {
        place,
        data: summaries.pack(),
    };
    measurements::put_piece(tx, level, channel, piece).await
}
