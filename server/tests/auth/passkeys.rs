//! Passkeys of somebody who is signed in.

use gangway_protocol::account::{Account, Ceremony, Passkey, RecoveryCodes};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_protocol::page::Page;
use gangway_protocol::path;
use gangway_protocol::time::UnixMillis;
use http::StatusCode;
use serde_json::{Value, json};

use crate::support::authenticator::Authenticator;
use crate::support::both_engines;

both_engines!(
    async fn a_second_passkey_is_added_named_used_and_removed(server: Server) {
        let owner = server.owner().await;
        let ceremony: Ceremony = server.act(&owner, path::PASSKEYS).await.json();
        let options: Value = ceremony.public_key.read().expect("options");
        let known = options["excludeCredentials"].as_array().expect("a list");
        assert_eq!(known.len(), 1, "the authenticator is told what it has");
        let mut second = Authenticator::new("http://localhost:8080");
        let reply = json!({ "credential": second.create(&ceremony.public_key), "passkey_name": "Spare" });
        let place = path::passkey_ceremony(&ceremony.id);
        let added: Passkey = server.post(&owner, &place, reply.clone()).await.json();
        assert_eq!((added.name.as_str(), added.last_used_at), ("Spare", None));
        assert_eq!(
            server.post(&owner, &place, reply).await.problem(),
            ProblemCode::PasskeyRefused
        );

        let spare = server.sign_in(&second).await;
        assert_eq!(spare.account.id, owner.account.id);
        let page: Page<Passkey> = server.get(&owner, path::PASSKEYS).await.json();
        assert_eq!(page.items.len(), 2);
        let kept = page.items.iter().find(|passkey| passkey.id == added.id);
        assert_eq!(
            kept.and_then(|passkey| passkey.last_used_at),
            Some(server.gangway.clock.now())
        );

        let place = path::passkey(&added.id);
        let renamed: Passkey = server
            .patch(&owner, &place, json!({ "name": " In the safe " }))
            .await
            .json();
        assert_eq!(renamed.name, "In the safe");
        assert_eq!(
            server
                .patch(&owner, &place, json!({ "name": "" }))
                .await
                .problem(),
            ProblemCode::Invalid
        );
        assert_eq!(server.delete(&owner, &place).await.status, StatusCode::NO_CONTENT);
        let reply = server.try_sign_in(&mut second).await;
        assert_eq!(reply.problem(), ProblemCode::PasskeyRefused);
        assert_eq!(
            server.delete(&owner, &place).await.problem(),
            ProblemCode::NotFound
        );
        assert_eq!(server.records("passkey.added").await, 1);
        assert_eq!(server.records("passkey.removed").await, 1);
    }
);

both_engines!(
    /// Threat model: ACC-12.
    async fn a_removed_passkey_takes_along_the_browsers_that_signed_in_with_it(server: Server) {
        let owner = server.owner().await;
        let ceremony: Ceremony = server.act(&owner, path::PASSKEYS).await.json();
        let mut laptop = Authenticator::new("http://localhost:8080");
        let reply = json!({ "credential": laptop.create(&ceremony.public_key), "passkey_name": "Laptop" });
        let added: Passkey = server
            .post(&owner, &path::passkey_ceremony(&ceremony.id), reply)
            .await
            .json();
        let lost = server.sign_in(&laptop).await;
        let elsewhere = server.sign_in(&owner.authenticator).await;
        let removed = server.delete(&owner, &path::passkey(&added.id)).await;
        assert_eq!(removed.status, StatusCode::NO_CONTENT);
        assert_eq!(
            server.get(&lost, path::ACCOUNT).await.problem(),
            ProblemCode::Unauthenticated
        );
        for other in [&owner, &elsewhere] {
            assert_eq!(server.get(other, path::ACCOUNT).await.status, StatusCode::OK);
        }

        // Whoever removes the very passkey that they have just proved goes on where they are.
        let _: RecoveryCodes = server.act(&owner, path::RECOVERY_CODES).await.json();
        let page: Page<Passkey> = server.get(&owner, path::PASSKEYS).await.json();
        let removed = server.delete(&owner, &path::passkey(&page.items[0].id)).await;
        assert_eq!(removed.status, StatusCode::NO_CONTENT);
        assert_eq!(server.get(&owner, path::ACCOUNT).await.status, StatusCode::OK);
        assert_eq!(
            server.get(&elsewhere, path::ACCOUNT).await.problem(),
            ProblemCode::Unauthenticated
        );
    }
);

both_engines!(
    /// Threat model: ACC-7.
    async fn the_last_passkey_stays_while_there_is_no_recovery_code(server: Server) {
        let owner = server.owner().await;
        let page: Page<Passkey> = server.get(&owner, path::PASSKEYS).await.json();
        let place = path::passkey(&page.items[0].id);
        let refused = server.delete(&owner, &place).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        assert_eq!(refused.problem(), ProblemCode::Conflict);
        let account: Account = server.get(&owner, path::ACCOUNT).await.json();
        assert_eq!(account.passkeys, 1);

        let _: RecoveryCodes = server.act(&owner, path::RECOVERY_CODES).await.json();
        assert_eq!(server.delete(&owner, &place).await.status, StatusCode::NO_CONTENT);
    }
);

both_engines!(
    async fn two_last_passkeys_do_not_vanish_together(server: Server) {
        let owner = server.owner().await;
        let ceremony: Ceremony = server.act(&owner, path::PASSKEYS).await.json();
        let mut second = Authenticator::new("http://localhost:8080");
        let reply = json!({ "credential": second.create(&ceremony.public_key) });
        let place = path::passkey_ceremony(&ceremony.id);
        let _: Passkey = server.post(&owner, &place, reply).await.json();
        let page: Page<Passkey> = server.get(&owner, path::PASSKEYS).await.json();
        let (one, two) = (path::passkey(&page.items[0].id), path::passkey(&page.items[1].id));
        let (one, two) = tokio::join!(server.delete(&owner, &one), server.delete(&owner, &two));
        let gone = [&one, &two]
            .iter()
            .filter(|reply| reply.status == StatusCode::NO_CONTENT)
            .count();
        assert_eq!(gone, 1, "{one} {two}");
    }
);

both_engines!(
    async fn somebody_elses_passkey_is_not_found(server: Server) {
        let owner = server.owner().await;
        let viewer = server.invited(&owner, Role::Viewer).await;
        let page: Page<Passkey> = server.get(&owner, path::PASSKEYS).await.json();
        let foreign = path::passkey(&page.items[0].id);
        let unknown = path::passkey("psk_00000000000000000000000000");
        for place in [foreign, unknown, path::passkey("x")] {
            let renamed = server.patch(&viewer, &place, json!({ "name": "Mine" })).await;
            let removed = server.delete(&viewer, &place).await;
            for reply in [renamed, removed] {
                assert_eq!(reply.status, StatusCode::NOT_FOUND);
                assert_eq!(reply.problem(), ProblemCode::NotFound);
            }
        }
    }
);

both_engines!(
    async fn changes_ask_for_a_fresh_proof(server: Server) {
        let owner = server.owner().await;
        let page: Page<Passkey> = server.get(&owner, path::PASSKEYS).await.json();
        server.clock.advance(5 * UnixMillis::MINUTE);
        for reply in [
            server.act(&owner, path::PASSKEYS).await,
            server.act(&owner, path::RECOVERY_CODES).await,
            server.delete(&owner, &path::passkey(&page.items[0].id)).await,
        ] {
            assert_eq!(reply.problem(), ProblemCode::StepUpRequired);
        }
    }
);
