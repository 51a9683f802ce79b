//! The fleet as CSV (RFC 4180), as many rows as match, written while it is sent.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, StreamExt as _};
use gangway_protocol::device::{Device, DeviceQuery, Presence};
use gangway_protocol::id::OrganisationId;
use gangway_protocol::path;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::request::QueryOf;
use crate::authority::{Caller, Error, Result, identify};
use crate::fleet::Request;
use crate::state::Gangway;

/// Devices that are read at a time: 200 KB of text, and one reader is busy for some milliseconds only.
const CHUNK: u32 = 1_000;
const HEADER: &str = "id,organisation,name,labels,state,state_since,presence,last_seen_at,hostname,os,os_version,arch,\
                      model,serial,software,software_version,certificate_expires_at,alarm,created_at\r\n";

pub(super) fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new().routes(routes!(export_devices))
}

/// The fleet as CSV: the same filters and order as the list, all pages in one. Instants are unix milliseconds.
#[utoipa::path(get, path = path::DEVICES_CSV, tag = "devices", params(DeviceQuery),
    responses((status = 200, content_type = "text/csv", body = String), (status = 403), (status = 404), (status = 422)))]
async fn export_devices(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    QueryOf(query): QueryOf<DeviceQuery>,
) -> Result<Response> {
    let request = Request::read(&query)?.in_pages_of(CHUNK);
    let organisations = caller
        .chosen_fleets(&gangway.db, query.organisation.as_ref())
        .await?;
    let mut rows = Rows {
        gangway,
        caller,
        asked: query.organisation,
        organisations,
        next: Some(request),
    };
    // What fails at once is a problem with its status. Once the answer has begun, only its end can tell of a failure.
    let mut first = HEADER.to_owned();
    rows.write_chunk(&mut first).await?;
    let rest = stream::unfold(rows, |mut rows| async move {
        rows.next.as_ref()?;
        let mut text = String::new();
        // An error ends the connection before the last chunk: the reader sees that the file is cut off.
        let chunk = rows.write_chunk(&mut text).await.map(|()| text);
        Some((chunk, rows))
    });
    let body = stream::once(async { Ok(first) }).chain(rest);
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (CONTENT_DISPOSITION, "attachment; filename=\"devices.csv\""),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

struct Rows {
    gangway: Arc<Gangway>,
    caller: Caller,
    /// The one organisation that was asked for.
    asked: Option<OrganisationId>,
    organisations: Vec<OrganisationId>,
    next: Option<Request>,
}

impl Rows {
    /// Writes the next chunk; without one, nothing. After an error there is none.
    async fn write_chunk(&mut self, text: &mut String) -> Result<()> {
        let Some(request) = self.next.take() else {
            return Ok(());
        };
        self.require_rights().await?;
        let mut reader = self.gangway.db.reader().await?;
        let (devices, place) = request.fetch(&mut reader.conn(), &self.organisations).await?;
        for device in &devices {
            write_row(device, text);
        }
        self.next = place.map(|place| request.behind(place));
        Ok(())
    }

    /// A slow reader takes a while: what they may not see any more is not written.
    async fn require_rights(&self) -> Result<()> {
        let (db, now) = (&self.gangway.db, self.gangway.clock.now());
        if !identify::still_holds(db, now, &self.caller.credential).await? {
            return Err(Error::Unauthenticated);
        }
        if self.caller.chosen_fleets(db, self.asked.as_ref()).await? != self.organisations {
            return Err(Error::Conflict(
                "the fleets that you may see have changed: export again".to_owned(),
            ));
        }
        Ok(())
    }
}

fn write_row(device: &Device, text: &mut String) {
    let (presence, last_seen_at) = match &device.presence {
        Presence::Online { .. } => ("online", None),
        Presence::Offline { last_seen_at, .. } => ("offline", Some(last_seen_at.0)),
        Presence::Never => ("never", None),
    };
    let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    let facts = &device.facts;
    let fields = [
        device.id.as_str(),
        device.organisation.as_str(),
        &device.name,
        &device.labels.join(" "),
        device.state.name(),
        &device.state.since().0.to_string(),
        presence,
        &number(last_seen_at),
        &facts.hostname,
        &facts.os,
        &facts.os_version,
        &facts.arch,
        facts.model.as_deref().unwrap_or_default(),
        facts.serial.as_deref().unwrap_or_default(),
        &facts.software,
        &facts.software_version,
        &number(device.certificate_expires_at.map(|at| at.0)),
        device.alarm.as_ref().map_or("", |_| "clone"),
        &device.created_at.0.to_string(),
    ];
    for (at, field) in fields.into_iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        write_field(field, text);
    }
    text.push_str("\r\n");
}

/// What a spreadsheet takes for the beginning of a formula, in either width (OWASP, CSV injection).
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// One field. Devices state many of these texts themselves, so one that a spreadsheet would take for a formula gets an
/// apostrophe before it.
fn write_field(field: &str, text: &mut String) {
    let is_formula = field.starts_with(FORMULA);
    let needs_quotes = is_formula || field.contains([',', '"', '\r', '\n']);
    if !needs_quotes {
        text.push_str(field);
        return;
    }
    text.push('"');
    if is_formula {
        text.push('\'');
    }
    text.push_str(&field.replace('"', "\"\""));
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(field: &str) -> String {
        let mut text = String::new();
        write_field(field, &mut text);
        text
    }

    #[test]
    fn fields_cannot_break_out_nor_become_formulas() {
        assert_eq!(written("plain"), "plain");
        assert_eq!(written("a,b"), "\"a,b\"");
        assert_eq!(written("say \"hi\""), "\"say \"\"hi\"\"\"");
        assert_eq!(written("=1+1"), "\"'=1+1\"");
        assert_eq!(written("-2"), "\"'-2\"");
    }
}
