//! Liveness, readiness and metrics, for whoever watches the process.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::middleware::from_fn;
use axum::routing::get;
use http::StatusCode;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use gangway_protocol::path;

use crate::db::DbError;
use crate::host;
use crate::start_error::StartError;
use crate::state::Gangway;
use crate::supervisor::Supervisor;

/// Every request leaves a few numbers until they are sorted: a thousand requests a second leave some 100 KB in this time.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// `/livez` and `/readyz`, on the main listener.
pub fn router() -> Router<Arc<Gangway>> {
    Router::new()
        .route(path::LIVEZ, get(show_liveness))
        .route(path::READYZ, get(show_readiness))
}

/// The process runs and answers. No more: an orchestrator that restarts it because the database is away helps nobody.
async fn show_liveness() -> &'static str {
    "alive\n"
}

/// The server can do its work: it is not about to stop, all its jobs run, and the database answers. Otherwise why not.
async fn show_readiness(State(gangway): State<Arc<Gangway>>) -> (StatusCode, String) {
    match obstacle(&gangway).await {
        None => (StatusCode::OK, "ready\n".to_owned()),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}

async fn obstacle(gangway: &Gangway) -> Option<String> {
    // What a job's panic said is for the log: everybody may ask here.
    if let Some(failure) = gangway.supervisor.failure() {
        return Some(format!("the job “{}” has ended", failure.job));
    }
    if gangway.supervisor.is_stopping() {
        return Some("stopping".to_owned());
    }
    let error = gangway.db.probe().await.err()?;
    tracing::warn!(%error, "not ready");
    Some(in_words(&error).to_owned())
}

/// Why the database cannot do its work, without what the driver says: that names hosts and files.
fn in_words(error: &DbError) -> &'static str {
    match error {
        DbError::Full(_) => "the disk of the database is full",
        DbError::ReadOnly => "the database is read-only",
        DbError::Busy | DbError::Conflict(_) => "the database is busy",
        DbError::Fenced => "this server has lost its lock on the database",
        _ => "the database does not answer",
    }
}

/// Starts collecting metrics. Once per process.
///
/// # Errors
/// When something else collects them already.
pub fn collect_metrics() -> Result<PrometheusHandle, StartError> {
    let handle = PrometheusBuilder::new()
        // The buckets of what people feel: a page within 100 ms is at once, a second is slow.
        .set_buckets(&[0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0])
        .map_err(|error| StartError::Refused(format!("metrics cannot be collected: {error}")))?
        .install_recorder()
        .map_err(|error| StartError::Refused(format!("metrics cannot be collected: {error}")))?;
    metrics::gauge!("gangway_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(handle)
}

/// Sorts what was measured into its buckets now and then, whether or not anybody asks, until the server stops.
pub async fn keep_metrics(handle: PrometheusHandle, supervisor: Supervisor) {
    loop {
        tokio::select! {
            () = supervisor.stopping() => return,
            () = tokio::time::sleep(UPKEEP_EVERY) => handle.run_upkeep(),
        }
    }
}

/// `/metrics`, for a listener of its own: figures are not for everyone.
pub fn metrics_router(handle: PrometheusHandle) -> Router {
    Router::new()
        .route(path::METRICS, get(move || std::future::ready(handle.render())))
        .layer(from_fn(host::refuse_malformed_hosts))
}
