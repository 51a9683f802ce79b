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

use crate::db::{Db, DbError, settings};
use crate::host;
use crate::listen::Shutdown;
use crate::start_error::StartError;
use crate::state::Gangway;

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

/// The server can do its work: it is not about to stop, and the database answers.
async fn show_readiness(State(gangway): State<Arc<Gangway>>) -> (StatusCode, &'static str) {
    if gangway.is_stopping() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    match probe(&gangway.db).await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::warn!(%error, "not ready: the database does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n")
        }
    }
}

async fn probe(db: &Db) -> Result<(), DbError> {
    settings::probe(&mut db.reader().await?.conn()).await
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

/// Sorts what was measured into its buckets now and then, whether or not anybody asks, until the shutdown begins.
pub async fn keep_metrics(handle: PrometheusHandle, shutdown: Shutdown) {
    loop {
        tokio::select! {
            () = shutdown.begun() => return,
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
