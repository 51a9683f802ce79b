//! Held certificates: of our CA, presented by devices, unknown to our records.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use gangway_protocol::certificate::{Certificate, HeldCertificate};
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::request::{PathId, QueryOf};
use super::{read_limit, read_place, write_place};
use crate::authority::{Caller, Right};
use crate::authority::{Error, Result};
use crate::db::held;
use crate::enrolment::{present, readmission};
use crate::state::Gangway;

pub(super) fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(list_held_certificates))
        .routes(routes!(readmit_certificate))
}

/// Certificates that wait for readmission, newest first.
#[utoipa::path(get, path = path::HELD_CERTIFICATES, tag = "certificates", params(PageQuery),
    responses((status = 200, body = Page<HeldCertificate>), (status = 403), (status = 422)))]
async fn list_held_certificates(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<HeldCertificate>>> {
    let limit = read_limit(query.limit)?;
    let after = query.after.as_deref().map(read_place).transpose()?;
    let organisations = caller.visible_fleets(&gangway.db).await?;
    let mut reader = gangway.db.reader().await?;
    let conn = &mut reader.conn();
    let mut found = Vec::new();
    for organisation in &organisations {
        found.extend(held::page(conn, organisation, after, limit + 1).await?);
    }
    found.sort_by_key(|held| std::cmp::Reverse((held.first_seen_at, held.sha256)));
    let size = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > size;
    found.truncate(size);
    let next = found
        .last()
        .filter(|_| more)
        .map(|last| write_place(last.first_seen_at, &last.sha256));
    Ok(Json(Page::new(found, next)))
}

/// Records a held certificate again and lets its device in.
#[utoipa::path(post, path = path::HELD_CERTIFICATE_READMISSION, tag = "certificates",
    params(("sha256" = Sha256Hex, Path)),
    responses((status = 200, body = Certificate), (status = 403), (status = 404), (status = 409)))]
async fn readmit_certificate(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(sha256): PathId<Sha256Hex>,
) -> Result<Json<Certificate>> {
    let (held, _) = held::find(&mut gangway.db.reader().await?.conn(), &sha256)
        .await?
        .ok_or(Error::NotFound)?;
    caller
        .require(&gangway.db, &held.organisation, Right::Operate)
        .await?;
    // It lets a device in that no record vouches for: as weighty as an approval, and no scope goes that far.
    caller.require_fresh_person(gangway.clock.now())?;
    let record = readmission::readmit(&gangway, &gangway.relay, sha256, caller.member()).await?;
    Ok(Json(present(&gangway, record)?))
}
