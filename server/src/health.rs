//! Liveness, readiness and metrics, for whoever watches the process.
