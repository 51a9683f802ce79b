//! idprov: its contract, the keys that it takes, and who enters secrets.

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gangway_protocol::account::TokenScope;
use gangway_protocol::certificate::split_chain;
use gangway_protocol::time::UnixMillis;
use http::{HeaderMap, Request, StatusCode, header};
use serde_json::{Value, json};

use super::{Works, post, provision_request};
use crate::support::visitor::Visitor as _;
use crate::support::{Engine, Server, both_engines, csr};

/// Threat model: PRE-3. A device that was switched on before anybody entered it asks as often as it was told, and shuts nobody out.
#[tokio::test]
async fn devices_that_wait_for_their_entry_spend_no_guesses() {
    let server = Server::start(Engine::Sqlite).await;
    let works = Works::new(&server).await;
    for number in 0..60 {
        let waits = works
            .provision(&format!("sensor-{number}"), "sticker", &csr::key())
            .await;
        assert_eq!(waits["status"], "Waiting", "{number}");
    }
    works.preapprove("pump-9", "sticker-4711").await;
    assert_eq!(
        works.provision("pump-9", "sticker-4711", &csr::key()).await["status"],
        "Approved"
    );
}

both_engines! {
    /// Threat model: PRE-9.
    async fn idprov_answers_as_its_contract_says(server: Server) {
        let mut works = Works::new(&server).await;
        let key = csr::key();
        let unknown = works.provision("AA:BB", "sticker-4711", &key).await;
        assert_eq!((&unknown["status"], &unknown["signature"]), (&json!("Waiting"), &json!("")));
        works.preapprove("AA:BB", "sticker-4711").await;
        assert_eq!(works.provision("AA:BB", "sticker", &key).await["status"], "Rejected");
        let approved = works.provision("AA:BB", "sticker-4711", &key).await;
        assert_eq!(approved["status"], "Approved");
        let leaf = split_chain(approved["clientCert"].as_str().expect("PEM")).expect("a chain").remove(0);
        // Renewed by the certificate, in the second half of its life, without the secret.
        server.clock.advance(60 * UnixMillis::DAY);
        let renewing = post("/idprov/provreq", &provision_request("AA:BB", "", &key));
        let renewed: Value = serde_json::from_str(&works.send(renewing, Some(&leaf)).await.text).expect("JSON");
        assert_eq!(renewed["status"], "Approved");
        assert_ne!(renewed["clientCert"], approved["clientCert"]);
        // The handshake shows the key of the certificate, and no other: whoever has one device names no key of somebody else.
        let foreign = post("/idprov/provreq", &provision_request("AA:BB", "", &csr::key()));
        let refused: Value = serde_json::from_str(&works.send(foreign, Some(&leaf)).await.text).expect("JSON");
        assert_eq!(refused["status"], "Waiting", "as one of which nobody has entered anything");
        // The certificate of one device is no word for another.
        works.ada = server.refresh(&works.ada).await;
        works.preapprove("CC:DD", "sticker-0815").await;
        let other = post("/idprov/provreq", &provision_request("CC:DD", "", &csr::key()));
        let refused: Value = serde_json::from_str(&works.send(other, Some(&leaf)).await.text).expect("JSON");
        assert_eq!(refused["status"], "Rejected");
    }
}

/// Threat model: PRE-10. A point that is on no curve is no key, and nothing about it is signed.
#[tokio::test]
async fn idprov_takes_keys_alone() {
    let server = Server::start(Engine::Sqlite).await;
    let works = Works::new(&server).await;
    works.preapprove("AA:BB", "sticker-4711").await;
    let mut broken = provision_request("AA:BB", "sticker-4711", &csr::key());
    for pem in [
        "",
        "no key",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    ] {
        broken["publicKeyPEM"] = json!(pem);
        let refused = works.send(post("/idprov/provreq", &broken), None).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{pem}: {}", refused.text);
    }
    let pem = csr::key().public_key_pem();
    let inside: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let mut spki = STANDARD.decode(inside).expect("base64");
    *spki.last_mut().expect("it has bytes") ^= 1;
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        STANDARD.encode(spki)
    );
    broken["publicKeyPEM"] = json!(pem);
    let refused = works.send(post("/idprov/provreq", &broken), None).await;
    assert!(refused.text.contains("not on its curve"), "{}", refused.text);
    // What becomes a name in a certificate is bounded, and none that we give ourselves; what is kept of attempts is bounded too.
    let long = "x".repeat(65);
    for id in [
        long.as_str(),
        "dev_0000000001zzzzzzzzzzzzzzzz",
        "a\nb",
        "a\u{202e}b",
    ] {
        let asked = provision_request(id, "sticker-4711", &csr::key());
        let refused = works.send(post("/idprov/provreq", &asked), None).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{id}: {}", refused.text);
    }
    let refused = works.send(post("/idprov/request", &json!({})), None).await;
    assert!(
        refused.status == StatusCode::BAD_REQUEST && refused.text.contains("version 1"),
        "{}",
        refused.text
    );
}

/// Threat model: PRE-11. Secrets are entered by whoever may enrol there, with a token of theirs; a cookie is nobody here.
#[tokio::test]
async fn idprov_takes_secrets_from_whoever_may_enrol() {
    let server = Server::start(Engine::Sqlite).await;
    let works = Works::new(&server).await;
    let entered =
        json!({"deviceID": "AA:BB", "oobSecret": "sticker-4711", "validUntil": "2027-02-01T00:00:00Z"});
    let nobody = works.send(post("/idprov/oobsecret", &entered), None).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    let with = |who: HeaderMap, request: Request<Body>| {
        let mut request = request;
        request.headers_mut().extend(who);
        request
    };
    let by_cookie = with(works.ada.headers(), post("/idprov/oobsecret", &entered));
    assert_eq!(works.send(by_cookie, None).await.status, StatusCode::UNAUTHORIZED);
    let program = server.program(&works.home, &[TokenScope::Enrol]).await;
    let bearer = || program.headers();
    server
        .set_policy(&works.home, |policy| policy.token_may_approve = true)
        .await;
    let done = works
        .send(with(bearer(), post("/idprov/oobsecret", &entered)), None)
        .await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let asked = |path: &str| {
        let request = Request::builder()
            .uri(path)
            .header(header::HOST, "localhost:8443");
        request.body(Body::empty()).expect("a request")
    };
    let status = works
        .send(with(bearer(), asked("/idprov/status/AA:BB")), None)
        .await;
    assert_eq!(
        serde_json::from_str::<Value>(&status.text).expect("JSON")["status"],
        "Waiting"
    );
    assert_eq!(
        works.provision("AA:BB", "sticker-4711", &csr::key()).await["status"],
        "Approved"
    );
    let status = works
        .send(with(bearer(), asked("/idprov/status/AA:BB")), None)
        .await;
    assert_eq!(
        serde_json::from_str::<Value>(&status.text).expect("JSON")["status"],
        "Approved"
    );
    let nobody = works.send(asked("/idprov/status/AA:BB"), None).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
}
