//! Keys of feeds: kept as hashes, for one feed, for some fields, until some time, replaced with an overlap.

use axum::body::Body;
use gangway_client::IdempotencyKey;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::measurement::{FeedKey, FeedKeyKind, FeedKeyReplacement, FeedKeyRequest};
use gangway_protocol::organisation::Role;
use gangway_protocol::page::PageQuery;
use gangway_protocol::time::UnixMillis;
use http::{HeaderName, Request};

use super::{Channel, ask, say};
use crate::support::member::Member;
use crate::support::{Server, both_engines};

fn request(name: &str) -> FeedKeyRequest {
    FeedKeyRequest {
        kind: FeedKeyKind::Read,
        name: name.to_owned(),
        fields: None,
        expires_at: None,
    }
}

async fn keys(ada: &Member, channel: &Channel) -> Vec<FeedKey> {
    let page = PageQuery::default();
    let found = ada.api.feed_keys(&ada.organisation, channel.number, &page).await;
    found.expect("keys").items
}

async fn reads(server: &Server, channel: &Channel, key: &str, what: &str) -> bool {
    let said = ask(
        server,
        &format!("/channels/{}/{what}?api_key={key}", channel.number),
    )
    .await;
    said.text != "-1"
}

both_engines!(
    /// Threat model: ACC-23.
    async fn a_key_is_kept_as_its_hash_and_ends_in_time(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let channel = Channel::of(&server, &home).await;
        channel.update(&server, "field1=1&field2=2&status=secret").await;
        let until = server.gangway.clock.now().plus(UnixMillis::HOUR);
        let wanted = FeedKeyRequest {
            expires_at: Some(until),
            fields: Some(vec![2]),
            ..request("Marge")
        };
        let (once, number) = (IdempotencyKey::new([1; 16]), channel.number);
        let made = ada
            .api
            .add_feed_key(&home, number, &wanted, &once)
            .await
            .expect("a key");
        let again = ada
            .api
            .add_feed_key(&home, number, &wanted, &once)
            .await
            .expect("the same");
        assert_eq!(made, again);
        let secret = made.secret.clone().expect("it is shown once");
        let shown = secret.expose().to_owned();
        assert!(shown.starts_with("gw_frk_") && channel.write.expose().starts_with("gw_fwk_"));
        let listed = keys(&ada, &channel).await;
        assert_eq!(listed.len(), 3);
        assert!(listed.iter().all(|key| key.secret.is_none()));
        let stored: Vec<(String,)> = server.query("SELECT secret_hash FROM feed_keys").await;
        assert!(stored.iter().all(|(hash,)| hash.len() == 64));
        assert!(
            !format!("{made:?} {wanted:?}").contains(&shown),
            "it does not print"
        );

        assert!(reads(&server, &channel, &shown, "fields/2/last").await);
        assert!(
            !reads(&server, &channel, &shown, "fields/1/last").await,
            "it is for one field"
        );
        assert!(!reads(&server, &channel, &shown, "status.json").await);
        assert!(!reads(&server, &channel, &shown, "charts/1").await);
        let feeds = ask(
            &server,
            &format!("/channels/{number}/feeds.json?results=1&status=true&api_key={shown}"),
        )
        .await
        .json();
        assert!(
            feeds["channel"].get("field1").is_none() && feeds["feeds"][0].get("field1").is_none(),
            "{feeds}"
        );
        assert!(feeds["feeds"][0].get("status").is_none(), "{feeds}");
        let used = keys(&ada, &channel).await;
        let marge = used.iter().find(|key| key.id == made.id).expect("her key");
        assert_eq!(marge.last_used_at, Some(server.gangway.clock.now()));
        assert_eq!(used.iter().filter(|key| key.last_used_at.is_some()).count(), 2);

        server.clock.advance(UnixMillis::HOUR);
        assert!(
            !reads(&server, &channel, &shown, "fields/2/last").await,
            "its time is over"
        );
    }
);

both_engines!(
    /// Threat model: ACC-23.
    async fn a_key_is_replaced_with_an_overlap_and_ended_at_once(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let channel = Channel::of(&server, &home).await;
        let write = keys(&ada, &channel)
            .await
            .into_iter()
            .find(|key| key.kind == FeedKeyKind::Write)
            .expect("a key");
        let number = channel.number;
        let replace = FeedKeyReplacement {
            overlap_hours: Some(2),
        };
        let fresh = ada
            .api
            .replace_feed_key(&home, number, &write.id, &replace)
            .await
            .expect("another");
        assert_eq!((fresh.kind, &fresh.name), (FeedKeyKind::Write, &write.name));
        let fresh_secret = fresh.secret.expect("it is shown once");
        for key in [&channel.write, &fresh_secret] {
            assert_ne!(
                ask(&server, &format!("/update?field1=1&api_key={}", key.expose()))
                    .await
                    .text,
                "0"
            );
        }
        server.clock.advance(2 * UnixMillis::HOUR);
        channel.update(&server, "field1=1").await.is(400, "0");
        let sent =
            Request::get("/thingspeak/update?field1=1").header("THINGSPEAKAPIKEY", fresh_secret.expose());
        assert_ne!(
            say(&server, sent.body(Body::empty()).expect("a request"))
                .await
                .text,
            "0"
        );

        let ada = server.refresh(&ada).await;
        let over = ada
            .api
            .replace_feed_key(&home, number, &write.id, &replace)
            .await
            .expect_err("it is over");
        assert_eq!(over.code(), Some(ProblemCode::Conflict));
        let second = FeedKeyRequest {
            kind: FeedKeyKind::Write,
            ..request("Second")
        };
        let refused = ada
            .api
            .add_feed_key(&home, number, &second, &IdempotencyKey::new([2; 16]))
            .await;
        assert_eq!(
            refused.expect_err("there is one").code(),
            Some(ProblemCode::Conflict)
        );
        let server_keys = keys(&ada, &channel).await;
        let read = server_keys
            .iter()
            .find(|key| key.kind == FeedKeyKind::Read)
            .expect("a key");
        ada.api
            .remove_feed_key(&home, number, &read.id)
            .await
            .expect("it ends");
        assert!(!reads(&server, &channel, channel.read.expose(), "feeds/last.json").await);
        for (action, times) in [("feed.key_replaced", 1), ("feed.key_removed", 1)] {
            assert_eq!(server.records(action).await, times, "{action}");
        }
        server.verify_audit().await.expect("the record holds");
    }
);

both_engines!(
    /// Threat model: WEB-14.
    async fn an_organisation_switches_the_interface_off_and_no_cookie_counts_in_it(server: Server) {
        let home = server.organisation("Works").await;
        let channel = Channel::of(&server, &home).await;
        let olga = server.member(&home, Role::Owner, "Olga").await;
        channel.update(&server, "field1=1").await.is(200, "1");
        let path = format!("/thingspeak/channels/{}/feeds.json", channel.number);
        let signed_in = server.get(&olga, &path).await;
        assert_eq!(
            (signed_in.status.as_u16(), signed_in.body.as_slice()),
            (400, b"-1".as_slice())
        );
        assert_eq!(signed_in.headers["access-control-allow-origin"], "*");
        assert_eq!(signed_in.headers["referrer-policy"], "no-referrer");
        let preflight = Request::options("/thingspeak/update").header("origin", "https://elsewhere.example");
        let preflight = say(&server, preflight.body(Body::empty()).expect("a request")).await;
        assert_eq!(preflight.status, 204);
        let allowed = HeaderName::from_static("access-control-allow-headers");
        assert!(
            preflight.headers[allowed]
                .to_str()
                .expect("text")
                .contains("X-THINGSPEAKAPIKEY")
        );
        assert!(
            preflight
                .headers
                .get("access-control-allow-credentials")
                .is_none()
        );

        server
            .set_policy(&home, |policy| policy.thingspeak_api = false)
            .await;
        channel.update(&server, "field1=1").await.is(400, "0");
        channel.read(&server, "feeds.json").await.is(400, "-1");
        channel.read(&server, "charts/1").await.is(400, "-1");
    }
);
