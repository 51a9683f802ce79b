//! The lobby: who waits, who is let in, who is not and may be later after all.

use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::{DeviceMove, Role};
use gangway_protocol::permit::{LobbyEntry, LobbyQuery, PermitMode};
use gangway_protocol::time::UnixMillis;

use super::Works;
use super::applicant::{Applicant, Became, Until};
use crate::support::{START, both_engines};

impl Works {
    async fn lobby(&self, rejected: bool) -> Vec<LobbyEntry> {
        let query = LobbyQuery {
            rejected,
            ..LobbyQuery::default()
        };
        self.ada
            .api
            .lobby(&self.home, &query)
            .await
            .expect("the lobby")
            .items
    }
}

both_engines!(
    async fn a_device_waits_is_let_in_and_joins_when_it_asks_again(server: Server) {
        let works = Works::new(&server).await;
        let (permit, key) = works.key(PermitMode::Lobby).await;
        let spawned = server.spawn();
        let device = Applicant::new("thermometer-7");
        assert_eq!(device.ask(&spawned, &key).await, Became::Waits(30));
        let waiting = works.lobby(false).await;
        assert_eq!(waiting.len(), 1);
        let entry = &waiting[0];
        assert_eq!(
            (entry.permit.clone(), entry.permit_name.as_str()),
            (permit.id, "Hall 3")
        );
        assert_eq!(entry.address.as_deref(), Some("127.0.0.1"));
        assert_eq!(
            (entry.asked_at, entry.asks_again_at),
            (START, START.plus(30 * UnixMillis::SECOND))
        );
        assert_eq!(device.ask(&spawned, &key).await, Became::Waits(30));
        for _ in 0..2 {
            works
                .ada
                .api
                .settle_device(&entry.device.id, true)
                .await
                .expect("it is let in");
        }
        assert_eq!(works.lobby(false).await.len(), 0);
        assert!(matches!(device.ask(&spawned, &key).await, Became::Joined(_)));
        assert_eq!(server.states().await, ["enrolling"]);
        server.verify_audit().await.expect("the record holds");
    }
);

both_engines!(
    async fn a_device_that_was_rejected_can_be_let_in_later_after_all(server: Server) {
        let works = Works::new(&server).await;
        let (_, key) = works.key(PermitMode::Lobby).await;
        let spawned = server.spawn();
        let device = Applicant::new("thermometer-7");
        device.ask(&spawned, &key).await;
        let id = works.lobby(false).await[0].device.id.clone();
        for _ in 0..2 {
            works
                .ada
                .api
                .settle_device(&id, false)
                .await
                .expect("it is rejected");
        }
        assert_eq!(device.ask(&spawned, &key).await, Became::Waits(3600));
        assert_eq!(works.lobby(false).await.len(), 0);
        assert_eq!(works.lobby(true).await.len(), 1);
        works
            .ada
            .api
            .settle_device(&id, true)
            .await
            .expect("it is let in");
        assert!(matches!(device.ask(&spawned, &key).await, Became::Joined(_)));
    }
);

both_engines!(
    async fn devices_that_state_the_same_serial_number_are_shown_beside_each_other(server: Server) {
        let works = Works::new(&server).await;
        let (_, straight) = works.key(PermitMode::Auto).await;
        let (_, key) = works.key(PermitMode::Lobby).await;
        let spawned = server.spawn();
        assert!(matches!(
            Applicant::new("twin").ask(&spawned, &straight).await,
            Became::Joined(_)
        ));
        Applicant::new("twin").ask(&spawned, &key).await;
        let known = works.ada.fleet().await;
        let waiting = works.lobby(false).await;
        let duplicates: Vec<_> = waiting[0].duplicates.iter().map(|one| one.id.clone()).collect();
        let others: Vec<_> = known
            .into_iter()
            .filter(|one| one.id != waiting[0].device.id)
            .map(|one| one.id)
            .collect();
        assert_eq!(duplicates, others);
    }
);

both_engines!(
    /// Threat model: PRE-4.
    async fn the_lobby_is_for_whoever_may_enrol(server: Server) {
        let works = Works::new(&server).await;
        let (_, key) = works.key(PermitMode::Lobby).await;
        let spawned = server.spawn();
        Applicant::new("a").ask(&spawned, &key).await;
        let id = works.lobby(false).await[0].device.id.clone();
        let viewer = server.member(&works.home, Role::Viewer, "Vic").await;
        let refused = viewer.api.settle_device(&id, true).await;
        assert_eq!(
            refused.expect_err("a refusal").code(),
            Some(ProblemCode::Forbidden)
        );
        let other = server.organisation("Elsewhere").await;
        let eve = server.member(&other, Role::Owner, "Eve").await;
        let refused = eve.api.settle_device(&id, true).await;
        assert_eq!(
            refused.expect_err("a refusal").code(),
            Some(ProblemCode::NotFound)
        );
        server.clock.advance(UnixMillis::HOUR);
        let late = works.ada.api.settle_device(&id, true).await;
        assert_eq!(
            late.expect_err("a refusal").code(),
            Some(ProblemCode::StepUpRequired)
        );
    }
);

both_engines!(
    /// Threat model: PRE-8. A lobby let in by itself what a member had taken out.
    async fn what_a_member_took_out_stays_out(server: Server) {
        let works = Works::new(&server).await;
        let spawned = server.spawn();
        for mode in [PermitMode::Lobby, PermitMode::Auto] {
            let (_, key) = works.key(mode).await;
            let device = Applicant::new("thermometer-7");
            device.ask_until(&spawned, &key, Until::Offered).await;
            let id = works.ada.fleet().await[0].id.clone();
            works.ada.api.retire_device(&id).await.expect("it is taken out");
            assert!(
                matches!(device.ask(&spawned, &key).await, Became::Refused(_)),
                "{mode:?}"
            );
            let settled = works.ada.api.settle_device(&id, true).await;
            assert_eq!(
                settled.expect_err("a refusal").code(),
                Some(ProblemCode::Conflict)
            );
        }
        assert_eq!(
            server
                .text("SELECT CAST(COUNT(*) AS TEXT) FROM certificates")
                .await,
            "0"
        );
    }
);

both_engines!(
    /// It came twice then: its key was looked for where it had been.
    async fn a_device_of_the_lobby_is_decided_about_before_it_is_moved(server: Server) {
        let works = Works::new(&server).await;
        let (_, key) = works.key(PermitMode::Lobby).await;
        let spawned = server.spawn();
        Applicant::new("a").ask(&spawned, &key).await;
        let id = works.lobby(false).await[0].device.id.clone();
        let below = crate::organisations::made(&works.ada, &works.home, "Below").await;
        let moved = works
            .ada
            .api
            .move_device(&id, &DeviceMove { organisation: below })
            .await;
        assert_eq!(moved.expect_err("a refusal").code(), Some(ProblemCode::Conflict));
    }
);
