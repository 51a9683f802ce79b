//! Devices that join by one request, in protocols of others: what holds for all of them, asked without TLS, where a test says which
//! certificate a client has shown.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::process::{Command, Stdio};

use axum::Router;
use axum::body::{Body, to_bytes};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gangway_protocol::account::TokenScope;
use gangway_protocol::certificate::split_chain;
use gangway_protocol::device::DeviceState;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::Role;
use gangway_protocol::permit::{DevicePermit, PermitKind, PermitMode, PermitQuery};
use gangway_protocol::time::UnixMillis;
use gangway_server::limits::ClientAddress;
use gangway_server::listen::ClientCertificate;
use gangway_server::router::device_router;
use http::{HeaderMap, Method, Request, StatusCode, header};
use rcgen::KeyPair;
use ring::hmac::{HMAC_SHA256, Key, sign};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::device::SoftDevice;
use crate::support::member::Member;
use crate::support::visitor::Visitor as _;
use crate::support::{Engine, Server, both_engines, csr};
use crate::unattended::{import, once, request};

/// What came back.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

/// An organisation with an admin, and the listener for devices.
struct Works {
    home: OrganisationId,
    ada: Member,
    devices: Router,
}

impl Works {
    async fn new(server: &Server) -> Self {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        Self {
            home,
            ada,
            devices: device_router(server.gangway.clone()),
        }
    }

    async fn key(&self, mode: PermitMode) -> DevicePermit {
        let made = self
            .ada
            .api
            .make_permit(&self.home, &request(mode), &once())
            .await;
        DevicePermit::of_key(made.expect("a permit").key.expose()).expect("a key")
    }

    async fn preapprove(&self, id: &str, secret: &str) {
        let outcome = self
            .ada
            .api
            .preapprove_devices(&self.home, &import(&[(id, secret)]))
            .await;
        assert_eq!(outcome.expect("an outcome").added, 1);
    }

    async fn send(&self, mut request: Request<Body>, certificate: Option<&[u8]>) -> Answer {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        request.extensions_mut().insert(ClientAddress(address));
        if let Some(der) = certificate {
            request.extensions_mut().insert(ClientCertificate(der.into()));
        }
        let response = self.devices.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 20).await.expect("a body");
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(body.to_vec()).expect("text"),
        }
    }

    /// EST, by HTTP Basic.
    async fn enroll(&self, user: &str, password: &str, key: &KeyPair) -> Answer {
        let basic = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        let request = est("/.well-known/est/simpleenroll")
            .header(header::AUTHORIZATION, basic)
            .body(csr::csr(key).into())
            .expect("a request");
        self.send(request, None).await
    }

    async fn enroll_with(&self, permit: &DevicePermit, key: &KeyPair) -> Answer {
        self.enroll("device", permit.written().expose(), key).await
    }

    /// EST, by the certificate that the client has.
    async fn reenroll(&self, certificate: &[u8], key: &KeyPair) -> Answer {
        let request = est("/.well-known/est/simplereenroll")
            .body(csr::csr(key).into())
            .expect("a request");
        self.send(request, Some(certificate)).await
    }

    /// idprov: a provision request that is signed with this secret.
    async fn provision(&self, id: &str, secret: &str, key: &KeyPair) -> Value {
        let answer = self
            .send(post("/idprov/provreq", &provision_request(id, secret, key)), None)
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        serde_json::from_str(&answer.text).expect("JSON")
    }
}

fn est(path: &str) -> http::request::Builder {
    Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::HOST, "localhost:8443")
        .header(header::CONTENT_TYPE, "application/pkcs10")
}

fn post(path: &str, body: &Value) -> Request<Body> {
    Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::HOST, "localhost:8443")
        .header(header::CONTENT_TYPE, "application/json")
        .body(body.to_string().into())
        .expect("a request")
}

fn provision_request(id: &str, secret: &str, key: &KeyPair) -> Value {
    let pem = key.public_key_pem().replace("\r\n", "\n");
    let message = format!(
        "{{\"deviceID\":{id},\"ip\":\"192.0.2.7\",\"mac\":\"\",\"publicKeyPEM\":{pem},\"signature\":\"\"}}",
        id = json!(id),
        pem = json!(pem)
    );
    let signature = sign(&Key::new(HMAC_SHA256, secret.as_bytes()), message.as_bytes());
    json!({"deviceID": id, "ip": "192.0.2.7", "mac": "", "publicKeyPEM": pem, "signature": STANDARD.encode(signature)})
}

impl Answer {
    /// The certificates of a success of EST, DER, the device's first.
    #[track_caller]
    fn certificates(&self) -> Vec<Vec<u8>> {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        assert_eq!(self.headers["content-transfer-encoding"], "base64");
        assert_eq!(
            self.headers[header::CONTENT_TYPE],
            "application/pkcs7-mime; smime-type=certs-only"
        );
        let der = STANDARD.decode(&self.text).expect("base64");
        certificates_in(&der)
    }
}

/// The certificates of signed data: openssl reads them.
fn certificates_in(der: &[u8]) -> Vec<Vec<u8>> {
    let mut openssl = Command::new("openssl")
        .args(["pkcs7", "-inform", "DER", "-print_certs"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl runs");
    openssl
        .stdin
        .take()
        .expect("a pipe")
        .write_all(der)
        .expect("written");
    let output = openssl.wait_with_output().expect("it ends");
    let text = String::from_utf8(output.stdout).expect("PEM");
    let blocks = text
        .split_inclusive("-----END CERTIFICATE-----")
        .filter_map(|block| block.find("-----BEGIN").map(|at| format!("{}\n", &block[at..])));
    split_chain(&blocks.collect::<String>()).expect("certificates")
}

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
    let permits = works
        .ada
        .api
        .permits(&works.home, &preapprovals())
        .await
        .expect("a list")
        .items;
    assert_eq!(
        permits[0].failures, 5,
        "whoever administers it sees that somebody guesses"
    );
    server.clock.advance(11 * UnixMillis::MINUTE);
    works.enroll("pump-9", "sticker-4711", &key).await.certificates();
}

fn preapprovals() -> PermitQuery {
    PermitQuery {
        kind: PermitKind::Preapproval,
        ..PermitQuery::default()
    }
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

/// Threat model: PRE-5. Several organisations have entered the same id: the secret says whose device it is, each of them sees that
/// somebody guesses, and an entry that is used up keeps nobody out.
#[tokio::test]
async fn the_secret_says_which_of_several_entries_is_meant() {
    let server = Server::start(Engine::Sqlite).await;
    let (first, second) = (Works::new(&server).await, Works::new(&server).await);
    first.preapprove("AA:BB", "sticker-4711").await;
    second.preapprove("AA:BB", "sticker-0815").await;
    assert_eq!(
        second.provision("AA:BB", "guess", &csr::key()).await["status"],
        "Rejected"
    );
    for works in [&first, &second] {
        let permits = works
            .ada
            .api
            .permits(&works.home, &preapprovals())
            .await
            .expect("a list")
            .items;
        assert_eq!(permits[0].failures, 1);
    }
    assert_eq!(
        second.provision("AA:BB", "sticker-0815", &csr::key()).await["status"],
        "Approved"
    );
    assert_eq!(
        (first.ada.fleet().await.len(), second.ada.fleet().await.len()),
        (0, 1)
    );
    // The same secret too: the entry of the first is used, and the third one's lets its device in.
    let third = Works::new(&server).await;
    third.preapprove("AA:BB", "sticker-0815").await;
    assert_eq!(
        third.provision("AA:BB", "sticker-0815", &csr::key()).await["status"],
        "Approved"
    );
    assert_eq!(third.ada.fleet().await.len(), 1);
}

/// Threat model: PRE-6. One request at a time counts as the socket counts.
#[tokio::test]
async fn a_secret_works_once_in_every_protocol() {
    let server = Server::start(Engine::Sqlite).await;
    let works = Works::new(&server).await;
    works.preapprove("pump-9", "sticker-4711").await;
    works
        .enroll("pump-9", "sticker-4711", &csr::key())
        .await
        .certificates();
    let second = works.enroll("pump-9", "sticker-4711", &csr::key()).await;
    assert_eq!(second.status, StatusCode::FORBIDDEN);
    assert!(second.text.contains("works once"), "{}", second.text);
    assert_eq!(
        works.provision("pump-9", "sticker-4711", &csr::key()).await["status"],
        "Rejected"
    );
    assert_eq!(works.ada.fleet().await.len(), 1);
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

both_engines! {
    /// Threat model: PRE-12. Public keys are public: whoever names somebody else's first must not keep it from them.
    async fn a_key_that_nobody_has_shown_to_hold_is_nobodys(server: Server) {
        let works = Works::new(&server).await;
        let key = csr::key();
        // A stranger has heard of the key, and has both protocols certify it in an organisation of their own.
        let strangers = Works::new(&server).await;
        strangers.preapprove("AA:BB", "sticker-4711").await;
        let approved = strangers.provision("AA:BB", "sticker-4711", &key).await;
        assert_eq!(approved["status"], "Approved");
        let permit = strangers.key(PermitMode::Auto).await;
        let other = csr::key();
        strangers.enroll_with(&permit, &other).await.certificates();
        for key in [key, other] {
            let own = works.ada.enrol(&server, &key).await;
            let accepted = SoftDevice { key }.prove(&server, &own.chain, 1).await;
            assert!(accepted.expect("it is theirs").first);
        }
        let states = works.ada.fleet().await;
        assert!(states.iter().all(|device| matches!(device.state, DeviceState::Active { .. })), "{states:?}");
    }
}
