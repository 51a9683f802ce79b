//! What a device has measured, as JSON and as CSV (RFC 4180).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use gangway_protocol::id::DeviceId;
use gangway_protocol::measurement::{MeasurementQuery, Measurements};
use gangway_protocol::path;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::request::{PathId, QueryOf};
use super::super::spreadsheet::inert;
use crate::authority::{Caller, Error, Result};
use crate::measurements::reading;
use crate::state::Gangway;

const HEADER: [&str; 8] = ["field", "name", "unit", "at", "mean", "low", "high", "count"];

pub(super) fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(show_device_measurements))
        .routes(routes!(export_device_measurements))
}

/// What a device has measured: values as they came, or what those of a span have in common.
#[utoipa::path(get, path = path::DEVICE_MEASUREMENTS, tag = "measurements",
    params(("id" = DeviceId, Path), MeasurementQuery),
    responses((status = 200, body = Measurements), (status = 403), (status = 404), (status = 422)))]
async fn show_device_measurements(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
    QueryOf(query): QueryOf<MeasurementQuery>,
) -> Result<Json<Measurements>> {
    reading::of_device(&gangway, &gangway.measurements, &caller, &id, &query)
        .await
        .map(Json)
}

/// The same as CSV, a point on a line. Instants are unix milliseconds.
#[utoipa::path(get, path = path::DEVICE_MEASUREMENTS_CSV, tag = "measurements",
    params(("id" = DeviceId, Path), MeasurementQuery),
    responses((status = 200, content_type = "text/csv", body = String), (status = 403), (status = 404), (status = 422)))]
async fn export_device_measurements(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
    QueryOf(query): QueryOf<MeasurementQuery>,
) -> Result<Response> {
    let found = reading::of_device(&gangway, &gangway.measurements, &caller, &id, &query).await?;
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (CONTENT_DISPOSITION, "attachment; filename=\"measurements.csv\""),
    ];
    Ok((headers, csv(&found)?).into_response())
}

fn csv(found: &Measurements) -> Result<Vec<u8>> {
    let mut text = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    text.write_record(HEADER).map_err(Error::internal)?;
    for series in &found.series {
        let (field, name, unit) = (series.field.to_string(), inert(&series.name), inert(&series.unit));
        for point in &series.points {
            text.write_record([
                field.as_str(),
                &name,
                &unit,
                &point.at.0.to_string(),
                &point.mean.to_string(),
                &point.low.to_string(),
                &point.high.to_string(),
                &point.count.to_string(),
            ])
            .map_err(Error::internal)?;
        }
    }
    text.into_inner()
        .map_err(|error| Error::internal(error.into_error()))
}
