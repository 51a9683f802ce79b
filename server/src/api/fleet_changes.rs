//! Changes in the fleet as server-sent events, for the organisations whose fleets the caller may see.
//!
//! Unnamed events carry a `FleetChange`. `resync` says that more happened than could be told: read the list again. The
//! stream is a hint and replays nothing; whoever comes back reads the list again as well.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use gangway_protocol::device::FleetChange;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::path;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::Caller;
use super::problem::ApiResult;
use crate::state::Gangway;

/// The stream ends after this; the browser comes back by itself and is authorised anew, with the rights it has then.
const STREAM_LIFE: Duration = Duration::from_secs(15 * 60);
/// A comment line this often keeps proxies from closing a quiet stream; their limits are 60 seconds and more.
const KEEP_ALIVE: Duration = Duration::from_secs(25);

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new().routes(routes!(watch_fleet))
}

/// Changes in the fleet from now on.
#[utoipa::path(get, path = path::FLEET_CHANGES, tag = "devices",
    responses((status = 200, content_type = "text/event-stream", body = FleetChange), (status = 403)))]
async fn watch_fleet(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
) -> ApiResult<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    // First the ear, then the rights: what happens in between is told rather than lost.
    let changes = gangway.changes.watch();
    let visible = caller.visible_fleets(&gangway.db).await?.into_iter().collect();
    let watch = Watch {
        gangway,
        changes,
        visible,
        until: Instant::now() + STREAM_LIFE,
    };
    let events = stream::unfold(watch, |mut watch| async move {
        let event = watch.next().await?;
        Some((Ok(event), watch))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Watch {
    gangway: Arc<Gangway>,
    changes: Receiver<FleetChange>,
    visible: HashSet<OrganisationId>,
    until: Instant,
}

impl Watch {
    /// The next event; `None` ends the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let change = tokio::select! {
                change = self.changes.recv() => change,
                () = self.gangway.stopping() => return None,
                () = tokio::time::sleep_until(self.until) => return None,
            };
            match change {
                Ok(change) if self.visible.contains(&change.organisation) => {
                    return Event::default().json_data(&change).ok();
                }
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => return Some(Event::default().event("resync").data("{}")),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}
