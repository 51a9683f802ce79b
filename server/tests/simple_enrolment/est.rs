//! EST: who is let in by HTTP Basic, and what a certificate opens.

use gangway_protocol::device::DeviceState;
use gangway_protocol::permit::PermitMode;
use gangway_protocol::time::UnixMillis;
use http::{StatusCode, header};

use super::Works;
use crate::support::{Engine, Server, both_engines, csr};

both_engines! {
    async fn est_lets_in_by_a_key_and_asks_again_for_the_same(server: Server) {
        let works = Works::new(&server).await;
        let (permit, key) = (works.key(PermitMode::Auto).await, csr::key());
        let first = works.enroll_with(&permit, &key).await.certificates();
        assert_eq!(first.len(), 1, "the one that was issued, and no other");
        let fleet = works.ada.fleet().await;
        assert!(matches!(fleet[0].state, DeviceState::Active { .. }), "{:?}", fleet[0].state);
        assert_eq!(works.enroll_with(&permit, &key).await.certificates(), first, "a lost answer");
        // The halves of the key as user and password.
        let halves = permit.written();
        let (user, password) = halves.expose().split_once('-').expect("two halves");
        assert_eq!(works.enroll(user, password, &key).await.certificates(), first);
        assert_eq!(works.ada.fleet().await.len(), 1);
    }
}

both_engines! {
    async fn est_lets_wait_in_the_lobby(server: Server) {
        let works = Works::new(&server).await;
        let (permit, key) = (works.key(PermitMode::Lobby).await, csr::key());
        let waits = works.enroll_with(&permit, &key).await;
        assert_eq!(waits.status, StatusCode::ACCEPTED);
        assert_eq!(waits.headers[header::RETRY_AFTER], "30");
        let device = works.ada.fleet().await.remove(0);
        works.ada.api.settle_device(&device.id, true).await.expect("let in");
        works.enroll_with(&permit, &key).await.certificates();
    }
}

/// Threat model: PRE-3. Over EST as over the socket.
#[tokio::test]
async fn guesses_by_est_are_bounded() {
    let server = Server::start(Engine::Sqlite).await;
    let works = Works::new(&server).await;
    works.preapprove("pump-9", "sticker-4711").await;
    let key = csr::key();
    for _ in 0..5 {
        let refused = works.enroll("pump-9", "guess", &key).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        assert!(
            refused.headers[header::WWW_AUTHENTICATE]
                .to_str()
                .expect("text")
                .starts_with("Basic ")
        );
    }
    let closed = works.enroll("pump-9", "sticker-4711", &key).await;
    assert_eq!(closed.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        works.failures().await,
        5,
        "whoever administers it sees that somebody guesses"
    );
    server.clock.advance(11 * UnixMillis::MINUTE);
    works.enroll("pump-9", "sticker-4711", &key).await.certificates();
}

/// Threat model: PRE-3. An id with colons is one id, and what could be read out of it shuts nobody out.
#[tokio::test]
async fn a_mac_address_joins_by_est_however_often_another_one_fails() {
    let server = Server::start(Engine::Sqlite).await;
    let works = Works::new(&server).await;
    let macs: Vec<String> = (0..8).map(|number| format!("AA:BB:CC:DD:EE:0{number}")).collect();
    for mac in &macs {
        works.preapprove(mac, "sticker-4711").await;
    }
    for mac in &macs {
        works
            .enroll(mac, "sticker-4711", &csr::key())
            .await
            .certificates();
    }
    assert_eq!(works.ada.fleet().await.len(), macs.len());
}

both_engines! {
    /// Threat model: PRE-9. What is revoked ends at the next request, however valid it looks.
    async fn a_client_certificate_counts_as_long_as_the_record_says(server: Server) {
        let works = Works::new(&server).await;
        let (permit, key) = (works.key(PermitMode::Auto).await, csr::key());
        let own = works.enroll_with(&permit, &key).await.certificates().remove(0);
        assert_eq!(works.reenroll(&own, &key).await.certificates()[0], own, "it is early");
        server.clock.advance(60 * UnixMillis::DAY);
        let next = works.reenroll(&own, &key).await.certificates().remove(0);
        assert_ne!(next, own);
        assert_eq!(works.reenroll(&next, &key).await.certificates()[0], next);
        let ada = server.refresh(&works.ada).await;
        let device = ada.fleet().await.remove(0);
        ada.api.retire_device(&device.id).await.expect("retired");
        for certificate in [&own, &next] {
            let refused = works.reenroll(certificate, &key).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
        }
        let by_key = works.enroll_with(&permit, &key).await;
        assert_eq!(by_key.status, StatusCode::FORBIDDEN, "{}", by_key.text);
    }
}
