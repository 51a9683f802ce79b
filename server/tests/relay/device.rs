//! An enrolled device under test: enrolled through claim, approval and certificate like any other, with a P-256 key.

use axum::body::Body;
use data_encoding::BASE64;
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::DeviceId;
use gangway_protocol::path;
use gangway_protocol::session::proof_message;
use gangway_server::ca::DeviceIdentity;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use rcgen::{KeyPair, SigningKey as _};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use super::claims::crossing;
use super::socket::{SESSION, Socket};
use crate::support::{Server, Spawned, csr};

/// The origin of `public_url` in tests.
const ORIGIN: &str = "http://localhost:8080";

pub(crate) struct Device {
    key: KeyPair,
    pub(crate) id: String,
    pub(crate) organisation: String,
    pub(crate) chain: String,
    pub(crate) sha256: Sha256Hex,
    pub(crate) counter: u64,
}

impl Device {
    /// Enrols a new device; the token may operate and enrol.
    pub(crate) async fn enrol(server: &Server, spawned: &Spawned, token: &str) -> Self {
        let organisation = server.first_organisation().await;
        let signers = server
            .ask(token, "GET", &path::signers(&organisation), None)
            .await;
        let key = csr::key();
        let request = csr::csr(&key);
        let (_device, _claimant, claim) = crossing(spawned, token).await;
        let claim = claim.as_str().expect("a text");
        let facts = json!({"hostname": "gate-7", "os": "linux", "os_version": "12", "arch": "x86_64",
            "software": "test", "software_version": "1"});
        let approval = json!({"organisation": organisation, "csr": request, "facts": facts,
            "signer": signers["items"][0]["id"]});
        let approval = server
            .ask(token, "POST", &path::approval(claim), Some(approval))
            .await;
        server.ask(token, "POST", &path::consent(claim), None).await;
        let id = approval["device"]["id"].as_str().expect("a text").to_owned();
        let mut device = Self {
            key,
            id,
            organisation,
            chain: String::new(),
            sha256: Sha256Hex([0; 32]),
            counter: 0,
        };
        let signed = server
            .ask(
                token,
                "POST",
                &path::device_certificates(&device.id),
                Some(json!({"csr": request})),
            )
            .await;
        device.install(signed["chain"].as_str().expect("a text"));
        device
    }

    /// A device of this organisation that our CA has certified and no record knows, as after the restore of a backup.
    pub(crate) fn of_a_lost_record(server: &Server, organisation: &str) -> Self {
        let gangway = &server.gangway;
        let now = gangway.clock.now();
        let identity = DeviceIdentity {
            organisation: organisation.parse().expect("an id"),
            device: DeviceId::new(now, gangway.random.for_id()),
            known_as: None,
        };
        let key = csr::key();
        let mut device = Self {
            id: identity.device.to_string(),
            organisation: organisation.to_owned(),
            chain: String::new(),
            sha256: Sha256Hex([0; 32]),
            counter: 0,
            key,
        };
        let (_, chain) = server.certify(&identity, &device.csr(), 90);
        device.install(&chain.chain);
        device
    }

    pub(crate) fn install(&mut self, chain: &str) {
        let leaf = CertificateDer::from_pem_slice(chain.as_bytes()).expect("a certificate");
        self.sha256 = Sha256Hex::of(&leaf);
        chain.clone_into(&mut self.chain);
    }

    pub(crate) fn key(&self) -> &KeyPair {
        &self.key
    }

    pub(crate) fn csr(&self) -> String {
        csr::csr(&self.key)
    }

    pub(crate) fn sign(&self, message: &[u8]) -> String {
        BASE64.encode(&self.key.sign(message).expect("a signature"))
    }

    /// A socket on which the proof has been sent.
    pub(crate) async fn prove(&mut self, spawned: &Spawned) -> Socket {
        self.counter += 1;
        self.prove_with(spawned, ORIGIN, self.counter).await
    }

    pub(crate) async fn prove_with(&self, spawned: &Spawned, origin: &str, counter: u64) -> Socket {
        let (mut socket, nonce) = challenged(spawned).await;
        self.say_proof(&mut socket, &nonce, origin, counter).await;
        socket
    }

    /// Answers one socket with the nonce of another.
    pub(crate) async fn prove_with_nonce_of_another(&self, spawned: &Spawned, counter: u64) -> Socket {
        let (_other, nonce) = challenged(spawned).await;
        let (mut socket, own) = challenged(spawned).await;
        assert_ne!(nonce, own, "every socket has its own");
        self.say_proof(&mut socket, &nonce, ORIGIN, counter).await;
        socket
    }

    async fn say_proof(&self, socket: &mut Socket, nonce: &[u8], origin: &str, counter: u64) {
        let signature = self.sign(&proof_message(nonce, origin, &self.sha256));
        let proof = json!({"type": "proof", "chain": self.chain, "signature": signature, "counter": counter,
            "agent": "test"});
        socket.say(proof).await;
    }

    /// A session, and its `welcome`.
    pub(crate) async fn session(&mut self, spawned: &Spawned) -> (Socket, Value) {
        let mut socket = self.prove(spawned).await;
        let welcome = socket.hear_a("welcome").await;
        (socket, welcome)
    }
}

/// A session's socket and the nonce of its challenge.
async fn challenged(spawned: &Spawned) -> (Socket, Vec<u8>) {
    let mut socket = Socket::open(spawned, SESSION).await;
    let challenge = socket.hear_a("challenge").await;
    let nonce = challenge["nonce"].as_str().expect("a text");
    (socket, BASE64.decode(nonce.as_bytes()).expect("base64"))
}

impl Server {
    /// The id of the first organisation.
    pub(crate) async fn first_organisation(&self) -> String {
        let mut reader = self.gangway.db.reader().await.expect("a reader");
        let id = gangway_server::db::organisations::customers::first(&mut reader.conn()).await;
        id.expect("the database answers")
            .expect("there is one")
            .to_string()
    }

    /// A request that succeeds, by token; the JSON of its reply.
    pub(crate) async fn ask(&self, token: &str, method: &str, path: &str, body: Option<Value>) -> Value {
        let (status, reply) = self.try_ask(token, method, path, body).await;
        assert!(status.is_success(), "{method} {path}: {status} {reply}");
        reply
    }

    pub(crate) async fn try_ask(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        let request = match body {
            Some(body) => request
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        let response = self.send(request.expect("a request")).await;
        let status = response.status();
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        let reply = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        (status, reply)
    }
}
