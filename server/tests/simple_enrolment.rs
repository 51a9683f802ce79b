//! Devices that join by one request, in protocols of others: what holds for all of them, asked without TLS, where a test says which
//! certificate a client has shown.

mod est;
mod idprov;

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::process::{Command, Stdio};

use axum::Router;
use axum::body::{Body, to_bytes};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gangway_protocol::certificate::split_chain;
use gangway_protocol::device::DeviceState;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::Role;
use gangway_protocol::permit::{DevicePermit, PermitKind, PermitMode, PermitQuery};
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

    /// How many wrong secrets the admin sees at the newest pre-approved device.
    async fn failures(&self) -> u32 {
        let query = PermitQuery {
            kind: PermitKind::Preapproval,
            ..PermitQuery::default()
        };
        let permits = self.ada.api.permits(&self.home, &query).await;
        permits.expect("a list").items[0].failures
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
        assert_eq!(works.failures().await, 1);
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
