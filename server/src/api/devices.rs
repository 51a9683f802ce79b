//! Devices of the fleet and what members do with them.

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use crate::state::Gangway;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
}
