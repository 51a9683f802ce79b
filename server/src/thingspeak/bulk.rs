//! `/channels/{id}/bulk_update.json` and `.csv`: many entries at once.
//!
//! Entries have times, or the seconds since the entry before: then the last one is of now, and the others lie before it. All are
//! stored, or none; an entry of a time that has one already is passed over, so that a request whose answer was lost can be sent again.

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use gangway_protocol::measurement::{ChannelNumber, MAX_FIELDS};
use gangway_protocol::time::UnixMillis;
use http::StatusCode;
use serde_json::Value;

use super::Answer;
use super::document::Format;
use super::instant::Zone;
use super::parameters::{Parameters, plain};
use super::refusal::{Code, Refusal};
use super::update::{Written, fit, open_to_write, time};
use crate::api::request::body_up_to;
use crate::measurements::access::{self, Opened};
use crate::measurements::{Incoming, When};
use crate::state::Gangway;

/// Most entries of a request, as the original has it.
pub(super) const MAX_ENTRIES: usize = 14_400;
/// Longest body. The original takes three times as much, of which white space is a good part.
const MAX_LEN: usize = 1024 * 1024;

/// An entry that is read, with how its time was said.
struct Timed {
    time: Time,
    written: Written,
}

enum Time {
    At(UnixMillis),
    /// Milliseconds since the entry before.
    After(i64),
}

pub(super) async fn update_json(gangway: &Gangway, channel: &str, request: Request) -> Answer {
    let mut parameters = Parameters::of_query(&request);
    parameters.refuse_callback()?;
    let body = body_up_to(request, MAX_LEN).await?;
    let malformed = || {
        Refusal::because(
            Code::BadRequest,
            "The body is not the JSON that this address takes.",
        )
    };
    let Ok(Value::Object(mut object)) = serde_json::from_slice(&body) else {
        return Err(malformed());
    };
    if let Some(key) = object.remove("write_api_key").and_then(plain) {
        parameters.take_form(format!("write_api_key={}", urlencoded(&key)).as_bytes());
    }
    let opened = open_channel(gangway, &parameters, channel).await?;
    let Some(Value::Array(updates)) = object.remove("updates") else {
        return Err(malformed());
    };
    require_few(updates.len())?;
    let zone = parameters.zone();
    let entries = updates
        .into_iter()
        .map(|update| from_json(&zone, update))
        .collect::<Result<Vec<_>, _>>()?;
    store(gangway, &opened, entries).await
}

pub(super) async fn update_csv(gangway: &Gangway, channel: &str, request: Request) -> Answer {
    let mut parameters = Parameters::of_query(&request);
    parameters.refuse_callback()?;
    let body = body_up_to(request, MAX_LEN).await?;
    parameters.take_form(&body);
    let opened = open_channel(gangway, &parameters, channel).await?;
    let relative = match parameters.text("time_format") {
        Some("relative") => true,
        Some("absolute") => false,
        _ => {
            return Err(Refusal::because(
                Code::BadRequest,
                "time_format is absolute or relative.",
            ));
        }
    };
    let updates: Vec<&str> = parameters
        .text("updates")
        .unwrap_or_default()
        .split('|')
        .filter(|update| !update.trim().is_empty())
        .collect();
    require_few(updates.len())?;
    let zone = parameters.zone();
    let entries = updates
        .into_iter()
        .map(|update| from_csv(&zone, relative, update))
        .collect::<Result<Vec<_>, _>>()?;
    store(gangway, &opened, entries).await
}

/// The channel of the address, if the key writes it.
async fn open_channel(gangway: &Gangway, parameters: &Parameters, channel: &str) -> Result<Opened, Refusal> {
    let opened = open_to_write(gangway, parameters).await?;
    let is_it = channel.parse().map(ChannelNumber) == Ok(opened.feed.channel);
    is_it.then_some(opened).ok_or_else(|| Code::NoWrite.into())
}

fn require_few(entries: usize) -> Result<(), Refusal> {
    match entries {
        0 => Err(Refusal::because(Code::BadRequest, "There is no update in it.")),
        entries if entries > MAX_ENTRIES => Err(Refusal::because(
            Code::TooLarge,
            format!("A request holds at most {MAX_ENTRIES} updates, this one {entries}: send it in parts."),
        )),
        _ => Ok(()),
    }
}

fn from_json(zone: &Zone, update: Value) -> Result<Timed, Refusal> {
    let Value::Object(object) = update else {
        return Err(Refusal::because(Code::BadRequest, "An update is not an object."));
    };
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in object {
        if let Some(text) = plain(value) {
            form.append_pair(&name, &text);
        }
    }
    let mut parameters = Parameters::default();
    parameters.take_form(form.finish().as_bytes());
    let time = match (parameters.text("created_at"), parameters.text("delta_t")) {
        (Some(text), _) => Time::At(time(zone, text)?),
        (None, Some(text)) => after(text)?,
        (None, None) => {
            return Err(Refusal::because(
                Code::BadRequest,
                "An update has neither created_at nor delta_t.",
            ));
        }
    };
    Ok(Timed {
        time,
        written: Written::read(&parameters)?,
    })
}

/// Time, fields, latitude, longitude, elevation, status: what stands behind the last comma is the status, with its commas.
fn from_csv(zone: &Zone, relative: bool, update: &str) -> Result<Timed, Refusal> {
    let mut cells = update.splitn(MAX_FIELDS + 5, ',').map(str::trim);
    let first = cells.next().unwrap_or_default();
    let time = match relative {
        true => after(first)?,
        false => Time::At(time(zone, first)?),
    };
    let mut written = Written::default();
    for number in (1_u8..).take(MAX_FIELDS) {
        if let Some(text) = cells.next().filter(|text| !text.is_empty()) {
            written.fields.insert(number, fit(text)?);
        }
    }
    let mut decimal = || {
        cells
            .next()?
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
    };
    written.remark.latitude = decimal();
    written.remark.longitude = decimal();
    written.remark.elevation = decimal();
    let status = cells.next().filter(|text| !text.is_empty());
    written.remark.status = status.map(fit).transpose()?;
    Ok(Timed { time, written })
}

fn after(text: &str) -> Result<Time, Refusal> {
    let secs = text.parse::<i64>().ok().filter(|secs| *secs >= 0);
    let millis = secs.and_then(|secs| secs.checked_mul(UnixMillis::SECOND));
    millis.map(Time::After).ok_or_else(|| {
        Refusal::because(
            Code::BadRequest,
            "A time since the entry before is not a number of seconds.",
        )
    })
}

async fn store(gangway: &Gangway, opened: &Opened, entries: Vec<Timed>) -> Answer {
    // From the last one back: it is of now, unless it says when.
    let mut at = gangway.clock.now();
    let mut incoming: Vec<Incoming> = Vec::with_capacity(entries.len());
    for entry in entries.into_iter().rev() {
        let (own, before) = match entry.time {
            Time::At(own) => (own, own),
            Time::After(millis) => (at, at.plus(-millis)),
        };
        at = before;
        incoming.push(entry.written.into_entry(When::At(own))?);
    }
    incoming.reverse();
    access::store(gangway, &gangway.measurements, opened, incoming).await?;
    Ok(accepted())
}

/// As the original answers: accepted, though here it is durable.
fn accepted() -> Response {
    let mut response = Format::Json
        .answer("{\"success\":true}".to_owned())
        .into_response();
    *response.status_mut() = StatusCode::ACCEPTED;
    response
}

fn urlencoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
