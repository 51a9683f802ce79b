//! Problem codes: those that no other story meets, and that none is left out.

use std::path::Path;

use gangway_protocol::device::DeviceQuery;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_protocol::path;
use http::StatusCode;
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};

use crate::relay::device::Device;
use crate::support::{both_engines, csr};

both_engines!(
    async fn a_database_that_is_away_is_unavailable_and_no_fault(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Viewer, "Ada").await;
        server.gangway.db.close().await;
        let reply = server.get(&ada, path::DEVICES).await;
        assert_eq!(
            (reply.status, reply.problem()),
            (StatusCode::SERVICE_UNAVAILABLE, ProblemCode::Unavailable)
        );
    }
);

both_engines!(
    /// Threat model: WEB-4.
    async fn a_fault_reveals_nothing(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let certificate = ada.enrol(&server, &csr::key()).await;
        server.execute("UPDATE devices SET facts = '{}'", &[]).await;
        let reply = server.get(&ada, &path::device(&certificate.device)).await;
        assert_eq!(
            (reply.status, reply.problem()),
            (StatusCode::INTERNAL_SERVER_ERROR, ProblemCode::Internal)
        );
        let shown: Value = serde_json::from_slice(&reply.body).expect("JSON");
        assert_eq!(
            shown["detail"],
            "the server failed at this; the failure has been logged"
        );
        let text = String::from_utf8(reply.body).expect("JSON is text");
        assert!(!text.contains("facts") && !text.contains("devices"), "{text}");
        let list = ada
            .api
            .devices(&DeviceQuery::default())
            .await
            .expect_err("the same");
        assert_eq!(list.code(), Some(ProblemCode::Internal));
    }
);

both_engines!(
    async fn the_socket_of_a_device_says_why_it_may_not_come_in(server: Server) {
        let token = server.all_token().await;
        let spawned = server.spawn();
        let home = server.first_organisation().await.parse().expect("an id");
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let mut device = Device::enrol(&server, &spawned, &token).await;
        let (session, _) = device.session(&spawned).await;
        let id = device.id.parse().expect("an id");

        ada.api.suspend_device(&id).await.expect("suspended");
        let suspended = device.prove(&spawned).await.problem().await;
        assert_eq!(
            (&suspended["code"], &suspended["retry_after_secs"]),
            (&json!("suspended"), &json!(3600))
        );
        ada.api.resume_device(&id).await.expect("resumed");
        ada.api.retire_device(&id).await.expect("retired");
        assert_eq!(device.prove(&spawned).await.problem().await["code"], "retired");
        drop(session);

        let mut stranger = device;
        stranger.install(&self_signed(stranger.key()));
        let unknown = stranger.prove(&spawned).await.problem().await;
        assert_eq!(
            (&unknown["code"], &unknown["retry_after_secs"]),
            (&json!("certificate_unknown"), &json!(600))
        );
    }
);

both_engines!(
    async fn a_session_says_why_a_renewal_is_refused_and_that_it_speaks_too_much(server: Server) {
        let token = server.all_token().await;
        let spawned = server.spawn();
        let mut device = Device::enrol(&server, &spawned, &token).await;
        let (mut session, _) = device.session(&spawned).await;
        session
            .say(json!({"type": "renew", "csr": "no CSR", "endorsement": "AAAA"}))
            .await;
        assert_eq!(session.problem().await["code"], "csr_refused");

        let (mut session, _) = device.session(&spawned).await;
        for _ in 0..61 {
            session.say(json!({"type": "measurements", "series": []})).await;
        }
        let limited = session.problem().await;
        assert_eq!(limited["code"], "rate_limited");
        assert!(limited["retry_after_secs"].is_u64());
    }
);

both_engines!(
    async fn a_key_that_another_organisation_has_proved_is_in_use(server: Server) {
        let token = server.all_token().await;
        let spawned = server.spawn();
        let mut device = Device::enrol(&server, &spawned, &token).await;
        let (_session, _) = device.session(&spawned).await;
        let elsewhere = server.organisation("Elsewhere").await;
        let eve = server.member(&elsewhere, Role::Operator, "Eve").await;
        let late = eve.enrol(&server, device.key()).await;
        device.install(&late.chain);
        let refused = device.prove(&spawned).await.problem().await;
        assert_eq!(refused["code"], "key_in_use");
        let words = refused["message"].as_str().expect("a text");
        assert!(words.contains("(gangway-device reset)"), "{words}");
    }
);

fn self_signed(key: &KeyPair) -> String {
    let certificate = CertificateParams::default().self_signed(key);
    certificate.expect("a certificate").pem()
}

/// Every code that the API describes stands in some test: as the variant, or as its text in a frame.
#[test]
fn every_problem_code_is_met_by_a_test() {
    let description = serde_json::to_value(gangway_server::router::description()).expect("JSON");
    let codes = description["components"]["schemas"]["ProblemCode"]["enum"]
        .as_array()
        .or_else(|| description["components"]["schemas"]["ProblemCode"]["oneOf"].as_array())
        .expect("the codes are described");
    assert!(codes.len() > 25, "{codes:?}");
    let mut tests = String::new();
    read_into(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"), &mut tests);
    let unmet: Vec<ProblemCode> = codes
        .iter()
        .map(|code| code.get("enum").map_or(code, |one| &one[0]))
        .map(|code| serde_json::from_value(code.clone()).expect("a code"))
        .filter(|code| *code != ProblemCode::Unknown)
        .filter(|code| {
            !tests.contains(&format!("ProblemCode::{code:?}")) && !tests.contains(&format!("\"{code}\""))
        })
        .collect();
    assert!(unmet.is_empty(), "no test meets {unmet:?}");
}

fn read_into(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).expect("the folder of the tests") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read_into(&path, text);
        } else {
            text.push_str(&std::fs::read_to_string(&path).expect("a source"));
        }
    }
}
