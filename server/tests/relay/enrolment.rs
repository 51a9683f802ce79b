//! Waiting devices.

use http::StatusCode;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::socket::{ENROLMENT, SESSION, Socket};
use crate::support::{Engine, Server, both_engines};

both_engines! {
    async fn a_device_keeps_its_nameplate_over_a_restart_of_the_server(server: Server) {
        let spawned = server.spawn();
        let (device, first) = Socket::wait(&spawned).await;
        assert_eq!(first["verification_uri"], "http://localhost:8080/link");
        assert_eq!(first["expires_in_secs"], 600);
        server.gangway.relay.tick().await;
        device.vanish();
        drop(spawned);
        let server = server.restart().await;
        server.clock.advance(20_000);
        let spawned = server.spawn();
        let mut device = Socket::open(&spawned, ENROLMENT).await;
        device.say(json!({"type": "hello", "agent": "test", "resume": first["resume"]})).await;
        let again = device.hear_a("nameplate").await;
        assert_eq!(again["nameplate"], first["nameplate"]);
        assert_eq!(again["expires_in_secs"], 580);
    }
}

both_engines! {
    async fn leases_of_nameplates_outlive_a_restart_until_their_rest_is_over(server: Server) {
        let spawned = server.spawn();
        let mut sockets = Vec::new();
        for _ in 0..50 {
            sockets.push(Socket::wait(&spawned).await.0);
        }
        server.gangway.relay.tick().await;
        let count = "SELECT CAST(COUNT(*) AS TEXT) FROM nameplates";
        assert_eq!(server.text(count).await, "50");
        drop((spawned, sockets));
        let server = server.restart().await;
        server.gangway.relay.tick().await;
        assert_eq!(server.text(count).await, "50");
        server.clock.advance(26 * 60 * 1000);
        server.gangway.relay.tick().await;
        assert_eq!(server.text(count).await, "0", "their rest is over");
    }
}

both_engines! {
    async fn a_spent_code_stays_spent_over_a_restart_of_the_server(server: Server) {
        let spawned = server.spawn();
        let (mut device, first) = Socket::wait(&spawned).await;
        device.say(json!({"type": "replace", "reason": "spent"})).await;
        let second = device.hear_a("nameplate").await;
        server.gangway.relay.tick().await;
        drop((spawned, device));
        let server = server.restart().await;
        let spawned = server.spawn();
        for (resume, stays) in [(&first, false), (&second, true)] {
            let mut device = Socket::open(&spawned, ENROLMENT).await;
            device.say(json!({"type": "hello", "agent": "test", "resume": resume["resume"]})).await;
            let again = device.hear_a("nameplate").await;
            assert_eq!(again["nameplate"] == resume["nameplate"], stays, "{again}");
        }
    }
}

#[tokio::test]
async fn an_upgrade_is_refused_over_http_only_for_its_form_and_its_origin() {
    let server = Server::start(crate::support::Engine::Sqlite).await;
    let spawned = server.spawn();
    let open = async |path: &str, headers: &[(&str, &str)]| {
        Socket::open_with(&spawned, path, headers).await.map(|_| ())
    };
    let (path, protocol) = ENROLMENT;
    assert_eq!(
        open(path, &[("sec-websocket-protocol", "gangway.enrolment.v2")]).await,
        Err(StatusCode::BAD_REQUEST)
    );
    let foreign = [
        ("sec-websocket-protocol", protocol),
        ("origin", "https://evil.example"),
    ];
    assert_eq!(open(path, &foreign).await, Err(StatusCode::FORBIDDEN));
    let own = [
        ("sec-websocket-protocol", protocol),
        ("origin", "http://localhost:8080"),
    ];
    assert_eq!(open(path, &own).await, Ok(()));
    let (path, protocol) = SESSION;
    assert_eq!(open(path, &[("sec-websocket-protocol", protocol)]).await, Ok(()));
}

#[tokio::test]
async fn every_fault_of_a_device_has_its_problem_or_its_close_code() {
    let server = Server::start(crate::support::Engine::Sqlite).await;
    let spawned = server.spawn();

    let mut device = Socket::open(&spawned, ENROLMENT).await;
    device.say(json!({"type": "hello"})).await;
    assert_eq!(device.problem().await["code"], "malformed");

    let mut device = Socket::open(&spawned, ENROLMENT).await;
    device.say(json!({"type": "greeting"})).await;
    assert_eq!(device.problem().await["code"], "unknown_type");

    let mut device = Socket::open(&spawned, ENROLMENT).await;
    device.send(Message::text("x".repeat(32 * 1024 + 1))).await;
    assert_eq!(device.hear_a("problem").await["code"], "too_large");
    assert_eq!(device.end().await, Some(1009));

    let mut device = Socket::open(&spawned, ENROLMENT).await;
    device.send(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(device.end().await, Some(1003));

    let mut device = Socket::open(&spawned, ENROLMENT).await;
    // Both ends have to see the upgrade before the time passes.
    device.send(Message::Ping(vec![1].into())).await;
    server.gangway.relay.tick().await;
    server.clock.advance(10_000);
    server.gangway.relay.tick().await;
    assert_eq!(device.problem().await["code"], "timeout");
}

#[tokio::test]
async fn draining_sends_devices_away_with_1001() {
    let server = Server::start(crate::support::Engine::Sqlite).await;
    let spawned = server.spawn();
    let (mut device, _) = Socket::wait(&spawned).await;
    let (end, ()) = tokio::join!(device.end(), server.gangway.relay.drain());
    assert_eq!(end, Some(1001));
    server.gangway.relay.tick().await;
}

#[tokio::test]
async fn pings_come_and_silence_ends_the_connection() {
    let server = Server::start(crate::support::Engine::Sqlite).await;
    let spawned = server.spawn();
    let (mut device, _) = Socket::wait(&spawned).await;
    server.clock.advance(54_000);
    server.gangway.relay.tick().await;
    // Nothing is read, so the Ping is not answered.
    server.clock.advance(45_000);
    server.gangway.relay.tick().await;
    assert_eq!(device.end().await, Some(1001));
}

#[tokio::test]
async fn libraries_that_send_an_origin_for_no_page_and_listed_origins_open_the_sockets_of_devices() {
    let server = Server::start_with(Engine::Sqlite, |config| {
        config.device_origins = vec!["https://relay.example".to_owned()];
    })
    .await;
    let spawned = server.spawn();
    for (path, protocol) in [ENROLMENT, SESSION] {
        let open = |origin| {
            let headers = [("sec-websocket-protocol", protocol), ("origin", origin)];
            let spawned = &spawned;
            async move { Socket::open_with(spawned, path, &headers).await.err() }
        };
        for origin in [
            "null",
            "file://",
            "https://relay.example",
            "http://localhost:8080",
        ] {
            assert_eq!(open(origin).await, None, "{path} {origin}");
        }
        for origin in [
            "https://evil.example",
            "file://host",
            "https://relay.example:8443",
        ] {
            assert_eq!(open(origin).await, Some(StatusCode::FORBIDDEN), "{path} {origin}");
        }
    }
    // What rides on a cookie stays strict.
    for origin in ["null", "file://", "https://relay.example"] {
        let headers = [("sec-websocket-protocol", "gangway.claim.v1"), ("origin", origin)];
        let claim = Socket::open_with(&spawned, "/api/v1/enrolment/BCDF/claim", &headers).await;
        assert_eq!(claim.err(), Some(StatusCode::FORBIDDEN), "{origin}");
    }
}
