//! What is told, and to whom.

use std::process::Stdio;

use gangway_protocol::certificate::{RevocationReason, RevocationRequest};
use gangway_protocol::id::WebhookId;
use gangway_protocol::organisation::{DeviceMove, OrganisationUpdate, Role};
use gangway_protocol::time::UnixMillis;
use gangway_protocol::webhook::{DeliveryState, WebhookEventType};
use gangway_server::db::DbError;
use gangway_server::db::webhooks::outbox::{self, Happening};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use super::{Hook, deliver};
use crate::organisations::made;
use crate::relay::device::Device;
use crate::support::both_engines;
use crate::support::device::SoftDevice;
use crate::support::receiver::Received;

const PAGE: &str = include_str!("../../../docs/webhooks.md");

/// The program of `docs/webhooks.md`, in another language on another library: it raises where the signature does not fit.
async fn verifies(secret: &str, received: &Received, now: UnixMillis) -> bool {
    let program = PAGE
        .split_once("```python\n")
        .and_then(|(_, rest)| rest.split_once("```"))
        .expect("a program")
        .0;
    let call = "import json, sys\ngiven = json.load(sys.stdin)\nverify(given['secret'], given['headers'], given['body'].encode(), given['now'])\n";
    let headers = ["webhook-id", "webhook-timestamp", "webhook-signature"]
        .map(|name| (name, received.header(name)))
        .into_iter()
        .collect::<std::collections::BTreeMap<_, _>>();
    let given = json!({"secret": secret, "headers": headers, "body": received.body, "now": now.as_secs()});
    #[expect(
        clippy::disallowed_methods,
        reason = "scripts say by a variable where Python is"
    )]
    let python = std::env::var_os("GANGWAY_PYTHON").unwrap_or_else(|| "python3".into());
    let mut child = tokio::process::Command::new(python)
        .args(["-c", &format!("{program}\n{call}")])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("Python is there");
    let mut input = child.stdin.take().expect("it listens");
    input
        .write_all(given.to_string().as_bytes())
        .await
        .expect("it is told");
    drop(input);
    child.wait().await.expect("it ends").success()
}

both_engines!(
    /// Threat model: WHK-3.
    async fn what_is_told_is_signed_so_that_others_can_verify_it(server: Server) {
        let hook = Hook::new(&server).await;
        SoftDevice::in_fleet(&server, &hook.ada).await;
        deliver(&server).await;
        let received = hook.receiver.received();
        let [received] = received.as_slice() else {
            panic!("one event: {received:?}")
        };
        let (now, secret) = (server.gangway.clock.now(), hook.secret.expose());
        assert!(secret.starts_with("whsec_"), "as Standard Webhooks says");
        assert!(verifies(secret, received, now).await);
        // Nothing else does.
        let other = Hook::new(&server).await;
        assert!(!verifies(other.secret.expose(), received, now).await);
        assert!(!verifies(secret, received, now.plus(6 * UnixMillis::MINUTE)).await);
        let mut forged = received.clone();
        forged.body = forged.body.replace("enrolled", "retired");
        assert!(!verifies(secret, &forged, now).await);
    }
);

both_engines!(
    async fn each_thing_that_happens_to_a_device_is_told_once_and_in_its_words(server: Server) {
        let hook = Hook::new(&server).await;
        let ada = &hook.ada;
        let beside = made(
            &server.member(&hook.home, Role::Owner, "Olga").await,
            &hook.home,
            "Beside",
        )
        .await;
        let (device, certificate) = SoftDevice::in_fleet(&server, ada).await;
        let id = &certificate.device;
        // A copied key.
        device
            .prove(&server, &certificate.chain, 1)
            .await
            .expect("admitted");
        ada.api.dismiss_alarm(id).await.expect("answered");
        ada.api.suspend_device(id).await.expect("suspended");
        ada.api
            .suspend_device(id)
            .await
            .expect_err("it is suspended already");
        ada.api.resume_device(id).await.expect("resumed");
        let target = DeviceMove {
            organisation: beside.clone(),
        };
        ada.api.move_device(id, &target).await.expect("moved");
        ada.api.retire_device(id).await.expect("retired");
        let (_, second) = SoftDevice::in_fleet(&server, ada).await;
        let revoke = RevocationRequest {
            reason: RevocationReason::KeyCompromise,
        };
        ada.api
            .revoke_device(&second.device, &revoke)
            .await
            .expect("revoked");
        let (_, third) = SoftDevice::in_fleet(&server, ada).await;
        ada.api
            .revoke_certificate(&third.sha256, &revoke)
            .await
            .expect("revoked");
        for _ in 0..2 {
            deliver(&server).await;
        }
        let mut told = hook.receiver.types();
        told.sort_unstable();
        assert_eq!(
            told,
            [
                "device.alarm",
                "device.enrolled",
                "device.enrolled",
                "device.enrolled",
                "device.moved",
                "device.moved",
                "device.resumed",
                "device.retired",
                "device.revoked",
                "device.revoked",
                "device.suspended",
            ]
        );
        let of = |kind| {
            let mut found: Vec<_> = hook.receiver.received();
            found.retain(|received| received.event().kind == kind);
            found
                .into_iter()
                .map(|received| received.event().data)
                .collect::<Vec<_>>()
        };
        let moved = of(WebhookEventType::Moved);
        let mut directions: Vec<_> = moved
            .iter()
            .map(|data| (data.detail.direction.as_deref(), &data.organisation))
            .collect();
        directions.sort_unstable();
        assert_eq!(directions, [(Some("in"), &beside), (Some("out"), &hook.home)]);
        let retired = of(WebhookEventType::Retired);
        assert_eq!(retired[0].organisation, beside, "from below it is told too");
        let named = retired[0].device.as_ref().expect("a device");
        assert_eq!((&named.id, named.name.as_str()), (id, "thermometer-7"));
        let reasons: Vec<_> = of(WebhookEventType::Revoked)
            .into_iter()
            .map(|data| data.detail.reason)
            .collect();
        assert_eq!(
            reasons,
            [
                Some("key_compromise".to_owned()),
                Some("key_compromise".to_owned())
            ]
        );
        server.verify_audit().await.expect("the record holds");
    }
);

both_engines!(
    async fn devices_that_come_and_go_are_told_also_when_their_server_died(server: Server) {
        let token = server.all_token().await;
        let home = server.first_organisation().await.parse().expect("an id");
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let hook = Hook::of(&home, ada, &[WebhookEventType::Online, WebhookEventType::Offline]).await;
        let spawned = server.spawn();
        let mut device = Device::enrol(&server, &spawned, &token).await;
        let (session, _) = device.session(&spawned).await;
        server.tick_relay().await;
        server.clock.advance(1_000);
        session.close().await;
        server.tick_relay().await;
        server.clock.advance(1_000);
        deliver(&server).await;
        // What happens in the same instant has no order.
        let mut told = hook.receiver.types();
        told.sort_unstable();
        assert_eq!(told, ["device.offline", "device.online"]);
        let (_session, _) = device.session(&spawned).await;
        server.tick_relay().await;
        deliver(&server).await;
        assert_eq!(hook.receiver.types().len(), 3);
        drop(spawned);
        let server = server.restart().await;
        server.tick_relay().await;
        deliver(&server).await;
        let received = hook.receiver.received();
        let last = received.last().expect("an event").event();
        assert_eq!(
            (received.len(), last.kind, last.data.detail.reason.as_deref()),
            (4, WebhookEventType::Offline, Some("server_stopped"))
        );
    }
);

both_engines!(
    async fn where_nobody_wants_it_nothing_is_written(server: Server) {
        let hook = Hook::wanting(&server, &[WebhookEventType::Retired]).await;
        let (_, certificate) = SoftDevice::in_fleet(&server, &hook.ada).await;
        hook.ada
            .api
            .suspend_device(&certificate.device)
            .await
            .expect("suspended");
        assert_eq!(hook.log().await, []);
        hook.switch(false).await;
        hook.ada
            .api
            .retire_device(&certificate.device)
            .await
            .expect("retired");
        assert_eq!(hook.log().await, [], "what is off is not told later either");
        let rows: Vec<(i64,)> = server
            .query("SELECT CAST(COUNT(*) AS BIGINT) FROM webhook_deliveries")
            .await;
        assert_eq!(rows, [(0,)]);
    }
);

both_engines!(
    async fn what_was_rolled_back_is_not_told_and_what_is_written_twice_is_told_once(server: Server) {
        let hook = Hook::new(&server).await;
        let (_, certificate) = SoftDevice::enrolled(&server, &hook.ada).await;
        let happening = Happening::new(
            WebhookEventType::Alarm,
            &hook.home,
            &certificate.device,
            server.gangway.clock.now(),
        );
        let put = async |fails: bool, happening: Happening| {
            server
                .gangway
                .db
                .write::<(), DbError, _>(move |mut conn| {
                    Box::pin(async move {
                        outbox::put(&mut conn, &[happening]).await?;
                        if fails { Err(DbError::Missing) } else { Ok(()) }
                    })
                })
                .await
        };
        put(true, happening.clone()).await.expect_err("it is rolled back");
        assert_eq!(hook.log().await, []);
        for _ in 0..2 {
            put(false, happening.clone()).await.expect("it is written");
        }
        deliver(&server).await;
        assert_eq!(hook.receiver.types(), ["device.alarm"]);
    }
);

both_engines!(
    /// Threat model: WHK-5.
    async fn a_webhook_hears_of_its_own_organisation_and_those_below_alone(server: Server) {
        let hook = Hook::new(&server).await;
        let owner = server.member(&hook.home, Role::Owner, "Olga").await;
        let foreign = server.organisation("Foreign").await;
        let eve = server.member(&foreign, Role::Admin, "Eve").await;
        let part = made(&owner, &hook.home, "Part").await;
        let beside = made(&owner, &hook.home, "Beside").await;
        let of_part = Hook::of(&part, server.at(&owner, &part), &[]).await;
        let of_beside = Hook::of(&beside, server.at(&owner, &beside), &[]).await;
        let of_foreign = Hook::of(&foreign, eve, &[]).await;
        SoftDevice::in_fleet(&server, &server.at(&owner, &part)).await;
        deliver(&server).await;
        for (hook, heard) in [(&hook, 1), (&of_part, 1), (&of_beside, 0), (&of_foreign, 0)] {
            assert_eq!(hook.receiver.types().len(), heard, "{}", hook.home);
        }
        // Nor by an address that names another organisation.
        let page = Default::default();
        let found = of_foreign
            .ada
            .api
            .webhook_deliveries(&foreign, &hook.webhook.id, &page)
            .await
            .expect_err("it is another's");
        let none = of_foreign
            .ada
            .api
            .webhook_deliveries(&foreign, &WebhookId::new(UnixMillis(0), [0; 10]), &page)
            .await
            .expect_err("there is none");
        assert_eq!(found, none);
    }
);

both_engines!(
    /// Threat model: WHK-5.
    async fn what_is_not_its_business_any_more_is_not_sent(server: Server) {
        let top = server.organisation("Customer").await;
        let owner = server.member(&top, Role::Owner, "Olga").await;
        let former = made(&owner, &top, "Former").await;
        let later = made(&owner, &top, "Later").await;
        let part = made(&owner, &former, "Part").await;
        let hook = Hook::of(&former, server.at(&owner, &former), &[]).await;
        let (_, certificate) = SoftDevice::in_fleet(&server, &server.at(&owner, &part)).await;
        let update = OrganisationUpdate {
            parent: Some(later),
            ..OrganisationUpdate::default()
        };
        owner
            .api
            .change_organisation(&part, &update)
            .await
            .expect("moved");
        deliver(&server).await;
        owner
            .api
            .suspend_device(&certificate.device)
            .await
            .expect("suspended");
        deliver(&server).await;
        assert_eq!(hook.receiver.types(), [""; 0]);
        let log = hook.log().await;
        assert_eq!((log.len(), log[0].state), (1, DeliveryState::Withdrawn));
        let replay = hook
            .ada
            .api
            .replay_delivery(&former, &hook.webhook.id, &log[0].event)
            .await;
        replay.expect_err("it stays so");

        // One of an archived organisation says nothing until that is opened again.
        let (_, own) = SoftDevice::in_fleet(&server, &server.at(&owner, &former)).await;
        owner.api.retire_device(&own.device).await.expect("retired");
        owner.api.archive_organisation(&former).await.expect("archived");
        deliver(&server).await;
        assert_eq!(hook.receiver.types(), [""; 0]);
        hook.ada
            .api
            .test_webhook(&former, &hook.webhook.id)
            .await
            .expect_err("it is archived");
        owner.api.open_organisation(&former).await.expect("opened");
        deliver(&server).await;
        assert_eq!(hook.receiver.types().len(), 2);
    }
);
