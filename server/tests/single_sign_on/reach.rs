//! How far a provider's word goes: to its own customer, to accounts that linked themselves; and what ends it.

use gangway_protocol::account::{Account, TokenScope};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_protocol::page::Page;
use gangway_protocol::path;
use gangway_protocol::single_sign_on::Identity;
use gangway_protocol::time::UnixMillis;
use http::StatusCode;
use serde_json::{Value, json};

use super::Works;
use crate::support::Server;
use crate::support::both_engines;
use crate::support::identity_provider::Browser;
use crate::support::member::Member;
use crate::support::visitor::{Nobody, Reply, Visitor as _};

/// The browser in which this member is signed in by a passkey.
pub(super) fn browser_of(member: &Member, name: &'static str) -> Browser {
    let headers = member.headers();
    let cookie = headers[http::header::COOKIE].to_str().expect("ASCII");
    let (key, value) = cookie.split_once('=').expect("a pair");
    Browser {
        cookies: vec![(key.to_owned(), value.to_owned())],
        name,
    }
}

both_engines!(
    /// Threat model: SSO-1, SSO-2, SSO-3.
    async fn a_linked_account_is_reached_by_the_provider_at_its_own_customer_alone(server: Server) {
        let works = Works::new(&server).await;
        let elsewhere = server.organisation("Elsewhere").await;
        let grace = server.member(&elsewhere, Role::Owner, "Grace").await;
        works
            .idp
            .person("grace", json!({"name": "Grace", "groups": ["operators"]}))
            .await;
        let mut own = browser_of(&grace, "grace");
        let linked = own.come(&server, &works.idp, &works.provider.id, "link").await;
        assert!(linked.status.is_success(), "{linked}");
        let listed: Page<Identity> = server.get(&own, path::IDENTITIES).await.json();
        assert_eq!(listed.items[0].organisation, works.home);
        let both: Account = server.get(&own, path::ACCOUNT).await.json();
        assert_eq!(both.organisations.len(), 2, "with her passkey she has both");

        let mut browser = Browser::new("grace");
        let account = browser.sign_in(&server, &works.idp, &works.provider.id).await;
        assert_eq!(account.id, grace.account);
        let seen: Vec<_> = account.organisations.iter().map(|one| &one.id).collect();
        assert_eq!(seen, [&works.hall]);
        let foreign = server.get(&browser, &path::members(&elsewhere)).await;
        assert_eq!(
            foreign.problem(),
            ProblemCode::NotFound,
            "whoever runs the provider is no owner there"
        );
        let fleet = server
            .get(&browser, &format!("{}?organisation={elsewhere}", path::DEVICES))
            .await;
        assert_eq!(fleet.problem(), ProblemCode::NotFound);
        let stepped = browser
            .come(&server, &works.idp, &works.provider.id, "step_up")
            .await;
        assert!(stepped.status.is_success(), "{stepped}");
        for reply in account_takeovers(&server, &browser, &works).await {
            assert_eq!(reply.problem(), ProblemCode::Forbidden, "{reply}");
        }
        let tokens = server.get(&browser, path::TOKENS).await;
        assert_eq!(tokens.json::<Value>()["items"], json!([]));

        let ended = server.delete(&own, &path::identity(&works.provider.id)).await;
        assert_eq!(ended.status, StatusCode::NO_CONTENT, "{ended}");
        assert_eq!(
            server.get(&browser, path::ACCOUNT).await.problem(),
            ProblemCode::Unauthenticated
        );
        let rest: Account = server.get(&own, path::ACCOUNT).await.json();
        assert_eq!(rest.organisations.len(), 1);
    }
);

/// What would make the account the provider's for good.
async fn account_takeovers(server: &Server, browser: &Browser, works: &Works) -> Vec<Reply> {
    let token = json!({"name": "t", "scopes": ["fleet:read"], "organisation": works.hall, "valid_days": 1});
    let link = json!({ "provider": works.provider.id, "purpose": "link" });
    vec![
        server.act(browser, path::PASSKEYS).await,
        server.act(browser, path::RECOVERY_CODES).await,
        server.post(browser, path::TOKENS, token).await,
        server
            .post(browser, path::ACCOUNT_MEMBERSHIPS, json!({"token": "gw_inv_x"}))
            .await,
        server
            .patch(browser, path::ACCOUNT, json!({"name": "Mallory"}))
            .await,
        server.post(browser, path::SINGLE_SIGN_ONS, link).await,
        server.delete(browser, &path::identity(&works.provider.id)).await,
    ]
}

both_engines!(
    /// Threat model: SSO-3.
    async fn an_account_is_linked_by_its_own_fresh_passkey_and_by_nothing_else(server: Server) {
        let mut works = Works::new(&server).await;
        let ada = Browser::new("ada")
            .sign_in(&server, &works.idp, &works.provider.id)
            .await;
        // A name or an address that is the same makes nobody the same.
        works
            .idp
            .person(
                "olga",
                json!({"name": "Olga", "email": "olga@works.example", "groups": ["operators"]}),
            )
            .await;
        let olga = Browser::new("olga")
            .sign_in(&server, &works.idp, &works.provider.id)
            .await;
        assert!(olga.id != works.owner.account && olga.id != ada.id);

        let request = json!({ "provider": works.provider.id, "purpose": "link" });
        let nobody = server.post(&Nobody, path::SINGLE_SIGN_ONS, request.clone()).await;
        assert_eq!(nobody.problem(), ProblemCode::Unauthenticated);
        let taken = browser_of(&works.owner, "olga")
            .come(&server, &works.idp, &works.provider.id, "link")
            .await;
        assert_eq!(
            taken.problem(),
            ProblemCode::Conflict,
            "that person has an account"
        );
        server.clock.advance(5 * UnixMillis::MINUTE);
        let stale = server.post(&works.owner, path::SINGLE_SIGN_ONS, request).await;
        assert_eq!(stale.problem(), ProblemCode::StepUpRequired);
        works.refresh(&server).await;

        let place = path::identity_provider(&works.home, &works.provider.id);
        server
            .patch(&works.owner, &place, json!({"makes_accounts": false}))
            .await;
        works.idp.advance(&server, 0).await;
        works
            .idp
            .person("new", json!({"name": "New", "groups": ["operators"]}))
            .await;
        works
            .idp
            .ask("clock", json!({"millis": 5 * UnixMillis::MINUTE}))
            .await;
        let unknown = Browser::new("new")
            .come(&server, &works.idp, &works.provider.id, "sign_in")
            .await;
        assert_eq!(unknown.problem(), ProblemCode::ProviderRefused);
        assert!(unknown.to_string().contains("link your account"), "{unknown}");
    }
);

both_engines!(
    /// Threat model: SSO-9.
    async fn where_it_is_required_a_passkey_alone_is_for_owners(server: Server) {
        let works = Works::new(&server).await;
        let policy = path::organisation_policy(&works.home);
        let (on, off) = (
            json!({"single_sign_on_required": true}),
            json!({"single_sign_on_required": false}),
        );
        let below = server
            .patch(&works.owner, &path::organisation_policy(&works.hall), on.clone())
            .await;
        assert_eq!(below.problem(), ProblemCode::Invalid);
        let member = server.member(&works.home, Role::Admin, "Mia").await;
        let token = server.program(&works.home, &[TokenScope::FleetRead]).await;
        assert!(server.patch(&works.owner, &policy, on).await.status.is_success());

        for place in [path::members(&works.home), path::members(&works.hall)] {
            assert_eq!(server.get(&member, &place).await.problem(), ProblemCode::NotFound);
            assert_eq!(server.get(&works.owner, &place).await.status, StatusCode::OK);
        }
        assert_eq!(
            server
                .get(&token, &format!("{}?organisation={}", path::DEVICES, works.hall))
                .await
                .status,
            StatusCode::OK,
            "a service goes on"
        );
        let fleet: Value = server.get(&member, path::DEVICES).await.json();
        assert_eq!(fleet["items"], json!([]));
        let mut browser = Browser::new("ada");
        browser.sign_in(&server, &works.idp, &works.provider.id).await;
        assert_eq!(
            server.get(&browser, &path::members(&works.hall)).await.status,
            StatusCode::OK
        );
        let made = crate::organisations::made(&works.owner, &works.home, "New").await;
        assert_eq!(
            server.get(&member, &path::members(&made)).await.problem(),
            ProblemCode::NotFound
        );

        let place = path::identity_provider(&works.home, &works.provider.id);
        assert_eq!(
            server.delete(&works.owner, &place).await.problem(),
            ProblemCode::Conflict,
            "the last one"
        );
        assert!(server.patch(&works.owner, &policy, off).await.status.is_success());
        assert_eq!(
            server.get(&member, &path::members(&works.home)).await.status,
            StatusCode::OK
        );
        assert_eq!(
            server.delete(&works.owner, &place).await.status,
            StatusCode::NO_CONTENT
        );
        let none = server
            .patch(&works.owner, &policy, json!({"single_sign_on_required": true}))
            .await;
        assert_eq!(none.problem(), ProblemCode::Conflict, "nobody could come in");
    }
);

both_engines!(
    /// Threat model: SSO-10.
    async fn the_provider_signs_out_whom_it_names_and_a_logout_token_counts_once(server: Server) {
        let works = Works::new(&server).await;
        let mut browser = Browser::new("ada");
        browser.sign_in(&server, &works.idp, &works.provider.id).await;
        let mut beside = Browser::new("beside");
        beside.sign_in(&server, &works.idp, &works.provider.id).await;
        let place = path::back_channel_logout(&works.provider.id);
        let tell = async |token: &str| {
            let body: String = form_urlencoded::Serializer::new(String::new())
                .append_pair("logout_token", token)
                .finish();
            let request = http::Request::post(&place)
                .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(axum::body::Body::from(body))
                .expect("a request");
            server.send(request).await
        };
        let now = server.gangway.clock.now().as_secs();
        let event = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
        let good = json!({"iss": works.idp.issuer, "aud": "gangway", "iat": now, "exp": now + 60, "jti": "1", "sub": "ada", "events": event});
        for spoilt in [
            json!({"nonce": "n"}),
            json!({"iss": "https://other.example"}),
            json!({"aud": "another"}),
            json!({"events": {}}),
            json!({"iat": now - 700}),
            json!({"exp": now - 61}),
            json!({"sub": null}),
            json!({"jti": null}),
            json!({"sid": ""}),
        ] {
            let mut claims = good.clone();
            claims
                .as_object_mut()
                .expect("claims")
                .extend(spoilt.as_object().expect("claims").clone());
            let token = works.idp.ask("sign", json!({ "claims": claims })).await;
            let reply = tell(token["token"].as_str().expect("a token")).await;
            assert_eq!(reply.status(), StatusCode::BAD_REQUEST, "{spoilt}");
        }
        assert_eq!(server.get(&browser, path::ACCOUNT).await.status, StatusCode::OK);

        // A session that is nobody's here, then the person.
        let told = works
            .idp
            .ask("logout", json!({"sub": "ada", "sid": "no-such-session"}))
            .await;
        assert_eq!(
            tell(told["token"].as_str().expect("a token")).await.status(),
            StatusCode::OK
        );
        assert_eq!(server.get(&browser, path::ACCOUNT).await.status, StatusCode::OK);
        let token = works
            .idp
            .ask("sign", json!({ "claims": good, "header": {"typ": "logout+jwt"} }))
            .await;
        let token = token["token"].as_str().expect("a token");
        assert_eq!(tell(token).await.status(), StatusCode::OK);
        for browser in [&browser, &beside] {
            assert_eq!(
                server.get(browser, path::ACCOUNT).await.problem(),
                ProblemCode::Unauthenticated
            );
        }
        assert_eq!(server.records("sign_in.ended_by_provider").await, 1);
        browser.sign_in(&server, &works.idp, &works.provider.id).await;
        assert_eq!(tell(token).await.status(), StatusCode::BAD_REQUEST, "replayed");
        assert_eq!(server.get(&browser, path::ACCOUNT).await.status, StatusCode::OK);
    }
);

both_engines!(
    /// Threat model: SSO-7.
    async fn what_a_provider_gave_ends_with_it(server: Server) {
        let works = Works::new(&server).await;
        let mut browser = Browser::new("ada");
        let account = browser.sign_in(&server, &works.idp, &works.provider.id).await;
        let place = path::identity_provider(&works.home, &works.provider.id);
        assert_eq!(
            server.delete(&works.owner, &place).await.status,
            StatusCode::NO_CONTENT
        );
        assert_eq!(
            server.get(&browser, path::ACCOUNT).await.problem(),
            ProblemCode::Unauthenticated
        );
        let members: Value = server.get(&works.owner, &path::members(&works.hall)).await.json();
        assert!(!members.to_string().contains(account.id.as_str()), "{members}");
        let gone = Browser::new("ada")
            .begin(&server, &works.provider.id, "sign_in")
            .await;
        assert_eq!(gone.problem(), ProblemCode::ProviderRefused);
        assert_eq!(server.records("identity_provider.removed").await, 1);
    }
);
