//! What a device measures, by its session. Its feed is made when the first measurement comes.
//!
//! Names of series become fields in the order in which they come. A feed has eight: points of further series are not kept,
//! those of the others in the same frame are.

use std::collections::BTreeMap;

use gangway_protocol::id::DeviceId;
use gangway_protocol::measurement::{ChannelNumber, Feed, FeedField, MAX_FIELDS, Retention};
use gangway_protocol::session::Series;
use gangway_protocol::time::UnixMillis;

use super::block::Values;
use super::{Incoming, Measurements, When, may_be};
use crate::authority::{Error, Result};
use crate::context::Context;
use crate::db::{DbError, devices, feeds, write};

/// Points of a frame that were not kept.
const DROPPED: &str = "gangway_measurements_dropped_total";

/// Stores what a device's session sent. What a clock that has lost the date says is not kept: nobody knows when it was.
///
/// # Errors
/// [`Error::RateLimited`] when the feed has had its share; [`Error::NotFound`] for a device that is gone.
pub async fn record(
    context: &Context,
    measurements: &Measurements,
    device: &DeviceId,
    series: &[Series],
) -> Result<()> {
    let now = context.clock.both();
    let sent: usize = series.iter().map(|one| one.points.len()).sum();
    let believed: Vec<Series> = series
        .iter()
        .map(|one| Series {
            name: one.name.clone(),
            points: one
                .points
                .iter()
                .copied()
                .filter(|(at, value)| value.is_finite() && may_be(*at, now.wall))
                .collect(),
        })
        .filter(|one| !one.points.is_empty())
        .collect();
    let mut kept = 0;
    let mut entries: BTreeMap<i64, Values> = BTreeMap::new();
    let feed = match believed.is_empty() {
        true => None,
        false => Some(feed_for(context, device, &believed).await?),
    };
    for one in &believed {
        let Some(field) = feed.as_ref().and_then(|feed| field_of(feed, &one.name)) else {
            continue;
        };
        for (at, value) in &one.points {
            entries.entry(at.0).or_default().set(field, *value);
        }
        kept += one.points.len();
    }
    if kept < sent {
        metrics::counter!(DROPPED).increment(u64::try_from(sent - kept).unwrap_or(u64::MAX));
        tracing::debug!(%device, dropped = sent - kept, "points were not kept: a ninth series, or times that cannot be");
    }
    let Some(feed) = feed else { return Ok(()) };
    if entries.is_empty() {
        return Ok(());
    }
    measurements.rates.spend(feed.channel, now.monotonic)?;
    let incoming = entries
        .into_iter()
        .map(|(at, values)| Incoming {
            at: When::At(UnixMillis(at)),
            values,
            remark: None,
            // Series of the same times may come in frames of their own.
            joins: true,
        })
        .collect();
    measurements.store(feed.channel, incoming, now.wall).await?;
    Ok(())
}

/// The number of the field of this name.
fn field_of(feed: &Feed, name: &str) -> Option<u8> {
    let place = feed.fields.iter().position(|field| field.name == name)?;
    u8::try_from(place + 1).ok()
}

/// The names that are no fields yet and become some.
fn new_names<'a>(feed: Option<&Feed>, series: &'a [Series]) -> Vec<&'a str> {
    let known = feed.map_or(&[][..], |feed| &feed.fields);
    let mut new: Vec<&str> = Vec::new();
    for one in series {
        let is_known = known.iter().any(|field| field.name == one.name) || new.contains(&one.name.as_str());
        if !is_known && !one.points.is_empty() && known.len() + new.len() < MAX_FIELDS {
            new.push(&one.name);
        }
    }
    new
}

/// The device's feed, made or with further fields where the series need it.
async fn feed_for(context: &Context, device: &DeviceId, series: &[Series]) -> Result<Feed> {
    let found = {
        let mut reader = context.db.reader().await?;
        feeds::of_device(&mut reader.conn(), device).await?
    };
    if let Some(feed) = found
        && new_names(Some(&feed), series).is_empty()
    {
        return Ok(feed);
    }
    let (device, series, now) = (device.clone(), series.to_vec(), context.clock.now());
    write!(context.db, |tx| -> Result<Feed> {
        // Two frames at once make one feed, and no field twice.
        let record = devices::lock(tx, &device).await?.ok_or(Error::NotFound)?;
        let found = feeds::of_device(tx, &device).await?;
        let names = new_names(found.as_ref(), &series);
        let new = names.into_iter().map(|name| FeedField {
            name: name.to_owned(),
            unit: String::new(),
        });
        match found {
            Some(mut feed) => {
                feed.fields.extend(new);
                feeds::update(tx, &feed).await?;
                Ok(feed)
            }
            None => {
                let mut feed = Feed {
                    channel: ChannelNumber(0),
                    organisation: record.device.organisation.clone(),
                    device: Some(device.clone()),
                    name: record.device.name.clone(),
                    description: String::new(),
                    fields: new.collect(),
                    location: None,
                    metadata: String::new(),
                    retention: Retention::default(),
                    created_at: now,
                    keys: None,
                };
                feed.channel = match feeds::insert(tx, &feed).await {
                    Err(DbError::Unique) => return Err(Error::Conflict("the device has a feed".to_owned())),
                    inserted => inserted?,
                };
                Ok(feed)
            }
        }
    })
}
