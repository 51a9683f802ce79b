//! What was measured, put together from wherever it lies: entries that have arrived, blocks, minutes and hours.

use std::collections::{BTreeMap, HashMap};

use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::measurement::{
    ChannelNumber, Feed, MAX_ANSWERED_POINTS, MAX_FIELDS, MAX_RESOLUTION_SECS, MeasuredPoint, MeasuredSeries,
    MeasurementQuery, Measurements as Answer,
};
use gangway_protocol::time::UnixMillis;

use super::Measurements;
use super::block::{Entry, unpack_values};
use super::packing::{read_block, read_summaries};
use super::remark::Remark;
use super::summary::Summary;
use crate::authority::{Caller, Error, Result, Right};
use crate::context::Context;
use crate::db::measurements::spans::{self, Found, Span};
use crate::db::measurements::{Level, states};
use crate::db::{DbError, feeds};

/// Points of a chart that is well filled: more than a screen has room for.
const POINTS: i64 = 1_500;
/// Longest span of which entries are unpacked to answer once: some hundreds of blocks.
const MAX_UNPACKED: i64 = 16 * UnixMillis::DAY;
/// Spans that a point stands for by itself: from a minute to a month.
const STEPS: [u32; 11] = [
    60, 300, 900, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 604_800, 2_592_000,
];
/// Most blocks that are read at a time when the newest entries are looked for. For few of them few are read at first.
const BLOCKS: i64 = 48;

/// A bound of time that no entry reaches.
pub const FOREVER: i64 = i64::MAX / 2;

impl Measurements {
    /// The entries of a span, oldest first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn entries(&self, channel: ChannelNumber, from: i64, until: i64) -> Result<Vec<Entry>> {
        let span = span(channel, from, until);
        let found = {
            let mut reader = self.db.reader().await?;
            spans::entries(&mut reader.conn(), span).await?
        };
        let mut entries = BTreeMap::new();
        unpack(found, span, &mut entries)?;
        Ok(entries.into_values().collect())
    }

    /// The newest `most` entries of a span, oldest first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn newest(
        &self,
        channel: ChannelNumber,
        from: i64,
        until: i64,
        most: usize,
    ) -> Result<Vec<Entry>> {
        let whole = span(channel, from, until);
        let mut entries = BTreeMap::new();
        let mut until = whole.until;
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        let mut blocks_at_once = (limit / 60 + 1).min(BLOCKS);
        loop {
            let part = Span { until, ..whole };
            let found = {
                let mut reader = self.db.reader().await?;
                spans::newest(&mut reader.conn(), part, limit, blocks_at_once).await?
            };
            // Between the oldest block that was read and here everything was read.
            let blocks = found.iter().filter(|found| found.level == Some(Level::Blocks));
            let oldest = blocks.map(|found| found.place * UnixMillis::HOUR).min();
            unpack(found, part, &mut entries)?;
            match oldest {
                Some(oldest) if oldest > whole.from && entries.range(oldest..).count() < most => {
                    until = oldest;
                    blocks_at_once = BLOCKS;
                }
                _ => break,
            }
        }
        let surplus = entries.len().saturating_sub(most);
        Ok(entries.into_values().skip(surplus).collect())
    }

    /// The newest entry of a channel that has a value in this field, or of all its entries.
    ///
    /// # Errors
    /// What the database says.
    pub async fn last(&self, channel: ChannelNumber, field: Option<u8>) -> Result<Option<Entry>> {
        let mut most = 1;
        loop {
            let entries = self.newest(channel, 0, FOREVER, most).await?;
            let has = |entry: &&Entry| field.is_none_or(|field| entry.values.of(field).is_some());
            if let Some(found) = entries.iter().rev().find(has) {
                return Ok(Some(*found));
            }
            // Far back nobody looks: a field that has rested for thousands of entries has no last value worth the search.
            if entries.len() < most || most > MAX_ANSWERED_POINTS {
                return Ok(None);
            }
            most *= 16;
        }
    }

    /// What was said beside the entries of a span, by their times.
    ///
    /// # Errors
    /// What the database says.
    pub async fn remarks(
        &self,
        channel: ChannelNumber,
        from: i64,
        until: i64,
    ) -> Result<HashMap<i64, Remark>> {
        let mut reader = self.db.reader().await?;
        let found = spans::remarks(&mut reader.conn(), span(channel, from, until)).await?;
        let read = |(at, text): (i64, String)| Ok((at, Remark::read(&text)?));
        Ok(found
            .into_iter()
            .map(read)
            .collect::<std::result::Result<_, DbError>>()?)
    }

    /// The number and the time of the newest entry of a channel.
    ///
    /// # Errors
    /// What the database says.
    pub async fn latest(&self, channel: ChannelNumber) -> Result<Option<(i64, UnixMillis)>> {
        let mut reader = self.db.reader().await?;
        let found = states(&mut reader.conn(), vec![channel.0]).await?;
        let state = found.first().filter(|state| state.last_entry > 0);
        Ok(state.map(|state| (state.last_entry, UnixMillis(state.latest_at))))
    }

    /// What the values of a span have in common, by steps of so many milliseconds: whole minutes, or whole hours.
    ///
    /// # Errors
    /// What the database says.
    pub async fn summaries(
        &self,
        channel: ChannelNumber,
        from: i64,
        until: i64,
        step: i64,
    ) -> Result<BTreeMap<(i64, u8), Summary>> {
        // Whole steps at both ends: half a step would look like a fall of the values.
        let first = from.max(0).div_euclid(step) * step;
        let after = until.min(FOREVER).saturating_add(step - 1).div_euclid(step) * step;
        let span = span(channel, first, after);
        let by_hours = step % UnixMillis::HOUR == 0;
        let found = {
            let mut reader = self.db.reader().await?;
            let conn = &mut reader.conn();
            match by_hours {
                true => spans::hours(conn, span).await?,
                false => spans::minutes(conn, span).await?,
            }
        };
        let mut summaries: BTreeMap<(i64, u8), Summary> = BTreeMap::new();
        let mut add = |at: i64, field: u8, summary: &Summary| {
            if !(span.from..span.until).contains(&at) {
                return;
            }
            summaries
                .entry((at.div_euclid(step) * step, field))
                .and_modify(|own| own.add(summary))
                .or_insert(*summary);
        };
        let mut entries = BTreeMap::new();
        for found in found {
            let (start, slot_len) = match found.level {
                Some(Level::Minutes) => (found.place * UnixMillis::HOUR, UnixMillis::MINUTE),
                Some(Level::Hours) => (found.place * UnixMillis::DAY, UnixMillis::HOUR),
                None | Some(Level::Blocks) => {
                    unpack(vec![found], span, &mut entries)?;
                    continue;
                }
            };
            for (slot, field, summary) in read_summaries(&found.data)?.iter() {
                add(start + i64::from(slot) * slot_len, field, summary);
            }
        }
        for entry in entries.values() {
            for (field, value) in entry.values.numbered() {
                add(entry.at, field, &Summary::of(value));
            }
        }
        Ok(summaries)
    }
}

fn span(channel: ChannelNumber, from: i64, until: i64) -> Span {
    Span {
        channel: channel.0,
        from: from.max(0),
        until: until.min(FOREVER),
    }
}

/// Entries by their times. What was added to a packed one and is not packed yet belongs to it.
fn unpack(
    found: Vec<Found>,
    span: Span,
    entries: &mut BTreeMap<i64, Entry>,
) -> std::result::Result<(), DbError> {
    let mut add = |entry: Entry| {
        entries
            .entry(entry.at)
            .and_modify(|known| {
                known.values.fill(&entry.values);
            })
            .or_insert(entry);
    };
    for found in found {
        match found.level {
            None => {
                let values =
                    unpack_values(&found.data).map_err(|_| DbError::Corrupt("measurement_arrivals.data"))?;
                add(Entry {
                    at: found.place,
                    number: found.entry,
                    values,
                });
            }
            Some(Level::Blocks) => {
                let block = read_block(found.place * UnixMillis::HOUR, &found.data)?;
                let within = |entry: &Entry| (span.from..span.until).contains(&entry.at);
                block.into_iter().filter(within).for_each(&mut add);
            }
            Some(Level::Minutes | Level::Hours) => {}
        }
    }
    Ok(())
}

/// What a device has measured. A device that has sent nothing yet has measured nothing.
///
/// # Errors
/// [`Error::NotFound`] for a foreign device as for an unknown one; [`Error::Invalid`] naming what cannot be answered.
pub async fn of_device(
    context: &Context,
    measurements: &Measurements,
    caller: &Caller,
    device: &DeviceId,
    query: &MeasurementQuery,
) -> Result<Answer> {
    let record = caller.see_device(&context.db, device).await?;
    let feed = {
        let mut reader = context.db.reader().await?;
        feeds::of_device(&mut reader.conn(), &record.device.id).await?
    };
    match feed {
        Some(feed) => answer(measurements, &feed, query, context.clock.now()).await,
        None => {
            let asked = Asked::read(query, context.clock.now())?;
            Ok(Answer {
                channel: ChannelNumber(0),
                resolution_secs: asked.resolution_secs,
                series: Vec::new(),
            })
        }
    }
}

/// What is in a feed.
///
/// # Errors
/// As [`of_device`].
pub async fn of_feed(
    context: &Context,
    measurements: &Measurements,
    caller: &Caller,
    organisation: &OrganisationId,
    channel: ChannelNumber,
    query: &MeasurementQuery,
) -> Result<Answer> {
    caller.require(&context.db, organisation, Right::SeeFleet).await?;
    let feed = super::feeds::of(context, organisation, channel).await?;
    answer(measurements, &feed, query, context.clock.now()).await
}

/// A question that can be answered.
struct Asked {
    fields: Vec<u8>,
    from: i64,
    until: i64,
    resolution_secs: u32,
}

impl Asked {
    fn read(query: &MeasurementQuery, now: UnixMillis) -> Result<Self> {
        let last_field = u8::try_from(MAX_FIELDS).unwrap_or(u8::MAX);
        let fields = match query.field {
            Some(field) if (1..=last_field).contains(&field) => vec![field],
            Some(_) => {
                return Err(Error::invalid("field", format!("field is 1 to {MAX_FIELDS}")));
            }
            None => (1..=last_field).collect(),
        };
        // Nothing was measured outside of these.
        let until = query.until.unwrap_or(now.plus(super::AHEAD)).0.min(FOREVER);
        let from = query.from.unwrap_or(now.plus(-UnixMillis::DAY)).0.max(0);
        if from >= until {
            return Err(Error::invalid("from", "from is before until"));
        }
        let span = until - from;
        let resolution_secs = match query.resolution_secs {
            None => fitting(span),
            Some(secs) if secs % 60 == 0 && secs <= MAX_RESOLUTION_SECS => secs,
            Some(_) => {
                return Err(Error::invalid(
                    "resolution_secs",
                    format!("resolution_secs is 0 or a multiple of 60, at most {MAX_RESOLUTION_SECS}"),
                ));
            }
        };
        let step = i64::from(resolution_secs) * UnixMillis::SECOND;
        let most = i64::try_from(MAX_ANSWERED_POINTS).unwrap_or(i64::MAX);
        let too_fine = (step % UnixMillis::HOUR != 0 || step == 0) && span > MAX_UNPACKED;
        if too_fine || (step > 0 && span / step > most) {
            return Err(Error::invalid(
                "resolution_secs",
                format!(
                    "that is too fine for so long a span: at most {most} points are answered, and of less than an hour each at \
                     most {} days",
                    MAX_UNPACKED / UnixMillis::DAY
                ),
            ));
        }
        Ok(Self {
            fields,
            from,
            until,
            resolution_secs,
        })
    }
}

/// The finest step by which a chart of this span is well filled.
fn fitting(span: i64) -> u32 {
    let fits = |secs: &u32| {
        let step = i64::from(*secs) * UnixMillis::SECOND;
        span / step <= POINTS && (step % UnixMillis::HOUR == 0 || span <= MAX_UNPACKED)
    };
    STEPS.into_iter().find(fits).unwrap_or(MAX_RESOLUTION_SECS)
}

async fn answer(
    measurements: &Measurements,
    feed: &Feed,
    query: &MeasurementQuery,
    now: UnixMillis,
) -> Result<Answer> {
    let asked = Asked::read(query, now)?;
    let mut points: BTreeMap<u8, Vec<MeasuredPoint>> = BTreeMap::new();
    let mut add = |at: i64, field: u8, summary: &Summary| {
        points.entry(field).or_default().push(MeasuredPoint {
            at: UnixMillis(at),
            mean: summary.mean,
            low: summary.low,
            high: summary.high,
            count: summary.count,
        });
    };
    if asked.resolution_secs == 0 {
        let entries = measurements
            .newest(feed.channel, asked.from, asked.until, MAX_ANSWERED_POINTS + 1)
            .await?;
        if entries.len() > MAX_ANSWERED_POINTS {
            return Err(Error::invalid(
                "from",
                format!(
                    "there are more than {MAX_ANSWERED_POINTS} values in that span: ask for a shorter one, or with resolution_secs"
                ),
            ));
        }
        for entry in entries {
            for (field, value) in entry.values.numbered() {
                add(entry.at, field, &Summary::of(value));
            }
        }
    } else {
        let step = i64::from(asked.resolution_secs) * UnixMillis::SECOND;
        let summaries = measurements
            .summaries(feed.channel, asked.from, asked.until, step)
            .await?;
        for ((at, field), summary) in &summaries {
            add(*at, *field, summary);
        }
    }
    let named = (1_u8..).zip(&feed.fields);
    let series = named
        .filter(|(field, _)| asked.fields.contains(field))
        .map(|(field, named)| MeasuredSeries {
            field,
            name: named.name.clone(),
            unit: named.unit.clone(),
            points: points.remove(&field).unwrap_or_default(),
        });
    Ok(Answer {
        channel: feed.channel,
        resolution_secs: asked.resolution_secs,
        series: series.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_of_any_span_is_well_filled_and_cheap() {
        for (span, secs) in [
            (UnixMillis::HOUR, 60),
            (UnixMillis::DAY, 60),
            (7 * UnixMillis::DAY, 900),
            (31 * UnixMillis::DAY, 3_600),
            (366 * UnixMillis::DAY, 21_600),
            (3_653 * UnixMillis::DAY, 604_800),
        ] {
            assert_eq!(fitting(span), secs, "{span}");
        }
    }
}
