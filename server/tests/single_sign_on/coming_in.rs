//! Who comes in, what they may do then, and when that ends.

use gangway_protocol::account::Account;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::{Member, Role};
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use gangway_protocol::single_sign_on::SignInOffers;
use gangway_protocol::time::UnixMillis;
use http::StatusCode;
use serde_json::json;

use super::{Works, operators_of};
use crate::support::both_engines;
use crate::support::identity_provider::Browser;
use crate::support::visitor::Nobody;

both_engines!(
    /// Threat model: SSO-4.
    async fn who_comes_by_the_provider_gets_what_the_claim_says_and_loses_it_with_the_claim(server: Server) {
        let works = Works::new(&server).await;
        let offers: SignInOffers = server
            .get(&Nobody, &path::sign_in_offers(&works.hall))
            .await
            .json();
        assert_eq!(
            offers.providers[0].id, works.provider.id,
            "below as at the customer"
        );
        let mut browser = Browser::new("ada");
        let account = browser.sign_in(&server, &works.idp, &works.provider.id).await;
        assert_eq!(account.name, "Ada Lovelace");
        assert_eq!(account.passkeys, 0);
        let by = account.signed_in_by.expect("the provider");
        assert_eq!(
            (by.provider.name.as_str(), &by.organisation),
            ("Works login", &works.home)
        );
        let held: Vec<_> = account
            .organisations
            .iter()
            .map(|one| (&one.id, one.role))
            .collect();
        assert_eq!(held, [(&works.hall, Role::Operator)]);
        assert_eq!(server.records("member.role_claimed").await, 1);
        assert_eq!(server.records("identity.account_made").await, 1);

        // The same person again is the same account, whatever their name is by then.
        works
            .idp
            .person("ada", json!({"name": "Ada King", "groups": ["operators"]}))
            .await;
        let again = Browser::new("other")
            .sign_in(&server, &works.idp, &works.provider.id)
            .await;
        assert_eq!((again.id, again.name), (account.id.clone(), account.name));
        assert_eq!(
            server.records("member.role_claimed").await,
            1,
            "nothing has changed"
        );

        // By hand they get a role above; with the claim goes what the claim gave, and that alone.
        let place = path::member(&works.home, &account.id);
        let added = server
            .call(
                &works.owner,
                http::Method::PUT,
                &place,
                Some(json!({"role": "viewer"})),
            )
            .await;
        assert!(added.status.is_success(), "{added}");
        works
            .idp
            .person("ada", json!({"name": "Ada", "groups": ["painters"]}))
            .await;
        let less = Browser::new("third")
            .sign_in(&server, &works.idp, &works.provider.id)
            .await;
        let role_in =
            |account: &Account| -> Vec<Role> { account.organisations.iter().map(|one| one.role).collect() };
        assert_eq!(
            role_in(&less),
            [Role::Viewer, Role::Viewer],
            "held above, and below by that"
        );
        assert_eq!(server.records("member.claim_ended").await, 1);
        let first: Account = server.get(&browser, path::ACCOUNT).await.json();
        assert_eq!(role_in(&first), [Role::Viewer, Role::Viewer], "in every browser");

        // Nothing left: nobody comes in, and what they had is gone all the same.
        works
            .idp
            .person("ada", json!({"name": "Ada", "groups": ["operators"]}))
            .await;
        browser.sign_in(&server, &works.idp, &works.provider.id).await;
        server.delete(&works.owner, &place).await;
        works
            .idp
            .person("ada", json!({"name": "Ada", "groups": []}))
            .await;
        let refused = Browser::new("fourth")
            .come(&server, &works.idp, &works.provider.id, "sign_in")
            .await;
        assert_eq!(refused.problem(), ProblemCode::ProviderRefused);
        let rest: Account = server.get(&browser, path::ACCOUNT).await.json();
        assert!(rest.organisations.is_empty());
    }
);

both_engines!(
    /// Threat model: SSO-4.
    async fn what_a_claim_gives_is_changed_at_the_provider_and_suspended_here(server: Server) {
        let works = Works::new(&server).await;
        let mut browser = Browser::new("ada");
        let account = browser.sign_in(&server, &works.idp, &works.provider.id).await;
        let place = path::member(&works.hall, &account.id);
        let changed = server.patch(&works.owner, &place, json!({"role": "admin"})).await;
        assert_eq!(changed.problem(), ProblemCode::Conflict);
        assert_eq!(
            server.delete(&works.owner, &place).await.problem(),
            ProblemCode::Conflict
        );
        let suspension = path::member_suspension(&works.hall, &account.id);
        let suspended = server
            .call(&works.owner, http::Method::PUT, &suspension, None)
            .await;
        assert!(suspended.status.is_success(), "{suspended}");
        let refused = browser
            .come(&server, &works.idp, &works.provider.id, "sign_in")
            .await;
        assert_eq!(
            refused.problem(),
            ProblemCode::ProviderRefused,
            "a claim lifts no suspension"
        );
        let members: Page<Member> = server.get(&works.owner, &path::members(&works.hall)).await.json();
        assert!(
            members
                .items
                .iter()
                .any(|one| one.account == account.id && one.suspended_at.is_some())
        );
    }
);

both_engines!(
    /// Threat model: SSO-7.
    async fn a_sign_in_by_a_provider_ends_after_a_working_day(server: Server) {
        let works = Works::new(&server).await;
        let mut browser = Browser::new("ada");
        browser.sign_in(&server, &works.idp, &works.provider.id).await;
        server.clock.advance(12 * UnixMillis::HOUR - 1);
        assert_eq!(server.get(&browser, path::ACCOUNT).await.status, StatusCode::OK);
        server.clock.advance(1);
        assert_eq!(
            server.get(&browser, path::ACCOUNT).await.problem(),
            ProblemCode::Unauthenticated
        );
    }
);

both_engines!(
    /// Threat model: SSO-7.
    async fn a_role_by_a_claim_lapses_when_nobody_comes_by_the_provider(server: Server) {
        let works = Works::new(&server).await;
        let account = Browser::new("ada")
            .sign_in(&server, &works.idp, &works.provider.id)
            .await;
        server.clock.advance(30 * UnixMillis::DAY);
        server.tick().await;
        let owner = server.refresh(&works.owner).await;
        let members = owner
            .api
            .members(&works.hall, &PageQuery::default())
            .await
            .expect("members");
        assert!(members.items.iter().all(|one| one.account != account.id));
        assert_eq!(server.records("member.claim_ended").await, 1);
    }
);

both_engines!(
    /// Threat model: SSO-8.
    async fn what_wants_a_fresh_proof_wants_a_fresh_sign_in_at_the_provider(server: Server) {
        let mut works = Works::new(&server).await;
        let mut roles = operators_of(&works.hall);
        roles["everyone"] = json!("admin");
        let place = path::identity_provider(&works.home, &works.provider.id);
        let changed = server
            .patch(&works.owner, &place, json!({ "roles": roles }))
            .await;
        assert!(changed.status.is_success(), "{changed}");
        let mut browser = Browser::new("ada");
        browser.sign_in(&server, &works.idp, &works.provider.id).await;
        let invitations = path::invitations(&works.home);
        let refused = server
            .post(&browser, &invitations, json!({"role": "viewer"}))
            .await;
        assert_eq!(
            refused.problem(),
            ProblemCode::StepUpRequired,
            "it did not say when"
        );

        works.idp.spoil(json!({ "claims": { "auth_time": 1 } })).await;
        let mut silent = browser.clone();
        let refused = silent
            .come(&server, &works.idp, &works.provider.id, "step_up")
            .await;
        assert_eq!(refused.problem(), ProblemCode::ProviderRefused);
        assert!(
            refused.to_string().contains("did not ask you to sign in again"),
            "{refused}"
        );
        works.idp.spoil(json!(null)).await;
        works
            .idp
            .person("bob", json!({"name": "Bob", "groups": ["operators"]}))
            .await;
        silent.name = "bob";
        let refused = silent
            .come(&server, &works.idp, &works.provider.id, "step_up")
            .await;
        assert_eq!(refused.problem(), ProblemCode::ProviderRefused);
        assert!(refused.to_string().contains("somebody else"), "{refused}");

        works.idp.person("ada", json!(null)).await;
        let before = server.get(&browser, path::ACCOUNT_SIGN_INS).await.body;
        let former = browser.clone();
        let stepped = browser
            .come(&server, &works.idp, &works.provider.id, "step_up")
            .await;
        assert!(stepped.status.is_success(), "{stepped}");
        assert_ne!(former.cookies, browser.cookies);
        let after = server.get(&browser, path::ACCOUNT_SIGN_INS).await;
        assert_eq!(before.len(), after.body.len(), "the same sign-in goes on");
        let invited = server
            .post(
                &browser,
                &path::invitations(&works.home),
                json!({"role": "viewer"}),
            )
            .await;
        assert!(invited.status.is_success(), "{invited}");
        works.idp.advance(&server, 6 * UnixMillis::MINUTE).await;
        let stale = server
            .post(
                &browser,
                &path::invitations(&works.home),
                json!({"role": "viewer"}),
            )
            .await;
        assert_eq!(stale.problem(), ProblemCode::StepUpRequired);

        works.refresh(&server).await;
        let request = json!({ "provider": works.provider.id, "purpose": "step_up" });
        let by_passkey = server.post(&works.owner, path::SINGLE_SIGN_ONS, request).await;
        assert_eq!(by_passkey.problem(), ProblemCode::Forbidden);
    }
);
