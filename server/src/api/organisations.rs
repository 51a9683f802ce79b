//! Organisations: members and invitations.

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use crate::state::Gangway;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
}
