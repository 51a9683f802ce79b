//! Ways back in: recovery codes, and the operator's recovery link.

use gangway_protocol::account::{Account, LinkPurpose, RecoveryCodes, RegistrationGrant};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_protocol::path;
use gangway_protocol::time::UnixMillis;
use gangway_server::people::links::{RecoveryLinkError, recovery_link};
use http::StatusCode;
use serde_json::json;

use crate::support::authenticator::Authenticator;
use crate::support::both_engines;
use crate::support::person::token_of;
use crate::support::visitor::Nobody;

both_engines!(
    /// Threat model: ACC-6.
    async fn a_code_opens_the_account_once_and_signs_others_out(server: Server) {
        let owner = server.owner().await;
        let RecoveryCodes { codes } = server.act(&owner, path::RECOVERY_CODES).await.json();
        assert_eq!(codes.len(), 8);
        let typed = codes[3].expose().to_lowercase().replace('-', " ");
        let grant: RegistrationGrant = server
            .post(&Nobody, path::RECOVERIES, json!({ "code": typed }))
            .await
            .json();
        let again = server
            .post(&Nobody, path::RECOVERIES, json!({ "code": typed }))
            .await;
        assert_eq!(again.problem(), ProblemCode::LinkUnknown);

        let inspection = json!({ "token": grant.token });
        let purpose: LinkPurpose = server
            .post(&Nobody, path::LINK_INSPECTION, inspection)
            .await
            .json();
        assert_eq!(
            purpose,
            LinkPurpose::Recovery {
                account: "Olga Owner".to_owned()
            }
        );
        let recovered = server.register(&grant.token, "ignored").await;
        assert_eq!(recovered.account.id, owner.account.id);
        assert_eq!(recovered.account.name, "Olga Owner");
        assert_eq!(
            (recovered.account.passkeys, recovered.account.recovery_codes),
            (2, 7)
        );
        assert_eq!(
            server.get(&owner, path::ACCOUNT).await.problem(),
            ProblemCode::Unauthenticated
        );
        assert_eq!(server.records("recovery_code.used").await, 1);
        assert_eq!(server.records("recovery_code.refused").await, 1);
        assert_eq!(server.records("account.recovered").await, 1);
    }
);

both_engines!(
    async fn fresh_codes_void_the_former_ones(server: Server) {
        let owner = server.owner().await;
        let former: RecoveryCodes = server.act(&owner, path::RECOVERY_CODES).await.json();
        let _: RecoveryCodes = server.act(&owner, path::RECOVERY_CODES).await.json();
        let reply = server
            .post(&Nobody, path::RECOVERIES, json!({ "code": former.codes[0] }))
            .await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND);
        assert_eq!(reply.problem(), ProblemCode::LinkUnknown);
        let account: Account = server.get(&owner, path::ACCOUNT).await.json();
        assert_eq!(account.recovery_codes, 8);
        let stored = server.text("SELECT MIN(code_hash) FROM recovery_codes").await;
        assert_eq!(stored.len(), 64, "only hashes are kept");
    }
);

both_engines!(
    /// Threat model: ACC-6.
    async fn a_grant_lasts_ten_minutes(server: Server) {
        let owner = server.owner().await;
        let codes: RecoveryCodes = server.act(&owner, path::RECOVERY_CODES).await.json();
        let request = json!({ "code": codes.codes[0] });
        let grant: RegistrationGrant = server.post(&Nobody, path::RECOVERIES, request).await.json();
        let inspect = async || {
            let token = json!({ "token": grant.token });
            server.post(&Nobody, path::LINK_INSPECTION, token).await
        };
        server.clock.advance(10 * UnixMillis::MINUTE - 1);
        assert_eq!(inspect().await.status, StatusCode::OK);
        server.clock.advance(1);
        assert_eq!(inspect().await.problem(), ProblemCode::LinkUnknown);
    }
);

both_engines!(
    async fn the_operator_makes_a_link_for_somebody_by_name_or_id(server: Server) {
        let owner = server.owner().await;
        let gangway = &server.gangway;
        let link = async |who: &str| {
            recovery_link(
                &gangway.db,
                &gangway.config,
                &*gangway.clock,
                &*gangway.random,
                who,
            )
            .await
        };
        let url = link("Olga Owner").await.expect("there is one Olga");
        assert!(url.expose().starts_with("http://localhost:8080/setup#gw_rec_"));
        let mut authenticator = Authenticator::new("http://localhost:8080");
        let reply = server.try_register(&token_of(&url), "", &mut authenticator).await;
        let account: Account = reply.json();
        assert_eq!((account.id, account.passkeys), (owner.account.id.clone(), 2));

        assert!(matches!(link("Nobody").await, Err(RecoveryLinkError::Nobody(_))));
        authenticator.credentials[0].counter += 1;
        let owner = server.sign_in(&authenticator).await;
        let (_, token) = server.invitation(&owner, Role::Viewer).await;
        server.register(&token, "Olga Owner").await;
        let Err(RecoveryLinkError::Several(ids)) = link("Olga Owner").await else {
            panic!("there are two now");
        };
        assert_eq!(ids.len(), 2);
        assert!(link(owner.account.id.as_str()).await.is_ok());
    }
);
