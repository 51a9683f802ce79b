//! One-time links: what they are for, and recoveries by code.

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use crate::state::Gangway;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
}
