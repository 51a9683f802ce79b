//! Providers of a customer, and who may set them up.

use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_protocol::path;
use gangway_protocol::single_sign_on::{
    IdentityProvider, IdentityProviderTrial, MAX_PROVIDERS, SignInOffers,
};
use gangway_protocol::time::UnixMillis;
use serde_json::{Value, json};

use super::{Works, operators_of};
use crate::support::identity_provider::{Browser, SECRET};
use crate::support::visitor::Nobody;
use crate::support::{Engine, Server, both_engines};

both_engines!(
    /// Threat model: SSO-5.
    async fn only_an_admin_who_is_there_sets_a_provider_up_for_their_own_customer(server: Server) {
        let works = Works::new(&server).await;
        let place = path::identity_providers(&works.home);
        let request = works.idp.request(&json!({}));
        let operator = server.member(&works.home, Role::Operator, "Otto").await;
        assert_eq!(
            server.post(&operator, &place, request.clone()).await.problem(),
            ProblemCode::Forbidden
        );
        let below = server
            .post(
                &works.owner,
                &path::identity_providers(&works.hall),
                request.clone(),
            )
            .await;
        assert_eq!(below.problem(), ProblemCode::Conflict);
        let foreign = server.organisation("Foreign").await;
        for roles in [
            operators_of(&foreign),
            json!({"claim": "g", "mappings": [{"value": "x", "organisation": works.hall, "role": "owner"}]}),
            json!({"everyone": "owner"}),
            json!({"mappings": [{"value": "x", "organisation": works.hall, "role": "viewer"}]}),
        ] {
            let refused = server.post(&works.owner, &place, works.idp.request(&roles)).await;
            assert_eq!(refused.problem(), ProblemCode::Invalid, "{roles}");
            let one = path::identity_provider(&works.home, &works.provider.id);
            let refused = server.patch(&works.owner, &one, json!({ "roles": roles })).await;
            assert_eq!(refused.problem(), ProblemCode::Invalid, "{roles}");
        }
        for issuer in [
            "ftp://x.example",
            "https://x.example/?a=b",
            "https://x.example/#a",
            "https://a:b@x.example",
            "x",
        ] {
            let mut request = request.clone();
            request["issuer"] = json!(issuer);
            assert_eq!(
                server.post(&works.owner, &place, request).await.problem(),
                ProblemCode::Invalid,
                "{issuer}"
            );
        }
        for _ in 1..MAX_PROVIDERS {
            server
                .post(&works.owner, &place, request.clone())
                .await
                .json::<IdentityProvider>();
        }
        assert_eq!(
            server.post(&works.owner, &place, request.clone()).await.problem(),
            ProblemCode::Conflict
        );
        server.clock.advance(5 * UnixMillis::MINUTE);
        assert_eq!(
            server.post(&works.owner, &place, request).await.problem(),
            ProblemCode::StepUpRequired
        );
    }
);

both_engines!(
    /// Threat model: SSO-11.
    async fn a_client_secret_stands_in_no_reply_record_or_table(server: Server) {
        let works = Works::new(&server).await;
        let place = path::identity_providers(&works.home);
        let listed = server.get(&works.owner, &place).await;
        assert!(
            listed.json::<Value>()["items"][0]["has_secret"] == json!(true)
                && !listed.to_string().contains(SECRET)
        );
        let record = server.get(&works.owner, &path::audit(&works.home)).await;
        assert!(
            record.to_string().contains("identity_provider.added") && !record.to_string().contains(SECRET)
        );
        let mut reader = server.gangway.db.reader().await.expect("a reader");
        let kept = gangway_server::db::identity_providers::find(&mut reader.conn(), &works.provider.id).await;
        assert!(!format!("{kept:?}").contains(SECRET));
        drop(reader);
        let tried: IdentityProviderTrial = server
            .act(
                &works.owner,
                &path::identity_provider_trial(&works.home, &works.provider.id),
            )
            .await
            .json();
        assert_eq!(tried.keys, 1);
        assert!(tried.authorization_endpoint.starts_with(&works.idp.issuer));

        let one = path::identity_provider(&works.home, &works.provider.id);
        server
            .patch(&works.owner, &one, json!({"client_secret": "wrong"}))
            .await
            .json::<IdentityProvider>();
        let refused = Browser::new("one")
            .come(&server, &works.idp, &works.provider.id, "sign_in")
            .await;
        assert_eq!(refused.problem(), ProblemCode::ProviderRefused);
        assert!(refused.to_string().contains("client id and secret"), "{refused}");
    }
);

#[tokio::test]
/// Threat model: SSO-12.
async fn a_provider_inside_is_reached_only_where_the_operator_allows_it() {
    let server = Server::start(Engine::Sqlite).await;
    let works = Works::new(&server).await;
    let server = server
        .restart_with(|config| {
            config.public_url = "https://panel.example".parse().expect("a URL");
        })
        .await;
    let owner = server.refresh(&works.owner).await;
    let place = path::identity_providers(&works.home);
    let refused = server.post(&owner, &place, works.idp.request(&json!({}))).await;
    assert_eq!(refused.problem(), ProblemCode::Invalid);
    assert!(refused.to_string().contains("webhook_networks"), "{refused}");
    // One that stands, and one whose name leads inside.
    let inside = Browser::new("one")
        .begin(&server, &works.provider.id, "sign_in")
        .await;
    assert_eq!(inside.problem(), ProblemCode::ProviderRefused);
    assert!(inside.to_string().contains("no public address"), "{inside}");
    let mut named = works.idp.request(&json!({}));
    named["issuer"] = json!("https://localhost");
    let named: IdentityProvider = server.post(&owner, &place, named).await.json();
    let inside = Browser::new("one").begin(&server, &named.id, "sign_in").await;
    assert!(inside.to_string().contains("no public address"), "{inside}");
}

both_engines!(
    async fn an_organisation_that_there_is_not_answers_as_one_without_a_provider(server: Server) {
        let without = server.organisation("Without").await;
        let unknown = "org_00000000000000000000000000".parse().expect("an id");
        for id in [&without, &unknown] {
            let offers: SignInOffers = server.get(&Nobody, &path::sign_in_offers(id)).await.json();
            assert!(offers.providers.is_empty());
        }
    }
);
