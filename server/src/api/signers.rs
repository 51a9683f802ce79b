//! Signers of an organisation.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::Signer;
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::request::{Paged, PathId};
use crate::authority::Result;
use crate::authority::{Caller, Right};
use crate::db::signers;
use crate::state::Gangway;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new().routes(routes!(list_signers))
}

/// Signers of an organisation, for whoever belongs to it.
#[utoipa::path(get, path = path::SIGNERS, tag = "organisations", params(("id" = OrganisationId, Path), PageQuery),
    responses((status = 200, body = Page<Signer>), (status = 404)))]
async fn list_signers(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<OrganisationId>,
    paged: Paged,
) -> Result<Json<Page<Signer>>> {
    caller.require(&gangway.db, &id, Right::Belong).await?;
    let limit = u32::try_from(paged.fetch()).unwrap_or(u32::MAX);
    let rows =
        signers::of_organisation(&mut gangway.db.reader().await?.conn(), &id, paged.after(), limit).await?;
    Ok(Json(paged.page(rows, |signer| signer.id.to_string())))
}
