//! Persons with passkeys: in one line, somebody who is signed in.

use std::ops::Deref;

use gangway_protocol::account::{Account, Ceremony, TokenScope};
use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::{Invitation, Role};
use gangway_protocol::path;
use gangway_protocol::secret::SecretString;
use gangway_server::people::links;
use http::{HeaderMap, HeaderName, header};
use serde_json::json;

use super::Server;
use super::authenticator::Authenticator;
use super::member::Member;
use super::visitor::{Nobody, Program, Reply, Visitor, header_value};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0";

/// Somebody with an authenticator, in a browser that is signed in; a member of the first of their organisations.
pub(crate) struct Person {
    member: Member,
    pub(crate) account: Account,
    pub(crate) authenticator: Authenticator,
    /// The cookie's value.
    pub(crate) cookie: String,
}

impl Visitor for Person {
    fn headers(&self) -> HeaderMap {
        [
            (
                header::COOKIE,
                header_value(&format!("theme=dark; __Host-gangway={}", self.cookie)),
            ),
            (
                HeaderName::from_static("sec-fetch-site"),
                header_value("same-origin"),
            ),
            (header::USER_AGENT, header_value(FIREFOX)),
        ]
        .into_iter()
        .collect()
    }
}

impl Deref for Person {
    type Target = Member;

    fn deref(&self) -> &Member {
        &self.member
    }
}

impl Person {
    /// The organisation that the person belongs to.
    pub(crate) fn organisation(&self) -> OrganisationId {
        self.account.organisations[0].id.clone()
    }

    fn of(server: &Server, reply: &Reply, authenticator: Authenticator) -> Self {
        let account: Account = reply.json();
        let cookie = reply.cookie().expect("signing in sets the cookie");
        let organisation = &account.organisations[0].id;
        let authorization = (header::COOKIE, format!("__Host-gangway={cookie}"));
        let member = server.somebody(account.id.clone(), organisation, &account.name, authorization);
        Self {
            member,
            account,
            authenticator,
            cookie,
        }
    }
}

impl Server {
    /// Sets the server up: its first person, who owns its first organisation.
    pub(crate) async fn owner(&self) -> Person {
        let token = self.setup_token().await.expect("set-up is open");
        self.register(&token, "Olga Owner").await
    }

    /// Somebody whom `by` invites, in the role that is asked for.
    pub(crate) async fn invited(&self, by: &Person, role: Role) -> Person {
        let (_, token) = self.invitation(by, role).await;
        self.register(&token, role.as_str()).await
    }

    /// An invitation by `by`, and its token.
    pub(crate) async fn invitation(&self, by: &Person, role: Role) -> (Invitation, SecretString) {
        let place = path::invitations(by.organisation());
        let invitation: Invitation = self.post(by, &place, json!({ "role": role })).await.json();
        let token = token_of(invitation.link.as_ref().expect("a new invitation shows its link"));
        (invitation, token)
    }

    /// A program with a token from the command line, confined to the first organisation.
    pub(crate) async fn terminal(&self, scopes: &[TokenScope]) -> Program {
        Program(self.new_token(None, scopes).await)
    }

    /// The token of a fresh set-up link; `None` when set-up is over.
    pub(crate) async fn setup_token(&self) -> Option<SecretString> {
        let gangway = &self.gangway;
        let link = links::setup_link(&gangway.db, &gangway.config, &*gangway.clock, &*gangway.random);
        link.await.expect("the database answers").as_ref().map(token_of)
    }

    /// Registers by a one-time link.
    pub(crate) async fn register(&self, token: &SecretString, name: &str) -> Person {
        let mut authenticator = Authenticator::new(&self.gangway.config.origin());
        let reply = self.try_register(token, name, &mut authenticator).await;
        Person::of(self, &reply, authenticator)
    }

    /// The first step of a registration.
    pub(crate) async fn start_registration(&self, token: &SecretString) -> Ceremony {
        let request = json!({ "token": token, "name": "Somebody", "organisation": "Harbour" });
        self.post(&Nobody, path::REGISTRATIONS, request).await.json()
    }

    /// Both steps of a registration with this authenticator.
    pub(crate) async fn try_register(
        &self,
        token: &SecretString,
        name: &str,
        authenticator: &mut Authenticator,
    ) -> Reply {
        let request = json!({ "token": token, "name": name, "organisation": "Harbour" });
        let reply = self.post(&Nobody, path::REGISTRATIONS, request).await;
        if !reply.status.is_success() {
            return reply;
        }
        let ceremony: Ceremony = reply.json();
        let credential = authenticator.create(&ceremony.public_key);
        let reply = json!({ "credential": credential, "passkey_name": "Test key" });
        self.post(&Nobody, &path::registration(&ceremony.id), reply).await
    }

    /// Signs in with this authenticator, in another browser.
    pub(crate) async fn sign_in(&self, authenticator: &Authenticator) -> Person {
        let mut authenticator = authenticator.clone();
        let reply = self.try_sign_in(&mut authenticator).await;
        Person::of(self, &reply, authenticator)
    }

    /// Both steps of a sign-in with this authenticator.
    pub(crate) async fn try_sign_in(&self, authenticator: &mut Authenticator) -> Reply {
        let ceremony: Ceremony = self.act(&Nobody, path::SIGN_INS).await.json();
        let credential = authenticator.prove(&ceremony.public_key);
        let reply = json!({ "credential": credential });
        self.post(&Nobody, &path::sign_in(&ceremony.id), reply).await
    }

    /// Proves the passkey again; the browser gets another cookie.
    pub(crate) async fn step_up(&self, person: &mut Person) {
        let ceremony: Ceremony = self.act(person, path::STEP_UPS).await.json();
        let credential = person.authenticator.prove(&ceremony.public_key);
        let reply = json!({ "credential": credential });
        let reply = self.post(person, &path::step_up(&ceremony.id), reply).await;
        *person = Person::of(self, &reply, person.authenticator.clone());
    }
}

/// The token in a one-time link's fragment.
pub(crate) fn token_of(link: &SecretString) -> SecretString {
    let (_, token) = link.expose().split_once('#').expect("a link has a fragment");
    SecretString::new(token.to_owned())
}
