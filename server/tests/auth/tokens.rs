//! Bearer tokens.

use gangway_protocol::account::{Account, Token, TokenScope};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_protocol::page::Page;
use gangway_protocol::path;
use gangway_protocol::time::UnixMillis;
use http::{HeaderName, Method, StatusCode, header};
use serde_json::{Value, json};

use crate::support::both_engines;
use crate::support::csr;
use crate::support::member::TOKEN_DAYS;
use crate::support::person::Person;
use crate::support::visitor::{Nobody, Program};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

fn request(person: &Person, scopes: &[&str]) -> Value {
    json!({ "name": "Build robot", "scopes": scopes, "organisation": person.organisation(), "valid_days": 30 })
}

both_engines!(
    /// Threat model: ACC-11.
    async fn a_token_is_made_shown_once_used_listed_and_revoked(server: Server) {
        let owner = server.owner().await;
        let made: Token = server
            .post(&owner, path::TOKENS, request(&owner, &["read", "enrol", "read"]))
            .await
            .json();
        assert_eq!(made.scopes, [TokenScope::FleetRead, TokenScope::Enrol]);
        assert_eq!(made.expires_at.since(made.created_at), 30 * UnixMillis::DAY);
        let secret = made.secret.clone().expect("it is shown this once");
        assert!(secret.expose().starts_with("gw_pat_"));

        let program = Program(secret.clone());
        let account: Account = server.get(&program, path::ACCOUNT).await.json();
        assert_eq!(account.id, owner.account.id);
        let page: Page<Token> = server.get(&owner, path::TOKENS).await.json();
        assert_eq!(page.items.len(), 1);
        assert_eq!(page.items[0].secret, None);
        assert_eq!(page.items[0].last_used_at, Some(server.gangway.clock.now()));
        assert_eq!(page.items[0].last_used_from.as_deref(), Some("127.0.0.1"));
        let stored = server.text("SELECT secret_hash || scopes FROM tokens").await;
        assert!(!stored.contains(secret.expose()));

        let place = path::token(&made.id);
        let stranger = server.invited(&owner, Role::Admin).await;
        assert_eq!(
            server.delete(&stranger, &place).await.problem(),
            ProblemCode::NotFound
        );
        assert_eq!(server.delete(&owner, &place).await.status, StatusCode::NO_CONTENT);
        assert_eq!(
            server.get(&program, path::ACCOUNT).await.problem(),
            ProblemCode::Unauthenticated
        );
        assert_eq!(
            server.delete(&owner, &place).await.problem(),
            ProblemCode::NotFound
        );
        assert_eq!(server.records("token.created").await, 1);
        assert_eq!(server.records("token.revoked").await, 1);
    }
);

both_engines!(
    async fn a_token_ends_on_its_day(server: Server) {
        let program = server.terminal(&[TokenScope::Enrol]).await;
        server.clock.advance(i64::from(TOKEN_DAYS) * UnixMillis::DAY - 1);
        assert_eq!(server.get(&program, path::ACCOUNT).await.status, StatusCode::OK);
        server.clock.advance(1);
        assert_eq!(
            server.get(&program, path::ACCOUNT).await.problem(),
            ProblemCode::Unauthenticated
        );
    }
);

both_engines!(
    async fn a_header_that_is_no_token_is_nobodys_even_beside_a_cookie(server: Server) {
        let owner = server.owner().await;
        for value in [
            "Basic eDp5",
            "Bearer",
            "Bearer x",
            "Bearer gw_pat_wrong",
            "gw_pat_",
        ] {
            let reply = server
                .call_with(
                    &owner,
                    Method::GET,
                    path::ACCOUNT,
                    None,
                    &[(header::AUTHORIZATION, value)],
                )
                .await;
            assert_eq!(reply.problem(), ProblemCode::Unauthenticated, "{value}");
        }
        let Program(secret) = server.terminal(&[TokenScope::FleetRead]).await;
        let value = format!("bEARER  {}", secret.expose());
        let reply = server
            .call_with(
                &Nobody,
                Method::GET,
                path::ACCOUNT,
                None,
                &[(header::AUTHORIZATION, value.as_str())],
            )
            .await;
        assert_eq!(reply.status, StatusCode::OK, "{reply}");
    }
);

both_engines!(
    /// Threat model: ACC-11.
    async fn each_scope_gives_what_it_names_and_no_more(server: Server) {
        let owner = server.owner().await;
        let organisation = owner.organisation();
        let device = owner.approve(&server, &csr::key()).await.device.id;
        let below = json!({ "parent": organisation, "name": "Hall" });
        let (members, invitations) = (path::members(&organisation), path::invitations(&organisation));
        let asked = [
            (
                Method::GET,
                path::DEVICES.to_owned(),
                None,
                &[TokenScope::FleetRead, TokenScope::FleetWrite][..],
            ),
            (
                Method::PATCH,
                path::device(&device),
                Some(json!({ "name": "Crane" })),
                &[TokenScope::FleetWrite],
            ),
            (
                Method::GET,
                members.clone(),
                None,
                &[TokenScope::OrganisationRead, TokenScope::OrganisationWrite],
            ),
            (
                Method::GET,
                invitations.clone(),
                None,
                &[TokenScope::OrganisationRead, TokenScope::OrganisationWrite],
            ),
            (
                Method::POST,
                path::ORGANISATIONS.to_owned(),
                Some(below),
                &[TokenScope::OrganisationWrite],
            ),
            (
                Method::POST,
                invitations.clone(),
                Some(json!({ "role": "operator" })),
                &[TokenScope::OrganisationWrite],
            ),
            // What asks for a passkey each time is for no program.
            (
                Method::POST,
                invitations.clone(),
                Some(json!({ "role": "admin" })),
                &[],
            ),
            (Method::POST, path::device_suspension(&device), None, &[]),
            (
                Method::PATCH,
                path::organisation_policy(&organisation),
                Some(json!({ "prefilled_codes": false })),
                &[],
            ),
            (
                Method::PATCH,
                path::member(&organisation, &owner.account.id),
                Some(json!({ "role": "viewer" })),
                &[],
            ),
            (Method::GET, path::TOKENS.to_owned(), None, &[]),
        ];
        for scope in TokenScope::ALL {
            let token: Token = server
                .post(&owner, path::TOKENS, request(&owner, &[scope.as_str()]))
                .await
                .json();
            let program = Program(token.secret.expect("it is shown this once"));
            for (method, place, body, wanted) in &asked {
                let reply = server.call(&program, method.clone(), place, body.clone()).await;
                if wanted.contains(&scope) {
                    assert!(reply.status.is_success(), "{scope:?}: {method} {place}: {reply}");
                } else {
                    assert_eq!(
                        reply.problem(),
                        ProblemCode::Forbidden,
                        "{scope:?}: {method} {place}"
                    );
                }
            }
        }
        // A token that is confined to a part is no admin above it, whoever its account is.
        let hall = server.grow_tree(&organisation).await[0].clone();
        let confined = json!({ "name": "robot", "scopes": ["organisation:write"], "organisation": hall, "valid_days": 30 });
        let token: Token = server.post(&owner, path::TOKENS, confined).await.json();
        let program = Program(token.secret.expect("it is shown this once"));
        let place = path::organisation_archival(&hall);
        let reply = server.call(&program, Method::PUT, &place, None).await;
        assert_eq!(reply.problem(), ProblemCode::Forbidden);
        // The operator's own programs have them too, where their service account had no such role before.
        let program = server.terminal(&[TokenScope::OrganisationWrite]).await;
        let below = json!({ "parent": organisation, "name": "Roof" });
        let made = server.post(&program, path::ORGANISATIONS, below).await;
        assert!(made.status.is_success(), "{made}");
    }
);

both_engines!(
    /// Threat model: ACC-11.
    async fn nobody_mints_what_they_may_not_do_themselves(server: Server) {
        let owner = server.owner().await;
        let viewer = server.invited(&owner, Role::Viewer).await;
        let installer = server.invited(&owner, Role::Installer).await;
        for (person, scope, allowed) in [
            (&viewer, "read", true),
            (&viewer, "enrol", false),
            (&installer, "enrol", true),
            (&installer, "read", false),
            (&viewer, "fleet:write", false),
            (&viewer, "organisation:read", false),
            (&installer, "organisation:write", false),
        ] {
            let reply = server.post(person, path::TOKENS, request(person, &[scope])).await;
            if allowed {
                let _: Token = reply.json();
            } else {
                assert_eq!(reply.problem(), ProblemCode::Forbidden, "{scope}");
            }
        }
        let program = server.terminal(&[TokenScope::Enrol]).await;
        let reply = server
            .post(&program, path::TOKENS, request(&owner, &["enrol"]))
            .await;
        assert_eq!(reply.problem(), ProblemCode::Forbidden, "a token mints no token");
    }
);

both_engines!(
    async fn odd_requests_are_refused_by_field(server: Server) {
        let owner = server.owner().await;
        for (field, value) in [
            ("name", json!("")),
            ("scopes", json!([])),
            ("valid_days", json!(0)),
            ("valid_days", json!(367)),
        ] {
            let mut body = request(&owner, &["read"]);
            body[field] = value;
            let reply = server.post(&owner, path::TOKENS, body).await;
            assert_eq!(reply.problem(), ProblemCode::Invalid, "{field}");
        }
        let mut body = request(&owner, &["read"]);
        body["scopes"] = json!(["rule"]);
        assert_eq!(
            server.post(&owner, path::TOKENS, body).await.problem(),
            ProblemCode::Invalid
        );
        let mut body = request(&owner, &["read"]);
        body["organisation"] = json!("org_00000000000000000000000000");
        assert_eq!(
            server.post(&owner, path::TOKENS, body).await.problem(),
            ProblemCode::NotFound
        );
        server.clock.advance(5 * UnixMillis::MINUTE);
        let reply = server
            .post(&owner, path::TOKENS, request(&owner, &["enrol"]))
            .await;
        assert_eq!(reply.problem(), ProblemCode::StepUpRequired);
    }
);

both_engines!(
    async fn a_repeated_creation_creates_once(server: Server) {
        let owner = server.owner().await;
        let body = request(&owner, &["read"]);
        let key = [(IDEMPOTENCY_KEY, "0123456789abcdef0123456789abcdef")];
        let send = async |body: Value| {
            server
                .call_with(&owner, Method::POST, path::TOKENS, Some(body), &key)
                .await
        };
        let (first, second) = tokio::join!(send(body.clone()), send(body.clone()));
        let (first, second): (Token, Token) = (first.json(), second.json());
        assert_eq!(first, second, "with the same secret");
        let third: Token = send(body.clone()).await.json();
        assert_eq!(first, third);
        let page: Page<Token> = server.get(&owner, path::TOKENS).await.json();
        assert_eq!(page.items.len(), 1);

        let mut other = body.clone();
        other["name"] = json!("Another");
        let reply = send(other).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(reply.problem(), ProblemCode::IdempotencyMismatch);
        let stored = server
            .text("SELECT sealed_body || key_hash FROM idempotency_keys")
            .await;
        assert!(!stored.contains("gw_pat_") && !stored.contains("0123456789abcdef0123456789abcdef"));

        for bad in ["short", "with a space 0123456789"] {
            let key = [(IDEMPOTENCY_KEY, bad)];
            let body = Some(request(&owner, &["read"]));
            let reply = server
                .call_with(&owner, Method::POST, path::TOKENS, body, &key)
                .await;
            assert_eq!(reply.problem(), ProblemCode::Malformed, "{bad}");
        }
    }
);

both_engines!(
    async fn keys_of_two_accounts_do_not_meet(server: Server) {
        let owner = server.owner().await;
        let admin = server.invited(&owner, Role::Admin).await;
        let key = [(IDEMPOTENCY_KEY, "0123456789abcdef")];
        let body = request(&owner, &["read"]);
        let (one, two) = (
            server
                .call_with(&owner, Method::POST, path::TOKENS, Some(body.clone()), &key)
                .await,
            server
                .call_with(&admin, Method::POST, path::TOKENS, Some(body), &key)
                .await,
        );
        let (one, two): (Token, Token) = (one.json(), two.json());
        assert_ne!(one.id, two.id);
    }
);
