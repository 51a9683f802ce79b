//! Sessions of enrolled devices.

use gangway_protocol::certificate::RevocationReason;
use gangway_protocol::device::Presence;
use gangway_protocol::id::AccountId;
use gangway_protocol::path;
use gangway_protocol::session::renewal_message;
use gangway_server::authority::{Means, Member};
use gangway_server::enrolment::exclusion::revoke_device;
use gangway_server::enrolment::readmission::record;
use gangway_server::people::service::command_line;
use gangway_server::relay::{Exclusion, Tell};
use rustls_pki_types::CertificateSigningRequestDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use super::device::Device;
use super::socket::{SESSION, Socket};
use crate::support::{Engine, START, Server, both_engines};

async fn presence(server: &Server, token: &str, device: &Device) -> Value {
    server.gangway.relay.tick().await;
    server.ask(token, "GET", &path::device(&device.id), None).await["presence"].clone()
}

both_engines! {
    async fn a_device_proves_itself_is_online_and_goes_offline(server: Server) {
        let token = server.all_token().await;
        let spawned = server.spawn();
        let mut device = Device::enrol(&server, &spawned, &token).await;
        assert_eq!(presence(&server, &token, &device).await["name"], "never");
        let mut changes = server.gangway.changes.watch();
        let (mut session, welcome) = device.session(&spawned).await;
        assert_eq!(welcome["device"], device.id);
        assert_eq!(welcome["organisation"], device.organisation);
        assert!(welcome.get("only").is_none());
        assert_eq!(presence(&server, &token, &device).await["name"], "online");
        let facts = json!({"hostname": "gate-8", "os": "linux", "os_version": "12", "arch": "x86_64",
            "software": "test", "software_version": "2"});
        session.say(json!({"type": "facts", "facts": facts})).await;
        session.say(json!({"type": "measurements", "series": [{"name": "t", "points": [[1, 20.5]]}]})).await;
        let id = device.id.parse().expect("an id");
        assert!(server.gangway.relay.tell_session(&id, Tell::Identify).await);
        session.hear_a("identify").await;
        session.close().await;
        server.clock.advance(1_000);
        let offline = presence(&server, &token, &device).await;
        assert_eq!((&offline["name"], &offline["reason"]), (&json!("offline"), &json!("closed")));
        let shown = server.ask(&token, "GET", &path::device(&device.id), None).await;
        assert_eq!(shown["facts"]["hostname"], "gate-8");
        let mut told = Vec::new();
        while let Ok(change) = changes.try_recv() {
            told.extend(change.presence);
        }
        assert!(matches!(told.as_slice(), [Presence::Online { .. }, Presence::Offline { .. }]), "{told:?}");
    }
}

both_engines! {
    async fn a_dead_process_leaves_nobody_online(server: Server) {
        let token = server.all_token().await;
        let spawned = server.spawn();
        let mut device = Device::enrol(&server, &spawned, &token).await;
        let (_session, _) = device.session(&spawned).await;
        assert_eq!(presence(&server, &token, &device).await["name"], "online");
        drop(spawned);
        let server = server.restart().await;
        let offline = presence(&server, &token, &device).await;
        assert_eq!(offline["reason"], "server_stopped");
    }
}

both_engines! {
    async fn what_is_suspended_or_revoked_loses_its_session_and_what_is_revoked_gets_no_other(server: Server) {
        let token = server.all_token().await;
        let spawned = server.spawn();
        let mut device = Device::enrol(&server, &spawned, &token).await;
        let id = device.id.parse().expect("an id");
        let (mut session, _) = device.session(&spawned).await;
        server.gangway.relay.exclude(&id, Exclusion::Suspended);
        assert_eq!(session.problem().await["code"], "suspended");

        // As another process would: only the database learns of it.
        let (mut session, _) = device.session(&spawned).await;
        let other = server.second_process().await;
        let member = Member { account: AccountId::new(START, [1; 10]), name: "Ada".to_owned(), means: Means::Own };
        revoke_device(&other, &other.relay, &id, RevocationReason::KeyCompromise, member).await.expect("it is active");
        for _ in 0..2 {
            server.gangway.relay.tick().await;
            server.clock.advance(9_000);
        }
        server.gangway.relay.tick().await;
        assert_eq!(
            session.hear_a("revoked").await["reason"],
            "The certificate of this device was revoked: its key may be known to others."
        );
        assert_eq!(session.end().await, Some(1008));
        let mut refused = device.prove(&spawned).await;
        assert_eq!(refused.problem().await["code"], "certificate_revoked");
        assert_eq!(presence(&server, &token, &device).await["reason"], "excluded");
    }
}

both_engines! {
    async fn a_held_device_is_let_in_when_another_process_readmits_it(server: Server) {
        let token = server.all_token().await;
        let spawned = server.spawn();
        let known = Device::enrol(&server, &spawned, &token).await;
        let mut device = Device::of_a_lost_record(&server, &known.organisation);
        let (mut held, welcome) = device.session(&spawned).await;
        assert_eq!(welcome["only"], json!([]), "it may do nothing but wait");

        let other = server.second_process().await;
        let organisation = known.organisation.parse().expect("an id");
        let member = command_line(&other.db, &*other.clock, &*other.random, &organisation).await.expect("a member");
        let now = other.clock.now();
        record(&other.db, &other.ca, device.sha256, member, now).await.expect("readmitted");
        server.gangway.relay.tick().await;
        server.clock.advance(9_000);
        server.gangway.relay.tick().await;
        assert_eq!(held.end().await, Some(1001));
        let (mut session, welcome) = device.session(&spawned).await;
        assert!(welcome.get("only").is_none(), "{welcome}");

        // The next looks at what happened leave the session alone.
        server.clock.advance(9_000);
        server.gangway.relay.tick().await;
        let id = device.id.parse().expect("an id");
        assert!(server.gangway.relay.tell_session(&id, Tell::Identify).await);
        session.hear_a("identify").await;
    }
}

both_engines! {
    async fn a_renewed_certificate_opens_the_next_session_and_supersedes(server: Server) {
        let token = server.all_token().await;
        let spawned = server.spawn();
        let mut device = Device::enrol(&server, &spawned, &token).await;
        let (mut session, welcome) = device.session(&spawned).await;
        server.clock.advance(welcome["renew_after"].as_i64().expect("an instant") - server.gangway.clock.now().0);
        let csr = device.csr();
        let der = CertificateSigningRequestDer::from_pem_slice(csr.as_bytes()).expect("a CSR");
        session.say(json!({"type": "renew", "csr": csr, "endorsement": device.sign(&renewal_message(&der))})).await;
        let certificate = session.hear_a("certificate").await;
        let old = device.sha256;
        device.install(certificate["chain"].as_str().expect("a text"));
        assert_ne!(old, device.sha256);
        session.say(json!({"type": "installed", "certificate_sha256": device.sha256})).await;
        let (_newer, _) = device.session(&spawned).await;
        assert_eq!(session.end().await, Some(1000), "without a word, without an alarm");
        assert_eq!(presence(&server, &token, &device).await["name"], "online");
    }
}

#[tokio::test]
async fn a_refused_endorsement_ends_the_session() {
    let server = Server::start(Engine::Sqlite).await;
    let token = server.all_token().await;
    let spawned = server.spawn();
    let mut device = Device::enrol(&server, &spawned, &token).await;
    let (mut session, _) = device.session(&spawned).await;
    let endorsement = device.sign(b"something else");
    session
        .say(json!({"type": "renew", "csr": device.csr(), "endorsement": endorsement}))
        .await;
    assert_eq!(session.problem().await["code"], "proof_invalid");
}

/// Threat model: SES-1.
#[tokio::test]
async fn a_proof_for_another_origin_or_nonce_or_by_another_key_is_invalid() {
    let server = Server::start_with(Engine::Sqlite, |config| {
        config.device_origins = vec!["https://relay.example".to_owned()];
    })
    .await;
    let token = server.all_token().await;
    let spawned = server.spawn();
    let mut device = Device::enrol(&server, &spawned, &token).await;
    let mut socket = device.prove_with(&spawned, "https://evil.example", 1).await;
    assert_eq!(socket.problem().await["code"], "proof_invalid");
    let mut socket = device.prove_with(&spawned, "https://relay.example", 1).await;
    socket.hear_a("welcome").await;
    let mut socket = device.prove_with_nonce_of_another(&spawned, 2).await;
    assert_eq!(socket.problem().await["code"], "proof_invalid");
    let other = Device::enrol(&server, &spawned, &token).await;
    device.chain.clone_from(&other.chain);
    let mut socket = device.prove(&spawned).await;
    assert_eq!(socket.problem().await["code"], "proof_invalid");
    let mut socket = Socket::open(&spawned, SESSION).await;
    socket.hear_a("challenge").await;
    socket
        .say(json!({"type": "proof", "chain": "nothing", "signature": "AAAA", "counter": 1, "agent": "x"}))
        .await;
    assert_eq!(socket.problem().await["code"], "malformed");
}

#[tokio::test]
async fn a_copied_device_raises_the_alarm_and_a_broken_connection_does_not() {
    let server = Server::start(Engine::Sqlite).await;
    let token = server.all_token().await;
    let spawned = server.spawn();
    let mut device = Device::enrol(&server, &spawned, &token).await;
    let (mut first, _) = device.session(&spawned).await;
    let (mut second, _) = device.session(&spawned).await;
    // Hearing answers the Ping: the first one is alive, so there are two.
    let id = device.id.parse().expect("an id");
    let alarm = async {
        loop {
            let shown = server.ask(&token, "GET", &path::device(&device.id), None).await;
            if shown["alarm"].is_object() {
                return shown["alarm"]["kind"].clone();
            }
            server.gangway.relay.tell_session(&id, Tell::Identify).await;
            first.hear_a("identify").await;
            second.hear_a("identify").await;
        }
    };
    assert_eq!(alarm.await, "clone");

    let mut device = Device::enrol(&server, &spawned, &token).await;
    let (mut silent, _) = device.session(&spawned).await;
    let (_alive, _) = device.session(&spawned).await;
    // Nothing is read from the first one, so its Ping is not answered.
    server.clock.advance(10_000);
    server.gangway.relay.tick().await;
    assert_eq!(silent.end().await, Some(1000));
    let shown = server.ask(&token, "GET", &path::device(&device.id), None).await;
    assert!(
        shown["alarm"].is_null() && shown["presence"]["name"] == "online",
        "{shown}"
    );
}

#[tokio::test]
async fn an_expired_certificate_may_renew_within_its_grace() {
    let server = Server::start(Engine::Sqlite).await;
    let token = server.all_token().await;
    let spawned = server.spawn();
    let mut device = Device::enrol(&server, &spawned, &token).await;
    let (session, _) = device.session(&spawned).await;
    session.vanish();
    server.clock.advance(95 * 24 * 3600 * 1000);
    let (mut session, welcome) = device.session(&spawned).await;
    assert_eq!(welcome["only"], json!(["renew"]));
    session.say(json!({"type": "measurements", "series": []})).await;
    assert_eq!(session.problem().await["code"], "forbidden");
    server.clock.advance(40 * 24 * 3600 * 1000);
    let mut refused = device.prove(&spawned).await;
    assert_eq!(refused.problem().await["code"], "grace_over");
}
