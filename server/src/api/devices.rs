//! Devices of the fleet: listed, exported, shown, renamed, and what happened to them.

mod actions;
mod certificates;
mod export;
mod measurements;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use gangway_protocol::device::{Device, DeviceDetail, DeviceQuery, DeviceUpdate};
use gangway_protocol::history::DeviceEvent;
use gangway_protocol::id::{AccountId, DeviceId, OrganisationId};
use gangway_protocol::organisation::DeviceMove;
use gangway_protocol::overview::{FleetOverview, OverviewQuery};
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use gangway_protocol::time::UnixMillis;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::request::{JsonBody, Paged, PathId, QueryOf};
use crate::authority::Caller;
use crate::authority::{Error, Result};
use crate::db::audit::{AuditFilter, Moment, Placed};
use crate::db::certificates::CertificateFilter;
use crate::db::devices::DeviceRecord;
use crate::db::{Conn, audit, certificates as stored, moves, rules};
use crate::enrolment::present;
use crate::fleet::{self, Request, Unacceptable};
use crate::state::Gangway;

/// Certificates on a device's page.
const SHOWN_CERTIFICATES: u32 = 10;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(list_devices))
        .routes(routes!(show_device, update_device))
        .routes(routes!(move_device))
        .routes(routes!(list_events))
        .routes(routes!(show_overview))
        .merge(export::router())
        .merge(measurements::router())
        .merge(actions::router())
        .merge(certificates::router())
}

/// The fleet: filtered, sorted, page by page.
#[utoipa::path(get, path = path::DEVICES, tag = "devices", params(DeviceQuery),
    responses((status = 200, body = Page<Device>), (status = 403), (status = 404), (status = 422)))]
async fn list_devices(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    QueryOf(query): QueryOf<DeviceQuery>,
) -> Result<Json<Page<Device>>> {
    let request = Request::read(&query, gangway.clock.now())?;
    let fleets = caller
        .chosen_fleets(&gangway.db, query.organisation.as_ref())
        .await?;
    let mut reader = gangway.db.reader().await?;
    Ok(Json(request.page(&mut reader.conn(), &fleets).await?))
}

/// The fleet at a glance.
#[utoipa::path(get, path = path::FLEET_OVERVIEW, tag = "devices", params(OverviewQuery),
    responses((status = 200, body = FleetOverview), (status = 403), (status = 404), (status = 422)))]
async fn show_overview(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    QueryOf(query): QueryOf<OverviewQuery>,
) -> Result<Json<FleetOverview>> {
    fleet::overview::show(&gangway, &caller, query.organisation.as_ref())
        .await
        .map(Json)
}

/// One device with all that its page shows.
#[utoipa::path(get, path = path::DEVICE, tag = "devices", params(("id" = DeviceId, Path)),
    responses((status = 200, body = DeviceDetail), (status = 403), (status = 404)))]
async fn show_device(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
) -> Result<Json<DeviceDetail>> {
    let record = caller.see_device(&gangway.db, &id).await?;
    detail(&gangway, record).await.map(Json)
}

/// Gives a device another name or other labels.
#[utoipa::path(patch, path = path::DEVICE, tag = "devices", params(("id" = DeviceId, Path)),
    request_body = DeviceUpdate,
    responses((status = 200, body = DeviceDetail), (status = 403), (status = 404), (status = 422)))]
async fn update_device(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
    JsonBody(update): JsonBody<DeviceUpdate>,
) -> Result<Json<DeviceDetail>> {
    fleet::actions::describe(&gangway, &caller, &id, &update).await?;
    shown(&gangway, &caller, &id).await
}

/// Moves a device to another organisation of the same customer. Its certificates and its history go with it.
#[utoipa::path(put, path = path::DEVICE_ORGANISATION, tag = "devices", params(("id" = DeviceId, Path)),
    request_body = DeviceMove,
    responses((status = 200, body = DeviceDetail), (status = 403), (status = 404), (status = 409), (status = 422)))]
async fn move_device(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
    JsonBody(DeviceMove { organisation }): JsonBody<DeviceMove>,
) -> Result<Json<DeviceDetail>> {
    fleet::moving::move_device(&gangway, &caller, &id, &organisation).await?;
    shown(&gangway, &caller, &id).await
}

/// What happened to a device, newest first.
#[utoipa::path(get, path = path::DEVICE_EVENTS, tag = "devices", params(("id" = DeviceId, Path), PageQuery),
    responses((status = 200, body = Page<DeviceEvent>), (status = 403), (status = 404)))]
async fn list_events(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
    paged: Paged,
) -> Result<Json<Page<DeviceEvent>>> {
    let device = caller.see_device(&gangway.db, &id).await?.device;
    let limit = u32::try_from(paged.fetch()).unwrap_or(u32::MAX);
    let mut reader = gangway.db.reader().await?;
    Ok(Json(history(&mut reader.conn(), &device, &paged, limit).await?))
}

/// A page of a device's history: of its organisation's record, and of those where it has been before.
async fn history(
    conn: &mut Conn<'_>,
    device: &Device,
    paged: &Paged,
    limit: u32,
) -> Result<Page<DeviceEvent>> {
    let mut chains = moves::former_homes(conn, &device.id).await?;
    chains.push(device.organisation.clone());
    // A place names its chain by its number: whoever sees the device need not know where it was.
    chains.sort_unstable();
    let number = |chain: &str| {
        chains
            .iter()
            .position(|one| one.as_str() == chain)
            .unwrap_or_default()
    };
    let before = match paged.after() {
        "" => None,
        after => Some(
            moment(after, &chains).ok_or(Error::invalid("after", "after is what the page before gave"))?,
        ),
    };
    let filter = AuditFilter {
        subject: Some(device.id.to_string()),
        ..AuditFilter::default()
    };
    let entries = audit::newest(conn, &chains, &filter, before.as_ref(), limit).await?;
    let page = paged.page(entries, |placed| {
        let Moment { at, seq, chain } = placed.moment();
        format!("{}_{seq}_{}", at.0, number(&chain))
    });
    let event = |Placed { entry, .. }| DeviceEvent {
        at: entry.at,
        action: entry.action,
        actor: entry.actor_name,
        detail: Some(entry.detail).filter(|detail| !detail.is_empty()),
    };
    Ok(Page::new(page.items.into_iter().map(event).collect(), page.next))
}

fn moment(text: &str, chains: &[OrganisationId]) -> Option<Moment> {
    let mut parts = text.splitn(3, '_');
    Some(Moment {
        at: UnixMillis(parts.next()?.parse().ok()?),
        seq: parts.next()?.parse().ok()?,
        chain: chains.get(parts.next()?.parse::<usize>().ok()?)?.to_string(),
    })
}

/// A device's page after a change, as long as the caller may see it.
async fn shown(gangway: &Gangway, caller: &Caller, id: &DeviceId) -> Result<Json<DeviceDetail>> {
    let record = caller.see_device(&gangway.db, id).await?;
    detail(gangway, record).await.map(Json)
}

async fn detail(gangway: &Gangway, record: DeviceRecord) -> Result<DeviceDetail> {
    let DeviceRecord { device, approver, .. } = record;
    let mut reader = gangway.db.reader().await?;
    let conn = &mut reader.conn();
    let rules = rules::find(conn, &device.organisation)
        .await?
        .ok_or(Error::NotFound)?;
    let filter = CertificateFilter {
        device: Some(device.id.clone()),
        ..CertificateFilter::default()
    };
    let home = std::slice::from_ref(&device.organisation);
    let certificates = stored::page(conn, home, &filter, SHOWN_CERTIFICATES).await?;
    let certificates = certificates
        .into_iter()
        .map(|certificate| present(gangway, certificate))
        .collect::<Result<_, _>>()?;
    Ok(DeviceDetail {
        approved_by: name_of(conn, &approver).await?,
        device,
        organisation_name: rules.name,
        certificates,
    })
}

async fn name_of(conn: &mut Conn<'_>, account: &AccountId) -> Result<Option<String>> {
    Ok(rules::account_name(conn, account).await?)
}

impl From<Unacceptable> for Error {
    fn from(error: Unacceptable) -> Self {
        Self::invalid(error.field, error.detail)
    }
}
