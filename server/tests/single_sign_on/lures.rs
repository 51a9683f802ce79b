//! What somebody does who runs a provider, was suspended, or is signed in by one that is removed.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::{get, post};
use gangway_protocol::organisation::Role;
use gangway_protocol::path;
use gangway_protocol::single_sign_on::{IdentityProvider, SingleSignOn};
use gangway_protocol::time::UnixMillis;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

use super::Works;
use super::reach::browser_of;
use crate::support::device::SoftDevice;
use crate::support::identity_provider::Browser;
use crate::support::{Server, both_engines};

/// A provider that keeps the codes that it is brought, and who runs it.
async fn that_keeps_codes() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let issuer = format!("http://{}", listener.local_addr().expect("an address"));
    let codes = Arc::new(Mutex::new(Vec::new()));
    let says = json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorization"),
        "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    });
    let kept = codes.clone();
    let router = Router::new()
        .route(
            "/.well-known/openid-configuration",
            get(move || async move { axum::Json(says) }),
        )
        .route("/keys", get(|| async { axum::Json(json!({ "keys": [] })) }))
        .route(
            "/token",
            post(move |body: String| async move {
                let code = form_urlencoded::parse(body.as_bytes()).find(|(name, _)| name == "code");
                let code = code.map(|(_, code)| code.into_owned());
                kept.lock().expect("nobody panics with it").extend(code);
                (
                    StatusCode::BAD_REQUEST,
                    axum::Json(json!({ "error": "invalid_grant" })),
                )
            }),
        );
    tokio::spawn(async move { axum::serve(listener, router).await });
    (issuer, codes)
}

both_engines!(
    /// Threat model: SSO-13.
    async fn an_answer_of_one_provider_is_not_brought_to_another(server: Server) {
        let works = Works::new(&server).await;
        let mut ada = Browser::new("ada");
        ada.sign_in(&server, &works.idp, &works.provider.id).await;
        let evil = server.organisation("Evil").await;
        let eve = server.member(&evil, Role::Owner, "Eve").await;
        let (issuer, codes) = that_keeps_codes().await;
        let asked = json!({"name": "Works login", "issuer": issuer, "client_id": "x", "roles": {}, "makes_accounts": true});
        let added: IdentityProvider = server
            .post(&eve, &path::identity_providers(&evil), asked)
            .await
            .json();
        assert_ne!(added.redirect_uri, works.provider.redirect_uri);
        // Eve begins at the provider of Works in her own browser, and sends Ada, who wants to come in by Eve's, there instead.
        let mut eves = Browser::new("eve");
        let begun: SingleSignOn = eves.begin(&server, &works.provider.id, "sign_in").await.json();
        let lured: SingleSignOn = ada.begin(&server, &added.id, "sign_in").await.json();
        let state = |address: &str| {
            let address = Url::parse(address).expect("an address");
            let mut pairs = address.query_pairs();
            pairs
                .find(|(name, _)| name == "state")
                .expect("a state")
                .1
                .into_owned()
        };
        let on = SingleSignOn {
            address: begun
                .address
                .replace(&state(&begun.address), &state(&lured.address)),
            ..lured.clone()
        };
        let (place, mut body) = ada.go(&works.idp, &on).await;
        // Many providers do not say who they are.
        body["issuer"] = Value::Null;
        let refused = ada.finish(&server, &(place, body)).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused}");
        assert!(
            codes.lock().expect("nobody panics with it").is_empty(),
            "Eve was brought a code"
        );
    }
);

both_engines!(
    /// Threat model: SSO-14.
    async fn a_suspended_member_does_not_let_themselves_in_again(server: Server) {
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
        suspend(&server, &works, grace.account.as_str()).await;
        let hall = path::members(&works.hall);
        assert_eq!(server.get(&own, &hall).await.status, StatusCode::NOT_FOUND);
        // By ending the link and making it anew.
        let unlinked = server.delete(&own, &path::identity(&works.provider.id)).await;
        assert!(unlinked.status.is_success(), "{unlinked}");
        let again = own.come(&server, &works.idp, &works.provider.id, "link").await;
        assert!(again.status.is_success(), "{again}");
        assert_eq!(server.get(&own, &hall).await.status, StatusCode::NOT_FOUND);
        // By a sign-in without the group, and one with it.
        for groups in [json!([]), json!(["operators"])] {
            works
                .idp
                .person("grace", json!({"name": "Grace", "groups": groups}))
                .await;
            let reply = Browser::new("grace")
                .come(&server, &works.idp, &works.provider.id, "sign_in")
                .await;
            assert!(!reply.status.is_success(), "{reply}");
        }
    }
);

both_engines!(
    /// Threat model: SSO-14.
    async fn a_suspension_does_not_lapse_with_the_claim(server: Server) {
        let works = Works::new(&server).await;
        let ada = Browser::new("ada")
            .sign_in(&server, &works.idp, &works.provider.id)
            .await;
        suspend(&server, &works, ada.id.as_str()).await;
        works.idp.advance(&server, 31 * UnixMillis::DAY).await;
        server.tick().await;
        let again = Browser::new("other")
            .come(&server, &works.idp, &works.provider.id, "sign_in")
            .await;
        assert!(!again.status.is_success(), "{again}");
    }
);

async fn suspend(server: &Server, works: &Works, account: &str) {
    let place = path::member_suspension(&works.hall, account);
    let suspended = server.call(&works.owner, Method::PUT, &place, None).await;
    assert!(suspended.status.is_success(), "{suspended}");
}

both_engines!(
    async fn what_was_asked_for_by_a_provider_keeps_no_removed_one_alive(server: Server) {
        let one = Works::new(&server).await;
        let two = Works::new(&server).await;
        let oscar = server.member(&one.hall, Role::Operator, "Oscar").await;
        SoftDevice::in_fleet(&server, &oscar).await;
        let mut ada = Browser::new("ada");
        ada.sign_in(&server, &one.idp, &one.provider.id).await;
        Browser::new("ada")
            .sign_in(&server, &two.idp, &two.provider.id)
            .await;
        let action = json!({"kind": "add_labels", "labels": ["x"]});
        let request = json!({"selection": {"kind": "matching", "filter": {}}, "action": action});
        let asked = server.post(&ada, &path::bulk_jobs(&one.hall), request).await;
        assert!(asked.status.is_success(), "{asked}");
        for works in [&one, &two] {
            let place = path::identity_provider(&works.home, &works.provider.id);
            let removed = server.delete(&works.owner, &place).await;
            assert_eq!(removed.status, StatusCode::NO_CONTENT, "{removed}");
        }
        server.clock.advance(UnixMillis::MINUTE);
        server.tick().await;
        let left = "SELECT CAST(COUNT(*) AS TEXT) FROM identity_providers";
        assert_eq!(server.text(left).await, "0");
        // What was asked for by it is stopped.
        let job: Value = server.get(&one.owner, &path::bulk_jobs(&one.hall)).await.json();
        assert_eq!(job["items"][0]["state"], "stopped", "{job}");
    }
);

both_engines!(
    async fn whoever_is_refused_at_first_leaves_nothing_behind(server: Server) {
        let works = Works::new(&server).await;
        let archived = server
            .call(
                &works.owner,
                Method::PUT,
                &path::organisation_archival(&works.hall),
                None,
            )
            .await;
        assert!(archived.status.is_success(), "{archived}");
        let refused = Browser::new("ada")
            .come(&server, &works.idp, &works.provider.id, "sign_in")
            .await;
        assert!(!refused.status.is_success(), "{refused}");
        let left = "SELECT CAST(COUNT(*) AS TEXT) FROM identities";
        assert_eq!(server.text(left).await, "0");
    }
);
