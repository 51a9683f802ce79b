//! What becomes of events when their receiver answers, does not, or the server dies.

use std::sync::Arc;

use gangway_protocol::time::UnixMillis;
use gangway_protocol::webhook::{DeliveryState, ReplayRequest, WebhookEventType, WebhookState};
use http::StatusCode;

use super::{Hook, deliver};
use crate::support::device::SoftDevice;
use crate::support::receiver::{Mood, Received};
use crate::support::{START, both_engines};

/// Waits, in real time, for what happens on other tasks.
async fn until(what: impl Fn() -> bool) {
    for _ in 0..500 {
        if what() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("it does not happen");
}

fn ids(received: &[Received]) -> Vec<String> {
    received
        .iter()
        .map(|received| received.header("webhook-id").to_owned())
        .collect()
}

both_engines!(
    async fn what_does_not_get_through_is_sent_again_after_growing_pauses_with_the_same_id(server: Server) {
        let mut hook = Hook::new(&server).await;
        hook.receiver
            .becomes(Mood::Says(StatusCode::INTERNAL_SERVER_ERROR));
        SoftDevice::in_fleet(&server, &hook.ada).await;
        let pauses = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
        for (place, pause) in pauses.into_iter().enumerate() {
            deliver(&server).await;
            let sent = place + 1;
            assert_eq!(hook.receiver.received().len(), sent);
            server.clock.advance((pause - 1) * UnixMillis::SECOND);
            deliver(&server).await;
            assert_eq!(hook.receiver.received().len(), sent, "not before {pause} seconds");
            // A tenth more at the most.
            server.clock.advance((pause / 10 + 2) * UnixMillis::SECOND);
        }
        deliver(&server).await;
        server.clock.advance(10 * UnixMillis::DAY);
        deliver(&server).await;
        let received = hook.receiver.received();
        assert_eq!(received.len(), 10);
        let mut distinct = ids(&received);
        distinct.dedup();
        assert_eq!(distinct.len(), 1, "one event to whoever looks at the id");
        assert!(received.iter().all(|one| one.body == received[0].body));
        let first = received[0].header("webhook-timestamp");
        assert_ne!(
            first,
            received[9].header("webhook-timestamp"),
            "each is signed for its time"
        );
        hook.refresh(&server).await;
        let log = hook.log().await;
        let attempt = &log[0].attempts[9];
        assert_eq!(
            (
                log[0].state,
                log[0].next_attempt_at,
                attempt.status,
                attempt.detail.as_str()
            ),
            (DeliveryState::Failed, None, Some(500), "")
        );
    }
);

both_engines!(
    async fn a_receiver_that_recovers_gets_what_it_missed(server: Server) {
        let hook = Hook::new(&server).await;
        hook.receiver.becomes(Mood::Redirects);
        SoftDevice::in_fleet(&server, &hook.ada).await;
        deliver(&server).await;
        assert!(hook.standing().await.failing_since.is_some());
        hook.receiver.becomes(Mood::Says(StatusCode::OK));
        server.clock.advance(6 * UnixMillis::SECOND);
        deliver(&server).await;
        assert_eq!(
            hook.receiver.received().len(),
            2,
            "a redirect is no success, and not followed"
        );
        let log = hook.log().await;
        let statuses: Vec<_> = log[0].attempts.iter().map(|attempt| attempt.status).collect();
        assert_eq!(
            (log[0].state, statuses),
            (DeliveryState::Delivered, vec![Some(302), Some(200)])
        );
        assert_eq!(hook.standing().await.failing_since, None);
    }
);

both_engines!(
    async fn a_receiver_that_asks_for_a_pause_gets_it(server: Server) {
        let hook = Hook::new(&server).await;
        hook.receiver.becomes(Mood::Busy {
            retry_after_secs: 120,
        });
        SoftDevice::in_fleet(&server, &hook.ada).await;
        deliver(&server).await;
        let log = hook.log().await;
        assert_eq!(log[0].next_attempt_at, Some(START.plus(120 * UnixMillis::SECOND)));
    }
);

both_engines!(
    async fn a_receiver_that_is_gone_switches_its_webhook_off(server: Server) {
        let hook = Hook::new(&server).await;
        hook.receiver.becomes(Mood::Says(StatusCode::GONE));
        let (_, certificate) = SoftDevice::in_fleet(&server, &hook.ada).await;
        deliver(&server).await;
        assert_eq!(hook.standing().await.state, WebhookState::Gone);
        assert_eq!(server.records("webhook.switched_off").await, 1);
        hook.ada
            .api
            .suspend_device(&certificate.device)
            .await
            .expect("suspended");
        server.clock.advance(UnixMillis::MINUTE);
        deliver(&server).await;
        assert_eq!(hook.receiver.received().len(), 1);
        let refused = hook.ada.api.test_webhook(&hook.home, &hook.webhook.id).await;
        refused.expect_err("it is off");
        // What waits goes on when somebody has switched it on again.
        hook.receiver.becomes(Mood::Says(StatusCode::OK));
        assert_eq!(hook.switch(true).await.state, WebhookState::On);
        deliver(&server).await;
        assert_eq!(hook.receiver.received().len(), 2);
    }
);

both_engines!(
    async fn a_webhook_at_which_nothing_gets_through_for_days_is_switched_off(server: Server) {
        let mut hook = Hook::new(&server).await;
        hook.receiver.becomes(Mood::Says(StatusCode::BAD_GATEWAY));
        let (_, certificate) = SoftDevice::in_fleet(&server, &hook.ada).await;
        deliver(&server).await;
        server.clock.advance(5 * UnixMillis::DAY - UnixMillis::MINUTE);
        deliver(&server).await;
        hook.refresh(&server).await;
        assert_eq!(hook.standing().await.state, WebhookState::On);
        hook.ada
            .api
            .suspend_device(&certificate.device)
            .await
            .expect("suspended");
        server.clock.advance(UnixMillis::MINUTE);
        deliver(&server).await;
        assert_eq!(hook.standing().await.state, WebhookState::Failing);
        hook.refresh(&server).await;
        let on = hook.switch(true).await;
        assert_eq!(
            (on.state, on.failing_since),
            (WebhookState::On, None),
            "it begins anew"
        );
    }
);

both_engines!(
    async fn a_receiver_that_does_not_answer_holds_nobody_up(server: Server) {
        let slow = Hook::new(&server).await;
        let quick = Hook::new(&server).await;
        slow.receiver.becomes(Mood::Holds);
        for _ in 0..6 {
            SoftDevice::in_fleet(&server, &slow.ada).await;
        }
        let gangway = server.gangway.clone();
        let delivering = tokio::spawn(async move {
            gangway_server::webhooks::delivery::deliver_due(&gangway, &gangway.courier).await;
        });
        until(|| slow.receiver.received().len() == 4).await;
        // What becomes due meanwhile is sent at once.
        SoftDevice::in_fleet(&server, &quick.ada).await;
        until(|| quick.receiver.received().len() == 1).await;
        assert_eq!(slow.receiver.received().len(), 4, "no more at one time");
        slow.receiver.let_go();
        delivering.await.expect("it ends");
        assert_eq!(slow.receiver.received().len(), 6);
        let mut distinct = ids(&slow.receiver.received());
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 6, "none is sent twice");
    }
);

both_engines!(
    async fn a_server_that_dies_before_or_while_it_sends_loses_nothing(server: Server) {
        let mut hook = Hook::new(&server).await;
        SoftDevice::in_fleet(&server, &hook.ada).await;
        let server = server.restart().await;
        hook.receiver.becomes(Mood::Holds);
        let gangway = Arc::clone(&server.gangway);
        let dying = tokio::spawn(async move {
            gangway_server::webhooks::delivery::deliver_due(&gangway, &gangway.courier).await;
        });
        until(|| hook.receiver.received().len() == 1).await;
        dying.abort();
        assert!(
            dying.await.is_err(),
            "it died before it could write down what came back"
        );
        let server = server.restart().await;
        hook.again(&server);
        hook.receiver.let_go();
        deliver(&server).await;
        assert_eq!(
            hook.receiver.received().len(),
            1,
            "the one that sent it may still be at it"
        );
        server.clock.advance(UnixMillis::MINUTE);
        deliver(&server).await;
        let received = ids(&hook.receiver.received());
        assert_eq!(received.len(), 2);
        assert_eq!(received[0], received[1], "whoever has had it knows it again");
        assert_eq!(hook.log().await[0].state, DeliveryState::Delivered);
    }
);

both_engines!(
    async fn what_failed_is_sent_again_one_by_one_or_all_of_it(server: Server) {
        let mut hook = Hook::new(&server).await;
        hook.receiver
            .becomes(Mood::Says(StatusCode::INTERNAL_SERVER_ERROR));
        SoftDevice::in_fleet(&server, &hook.ada).await;
        server.clock.advance(UnixMillis::MINUTE);
        SoftDevice::in_fleet(&server, &hook.ada).await;
        for _ in 0..10 {
            deliver(&server).await;
            server.clock.advance(27 * UnixMillis::HOUR);
        }
        // It was switched off meanwhile.
        hook.refresh(&server).await;
        hook.switch(true).await;
        for _ in 0..10 {
            deliver(&server).await;
            server.clock.advance(27 * UnixMillis::HOUR);
            hook.refresh(&server).await;
            hook.switch(true).await;
        }
        let log = hook.log().await;
        let states: Vec<_> = log.iter().map(|delivery| delivery.state).collect();
        assert_eq!(states, [DeliveryState::Failed; 2]);
        assert!(log.iter().all(|delivery| delivery.attempts.len() <= 12));
        hook.receiver.becomes(Mood::Says(StatusCode::OK));
        let before = hook.receiver.received().len();
        let (api, home, id) = (&hook.ada.api, &hook.home, &hook.webhook.id);
        let since = |at| ReplayRequest { since: at };
        let none = api
            .replay_failed(home, id, &since(server.gangway.clock.now()))
            .await;
        assert_eq!(none.expect("nothing").count, 0);
        let later = api.replay_failed(home, id, &since(log[0].at)).await;
        assert_eq!(later.expect("the second").count, 1);
        let again = api
            .replay_delivery(home, id, &log[1].event)
            .await
            .expect("the first");
        assert_eq!(again.state, DeliveryState::Waiting);
        deliver(&server).await;
        let received = hook.receiver.received();
        let mut sent = ids(&received[before..]);
        sent.sort_unstable();
        assert_eq!(sent, [log[1].event.to_string(), log[0].event.to_string()]);
        // What got through can be sent again too.
        api.replay_delivery(home, id, &log[0].event).await.expect("again");
        deliver(&server).await;
        assert_eq!(hook.receiver.received().len(), before + 3);
    }
);

both_engines!(
    async fn a_test_tells_what_came_back_and_is_not_repeated(server: Server) {
        let hook = Hook::wanting(&server, &[WebhookEventType::Retired]).await;
        let test = async || hook.ada.api.test_webhook(&hook.home, &hook.webhook.id).await;
        let told = test().await.expect("it is sent");
        assert_eq!(
            (told.state, told.attempts[0].status),
            (DeliveryState::Delivered, Some(204))
        );
        hook.receiver.becomes(Mood::Says(StatusCode::NOT_FOUND));
        let told = test().await.expect("it is sent");
        let attempt = &told.attempts[0];
        assert_eq!(
            (told.state, attempt.status, attempt.detail.as_str()),
            (DeliveryState::Failed, Some(404), ""),
            "of an answer from inside the status is told and not the words"
        );
        server.clock.advance(UnixMillis::MINUTE);
        deliver(&server).await;
        assert_eq!(hook.receiver.types(), ["webhook.test", "webhook.test"]);
    }
);

both_engines!(
    async fn the_log_is_kept_within_bounds(server: Server) {
        let hook = Hook::new(&server).await;
        SoftDevice::in_fleet(&server, &hook.ada).await;
        deliver(&server).await;
        let count = async || {
            let rows: Vec<(i64,)> = server
                .query("SELECT CAST(COUNT(*) AS BIGINT) FROM webhook_deliveries")
                .await;
            rows[0].0
        };
        gangway_server::webhooks::sweep::run(&server.gangway).await;
        assert_eq!(count().await, 1);
        // As many as a webhook of a large fleet has in a day.
        server
            .execute(
                "WITH RECURSIVE s (n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM s WHERE n < 10005)
                 INSERT INTO webhook_deliveries (webhook, event, kind, organisation, at, body, state)
                 SELECT $1, 'evt_9' || (100000 + n), 'device.online', $2, 1800000000000, '{}', 'delivered' FROM s",
                &[hook.webhook.id.as_str(), hook.home.as_str()],
            )
            .await;
        gangway_server::webhooks::sweep::run(&server.gangway).await;
        assert_eq!(count().await, 10_000);
        // What is still to be sent is none of it.
        server
            .execute(
                "WITH RECURSIVE s (n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM s WHERE n < 5)
                 INSERT INTO webhook_deliveries (webhook, event, kind, organisation, at, body, state, due_at)
                 SELECT $1, 'evt_0' || (100000 + n), 'device.online', $2, 1800000000000, '{}', 'waiting', 1900000000000 FROM s",
                &[hook.webhook.id.as_str(), hook.home.as_str()],
            )
            .await;
        gangway_server::webhooks::sweep::run(&server.gangway).await;
        assert_eq!(count().await, 10_005);
        server.clock.advance(31 * UnixMillis::DAY);
        gangway_server::webhooks::sweep::run(&server.gangway).await;
        assert_eq!(count().await, 0);
    }
);
