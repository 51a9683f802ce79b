//! npm's oidc-provider, which the OpenID Foundation has certified, as a process on loopback; and browsers that go there and come back.

use std::process::Stdio;
use std::sync::Arc;

use gangway_client::{Guarded, system_lookup};
use gangway_protocol::account::Account;
use gangway_protocol::id::{IdentityProviderId, OrganisationId};
use gangway_protocol::path;
use gangway_protocol::single_sign_on::{IdentityProvider, SingleSignOn};
use http::{HeaderMap, HeaderName, Request, header};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use url::Url;

use super::Server;
use super::member::Member;
use super::visitor::{Reply, Visitor, header_value};

/// What it signs for, and how long an answer of it is at most.
const MAX_LEN: usize = 1 << 20;
/// The client's secret there: with what a form has to encode.
pub(crate) const SECRET: &str = "a secret that only two know, with a + and a %";

/// A provider that runs until it is dropped.
pub(crate) struct Idp {
    pub(crate) issuer: String,
    http: Guarded,
    process: Child,
}

impl Idp {
    /// One with the server's clock, at which Ada is signed in who is one of the operators.
    pub(crate) async fn start(server: &Server) -> Self {
        let script = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../end2end/support/identity_provider.mjs"
        );
        let given = json!({ "clock": server.gangway.clock.now().0 });
        let mut process = Command::new("node")
            .args([script, &given.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("node runs");
        let stdout = process.stdout.take().expect("it is piped");
        let mut lines = BufReader::new(stdout).lines();
        let issuer = lines
            .next_line()
            .await
            .expect("a line")
            .expect("end2end/node_modules has oidc-provider: run make test once");
        let http = Guarded::new(None, system_lookup(), Arc::new(|_| true)).expect("a client");
        Self {
            issuer,
            http,
            process,
        }
    }

    /// It is there no more.
    pub(crate) async fn end(&mut self) {
        self.process.kill().await.expect("it ends");
    }

    /// A request of the tests' own.
    pub(crate) async fn ask(&self, what: &str, body: Value) -> Value {
        let request = Request::post(format!("{}/test/{what}", self.issuer))
            .body(body.to_string().into_bytes())
            .expect("a request");
        let reply = self.http.fetch(request, MAX_LEN).await.expect("it answers");
        let text = String::from_utf8_lossy(reply.body());
        assert!(reply.status().is_success(), "{text}");
        serde_json::from_str(&text).expect("JSON")
    }

    /// From now on this person is at it, of whom it says this.
    pub(crate) async fn person(&self, sub: &str, says: Value) {
        self.ask("people", json!({ "who": sub, "says": says })).await;
    }

    /// From now on its tokens are spoilt like this.
    pub(crate) async fn spoil(&self, how: Value) {
        self.ask("spoil", json!({ "as": how })).await;
    }

    /// Both clocks go on.
    pub(crate) async fn advance(&self, server: &Server, millis: i64) {
        server.clock.advance(millis);
        self.ask("clock", json!({ "millis": millis })).await;
    }

    /// What a request for this provider says.
    pub(crate) fn request(&self, roles: &Value) -> Value {
        json!({
            "name": "Works login", "issuer": self.issuer, "client_id": "gangway", "client_secret": SECRET,
            "roles": roles, "makes_accounts": true,
        })
    }

    /// An admin adds it.
    pub(crate) async fn add(
        &self,
        server: &Server,
        admin: &Member,
        customer: &OrganisationId,
        roles: &Value,
    ) -> IdentityProvider {
        let place = path::identity_providers(customer);
        let added: IdentityProvider = server.post(admin, &place, self.request(roles)).await.json();
        self.ask("redirect", json!({ "uri": added.redirect_uri })).await;
        added
    }
}

/// A browser with the cookies that it was given.
#[derive(Clone, Debug, Default)]
pub(crate) struct Browser {
    pub(crate) cookies: Vec<(String, String)>,
    /// Which jar it has at the provider.
    pub(crate) name: &'static str,
}

impl Visitor for Browser {
    fn headers(&self) -> HeaderMap {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut headers: HeaderMap = [(
            HeaderName::from_static("sec-fetch-site"),
            header_value("same-origin"),
        )]
        .into_iter()
        .collect();
        if !cookies.is_empty() {
            headers.insert(header::COOKIE, header_value(&cookies.join("; ")));
        }
        headers
    }
}

impl Browser {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            cookies: Vec::new(),
            name,
        }
    }

    fn keep(&mut self, reply: &Reply) {
        for line in reply.headers.get_all(header::SET_COOKIE) {
            let line = line.to_str().expect("ASCII");
            assert!(
                line.contains("HttpOnly") && line.contains("Secure") && line.contains("SameSite=Lax"),
                "{line}"
            );
            let (name, value) = line
                .split(';')
                .next()
                .and_then(|pair| pair.split_once('='))
                .expect("a pair");
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    /// The first step: where it is sent.
    pub(crate) async fn begin(
        &mut self,
        server: &Server,
        provider: &IdentityProviderId,
        purpose: &str,
    ) -> Reply {
        let request = json!({ "provider": provider, "purpose": purpose });
        let reply = server.post(self, path::SINGLE_SIGN_ONS, request).await;
        self.keep(&reply);
        reply
    }

    /// The way to the provider and back: the path and body of the second step.
    pub(crate) async fn go(&self, idp: &Idp, begun: &SingleSignOn) -> (String, Value) {
        let sent = idp
            .ask(
                "browse",
                json!({ "address": begun.address, "browser": self.name }),
            )
            .await;
        let address = sent["address"].as_str().expect("an address");
        let address = Url::parse(address).unwrap_or_else(|_| panic!("{address}"));
        let (page, _) = path::page::SINGLE_SIGN_ON
            .split_once('{')
            .expect("the page of a provider");
        let provider = address.path().strip_prefix(page).expect("the page of a provider");
        let field = |name: &str| {
            let mut pairs = address.query_pairs();
            pairs
                .find(|(field, _)| field == name)
                .map(|(_, value)| value.into_owned())
        };
        let place = path::single_sign_on(field("state").expect("a state"));
        (
            place,
            json!({ "provider": provider, "code": field("code"), "issuer": field("iss") }),
        )
    }

    /// The second step.
    pub(crate) async fn finish(&mut self, server: &Server, (place, body): &(String, Value)) -> Reply {
        let reply = server.post(self, place, body.clone()).await;
        if reply.status.is_success() {
            self.keep(&reply);
        }
        reply
    }

    /// All of it.
    pub(crate) async fn come(
        &mut self,
        server: &Server,
        idp: &Idp,
        provider: &IdentityProviderId,
        purpose: &str,
    ) -> Reply {
        let reply = self.begin(server, provider, purpose).await;
        if !reply.status.is_success() {
            return reply;
        }
        let back = self.go(idp, &reply.json()).await;
        self.finish(server, &back).await
    }

    /// Signs in, and gives the account.
    pub(crate) async fn sign_in(
        &mut self,
        server: &Server,
        idp: &Idp,
        provider: &IdentityProviderId,
    ) -> Account {
        let reply = self.come(server, idp, provider, "sign_in").await;
        assert!(reply.status.is_success(), "{reply}");
        server.get(self, path::ACCOUNT).await.json()
    }
}
