//! Becoming somebody by a one-time link.

use gangway_protocol::account::{Account, Ceremony};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_protocol::path;
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;
use http::{StatusCode, header};
use serde_json::json;

use crate::support::authenticator::Authenticator;
use crate::support::visitor::Nobody;
use crate::support::{START, both_engines};

both_engines!(
    async fn set_up_makes_the_first_organisation_its_owner_and_a_signed_in_browser(server: Server) {
        let owner = server.owner().await;
        assert_eq!(owner.account.name, "Olga Owner");
        assert_eq!((owner.account.passkeys, owner.account.recovery_codes), (1, 0));
        assert_eq!(owner.account.verified_at, Some(START));
        assert_eq!(
            owner.account.verified_until,
            Some(START.plus(5 * UnixMillis::MINUTE))
        );
        let [organisation] = owner.account.organisations.as_slice() else {
            panic!("there is one organisation");
        };
        assert_eq!(
            (organisation.name.as_str(), organisation.role),
            ("Harbour", Role::Owner)
        );
        assert_eq!(organisation.parent, None);

        let account: Account = server.get(&owner, path::ACCOUNT).await.json();
        assert_eq!(account, owner.account);
        assert!(server.setup_token().await.is_none(), "set-up is over");
    }
);

both_engines!(
    /// Threat model: ACC-4.
    async fn the_cookie_is_out_of_reach_for_scripts_siblings_and_foreign_pages(server: Server) {
        let token = server.setup_token().await.expect("set-up is open");
        let mut authenticator = Authenticator::new("http://localhost:8080");
        let reply = server.try_register(&token, "Olga", &mut authenticator).await;
        let cookie = reply.headers[header::SET_COOKIE].to_str().expect("ASCII");
        let mut parts: Vec<&str> = cookie.split("; ").collect();
        assert!(parts.remove(0).starts_with("__Host-gangway=gw_sin_"));
        parts.sort_unstable();
        assert_eq!(
            parts,
            ["HttpOnly", "Max-Age=2592000", "Path=/", "SameSite=Lax", "Secure"]
        );
        assert_eq!(reply.headers[header::CACHE_CONTROL], "no-store");
        let stored = server.text("SELECT token_hash FROM sign_ins").await;
        assert!(
            !stored.contains("gw_sin_") && stored.len() == 64,
            "only a hash is kept"
        );
    }
);

both_engines!(
    /// Threat model: ACC-6.
    async fn a_link_works_once(server: Server) {
        let owner = server.owner().await;
        let (_, token) = server.invitation(&owner, Role::Viewer).await;
        let (first, second) = (
            server.start_registration(&token).await,
            server.start_registration(&token).await,
        );
        let mut authenticator = Authenticator::new("http://localhost:8080");
        let credential = authenticator.create(&first.public_key);
        let reply = json!({ "credential": credential });
        let reply = server.post(&Nobody, &path::registration(&first.id), reply).await;
        assert_eq!(reply.status, StatusCode::OK, "{reply}");

        let credential = authenticator.create(&second.public_key);
        let reply = json!({ "credential": credential });
        let late = server.post(&Nobody, &path::registration(&second.id), reply).await;
        assert_eq!(late.problem(), ProblemCode::LinkUnknown);
        assert!(late.cookie().is_none());
        let again = json!({ "token": token, "name": "Again" });
        let again = server.post(&Nobody, path::REGISTRATIONS, again).await;
        assert_eq!(again.problem(), ProblemCode::LinkUnknown);
    }
);

both_engines!(
    async fn two_set_ups_at_once_leave_one_owner(server: Server) {
        let (one, two) = (
            server.setup_token().await.expect("set-up is open"),
            server.setup_token().await.expect("set-up is open"),
        );
        let (mut a, mut b) = (
            Authenticator::new("http://localhost:8080"),
            Authenticator::new("http://localhost:8080"),
        );
        let (first, second) = tokio::join!(
            server.try_register(&one, "A", &mut a),
            server.try_register(&two, "B", &mut b),
        );
        let (won, lost) = if first.status.is_success() {
            (first, second)
        } else {
            (second, first)
        };
        assert_eq!(won.status, StatusCode::OK, "{won}");
        assert_eq!(lost.problem(), ProblemCode::LinkUnknown);
        assert_eq!(
            server
                .text("SELECT CAST(COUNT(*) AS TEXT) FROM organisations")
                .await,
            "1"
        );
    }
);

both_engines!(
    /// Threat model: ACC-6.
    async fn links_that_are_unknown_expired_or_void_are_all_the_same(server: Server) {
        let early = server.setup_token().await.expect("set-up is open");
        let owner = server.owner().await;
        let (_, expired) = server.invitation(&owner, Role::Viewer).await;
        let (invitation, withdrawn) = server.invitation(&owner, Role::Viewer).await;
        let place = path::invitation(owner.organisation(), &invitation.id);
        assert!(server.delete(&owner, &place).await.status.is_success());
        let open = async |token: &SecretString| {
            let request = json!({ "token": token, "name": "Nobody" });
            let reply = server.post(&Nobody, path::REGISTRATIONS, request).await;
            assert_eq!(reply.status, StatusCode::NOT_FOUND);
            assert_eq!(reply.problem(), ProblemCode::LinkUnknown);
            reply.body
        };
        let unknown = open(&SecretString::new("gw_inv_unknown".to_owned())).await;
        for token in [early, withdrawn, SecretString::new(String::new())] {
            assert_eq!(open(&token).await, unknown);
        }
        server.clock.advance(7 * UnixMillis::DAY);
        assert_eq!(open(&expired).await, unknown);
    }
);

both_engines!(
    async fn a_link_that_expires_during_the_ceremony_is_not_used(server: Server) {
        let token = server.setup_token().await.expect("set-up is open");
        server.clock.advance(UnixMillis::HOUR - UnixMillis::MINUTE);
        let ceremony = server.start_registration(&token).await;
        server.clock.advance(UnixMillis::MINUTE);
        let mut authenticator = Authenticator::new("http://localhost:8080");
        let reply = json!({ "credential": authenticator.create(&ceremony.public_key) });
        let reply = server
            .post(&Nobody, &path::registration(&ceremony.id), reply)
            .await;
        assert_eq!(reply.problem(), ProblemCode::LinkUnknown);
    }
);

both_engines!(
    async fn names_are_checked_before_the_authenticator_is_asked(server: Server) {
        let token = server.setup_token().await.expect("set-up is open");
        let long = "x".repeat(65);
        for (name, organisation, field) in [
            ("", "Harbour", "name"),
            ("  ", "Harbour", "name"),
            (long.as_str(), "Harbour", "name"),
            ("Olga\u{202e}", "Harbour", "name"),
            ("Olga", "", "organisation"),
            ("Olga", long.as_str(), "organisation"),
        ] {
            let request = json!({ "token": token, "name": name, "organisation": organisation });
            let reply = server.post(&Nobody, path::REGISTRATIONS, request).await;
            assert_eq!(reply.problem(), ProblemCode::Invalid, "{name:?} {organisation:?}");
            let body: serde_json::Value = serde_json::from_slice(&reply.body).expect("JSON");
            assert_eq!(body["field"], field);
        }
    }
);

both_engines!(
    /// Threat model: ACC-1.
    async fn what_the_authenticator_did_wrong_is_refused_and_leaves_the_link_good(server: Server) {
        let token = server.setup_token().await.expect("set-up is open");
        let honest = Authenticator::new("http://localhost:8080");
        let mut elsewhere = honest.clone();
        elsewhere.origin = "http://localhost.evil.example:8080".to_owned();
        let mut other_port = honest.clone();
        other_port.origin = "http://localhost:8081".to_owned();
        let mut framed = honest.clone();
        framed.cross_origin = true;
        let mut unverified = honest.clone();
        unverified.verifies = false;
        let mut nameless = honest.clone();
        nameless.discoverable = false;
        for mut authenticator in [elsewhere, other_port, framed, unverified, nameless] {
            let reply = server.try_register(&token, "Olga", &mut authenticator).await;
            assert_eq!(reply.status, StatusCode::FORBIDDEN);
            assert_eq!(reply.problem(), ProblemCode::PasskeyRefused);
        }
        server.register(&token, "Olga").await;
    }
);

both_engines!(
    /// Threat model: ACC-2.
    async fn a_ceremony_is_answered_once_in_time_and_for_what_it_was_started(server: Server) {
        let token = server.setup_token().await.expect("set-up is open");
        let mut authenticator = Authenticator::new("http://localhost:8080");

        let ceremony = server.start_registration(&token).await;
        let wrong = json!({ "credential": { "id": "nonsense" } });
        let place = path::registration(&ceremony.id);
        let reply = server.post(&Nobody, &place, wrong).await;
        assert_eq!(reply.problem(), ProblemCode::PasskeyRefused);
        let right = json!({ "credential": authenticator.create(&ceremony.public_key) });
        let reply = server.post(&Nobody, &place, right).await;
        assert_eq!(
            reply.problem(),
            ProblemCode::PasskeyRefused,
            "a failed answer spends it"
        );

        let ceremony = server.start_registration(&token).await;
        server.clock.advance(10 * UnixMillis::MINUTE);
        let late = json!({ "credential": authenticator.create(&ceremony.public_key) });
        let reply = server
            .post(&Nobody, &path::registration(&ceremony.id), late)
            .await;
        assert_eq!(reply.problem(), ProblemCode::PasskeyRefused);

        let (one, two) = (
            server.start_registration(&token).await,
            server.start_registration(&token).await,
        );
        let mixed = json!({ "credential": authenticator.create(&one.public_key) });
        let reply = server.post(&Nobody, &path::registration(&two.id), mixed).await;
        assert_eq!(reply.problem(), ProblemCode::PasskeyRefused, "another challenge");

        let sign_in: Ceremony = server.act(&Nobody, path::SIGN_INS).await.json();
        let foreign = json!({ "credential": authenticator.create(&one.public_key) });
        let reply = server
            .post(&Nobody, &path::registration(&sign_in.id), foreign)
            .await;
        assert_eq!(
            reply.problem(),
            ProblemCode::PasskeyRefused,
            "another kind of ceremony"
        );

        let unreadable = path::registration("cer_x");
        let reply = server
            .post(&Nobody, &unreadable, json!({ "credential": {} }))
            .await;
        assert_eq!(reply.problem(), ProblemCode::NotFound);
    }
);

both_engines!(
    async fn one_passkey_belongs_to_one_account(server: Server) {
        let owner = server.owner().await;
        let (_, token) = server.invitation(&owner, Role::Viewer).await;
        let ceremony = server.start_registration(&token).await;
        let mut authenticator = Authenticator::new("http://localhost:8080");
        let credential = authenticator.create(&ceremony.public_key);
        let reply = json!({ "credential": credential });
        server
            .post(&Nobody, &path::registration(&ceremony.id), reply)
            .await;

        // A hostile client may send a foreign credential's id as a new one's.
        let (_, token) = server.invitation(&owner, Role::Viewer).await;
        let ceremony = server.start_registration(&token).await;
        let reply = json!({ "credential": authenticator.create_again(&ceremony.public_key) });
        let reply = server
            .post(&Nobody, &path::registration(&ceremony.id), reply)
            .await;
        assert_eq!(reply.problem(), ProblemCode::PasskeyRefused);
        let members = server.text("SELECT CAST(COUNT(*) AS TEXT) FROM accounts").await;
        assert_eq!(members, "2", "nothing of the refused registration stays");
    }
);
