//! Corporate CAs as their documents have them, over TLS: EST (RFC 7030), step-ca's API, the PKI of Vault. They sign for real, say what
//! they are told to say, and keep a list of what they were asked.

mod answers;
mod https;
mod signing;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::Role;
use gangway_protocol::signer::{Signer, SignerKind};
use gangway_server::clock::ManualClock;
use gangway_server::rng::SystemRandom;
use gangway_server::signers::{CorporateCa, operator};
use gangway_signing::CorporateCredential;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::Server;
use signing::Hierarchy;

/// The private key of RFC 7515 §A.3, as a provisioner's.
pub(crate) const PROVISIONER: &str = r#"{"kty":"EC","kid":"6UgCZ3f","crv":"P-256","alg":"ES256",
    "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;

/// Which language it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Est,
    StepCa,
    Vault,
}

/// How it answers the next request that would have something signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// It signs, and the connection ends without an answer.
    NoReply,
    /// It signs for a key of its own.
    OtherKey,
    /// It signs a certificate that may sign others.
    CaCertificate,
    /// It refuses, in its own way of saying so.
    Refuses,
    /// It does not accept the credential any more.
    Forbids,
    /// A proxy before it gives up.
    GatewayTimeout,
    /// It answers with something that is not what it should be.
    Garbage,
    /// Its answer never ends.
    Endless,
    /// It sends elsewhere.
    Redirects,
    /// Somebody has to decide first (EST), or it is busy.
    Later,
    /// It waits until it is told to go on.
    Waits,
}

/// What stands behind the address.
pub(crate) struct State {
    dialect: Dialect,
    url: String,
    clock: Arc<ManualClock>,
    hierarchy: Hierarchy,
    moods: Mutex<VecDeque<Mood>>,
    /// Paths that were asked for, in their order.
    asked: Mutex<Vec<String>>,
    /// Serial numbers of what it revoked, as they were said.
    revoked: Mutex<Vec<String>>,
    /// Ids of tokens that were used.
    tokens: Mutex<Vec<String>>,
    /// Whether it wants a client certificate of TLS instead of a password.
    wants_certificate: bool,
    go_on: Notify,
}

/// A CA that runs until it is dropped.
pub(crate) struct FakeCa {
    pub(crate) state: Arc<State>,
    /// Who vouches for its TLS certificate, PEM.
    tls_anchor: String,
    serving: tokio::task::JoinHandle<()>,
}

impl FakeCa {
    pub(crate) async fn start(server: &Server, dialect: Dialect) -> Self {
        Self::start_with(server, dialect, false).await
    }

    /// As [`Self::start`], with a server of EST that knows its clients by their certificates.
    pub(crate) async fn start_with(server: &Server, dialect: Dialect, wants_certificate: bool) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let hierarchy = Hierarchy::new();
        let identity = hierarchy.identity_of_server();
        let state = Arc::new(State {
            dialect,
            url: format!("https://localhost:{port}"),
            clock: server.clock.clone(),
            moods: Mutex::default(),
            asked: Mutex::default(),
            revoked: Mutex::default(),
            tokens: Mutex::default(),
            wants_certificate,
            go_on: Notify::new(),
            hierarchy,
        });
        let serving = tokio::spawn(https::serve(listener, identity, state.clone()));
        Self {
            tls_anchor: state.hierarchy.root.clone(),
            state,
            serving,
        }
    }

    /// Its public configuration.
    pub(crate) fn configuration(&self) -> Value {
        let (url, anchor) = (&self.state.url, &self.tls_anchor);
        match self.state.dialect {
            Dialect::Est => {
                json!({"kind": "est", "url": url, "label": "devices", "tls_trust_anchors": anchor})
            }
            Dialect::StepCa => {
                json!({"kind": "step_ca", "url": url, "provisioner": "gangway", "tls_trust_anchors": anchor})
            }
            Dialect::Vault => {
                json!({"kind": "vault", "url": url, "role": "devices", "tls_trust_anchors": anchor})
            }
        }
    }

    pub(crate) fn kind(&self) -> SignerKind {
        serde_json::from_value(self.configuration()).expect("a kind")
    }

    /// The credential that it accepts.
    pub(crate) fn credential(&self) -> Value {
        match self.state.dialect {
            Dialect::Est if self.state.wants_certificate => {
                let (certificate, key) = self.state.hierarchy.identity_of_client();
                json!({"certificate": certificate, "private_key": key})
            }
            Dialect::Est => json!({"username": "gangway", "password": "hunter2"}),
            Dialect::StepCa => serde_json::from_str(PROVISIONER).expect("JSON"),
            Dialect::Vault => json!({"role_id": "gangway", "secret_id": "hunter2"}),
        }
    }

    /// As an operator adds it.
    pub(crate) async fn add_to(&self, server: &Server, organisation: &OrganisationId) -> Signer {
        add(server, organisation, self.kind(), &self.credential()).await
    }

    /// How it answers the next requests to sign.
    pub(crate) fn will(&self, moods: impl IntoIterator<Item = Mood>) {
        lock(&self.state.moods).extend(moods);
    }

    /// Lets one that waits go on.
    pub(crate) fn go_on(&self) {
        self.state.go_on.notify_one();
    }

    /// How many certificates it has signed.
    pub(crate) fn signed(&self) -> usize {
        self.state.hierarchy.signed()
    }

    /// The operations that it was asked for, the last parts of their paths.
    pub(crate) fn asked(&self) -> Vec<String> {
        let asked = lock(&self.state.asked);
        let last = |path: &String| path.rsplit('/').next().unwrap_or_default().to_owned();
        asked.iter().map(last).collect()
    }

    pub(crate) fn revoked(&self) -> Vec<String> {
        lock(&self.state.revoked).clone()
    }

    /// Waits until it was asked for this operation.
    pub(crate) async fn until_asked(&self, operation: &str) {
        for _ in 0..2_000 {
            if self.asked().iter().any(|asked| asked == operation) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        panic!("it was never asked for {operation}");
    }
}

impl Drop for FakeCa {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Adds a corporate CA to an organisation, as an operator does.
pub(crate) async fn add(
    server: &Server,
    organisation: &OrganisationId,
    kind: SignerKind,
    credential: &Value,
) -> Signer {
    let gangway = &server.gangway;
    let now = gangway.clock.now();
    let credential =
        CorporateCredential::read(&kind, credential.to_string().as_bytes()).expect("a credential");
    CorporateCa::new(&kind, credential.clone(), &*gangway.clock, &*gangway.random).expect("it can be used");
    let request = gangway_protocol::signer::SignerRequest {
        name: "Works CA".to_owned(),
        kind,
        least_role: Role::Installer,
    };
    let signer = gangway_server::signers::made_of(request, now, &*gangway.random).expect("a signer");
    let sealing = Some((gangway.ca.key_store(), &credential));
    let added = operator::add(
        &gangway.db,
        organisation.clone(),
        signer,
        sealing,
        now,
        &SystemRandom,
    )
    .await;
    added.expect("it is added")
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
