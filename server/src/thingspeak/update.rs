//! `/update`: one entry, by query, form or JSON.

use std::collections::BTreeMap;

use axum::extract::Request;
use gangway_protocol::measurement::MAX_FIELDS;
use gangway_protocol::time::UnixMillis;

use super::Answer;
use super::document::{Cell, Format, Record};
use super::instant::Zone;
use super::parameters::Parameters;
use super::refusal::{Code, Refusal};
use crate::measurements::access::{self, Opened};
use crate::measurements::block::Values;
use crate::measurements::remark::Remark;
use crate::measurements::{Incoming, When};
use crate::state::Gangway;

/// Longest status, and longest words in a field, in characters.
pub(super) const MAX_TEXT_LEN: usize = 255;

pub(super) async fn update(gangway: &Gangway, request: Request, format: Format) -> Answer {
    let parameters = Parameters::of_update(request).await?;
    parameters.refuse_callback()?;
    let opened = open_to_write(gangway, &parameters).await?;
    let zone = parameters.zone();
    let written = Written::read(&parameters)?;
    // A time that cannot be read says nothing, as the original has it: the entry is of now.
    let at = parameters.text("created_at").and_then(|text| zone.read(text));
    let entry = written
        .clone()
        .into_entry(at.map_or(When::Arrival, |at| When::At(UnixMillis(at))))?;
    let stored = access::store(gangway, &gangway.measurements, &opened, vec![entry]).await?;
    let Some(Some(stored)) = stored.first().copied() else {
        return Err(Refusal::because(
            Code::BadRequest,
            "There is an entry of that time already.",
        ));
    };
    if format == Format::Text {
        return Ok(format.answer(stored.number.to_string()));
    }
    let mut record = Record::default();
    if format != Format::Csv {
        record.put("channel_id", Cell::Integer(opened.feed.channel.0));
    }
    record.put("created_at", Cell::Instant(stored.at.0));
    record.put("entry_id", Cell::Integer(stored.number));
    for field in 1..=MAX_FIELDS {
        let text = u8::try_from(field)
            .ok()
            .and_then(|field| written.fields.get(&field));
        record.put(format!("field{field}"), Cell::text(text.cloned()));
    }
    let Remark {
        status,
        latitude,
        longitude,
        elevation,
        ..
    } = written.remark;
    record.put("status", Cell::text(status));
    for (name, number) in [
        ("latitude", latitude),
        ("longitude", longitude),
        ("elevation", elevation),
    ] {
        record.put(name, Cell::text(number.map(|number| number.to_string())));
    }
    Ok(record.answer("feed", format, &zone))
}

/// The feed that the key of these parameters writes.
pub(super) async fn open_to_write(gangway: &Gangway, parameters: &Parameters) -> Result<Opened, Refusal> {
    let Some(key) = parameters.key() else {
        return Err(Code::NoWrite.into());
    };
    let opened = access::open(gangway, &key).await?;
    Ok(opened.filter(|opened| opened.writes).ok_or(Code::NoWrite)?)
}

/// What an entry says, without its time.
#[derive(Clone, Debug, Default)]
pub(super) struct Written {
    /// Fields as they were sent, by their numbers.
    pub(super) fields: BTreeMap<u8, String>,
    /// What stands beside them.
    pub(super) remark: Remark,
}

impl Written {
    /// Reads it. Fields are `field1` to `field8`, or `1` to `8` as the original has it as well.
    pub(super) fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        let mut written = Self::default();
        for number in (1_u8..).take(MAX_FIELDS) {
            let text = parameters
                .text(&format!("field{number}"))
                .or_else(|| parameters.text(&number.to_string()));
            if let Some(text) = text {
                written.fields.insert(number, fit(text)?);
            }
        }
        let either = |short, long| parameters.decimal(short).or_else(|| parameters.decimal(long));
        written.remark = Remark {
            status: parameters.text("status").map(fit).transpose()?,
            latitude: either("lat", "latitude"),
            longitude: either("long", "longitude"),
            elevation: parameters.decimal("elevation"),
            words: BTreeMap::new(),
        };
        Ok(written)
    }

    /// The entry: numbers in its fields are values, everything else is words.
    pub(super) fn into_entry(self, at: When) -> Result<Incoming, Refusal> {
        let Self { fields, mut remark } = self;
        let mut values = Values::default();
        for (field, text) in fields {
            match text.parse::<f64>() {
                // NaN and infinities are words here: no curve could show them.
                Ok(number) if number.is_finite() => values.set(field, number),
                _ => {
                    remark.words.insert(field, text);
                }
            }
        }
        let remark = remark.unless_empty();
        if values == Values::default() && remark.is_none() {
            return Err(Refusal::because(
                Code::BadRequest,
                "The entry says nothing: it has no field, no status and no place.",
            ));
        }
        Ok(Incoming {
            at,
            values,
            remark,
            joins: false,
        })
    }
}

/// A text within the bounds.
pub(super) fn fit(text: &str) -> Result<String, Refusal> {
    if text.chars().count() > MAX_TEXT_LEN || text.contains('\0') {
        return Err(Refusal::because(
            Code::BadRequest,
            format!("A field or a status has at most {MAX_TEXT_LEN} characters, none of them NUL."),
        ));
    }
    Ok(text.to_owned())
}

/// The time of an entry in these words.
pub(super) fn time(zone: &Zone, text: &str) -> Result<UnixMillis, Refusal> {
    zone.read(text).map(UnixMillis).ok_or_else(|| {
        Refusal::because(
            Code::BadRequest,
            "A time is not in ISO 8601, seconds since 1970, or the form of MySQL.",
        )
    })
}
