//! Changes in the fleet as server-sent events, for the organisations whose fleets the caller may see.
//!
//! Unnamed events carry a `FleetChange`. `resync` says that more happened than could be told: read the list again. The
//! stream is a hint and replays nothing; whoever comes back reads the list again as well. It ends with the sign-in or
//! token that opened it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::{self, StreamExt as _};
use gangway_protocol::device::FleetChange;
use gangway_protocol::id::{AccountId, OrganisationId};
use gangway_protocol::path;
use gangway_protocol::time::UnixMillis;
use http::{HeaderName, HeaderValue};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::Instant;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::authority::Caller;
use crate::authority::Result;
use crate::authority::identify;
use crate::clock::Monotonic;
use crate::state::Gangway;

/// The stream ends after this; the browser comes back by itself. Nothing hangs on to a connection that nobody reads.
const STREAM_LIFE: Duration = Duration::from_secs(15 * 60);
/// Nothing is told on rights that were looked up longer ago than this: who was signed out or removed, here or by another
/// process, hears nothing more. Looking them up takes two reads by key, once a second at most for each who watches.
const RIGHTS_HOLD: i64 = UnixMillis::SECOND;
/// A quiet stream looks at its rights this often, so that it ends as well.
const LOOK_EVERY: Duration = Duration::from_secs(20);
/// A comment line this often keeps proxies from closing a quiet stream; their limits are 60 seconds and more.
const KEEP_ALIVE: Duration = Duration::from_secs(25);

/// nginx keeps answers back until some kilobytes have come, unless they say that they are no such
/// (ngx_http_proxy_module, `proxy_buffering`).
const UNBUFFERED: [(HeaderName, HeaderValue); 1] = [(
    HeaderName::from_static("x-accel-buffering"),
    HeaderValue::from_static("no"),
)];

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new().routes(routes!(watch_fleet))
}

/// Changes in the fleet from now on.
#[utoipa::path(get, path = path::FLEET_CHANGES, tag = "devices",
    responses((status = 200, content_type = "text/event-stream", body = FleetChange), (status = 403)))]
async fn watch_fleet(State(gangway): State<Arc<Gangway>>, caller: Caller) -> Result<Response> {
    // Subscribe before reading the rights, so that a change between the two is not missed.
    let (changes, rights) = (gangway.changes.watch(), gangway.changes.watch_rights());
    let visible = visible(&gangway, &caller).await?;
    let watch = Watch {
        told_of_rights: false,
        looked_at: gangway.clock.monotonic(),
        gangway,
        caller,
        changes,
        rights,
        visible,
        until: Instant::now() + STREAM_LIFE,
    };
    // Whoever watches, and every proxy on the way, sees at once that the stream has begun.
    let opening =
        stream::once(async { Ok::<_, std::convert::Infallible>(Event::default().comment("watching")) });
    let events = stream::unfold(watch, |mut watch| async move {
        let event = watch.next().await?;
        Some((Ok(event), watch))
    });
    let answer = Sse::new(opening.chain(events)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    Ok((UNBUFFERED, answer).into_response())
}

async fn visible(gangway: &Gangway, caller: &Caller) -> Result<HashSet<OrganisationId>> {
    Ok(caller.visible_fleets(&gangway.db).await?.into_iter().collect())
}

struct Watch {
    gangway: Arc<Gangway>,
    caller: Caller,
    changes: Receiver<FleetChange>,
    /// Says whose rights have changed.
    rights: Receiver<AccountId>,
    visible: HashSet<OrganisationId>,
    /// The caller's may have changed, and have not been looked up since.
    told_of_rights: bool,
    /// When they were last looked up.
    looked_at: Monotonic,
    until: Instant,
}

impl Watch {
    /// The next event; `None` ends the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let change = tokio::select! {
                change = self.changes.recv() => Some(change),
                () = self.gangway.stopping() => return None,
                () = tokio::time::sleep_until(self.until) => return None,
                () = tokio::time::sleep(LOOK_EVERY) => None,
                account = self.rights.recv() => {
                    self.told_of_rights |= account.map_or(true, |account| account == self.caller.account);
                    if !self.told_of_rights {
                        continue;
                    }
                    None
                }
            };
            // A database that is away ends the stream too: the browser comes back when it answers again.
            match self.look_again().await.ok()? {
                Rights::Same => {}
                Rights::Changed => return Some(resync()),
                Rights::Gone => return None,
            }
            match change {
                Some(Ok(change)) if self.visible.contains(&change.organisation) => {
                    return Event::default().json_data(&change).ok();
                }
                Some(Ok(_)) | None => {}
                Some(Err(RecvError::Lagged(_))) => return Some(resync()),
                Some(Err(RecvError::Closed)) => return None,
            }
        }
    }

    async fn look_again(&mut self) -> Result<Rights> {
        let now = self.gangway.clock.monotonic();
        while let Some(told) = self.next_of_rights() {
            self.told_of_rights |= told;
        }
        if !self.told_of_rights && now < self.looked_at.plus(RIGHTS_HOLD) {
            return Ok(Rights::Same);
        }
        self.told_of_rights = false;
        if !identify::still_holds(
            &self.gangway.db,
            self.gangway.clock.now(),
            &self.caller.credential,
        )
        .await?
        {
            return Ok(Rights::Gone);
        }
        let visible = visible(&self.gangway, &self.caller).await?;
        self.looked_at = now;
        if visible == self.visible {
            return Ok(Rights::Same);
        }
        self.visible = visible;
        Ok(Rights::Changed)
    }
}

impl Watch {
    /// The next that was told of rights, and whether it may be about the caller's; nothing when that is all.
    fn next_of_rights(&mut self) -> Option<bool> {
        match self.rights.try_recv() {
            Ok(account) => Some(account == self.caller.account),
            Err(TryRecvError::Lagged(_)) => Some(true),
            Err(TryRecvError::Empty | TryRecvError::Closed) => None,
        }
    }
}

/// What became of the rights of whoever watches.
enum Rights {
    Same,
    /// Other organisations than before.
    Changed,
    /// Signed out, or the token is revoked or has expired.
    Gone,
}

fn resync() -> Event {
    Event::default().event("resync").data("{}")
}
