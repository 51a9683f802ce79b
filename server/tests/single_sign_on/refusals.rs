//! What does not count: tokens that are spoilt, answers of other attempts and browsers, providers that are away.

use gangway_protocol::error::ProblemCode;
use gangway_protocol::path;
use gangway_protocol::single_sign_on::SingleSignOn;
use gangway_protocol::time::UnixMillis;
use http::StatusCode;
use serde_json::json;

use super::Works;
use crate::support::both_engines;
use crate::support::identity_provider::Browser;

both_engines!(
    /// Threat model: SSO-6.
    async fn a_token_that_is_spoilt_in_any_way_signs_nobody_in(server: Server) {
        let works = Works::new(&server).await;
        let now = server.gangway.clock.now().as_secs();
        for (spoilt, says) in [
            (json!({"claims": {"nonce": "another"}}), "another attempt"),
            (
                json!({"claims": {"iss": "https://other.example"}}),
                "another identity provider",
            ),
            (json!({"claims": {"aud": "another"}}), "another application"),
            (
                json!({"claims": {"aud": ["gangway", "another"]}}),
                "another application",
            ),
            (json!({"claims": {"azp": "another"}}), "another application"),
            (json!({"claims": {"exp": now - 61}}), "expired"),
            (json!({"claims": {"iat": now - 700}}), "expired"),
            (
                json!({"claims": {"sub": "x".repeat(256)}}),
                "nobody that could be kept",
            ),
            (json!({"alg": "none"}), "not signed so that it counts"),
            (json!({"kid": "key-of-nobody"}), "does not publish"),
        ] {
            works.idp.spoil(spoilt.clone()).await;
            let mut browser = Browser::new("one");
            let reply = browser
                .come(&server, &works.idp, &works.provider.id, "sign_in")
                .await;
            assert_eq!(reply.problem(), ProblemCode::ProviderRefused, "{spoilt}");
            assert!(reply.to_string().contains(says), "{spoilt}: {reply}");
            assert!(reply.cookie().is_none());
        }
        assert_eq!(server.records("identity.account_made").await, 0);
        assert_eq!(server.records("sign_in.refused").await, 1, "once within the hour");
        works.idp.spoil(json!(null)).await;
        Browser::new("one")
            .sign_in(&server, &works.idp, &works.provider.id)
            .await;
    }
);

both_engines!(
    /// Threat model: SSO-6.
    async fn an_answer_counts_once_in_time_and_in_the_browser_that_asked(server: Server) {
        let works = Works::new(&server).await;
        let provider = &works.provider.id;
        let mut browser = Browser::new("one");
        let begun: SingleSignOn = browser.begin(&server, provider, "sign_in").await.json();
        for secret in ["code_verifier", "gw_sso_"] {
            assert!(!begun.address.contains(secret), "{}", begun.address);
        }
        let back = browser.go(&works.idp, &begun).await;
        let done = browser.clone().finish(&server, &back).await;
        assert!(done.status.is_success(), "{done}");
        assert_eq!(
            browser.finish(&server, &back).await.problem(),
            ProblemCode::ProviderRefused,
            "replayed"
        );

        // Somebody else's browser, with a way of its own under way, or with none.
        for mut victim in [Browser::new("two"), Browser::new("three")] {
            let mut attacker = Browser::new("one");
            if victim.name == "two" {
                victim.begin(&server, provider, "sign_in").await;
            }
            let begun: SingleSignOn = attacker.begin(&server, provider, "sign_in").await.json();
            let back = attacker.go(&works.idp, &begun).await;
            let forced = victim.finish(&server, &back).await;
            assert_eq!(forced.problem(), ProblemCode::ProviderRefused);
            assert!(forced.cookie().is_none());
            let spent = attacker.finish(&server, &back).await;
            assert_eq!(
                spent.problem(),
                ProblemCode::ProviderRefused,
                "looking at it spends it"
            );
        }

        let mut mixed = Browser::new("one");
        let begun: SingleSignOn = mixed.begin(&server, provider, "sign_in").await.json();
        let (place, mut body) = mixed.go(&works.idp, &begun).await;
        body["issuer"] = json!("https://other.example");
        assert_eq!(
            mixed.finish(&server, &(place, body)).await.problem(),
            ProblemCode::ProviderRefused
        );

        let mut late = Browser::new("one");
        let begun: SingleSignOn = late.begin(&server, provider, "sign_in").await.json();
        let back = late.go(&works.idp, &begun).await;
        server.clock.advance(10 * UnixMillis::MINUTE);
        assert_eq!(
            late.finish(&server, &back).await.problem(),
            ProblemCode::ProviderRefused
        );
    }
);

both_engines!(
    /// Threat model: SSO-6.
    async fn a_new_key_of_the_provider_is_found_and_looked_for_once_a_minute(server: Server) {
        let works = Works::new(&server).await;
        let provider = &works.provider.id;
        Browser::new("one").sign_in(&server, &works.idp, provider).await;
        works.idp.advance(&server, UnixMillis::MINUTE).await;
        works.idp.ask("rotate", json!({})).await;
        Browser::new("one").sign_in(&server, &works.idp, provider).await;
        works.idp.ask("rotate", json!({})).await;
        let early = Browser::new("one")
            .come(&server, &works.idp, provider, "sign_in")
            .await;
        assert_eq!(early.problem(), ProblemCode::ProviderRefused);
        assert!(early.to_string().contains("try again in a minute"), "{early}");
        works.idp.advance(&server, UnixMillis::MINUTE).await;
        Browser::new("one").sign_in(&server, &works.idp, provider).await;
    }
);

both_engines!(
    async fn a_provider_that_is_away_is_told_as_such_and_not_asked_again_and_again(server: Server) {
        let mut works = Works::new(&server).await;
        works.idp.end().await;
        for _ in 0..2 {
            let away = Browser::new("one")
                .begin(&server, &works.provider.id, "sign_in")
                .await;
            assert_eq!(away.problem(), ProblemCode::Unavailable);
        }
        let place = path::identity_provider_trial(&works.home, &works.provider.id);
        let tried = server.act(&works.owner, &place).await;
        assert_eq!(tried.status, StatusCode::SERVICE_UNAVAILABLE);
    }
);

both_engines!(
    async fn strangers_begin_a_bounded_number_of_sign_ins(server: Server) {
        let works = Works::new(&server).await;
        let mut refused = false;
        for _ in 0..200 {
            let reply = Browser::new("one")
                .begin(&server, &works.provider.id, "sign_in")
                .await;
            if !reply.status.is_success() {
                assert_eq!(reply.problem(), ProblemCode::RateLimited);
                refused = true;
                break;
            }
        }
        assert!(refused);
    }
);
