//! Certificates that end soon: told once for each threshold, and listed.

use gangway_protocol::certificate::Certificate;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_protocol::time::UnixMillis;
use gangway_protocol::webhook::{ExpiringQuery, WebhookEventType};
use gangway_server::fleet::expiring::give_notice;

use super::{Hook, deliver};
use crate::organisations::made;
use crate::support::device::SoftDevice;
use crate::support::{Server, both_engines};

/// Lets time pass up to so many days before a certificate ends, and does what is due then.
async fn until(server: &Server, certificate: &Certificate, days: i64) {
    let at = certificate.not_after.plus(-days * UnixMillis::DAY);
    server.clock.advance(at.since(server.gangway.clock.now()));
    for _ in 0..2 {
        give_notice(&server.gangway).await;
        deliver(server).await;
    }
}

fn days_told(hook: &Hook) -> Vec<u32> {
    hook.receiver
        .received()
        .iter()
        .map(|received| received.event().data.detail.days.expect("a number of days"))
        .collect()
}

both_engines!(
    async fn each_end_is_told_once_thirty_seven_and_one_days_before(server: Server) {
        let mut hook = Hook::wanting(&server, &[WebhookEventType::Expiring]).await;
        let (_, certificate) = SoftDevice::in_fleet(&server, &hook.ada).await;
        until(&server, &certificate, 31).await;
        assert_eq!(days_told(&hook), [0; 0]);
        until(&server, &certificate, 30).await;
        assert_eq!(days_told(&hook), [30]);
        let server = server.restart().await;
        hook.again(&server);
        until(&server, &certificate, 29).await;
        assert_eq!(days_told(&hook), [30], "also after a restart");
        until(&server, &certificate, 7).await;
        assert_eq!(days_told(&hook), [30, 7]);
        until(&server, &certificate, 1).await;
        until(&server, &certificate, 0).await;
        until(&server, &certificate, -1).await;
        assert_eq!(days_told(&hook), [30, 7, 1]);
        let told = hook.receiver.received()[0].event().data;
        assert_eq!(told.detail.expires_at, Some(certificate.not_after));
        assert_eq!(told.device.expect("a device").id, certificate.device);
    }
);

both_engines!(
    async fn what_was_renewed_or_is_not_in_use_is_not_told(server: Server) {
        let mut hook = Hook::wanting(&server, &[WebhookEventType::Expiring]).await;
        let (renewed, first) = SoftDevice::in_fleet(&server, &hook.ada).await;
        let (_, suspended) = SoftDevice::in_fleet(&server, &hook.ada).await;
        let (_, silent) = SoftDevice::in_fleet(&server, &hook.ada).await;
        until(&server, &first, 31).await;
        hook.refresh(&server).await;
        let fresh = renewed
            .renew(&server, &first.chain, &renewed.key)
            .await
            .expect("renewed");
        renewed.prove(&server, &fresh.chain, 2).await.expect("a session");
        hook.ada
            .api
            .suspend_device(&suspended.device)
            .await
            .expect("suspended");
        // The server was off when the first threshold passed: the more urgent one is told, once.
        until(&server, &silent, 6).await;
        assert_eq!(days_told(&hook), [7]);
        let told = hook.receiver.received()[0].event().data;
        assert_eq!(told.device.expect("a device").id, silent.device);
    }
);

both_engines!(
    async fn a_life_as_long_as_a_threshold_is_not_told_of_at_once(server: Server) {
        let hook = Hook::wanting(&server, &[WebhookEventType::Expiring]).await;
        server
            .set_policy(&hook.home, |policy| policy.certificate_validity_days = 7)
            .await;
        let (_, certificate) = SoftDevice::in_fleet(&server, &hook.ada).await;
        until(&server, &certificate, 7).await;
        until(&server, &certificate, 6).await;
        assert_eq!(days_told(&hook), [0; 0]);
        until(&server, &certificate, 1).await;
        assert_eq!(days_told(&hook), [1]);
    }
);

both_engines!(
    async fn a_clock_that_was_ahead_silences_no_notice(server: Server) {
        let hook = Hook::wanting(&server, &[WebhookEventType::Expiring]).await;
        let (_, certificate) = SoftDevice::in_fleet(&server, &hook.ada).await;
        server
            .execute(
                "INSERT INTO settings (name, value) VALUES ('expiry_noticed_30', '4000000000000 ~')",
                &[],
            )
            .await;
        until(&server, &certificate, 31).await;
        until(&server, &certificate, 30).await;
        assert_eq!(days_told(&hook), [30]);
    }
);

both_engines!(
    async fn more_than_one_look_takes_are_all_told(server: Server) {
        let hook = Hook::wanting(&server, &[WebhookEventType::Expiring]).await;
        let (_, certificate) = SoftDevice::in_fleet(&server, &hook.ada).await;
        server
            .execute(
                "WITH RECURSIVE s (n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM s WHERE n < 1200)
                 INSERT INTO devices (id, organisation, customer, name, sort_name, labels, state, state_since, facts, search, approver,
                     certificate_expires_at, created_at)
                 SELECT 'dev_00000000' || (100000000000000000 + n), organisation, customer, name, sort_name, labels, state,
                     state_since, facts, search, approver, certificate_expires_at, created_at
                 FROM devices, s WHERE devices.id = $1",
                &[certificate.device.as_str()],
            )
            .await;
        let at = certificate.not_after.plus(-30 * UnixMillis::DAY);
        server.clock.advance(at.since(server.gangway.clock.now()));
        give_notice(&server.gangway).await;
        let rows: Vec<(i64, i64)> = server
            .query("SELECT CAST(COUNT(*) AS BIGINT), CAST(COUNT(DISTINCT body) AS BIGINT) FROM webhook_deliveries")
            .await;
        assert_eq!(rows, [(1_201, 1_201)]);
    }
);

both_engines!(
    async fn what_ends_soon_is_listed_soonest_first_over_all_that_is_below(server: Server) {
        let home = server.organisation("Works").await;
        let owner = server.member(&home, Role::Owner, "Olga").await;
        let part = made(&owner, &home, "Part").await;
        let mut made = Vec::new();
        for member in [&owner, &server.at(&owner, &part), &owner] {
            let (_, certificate) = SoftDevice::in_fleet(&server, member).await;
            made.push(certificate);
            server.clock.advance(UnixMillis::MINUTE);
        }
        let list = async |query: ExpiringQuery| owner.api.expiring_devices(&home, &query).await;
        let none = list(ExpiringQuery::default()).await.expect("a list");
        assert_eq!((none.items.len(), none.total), (0, Some(0)));
        let at = made[0].not_after.plus(-5 * UnixMillis::DAY);
        server.clock.advance(at.since(server.gangway.clock.now()));
        let owner = server.refresh(&owner).await;
        let list = async |query: ExpiringQuery| owner.api.expiring_devices(&home, &query).await;
        let first = list(ExpiringQuery {
            days: Some(7),
            limit: Some(2),
            ..ExpiringQuery::default()
        })
        .await
        .expect("a page");
        assert_eq!(first.total, Some(3));
        let second = list(ExpiringQuery {
            days: Some(7),
            limit: Some(2),
            after: first.next.clone(),
        })
        .await
        .expect("a page");
        assert_eq!((second.total, &second.next), (None, &None));
        let listed: Vec<_> = first
            .items
            .iter()
            .chain(&second.items)
            .map(|device| &device.id)
            .collect();
        let wanted: Vec<_> = made.iter().map(|certificate| &certificate.device).collect();
        assert_eq!(listed, wanted);
        let near = list(ExpiringQuery {
            days: Some(4),
            ..ExpiringQuery::default()
        });
        assert_eq!(near.await.expect("a list").total, Some(0));
        for wrong in [
            ExpiringQuery {
                days: Some(0),
                ..ExpiringQuery::default()
            },
            ExpiringQuery {
                days: Some(367),
                ..ExpiringQuery::default()
            },
            ExpiringQuery {
                limit: Some(0),
                ..ExpiringQuery::default()
            },
            ExpiringQuery {
                after: Some("x".to_owned()),
                ..ExpiringQuery::default()
            },
        ] {
            let refused = list(wrong.clone()).await.expect_err("out of bounds");
            assert_eq!(refused.code(), Some(ProblemCode::Invalid), "{wrong:?}");
        }
        let installer = server.member(&home, Role::Installer, "Ina").await;
        let refused = installer
            .api
            .expiring_devices(&home, &ExpiringQuery::default())
            .await;
        assert_eq!(
            refused.expect_err("not theirs").code(),
            Some(ProblemCode::Forbidden)
        );
    }
);
