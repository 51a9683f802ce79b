//! Channels, their feeds, single fields, last entries and statuses.

use std::collections::HashMap;

use axum::extract::Request;
use gangway_protocol::measurement::MAX_FIELDS;
use gangway_protocol::time::UnixMillis;

use super::document::{self, Cell, Format, Record};
use super::instant::Zone;
use super::parameters::Parameters;
use super::refusal::{Code, Refusal};
use super::slices::Slicing;
use super::{Answer, Reading};
use crate::measurements::access::{self, Opened};
use crate::measurements::block::{Entry, Values};
use crate::measurements::remark::Remark;
use crate::state::Gangway;

/// Entries of an answer where nobody says how many.
const DEFAULT_RESULTS: usize = 100;
/// Most entries of an answer.
const MAX_RESULTS: usize = 8_000;
/// Most decimal places that values are rounded to.
const MAX_PLACES: usize = 15;

/// Which entries were asked for.
pub(super) struct Selection {
    pub(super) from: i64,
    pub(super) until: i64,
    pub(super) most: usize,
}

impl Selection {
    /// The last day, unless a number of entries, of days or of minutes, or a start is named; the newest 100 of it, unless
    /// something is named.
    pub(super) fn of(parameters: &Parameters, zone: &Zone, now: UnixMillis) -> Self {
        let until = parameters.text("end").and_then(|text| zone.read(text));
        let back = |name: &str, len: i64| {
            let count = parameters.number::<i64>(name)?.max(0);
            Some(now.0.saturating_sub(count.saturating_mul(len)))
        };
        let results = parameters.number::<usize>("results");
        let from = parameters
            .text("start")
            .and_then(|text| zone.read(text))
            .or_else(|| back("days", UnixMillis::DAY))
            .or_else(|| back("minutes", UnixMillis::MINUTE));
        let is_named = from.is_some() || until.is_some();
        let otherwise = match results {
            Some(_) => 0,
            None => now.0 - UnixMillis::DAY,
        };
        Self {
            from: from.unwrap_or(otherwise),
            // What came early, because its clock is ahead, is shown too. An end is part of the span.
            until: until.map_or(now.plus(UnixMillis::DAY).0, |end| end.saturating_add(1)),
            most: match results {
                Some(results) => results.min(MAX_RESULTS),
                None if is_named => MAX_RESULTS,
                None => DEFAULT_RESULTS,
            },
        }
    }
}

/// `/channels.json`: the original lists the channels of a person's key. A key here opens one, and lists that.
pub(super) async fn list_channels(gangway: &Gangway, request: Request, format: Format) -> Answer {
    let parameters = Parameters::of_query(&request);
    parameters.refuse_callback()?;
    let opened = match parameters.key() {
        Some(key) => access::open(gangway, &key).await?,
        None => None,
    };
    let opened = opened.ok_or(Code::NoWrite)?;
    let record = described(gangway, &opened).await?;
    Ok(document::channels(&[record], format, &parameters.zone()))
}

/// `/channels/{id}`.
pub(super) async fn show_channel(gangway: &Gangway, reading: &Reading, format: Format) -> Answer {
    let record = described(gangway, &reading.opened).await?;
    Ok(record.answer("channel", format, &reading.parameters.zone()))
}

/// A channel as lists of channels have it.
async fn described(gangway: &Gangway, opened: &Opened) -> Result<Record, Refusal> {
    let feed = &opened.feed;
    let latest = gangway.measurements.latest(feed.channel).await?;
    let place = feed.location;
    let number = |number: Option<f64>| Cell::text(number.map(|number| number.to_string()));
    let mut record = Record::default();
    record.put("id", Cell::Integer(feed.channel.0));
    record.put("name", Cell::Text(feed.name.clone()));
    record.put("description", Cell::Text(feed.description.clone()));
    record.put("latitude", number(place.map(|place| place.latitude)));
    record.put("longitude", number(place.map(|place| place.longitude)));
    record.put("created_at", Cell::Instant(feed.created_at.0));
    record.put("elevation", number(place.and_then(|place| place.elevation)));
    record.put(
        "last_entry_id",
        latest.map_or(Cell::Null, |(entry, _)| Cell::Integer(entry)),
    );
    record.put("public_flag", Cell::Truth(false));
    record.put("metadata", Cell::Text(feed.metadata.clone()));
    Ok(record)
}

/// A channel as it stands above its feeds: what it does not have is left out.
async fn heading(gangway: &Gangway, opened: &Opened) -> Result<Record, Refusal> {
    let feed = &opened.feed;
    let latest = gangway.measurements.latest(feed.channel).await?;
    let mut record = Record::default();
    record.put("id", Cell::Integer(feed.channel.0));
    record.put("name", Cell::Text(feed.name.clone()));
    if !feed.description.is_empty() {
        record.put("description", Cell::Text(feed.description.clone()));
    }
    if let Some(place) = feed.location {
        record.put("latitude", Cell::Text(place.latitude.to_string()));
        record.put("longitude", Cell::Text(place.longitude.to_string()));
        if let Some(elevation) = place.elevation {
            record.put("elevation", Cell::Text(elevation.to_string()));
        }
    }
    for (number, name) in shown_fields(opened, None) {
        record.put(format!("field{number}"), Cell::Text(name));
    }
    record.put("created_at", Cell::Instant(feed.created_at.0));
    let updated = latest.map_or(feed.created_at, |(_, at)| at);
    record.put("updated_at", Cell::Instant(updated.0));
    record.put(
        "last_entry_id",
        latest.map_or(Cell::Null, |(entry, _)| Cell::Integer(entry)),
    );
    Ok(record)
}

/// Fields with names that the key shows, all or this one.
fn shown_fields(opened: &Opened, field: Option<u8>) -> Vec<(u8, String)> {
    let named = (1_u8..).zip(&opened.feed.fields).take(MAX_FIELDS);
    named
        .filter(|(number, named)| {
            !named.name.is_empty() && opened.shows(*number) && field.is_none_or(|field| field == *number)
        })
        .map(|(number, named)| (number, named.name.clone()))
        .collect()
}

/// `/channels/{id}/feeds` and `/channels/{id}/fields/{n}`.
pub(super) async fn show_feeds(
    gangway: &Gangway,
    reading: &Reading,
    field: Option<u8>,
    format: Format,
) -> Answer {
    let Reading { opened, parameters } = reading;
    require_shown(opened, field)?;
    let zone = parameters.zone();
    let entries = select(gangway, reading, &zone).await?;
    let heading = heading(gangway, opened).await?;
    let rows = Rows::new(gangway, reading, field, &entries).await?;
    let slicing = Slicing::of(parameters);
    let records: Vec<Record> = match slicing {
        Some(slicing) => slicing
            .apply(&entries)
            .into_iter()
            .filter(|(_, values)| rows.is_within(values))
            .map(|(at, values)| rows.record(at, None, &values))
            .collect(),
        None => entries
            .iter()
            .filter(|entry| rows.is_within(&entry.values))
            .map(|entry| rows.record(entry.at, Some(entry.number), &entry.values))
            .collect(),
    };
    Ok(document::channel_with_feeds(&heading, &records, format, &zone))
}

/// The entries that were asked for.
pub(super) async fn select(gangway: &Gangway, reading: &Reading, zone: &Zone) -> Result<Vec<Entry>, Refusal> {
    let selection = Selection::of(&reading.parameters, zone, gangway.clock.now());
    if selection.most == 0 || selection.from >= selection.until {
        return Ok(Vec::new());
    }
    let (channel, store) = (reading.opened.feed.channel, &gangway.measurements);
    Ok(store
        .newest(channel, selection.from, selection.until, selection.most)
        .await?)
}

/// A key that does not show a field opens it no more than another's.
pub(super) fn require_shown(opened: &Opened, field: Option<u8>) -> Result<(), Refusal> {
    match field {
        Some(field) if !opened.shows(field) => Err(Code::NoRead.into()),
        _ => Ok(()),
    }
}

/// How entries become records.
struct Rows {
    fields: Vec<u8>,
    places: Option<usize>,
    least: Option<f64>,
    most: Option<f64>,
    status: bool,
    location: bool,
    remarks: HashMap<i64, Remark>,
}

impl Rows {
    async fn new(
        gangway: &Gangway,
        reading: &Reading,
        field: Option<u8>,
        entries: &[Entry],
    ) -> Result<Self, Refusal> {
        let Reading { opened, parameters } = reading;
        let ends = entries.first().zip(entries.last());
        let remarks = match ends {
            Some((first, last)) => {
                let store = &gangway.measurements;
                store.remarks(opened.feed.channel, first.at, last.at + 1).await?
            }
            None => HashMap::new(),
        };
        let places = parameters.number::<usize>("round");
        Ok(Self {
            fields: shown_fields(opened, field)
                .into_iter()
                .map(|(number, _)| number)
                .collect(),
            places: places.map(|places| places.min(MAX_PLACES)),
            least: parameters.decimal("min"),
            most: parameters.decimal("max"),
            // A key for some fields shows those, and nothing that was said beside them.
            status: parameters.says_yes("status") && opened.shows_all(),
            location: parameters.says_yes("location") && opened.shows_all(),
            remarks,
        })
    }

    /// Whether no value that is shown is below `min` or above `max`.
    fn is_within(&self, values: &Values) -> bool {
        self.fields
            .iter()
            .filter_map(|field| values.of(*field))
            .all(|value| {
                self.least.is_none_or(|least| value >= least) && self.most.is_none_or(|most| value <= most)
            })
    }

    fn record(&self, at: i64, number: Option<i64>, values: &Values) -> Record {
        let remark = number.and_then(|_| self.remarks.get(&at));
        let mut record = Record::default();
        record.put("created_at", Cell::Instant(at));
        if let Some(number) = number {
            record.put("entry_id", Cell::Integer(number));
        }
        for field in &self.fields {
            let words = remark.and_then(|remark| remark.words.get(field).cloned());
            let text = values.of(*field).map(|value| self.shown(value)).or(words);
            record.put(format!("field{field}"), Cell::text(text));
        }
        if self.location {
            let place = |read: fn(&Remark) -> Option<f64>| {
                Cell::text(remark.and_then(read).map(|number| number.to_string()))
            };
            record.put("latitude", place(|remark| remark.latitude));
            record.put("longitude", place(|remark| remark.longitude));
            record.put("elevation", place(|remark| remark.elevation));
        }
        if self.status {
            record.put(
                "status",
                Cell::text(remark.and_then(|remark| remark.status.clone())),
            );
        }
        record
    }

    fn shown(&self, value: f64) -> String {
        match self.places {
            Some(places) => format!("{value:.places$}"),
            None => value.to_string(),
        }
    }
}

/// `/channels/{id}/feeds/last` and `/channels/{id}/feeds/{entry}`.
pub(super) async fn show_entry(gangway: &Gangway, reading: &Reading, which: &str, format: Format) -> Answer {
    let (channel, store) = (reading.opened.feed.channel, &gangway.measurements);
    let found = match which {
        "last" => store.last(channel, None).await?,
        number => {
            let number: i64 = number.parse().map_err(|_| Refusal::from(Code::NotFound))?;
            let newest = store.newest(channel, 0, i64::MAX, MAX_RESULTS).await?;
            newest.into_iter().find(|entry| entry.number == number)
        }
    };
    one(gangway, reading, None, found, format).await
}

/// `/channels/{id}/fields/{n}/last`: as bare text the value alone.
pub(super) async fn show_last_of_field(
    gangway: &Gangway,
    reading: &Reading,
    field: u8,
    format: Format,
) -> Answer {
    let Reading { opened, parameters } = reading;
    require_shown(opened, Some(field))?;
    let found = gangway
        .measurements
        .last(opened.feed.channel, Some(field))
        .await?;
    let (Format::Text, Some(entry)) = (format, found) else {
        return one(gangway, reading, Some(field), found, format).await;
    };
    let rows = Rows::new(gangway, reading, Some(field), &[entry]).await?;
    let value = entry.values.of(field).map(|value| rows.shown(value));
    let text = |name| parameters.text(name).unwrap_or_default();
    Ok(format.answer(format!(
        "{}{}{}",
        text("prepend"),
        value.unwrap_or_default(),
        text("append")
    )))
}

/// `/channels/{id}/fields/{n}/last_data_age`.
pub(super) async fn show_age_of_field(
    gangway: &Gangway,
    reading: &Reading,
    field: u8,
    format: Format,
) -> Answer {
    require_shown(&reading.opened, Some(field))?;
    let channel = reading.opened.feed.channel;
    let Some(entry) = gangway.measurements.last(channel, Some(field)).await? else {
        return Ok(format.answer("-1".to_owned()));
    };
    let secs = gangway.clock.now().since(UnixMillis(entry.at)).max(0) / UnixMillis::SECOND;
    if format == Format::Text {
        return Ok(format.answer(secs.to_string()));
    }
    let mut record = Record::default();
    record.put("last_data_age", Cell::Text(secs.to_string()));
    record.put("last_data_age_units", Cell::Text("s".to_owned()));
    Ok(record.answer("hash", format, &Zone::default()))
}

/// One entry; `-1` where there is none, as the original.
async fn one(
    gangway: &Gangway,
    reading: &Reading,
    field: Option<u8>,
    found: Option<Entry>,
    format: Format,
) -> Answer {
    let Some(entry) = found else {
        return Ok(format.answer("-1".to_owned()));
    };
    let rows = Rows::new(gangway, reading, field, &[entry]).await?;
    let record = rows.record(entry.at, Some(entry.number), &entry.values);
    Ok(record.answer("feed", format, &reading.parameters.zone()))
}

/// `/channels/{id}/status`: statuses of the last day, unless more is asked for.
pub(super) async fn show_status(gangway: &Gangway, reading: &Reading, format: Format) -> Answer {
    let zone = reading.parameters.zone();
    let records = statuses(gangway, reading, &zone).await?;
    let mut heading = Record::default();
    heading.put("name", Cell::Text(reading.opened.feed.name.clone()));
    if let Some(place) = reading.opened.feed.location {
        heading.put("latitude", Cell::Text(place.latitude.to_string()));
        heading.put("longitude", Cell::Text(place.longitude.to_string()));
    }
    Ok(document::channel_with_feeds(&heading, &records, format, &zone))
}

/// `/channels/{id}/status/last`.
pub(super) async fn show_last_status(gangway: &Gangway, reading: &Reading, format: Format) -> Answer {
    let zone = reading.parameters.zone();
    let records = statuses(gangway, reading, &zone).await?;
    let last = records.last();
    let said = |record: &&Record| {
        record
            .0
            .iter()
            .any(|(name, cell)| name == "status" && *cell != Cell::Null)
    };
    let last: Option<&Record> = records.iter().rev().find(said).or(last);
    Ok(match last {
        Some(record) => record.answer("feed", format, &zone),
        None => format.answer("-1".to_owned()),
    })
}

async fn statuses(gangway: &Gangway, reading: &Reading, zone: &Zone) -> Result<Vec<Record>, Refusal> {
    if !reading.opened.shows_all() {
        return Err(Code::NoRead.into());
    }
    let entries = select(gangway, reading, zone).await?;
    let rows = Rows::new(gangway, reading, Some(0), &entries).await?;
    let record = |entry: &Entry| {
        let mut record = Record::default();
        let remark = rows.remarks.get(&entry.at);
        record.put("created_at", Cell::Instant(entry.at));
        record.put("entry_id", Cell::Integer(entry.number));
        record.put(
            "status",
            Cell::text(remark.and_then(|remark| remark.status.clone())),
        );
        record
    };
    Ok(entries.iter().map(record).collect())
}
