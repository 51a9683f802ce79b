//! Signing in, staying signed in, and signing out.

use gangway_protocol::account::{Account, Ceremony, SignIn};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_protocol::page::Page;
use gangway_protocol::path;
use gangway_protocol::time::UnixMillis;
use http::{StatusCode, header};
use serde_json::{Value, json};

use crate::support::authenticator::Authenticator;
use crate::support::both_engines;
use crate::support::visitor::Nobody;

both_engines!(
    /// Threat model: ACC-1.
    async fn whoever_has_a_passkey_signs_in_without_a_name(server: Server) {
        let owner = server.owner().await;
        let ceremony: Ceremony = server.act(&Nobody, path::SIGN_INS).await.json();
        let options: Value = ceremony.public_key.read().expect("options");
        assert_eq!(options["allowCredentials"], json!([]));
        assert_eq!(options["rpId"], "localhost");
        assert_eq!(options["userVerification"], "required");

        let again = server.sign_in(&owner.authenticator).await;
        assert_eq!(again.account, owner.account);
        assert_ne!(again.cookie, owner.cookie);
        for browser in [&again, &owner] {
            let account: Account = server.get(browser, path::ACCOUNT).await.json();
            assert_eq!(account.id, owner.account.id);
        }
    }
);

both_engines!(
    async fn nobody_is_signed_in_without_a_cookie_or_with_a_wrong_one(server: Server) {
        let mut owner = server.owner().await;
        let reply = server.get(&Nobody, path::ACCOUNT).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
        assert_eq!(reply.headers[header::WWW_AUTHENTICATE], "Bearer");
        assert_eq!(reply.problem(), ProblemCode::Unauthenticated);
        let last = owner.cookie.pop().expect("a cookie");
        owner.cookie.push(if last == 'a' { 'b' } else { 'a' });
        assert_eq!(
            server.get(&owner, path::ACCOUNT).await.problem(),
            ProblemCode::Unauthenticated
        );
    }
);

both_engines!(
    /// Threat model: ACC-2.
    async fn a_proof_counts_once_in_time_and_at_our_own_address(server: Server) {
        let owner = server.owner().await;
        let mut authenticator = owner.authenticator.clone();

        let ceremony: Ceremony = server.act(&Nobody, path::SIGN_INS).await.json();
        let place = path::sign_in(&ceremony.id);
        let proof = json!({ "credential": authenticator.prove(&ceremony.public_key) });
        let reply = server.post(&Nobody, &place, proof.clone()).await;
        assert_eq!(reply.status, StatusCode::OK, "{reply}");
        let replayed = server.post(&Nobody, &place, proof.clone()).await;
        assert_eq!(replayed.problem(), ProblemCode::PasskeyRefused);
        assert!(replayed.to_string().contains("answered already"), "{replayed}");
        assert!(replayed.cookie().is_none());

        let other: Ceremony = server.act(&Nobody, path::SIGN_INS).await.json();
        let moved = server.post(&Nobody, &path::sign_in(&other.id), proof).await;
        assert_eq!(moved.problem(), ProblemCode::PasskeyRefused, "another challenge");
        assert!(moved.to_string().contains("another attempt"), "{moved}");

        let late: Ceremony = server.act(&Nobody, path::SIGN_INS).await.json();
        server.clock.advance(UnixMillis::HOUR);
        let proof = json!({ "credential": authenticator.prove(&late.public_key) });
        let reply = server.post(&Nobody, &path::sign_in(&late.id), proof).await;
        assert_eq!(
            reply.problem(),
            ProblemCode::PasskeyRefused,
            "an expired ceremony"
        );

        let spoil = |origin: &str, cross_origin: bool, verifies: bool| Authenticator {
            origin: origin.to_owned(),
            cross_origin,
            verifies,
            ..authenticator.clone()
        };
        for mut spoiled in [
            spoil("https://localhost:8080", false, true),
            spoil("http://127.0.0.1:8080", false, true),
            spoil("http://localhost:8080", true, true),
            spoil("http://localhost:8080", false, false),
        ] {
            let reply = server.try_sign_in(&mut spoiled).await;
            assert_eq!(reply.problem(), ProblemCode::PasskeyRefused);
        }
        assert_eq!(
            server.records("sign_in.refused").await,
            1,
            "what reached a known passkey is recorded once within the hour"
        );
        authenticator.credentials[0].counter += 10;
        server.sign_in(&authenticator).await;
    }
);

both_engines!(
    async fn a_passkey_that_was_copied_shows_by_its_counter(server: Server) {
        let owner = server.owner().await;
        let mut copy = owner.authenticator.clone();
        server.sign_in(&owner.authenticator).await;
        let reply = server.try_sign_in(&mut copy).await;
        assert_eq!(reply.problem(), ProblemCode::PasskeyRefused);
        assert!(reply.to_string().contains("copied"), "{reply}");
    }
);

both_engines!(
    async fn a_passkey_that_keeps_no_count_works_again_and_again(server: Server) {
        let mut owner = server.owner().await;
        owner.authenticator.counts = false;
        for _ in 0..2 {
            let reply = server.try_sign_in(&mut owner.authenticator).await;
            assert_eq!(reply.status, StatusCode::OK, "{reply}");
        }
    }
);

both_engines!(
    async fn an_unknown_passkey_and_a_swapped_user_are_refused_alike(server: Server) {
        let owner = server.owner().await;
        let viewer = server.invited(&owner, Role::Viewer).await;
        let mut swapped = owner.authenticator.clone();
        swapped.credentials[0].take_user_of(&viewer.authenticator.credentials[0]);
        let mut stranger = owner.authenticator.clone();
        stranger.credentials[0].id = vec![7; 32];
        let (swapped, stranger) = (
            server.try_sign_in(&mut swapped).await,
            server.try_sign_in(&mut stranger).await,
        );
        assert_eq!(swapped.problem(), ProblemCode::PasskeyRefused);
        assert_eq!(swapped.body, stranger.body);
    }
);

both_engines!(
    /// Threat model: ACC-4.
    async fn a_sign_in_ends_when_it_lies_idle_and_when_it_is_old(server: Server) {
        let owner = server.owner().await;
        let idle = server.sign_in(&owner.authenticator).await;
        for _ in 0..5 {
            server.clock.advance(6 * UnixMillis::DAY - UnixMillis::MINUTE);
            let reply = server.get(&owner, path::ACCOUNT).await;
            assert_eq!(reply.status, StatusCode::OK, "{reply}");
        }
        assert_eq!(
            server.get(&idle, path::ACCOUNT).await.problem(),
            ProblemCode::Unauthenticated
        );
        server.clock.advance(5 * UnixMillis::MINUTE);
        assert_eq!(
            server.get(&owner, path::ACCOUNT).await.problem(),
            ProblemCode::Unauthenticated
        );
    }
);

both_engines!(
    async fn signing_in_again_ends_the_browsers_former_sign_in(server: Server) {
        let mut owner = server.owner().await;
        let ceremony: Ceremony = server.act(&owner, path::SIGN_INS).await.json();
        let proof = json!({ "credential": owner.authenticator.prove(&ceremony.public_key) });
        let reply = server.post(&owner, &path::sign_in(&ceremony.id), proof).await;
        let fresh = reply.cookie().expect("it sets a cookie");
        assert_ne!(fresh, owner.cookie);
        assert_eq!(
            server.get(&owner, path::ACCOUNT).await.problem(),
            ProblemCode::Unauthenticated
        );
        owner.cookie = fresh;
        let page: Page<SignIn> = server.get(&owner, path::ACCOUNT_SIGN_INS).await.json();
        assert_eq!(page.items.len(), 1);
    }
);

both_engines!(
    async fn browsers_are_listed_and_signed_out(server: Server) {
        let owner = server.owner().await;
        server.clock.advance(UnixMillis::MINUTE);
        let other = server.sign_in(&owner.authenticator).await;
        let stranger = server.invited(&owner, Role::Viewer).await;

        let page: Page<SignIn> = server.get(&owner, path::ACCOUNT_SIGN_INS).await.json();
        let [first, second] = page.items.as_slice() else {
            panic!("two browsers are signed in");
        };
        assert_eq!((first.current, second.current), (true, false));
        assert_eq!(first.address, "127.0.0.1");

        let place = path::account_sign_in(&second.id);
        assert_eq!(
            server.delete(&stranger, &place).await.problem(),
            ProblemCode::NotFound
        );
        let reply = server.delete(&owner, &place).await;
        assert_eq!(reply.status, StatusCode::NO_CONTENT);
        assert!(reply.headers.get(header::SET_COOKIE).is_none());
        assert_eq!(
            server.get(&other, path::ACCOUNT).await.problem(),
            ProblemCode::Unauthenticated
        );
        assert_eq!(
            server.delete(&owner, &place).await.problem(),
            ProblemCode::NotFound
        );

        let reply = server.delete(&owner, &path::account_sign_in("current")).await;
        assert_eq!(reply.status, StatusCode::NO_CONTENT);
        assert_eq!(reply.cookie().as_deref(), Some(""));
        assert_eq!(
            server.get(&owner, path::ACCOUNT).await.problem(),
            ProblemCode::Unauthenticated
        );
    }
);

both_engines!(
    async fn sign_ins_come_in_pages(server: Server) {
        let mut owner = server.owner().await;
        for _ in 0..2 {
            server.clock.advance(UnixMillis::MINUTE);
            let reply = server.try_sign_in(&mut owner.authenticator).await;
            assert_eq!(reply.status, StatusCode::OK, "{reply}");
        }
        let all: Page<SignIn> = server.get(&owner, path::ACCOUNT_SIGN_INS).await.json();
        let two = format!("{}?limit=2", path::ACCOUNT_SIGN_INS);
        let first: Page<SignIn> = server.get(&owner, &two).await.json();
        let after = first.next.clone().expect("a page follows");
        let rest = format!("{two}&after={after}");
        let rest: Page<SignIn> = server.get(&owner, &rest).await.json();
        assert_eq!(rest.next, None);
        assert_eq!([first.items, rest.items].concat(), all.items);
        for (query, code) in [
            ("limit=0", ProblemCode::Invalid),
            ("limit=201", ProblemCode::Invalid),
            ("after=%00", ProblemCode::Invalid),
            ("limit=many", ProblemCode::Invalid),
        ] {
            let place = format!("{}?{query}", path::ACCOUNT_SIGN_INS);
            assert_eq!(server.get(&owner, &place).await.problem(), code, "{query}");
        }
    }
);

both_engines!(
    /// Threat model: WEB-5.
    async fn an_address_can_start_only_so_many_sign_ins(server: Server) {
        for _ in 0..60 {
            let reply = server.act(&Nobody, path::SIGN_INS).await;
            assert_eq!(reply.status, StatusCode::OK);
        }
        for (place, body) in [
            (path::SIGN_INS, json!({})),
            (path::LINK_INSPECTION, json!({ "token": "x" })),
            (path::REGISTRATIONS, json!({ "token": "x" })),
            (path::RECOVERIES, json!({ "code": "x" })),
        ] {
            let reply = server.post(&Nobody, place, body).await;
            assert_eq!(reply.status, StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(reply.problem(), ProblemCode::RateLimited);
            assert!(reply.headers.contains_key(header::RETRY_AFTER));
        }
        server.clock.advance(10 * UnixMillis::MINUTE);
        let reply = server.act(&Nobody, path::SIGN_INS).await;
        assert_eq!(reply.status, StatusCode::OK);
    }
);

both_engines!(
    /// Threat model: WEB-5.
    async fn bodies_are_bounded_and_have_to_be_json(server: Server) {
        let ceremony: Ceremony = server.act(&Nobody, path::SIGN_INS).await.json();
        let place = path::sign_in(&ceremony.id);
        let large = json!({ "credential": "x".repeat(64 * 1024) });
        assert_eq!(
            server.post(&Nobody, &place, large).await.problem(),
            ProblemCode::TooLarge
        );
        assert_eq!(
            server.act(&Nobody, &place).await.problem(),
            ProblemCode::Malformed
        );
        assert_eq!(
            server
                .post(&Nobody, &place, json!({ "other": 1 }))
                .await
                .problem(),
            ProblemCode::Invalid
        );
    }
);
