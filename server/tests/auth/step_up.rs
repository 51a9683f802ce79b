//! Proving a passkey again.

use gangway_protocol::account::{Account, Ceremony, TokenScope};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_protocol::path;
use gangway_protocol::time::UnixMillis;
use http::StatusCode;
use serde_json::{Value, json};

use crate::support::both_engines;

both_engines!(
    /// Threat model: ENR-10.
    async fn a_proof_is_fresh_for_five_minutes(server: Server) {
        let mut owner = server.owner().await;
        server.clock.advance(5 * UnixMillis::MINUTE - 1);
        assert_eq!(server.act(&owner, path::PASSKEYS).await.status, StatusCode::OK);
        server.clock.advance(1);
        let stale = server.act(&owner, path::PASSKEYS).await;
        assert_eq!(stale.status, StatusCode::FORBIDDEN);
        assert_eq!(stale.problem(), ProblemCode::StepUpRequired);

        server.step_up(&mut owner).await;
        let now = server.gangway.clock.now();
        assert_eq!(owner.account.verified_at, Some(now));
        assert_eq!(server.act(&owner, path::PASSKEYS).await.status, StatusCode::OK);
    }
);

both_engines!(
    /// Threat model: ACC-4.
    async fn the_cookie_changes_and_the_former_one_proves_nothing(server: Server) {
        let mut owner = server.owner().await;
        server.clock.advance(UnixMillis::HOUR);
        let mut former = server.sign_in(&owner.authenticator).await;
        owner.authenticator = former.authenticator.clone();
        std::mem::swap(&mut former.cookie, &mut owner.cookie);
        former.cookie.clone_from(&owner.cookie);
        server.step_up(&mut owner).await;
        assert_ne!(owner.cookie, former.cookie);

        let account: Account = server.get(&former, path::ACCOUNT).await.json();
        assert_eq!(account.id, owner.account.id, "what was under way still arrives");
        assert_eq!(
            server.act(&former, path::PASSKEYS).await.problem(),
            ProblemCode::StepUpRequired,
            "but it is not fresh"
        );
        server.clock.advance(10 * UnixMillis::SECOND);
        assert_eq!(
            server.get(&former, path::ACCOUNT).await.problem(),
            ProblemCode::Unauthenticated
        );
        assert_eq!(server.get(&owner, path::ACCOUNT).await.status, StatusCode::OK);
    }
);

both_engines!(
    async fn only_ones_own_passkey_and_ones_own_ceremony_count(server: Server) {
        let mut owner = server.owner().await;
        let mut viewer = server.invited(&owner, Role::Viewer).await;

        let ceremony: Ceremony = server.act(&owner, path::STEP_UPS).await.json();
        let options: Value = ceremony.public_key.read().expect("options");
        let allowed = options["allowCredentials"].as_array().expect("a list");
        assert_eq!(allowed.len(), 1);
        let foreign = json!({ "credential": viewer.authenticator.prove_with(0, &ceremony.public_key) });
        let reply = server.post(&owner, &path::step_up(&ceremony.id), foreign).await;
        assert_eq!(reply.problem(), ProblemCode::PasskeyRefused);
        assert!(reply.cookie().is_none());
        assert_eq!(server.records("sign_in.refused").await, 1);

        let ceremony: Ceremony = server.act(&owner, path::STEP_UPS).await.json();
        let proof = json!({ "credential": owner.authenticator.prove(&ceremony.public_key) });
        let reply = server.post(&viewer, &path::step_up(&ceremony.id), proof).await;
        assert_eq!(
            reply.problem(),
            ProblemCode::PasskeyRefused,
            "somebody else's ceremony"
        );

        let other_browser = server.sign_in(&owner.authenticator).await;
        owner.authenticator = other_browser.authenticator.clone();
        let ceremony: Ceremony = server.act(&owner, path::STEP_UPS).await.json();
        let proof = json!({ "credential": owner.authenticator.prove(&ceremony.public_key) });
        let reply = server
            .post(&other_browser, &path::step_up(&ceremony.id), proof)
            .await;
        assert_eq!(
            reply.problem(),
            ProblemCode::PasskeyRefused,
            "another browser's ceremony"
        );
    }
);

both_engines!(
    async fn a_token_has_no_passkey(server: Server) {
        let program = server.terminal(&[TokenScope::Enrol]).await;
        let reply = server.act(&program, path::STEP_UPS).await;
        assert_eq!(reply.problem(), ProblemCode::Forbidden);
    }
);
