//! The fleet as CSV (RFC 4180) and as JSON lines, as many rows as match, written while it is sent.

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
use super::super::spreadsheet::inert;
use crate::authority::{Caller, Error, Result, identify};
use crate::fleet::{Fleets, Request};
use crate::state::Gangway;

/// Devices that are read at a time: 200 KB of text, and one reader is busy for some milliseconds only.
const CHUNK: u32 = 1_000;
const HEADER: [&str; 19] = [
    "id",
    "organisation",
    "name",
    "labels",
    "state",
    "state_since",
    "presence",
    "last_seen_at",
    "hostname",
    "os",
    "os_version",
    "arch",
    "model",
    "serial",
    "software",
    "software_version",
    "certificate_expires_at",
    "alarm",
    "created_at",
];

pub(super) fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(export_devices_csv))
        .routes(routes!(export_devices_json))
}

/// The fleet as CSV: the same filters and order as the list, all pages in one. Instants are unix milliseconds.
#[utoipa::path(get, path = path::DEVICES_CSV, tag = "devices", params(DeviceQuery),
    responses((status = 200, content_type = "text/csv", body = String), (status = 403), (status = 404), (status = 422)))]
async fn export_devices_csv(
    state: State<Arc<Gangway>>,
    caller: Caller,
    query: QueryOf<DeviceQuery>,
) -> Result<Response> {
    export(state, caller, query, Form::Csv).await
}

/// The fleet as JSON lines: the same filters and order as the list, each device on a line as the list has it.
#[utoipa::path(get, path = path::DEVICES_JSONL, tag = "devices", params(DeviceQuery),
    responses((status = 200, content_type = "application/jsonl", body = String), (status = 403), (status = 404), (status = 422)))]
async fn export_devices_json(
    state: State<Arc<Gangway>>,
    caller: Caller,
    query: QueryOf<DeviceQuery>,
) -> Result<Response> {
    export(state, caller, query, Form::Json).await
}

#[derive(Clone, Copy)]
enum Form {
    Csv,
    Json,
}

async fn export(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    QueryOf(query): QueryOf<DeviceQuery>,
    form: Form,
) -> Result<Response> {
    let request = Request::read(&query, gangway.clock.now())?.in_pages_of(CHUNK);
    let fleets = caller
        .chosen_fleets(&gangway.db, query.organisation.as_ref())
        .await?;
    let mut rows = Rows {
        form,
        gangway,
        caller,
        asked: query.organisation,
        fleets,
        next: Some(request),
    };
    // What fails at once is a problem with its status. Once the answer has begun, only its end can tell of a failure.
    let first = rows.chunk(true).await?;
    let rest = stream::unfold(rows, |mut rows| async move {
        rows.next.as_ref()?;
        // An error ends the connection before the last chunk: the reader sees that the file is cut off.
        let chunk = rows.chunk(false).await;
        Some((chunk, rows))
    });
    let body = stream::once(async { Ok(first) }).chain(rest);
    let (kind, disposition) = match form {
        Form::Csv => (
            "text/csv; charset=utf-8; header=present",
            "attachment; filename=\"devices.csv\"",
        ),
        Form::Json => ("application/jsonl", "attachment; filename=\"devices.jsonl\""),
    };
    let headers = [(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, disposition)];
    Ok((headers, Body::from_stream(body)).into_response())
}

struct Rows {
    form: Form,
    gangway: Arc<Gangway>,
    caller: Caller,
    /// The one organisation that was asked for.
    asked: Option<OrganisationId>,
    fleets: Fleets,
    next: Option<Request>,
}

impl Rows {
    /// The next chunk, behind the header where the file begins. After the last one, and after an error, none is left.
    async fn chunk(&mut self, begins: bool) -> Result<Vec<u8>> {
        let mut devices = Vec::new();
        if let Some(request) = self.next.take() {
            self.require_rights().await?;
            let mut reader = self.gangway.db.reader().await?;
            let conn = &mut reader.conn();
            let ways = request.ways(conn, &self.fleets).await?;
            let place;
            (devices, place) = request.fetch(conn, &ways).await?;
            self.next = place.map(|place| request.behind(place));
        }
        match self.form {
            Form::Csv => csv(begins, &devices),
            Form::Json => lines(&devices),
        }
    }

    /// A slow reader takes a while: what they may not see any more is not written.
    async fn require_rights(&self) -> Result<()> {
        let (db, now) = (&self.gangway.db, self.gangway.clock.now());
        if !identify::still_holds(db, now, &self.caller.credential).await? {
            return Err(Error::Unauthenticated);
        }
        let visible = self.caller.chosen_fleets(db, self.asked.as_ref()).await?;
        // What has come below a part meanwhile is not exported; what may not be seen any more ends it.
        if !visible.cover(&self.fleets) {
            return Err(Error::Conflict(
                "the fleets that you may see have changed: export again".to_owned(),
            ));
        }
        Ok(())
    }
}

fn csv(begins: bool, devices: &[Device]) -> Result<Vec<u8>> {
    let mut text = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    if begins {
        text.write_record(HEADER).map_err(Error::internal)?;
    }
    for device in devices {
        text.write_record(row(device)).map_err(Error::internal)?;
    }
    text.into_inner()
        .map_err(|error| Error::internal(error.into_error()))
}

fn lines(devices: &[Device]) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    for device in devices {
        serde_json::to_writer(&mut text, device).map_err(Error::internal)?;
        text.push(b'\n');
    }
    Ok(text)
}

fn row(device: &Device) -> [String; 19] {
    let (presence, last_seen_at) = match &device.presence {
        Presence::Online { .. } => ("online", None),
        Presence::Offline { last_seen_at, .. } => ("offline", Some(last_seen_at.0)),
        Presence::Never => ("never", None),
    };
    let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    let facts = &device.facts;
    [
        device.id.to_string(),
        device.organisation.to_string(),
        inert(&device.name),
        inert(&device.labels.join(" ")),
        device.state.name().to_owned(),
        device.state.since().0.to_string(),
        presence.to_owned(),
        number(last_seen_at),
        inert(&facts.hostname),
        inert(&facts.os),
        inert(&facts.os_version),
        inert(&facts.arch),
        inert(facts.model.as_deref().unwrap_or_default()),
        inert(facts.serial.as_deref().unwrap_or_default()),
        inert(&facts.software),
        inert(&facts.software_version),
        number(device.certificate_expires_at.map(|at| at.0)),
        device.alarm.as_ref().map_or("", |_| "clone").to_owned(),
        device.created_at.0.to_string(),
    ]
}
