//! The stream of changes: what it tells, to whom, and when it ends.

use axum::body::Body;
use gangway_protocol::device::{DeviceUpdate, FleetChange, FleetChangeKind, Presence};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_protocol::path;
use http::{Request, header};
use http_body_util::BodyExt as _;

use super::named;
use crate::relay::device::Device as Enrolled;
use crate::support::visitor::{Nobody, Visitor};
use crate::support::{Server, both_engines};

/// One event of the stream: its name where it has one, and its data.
#[derive(Debug, PartialEq)]
enum Event {
    Change(FleetChange),
    Resync,
}

struct Watched(Body);

impl Watched {
    async fn open(server: &Server, who: &impl Visitor) -> Self {
        let mut request = Request::get(path::FLEET_CHANGES)
            .body(Body::empty())
            .expect("a request");
        request.headers_mut().extend(who.headers());
        let response = server.send(request).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-cache");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        let mut watched = Self(response.into_body());
        assert_eq!(watched.text().await.as_deref(), Some(": watching\n\n"));
        watched
    }

    /// The next part of the stream; `None` at its end.
    async fn text(&mut self) -> Option<String> {
        let frame = self.0.frame().await?.expect("it goes on");
        let bytes = frame.into_data().expect("data").to_vec();
        Some(String::from_utf8(bytes).expect("UTF-8"))
    }

    /// The next event; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Event> {
        let text = self.text().await?;
        if text.starts_with("event: resync\n") {
            return Some(Event::Resync);
        }
        let data = text.strip_prefix("data: ").expect("an unnamed event");
        Some(Event::Change(
            serde_json::from_str(data.trim_end()).expect("a change"),
        ))
    }

    async fn change(&mut self) -> FleetChange {
        match self.next().await {
            Some(Event::Change(change)) => change,
            other => panic!("a change, not {other:?}"),
        }
    }
}

fn rename(name: &str) -> DeviceUpdate {
    DeviceUpdate {
        name: Some(name.to_owned()),
        labels: None,
    }
}

both_engines!(
    /// Threat model: ACC-9.
    async fn additions_and_changes_are_told_to_their_own_organisation_alone(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let elsewhere = server.organisation("Elsewhere").await;
        let eve = server.member(&elsewhere, Role::Operator, "Eve").await;
        let (mut here, mut there) = (
            Watched::open(&server, &ada).await,
            Watched::open(&server, &eve).await,
        );

        let device = named(&server, &ada, "gate").await;
        let added = here.change().await;
        assert_eq!(
            (added.device, added.organisation, added.kind, added.presence),
            (device.id.clone(), home, FleetChangeKind::Added, None)
        );
        ada.api
            .update_device(&device.id, &rename("gate 2"))
            .await
            .expect("renamed");
        assert_eq!(here.change().await.kind, FleetChangeKind::Changed);

        // The first that the other organisation hears of is its own.
        let own = named(&server, &eve, "door").await;
        assert_eq!(there.change().await.device, own.id);
    }
);

both_engines!(
    async fn presence_is_told_with_the_change(server: Server) {
        let spawned = server.spawn();
        let token = server.all_token().await;
        let program = server.bearer(token.clone()).await;
        let mut device = Enrolled::enrol(&server, &spawned, &token).await;
        let mut watched = Watched::open(&server, &program).await;
        let (session, _) = device.session(&spawned).await;
        server.tick_relay().await;
        // Its first proof made it active, and a session brought it online.
        assert_eq!(watched.change().await.kind, FleetChangeKind::Changed);
        let online = watched.change().await;
        assert_eq!(online.kind, FleetChangeKind::Presence);
        assert!(matches!(online.presence, Some(Presence::Online { .. })));
        session.close().await;
        server.tick_relay().await;
        let offline = watched.change().await;
        assert!(matches!(offline.presence, Some(Presence::Offline { .. })));
    }
);

both_engines!(
    /// Threat model: ACC-10.
    async fn the_stream_ends_when_its_browser_is_signed_out(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let bea = server.member(&home, Role::Operator, "Bea").await;
        let mut watched = Watched::open(&server, &bea).await;
        bea.api.sign_out().await.expect("signed out");
        // Nothing of this is told any more.
        named(&server, &ada, "gate").await;
        assert_eq!(watched.next().await, None);
    }
);

both_engines!(
    /// Threat model: ACC-10.
    async fn the_stream_follows_the_rights_of_whoever_watches(server: Server) {
        let home = server.organisation("Works").await;
        let owner = server.member(&home, Role::Owner, "Olga").await;
        let bea = server.member(&home, Role::Viewer, "Bea").await;
        let mut watched = Watched::open(&server, &bea).await;
        named(&server, &owner, "gate").await;
        watched.change().await;
        let removed = owner.api.remove_member(&home, &bea.account).await;
        removed.expect("not a member any more");
        named(&server, &owner, "door").await;
        assert_eq!(
            watched.next().await,
            Some(Event::Resync),
            "the list has become another one"
        );
        let list = bea.api.devices(&Default::default()).await.expect("a list");
        assert!(list.items.is_empty());
    }
);

both_engines!(
    /// Threat model: ACC-12.
    async fn nothing_is_told_in_the_moment_after_a_right_ended(server: Server) {
        let home = server.organisation("Works").await;
        let owner = server.member(&home, Role::Owner, "Olga").await;
        let bea = server.member(&home, Role::Viewer, "Bea").await;
        let device = named(&server, &owner, "gate").await;
        let mut watched = Watched::open(&server, &bea).await;
        let mut signed_in = Watched::open(&server, &bea).await;
        let removed = owner.api.remove_member(&home, &bea.account).await;
        removed.expect("not a member any more");
        let change = FleetChange {
            device: device.id,
            organisation: home,
            kind: FleetChangeKind::Changed,
            presence: None,
        };
        server.gangway.changes.tell(change);
        assert_eq!(
            watched.next().await,
            Some(Event::Resync),
            "the clock stands still"
        );
        // A quiet stream ends without waiting for something to tell.
        assert_eq!(signed_in.next().await, Some(Event::Resync));
        bea.api.sign_out().await.expect("signed out");
        assert_eq!(signed_in.next().await, None);
    }
);

both_engines!(
    async fn a_stopping_server_ends_the_stream_and_nobody_gets_none(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Viewer, "Ada").await;
        let mut watched = Watched::open(&server, &ada).await;
        server.gangway.begin_stopping();
        assert_eq!(watched.next().await, None);
        let reply = server.get(&Nobody, path::FLEET_CHANGES).await;
        assert_eq!(reply.problem(), ProblemCode::Unauthenticated);
    }
);

both_engines!(
    async fn who_falls_behind_is_told_to_read_everything(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let device = named(&server, &ada, "gate").await;
        let mut watched = Watched::open(&server, &ada).await;
        for _ in 0..2_000 {
            server.gangway.changes.tell(FleetChange {
                device: device.id.clone(),
                organisation: home.clone(),
                kind: FleetChangeKind::Changed,
                presence: None,
            });
        }
        assert_eq!(watched.next().await, Some(Event::Resync));
    }
);
