//! Structured logs on standard error, as text for people or JSON for machines.
//!
//! What is logged about a request is its method, the pattern of its path, its status and its time: never a query, a cookie,
//! a header or a body, because those may hold secrets (threat model, ENR-12).

use std::borrow::Cow;
use std::io::IsTerminal as _;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use http::{Method, StatusCode};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::{Config, LogFormat};
use crate::start_error::StartError;

/// Crates whose debug output holds what nobody should read, such as challenges; and what PostgreSQL notes at every start.
/// Directives of the operator come later and win.
const QUIET: &str = "webauthn_rs=warn,webauthn_rs_core=warn,sqlx::postgres::notice=warn";

/// Starts logging. Once per process.
///
/// # Errors
/// When the filter cannot be read, or something else logs already.
pub fn start(config: &Config) -> Result<(), StartError> {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", config.log)).map_err(|error| {
        StartError::Refused(format!(
            "log holds `{}`, which is not a filter: {error}",
            config.log
        ))
    })?;
    let logs = fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        // A log that cannot be written (its disk is full, its reader gone) is lost. Told to standard error, which is the same
        // place, it would end the thread that logs.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    match config.log_format {
        LogFormat::Text => logs.try_init(),
        LogFormat::Json => logs.json().flatten_event(true).try_init(),
    }
    .map_err(|error| StartError::Refused(format!("logging cannot start: {error}")))
}

/// What stands in the metrics for a method or a path that the server does not know.
const OTHER: &str = "other";

/// Logs and counts every request, once it has been answered. Whatever a client can invent stays out of the labels, because
/// each new value would be a series that is kept for good.
pub async fn observe_request(request: Request, next: Next) -> Response {
    let method = method_label(request.method());
    // The pattern, not the path: ids stay out, and unknown paths are all one.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or(OTHER, MatchedPath::as_str)
        .to_owned();
    let began = Instant::now();
    let response = next.run(request).await;
    let elapsed = began.elapsed();
    let status = response.status();
    if status.is_server_error() {
        tracing::warn!(method, route, status = status.as_u16(), ?elapsed, "request");
    } else {
        tracing::debug!(method, route, status = status.as_u16(), ?elapsed, "request");
    }
    let labels = [
        ("method", Cow::Borrowed(method)),
        ("route", Cow::Owned(route)),
        ("status", Cow::Borrowed(status_label(status))),
    ];
    metrics::counter!("gangway_http_requests_total", &labels).increment(1);
    metrics::histogram!("gangway_http_request_seconds", &labels).record(elapsed);
    response
}

/// The methods of RFC 9110 §9 and RFC 5789.
fn method_label(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE",
    ];
    let known = KNOWN.into_iter().find(|known| method.as_str() == *known);
    known.unwrap_or(OTHER)
}

/// The class of a status (RFC 9110 §15).
fn status_label(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}
