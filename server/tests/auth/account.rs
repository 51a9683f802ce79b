//! The signed-in account and its organisations.

use gangway_protocol::account::{Account, TokenScope};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::{Organisation, Role};
use gangway_protocol::page::Page;
use gangway_protocol::path;
use serde_json::json;

use crate::support::both_engines;
use crate::support::visitor::Nobody;

both_engines!(
    async fn a_person_changes_their_name(server: Server) {
        let owner = server.owner().await;
        let account: Account = server
            .patch(&owner, path::ACCOUNT, json!({ "name": "  Olga O. " }))
            .await
            .json();
        assert_eq!(account.name, "Olga O.");
        for name in ["", "\u{200b}", "line\nbreak"] {
            let reply = server.patch(&owner, path::ACCOUNT, json!({ "name": name })).await;
            assert_eq!(reply.problem(), ProblemCode::Invalid, "{name:?}");
        }
        assert_eq!(server.records("account.renamed").await, 1);
    }
);

both_engines!(
    async fn a_program_sees_its_account_and_nothing_beyond_its_organisation(server: Server) {
        let program = server.terminal(&[TokenScope::FleetRead]).await;
        let account: Account = server.get(&program, path::ACCOUNT).await.json();
        assert_eq!(account.verified_at, None);
        assert_eq!(account.organisations.len(), 1);
        server.grow_tree(&account.organisations[0].id).await;
        let page: Page<Organisation> = server.get(&program, path::ORGANISATIONS).await.json();
        assert_eq!(page.items.len(), 3, "the subtree");
        for place in [path::PASSKEYS, path::ACCOUNT_SIGN_INS, path::TOKENS] {
            assert_eq!(
                server.get(&program, place).await.problem(),
                ProblemCode::Forbidden
            );
        }
        let reply = server
            .patch(&program, path::ACCOUNT, json!({ "name": "Robot" }))
            .await;
        assert_eq!(reply.problem(), ProblemCode::Forbidden);
        let reply = server.act(&program, path::RECOVERY_CODES).await;
        assert_eq!(reply.problem(), ProblemCode::Forbidden);
    }
);

both_engines!(
    async fn a_role_holds_below_and_nothing_above_is_named(server: Server) {
        let owner = server.owner().await;
        let root = owner.organisation();
        let [middle, leaf] = server.grow_tree(&root).await;
        let viewer = server.invited(&owner, Role::Viewer).await;
        server.move_member(&viewer.account.id, &root, &middle).await;

        let page: Page<Organisation> = server.get(&owner, path::ORGANISATIONS).await.json();
        assert_eq!(page.items.len(), 3);
        assert!(
            page.items
                .iter()
                .all(|organisation| organisation.role == Role::Owner)
        );

        let page: Page<Organisation> = server.get(&viewer, path::ORGANISATIONS).await.json();
        let seen: Vec<_> = page
            .items
            .iter()
            .map(|organisation| (&organisation.id, organisation.parent.as_ref(), organisation.role))
            .collect();
        assert_eq!(
            seen,
            [
                (&middle, None, Role::Viewer),
                (&leaf, Some(&middle), Role::Viewer)
            ]
        );
        let foreign = server.get(&viewer, &path::members(&root)).await;
        let unknown = server
            .get(&viewer, &path::members("org_00000000000000000000000000"))
            .await;
        assert_eq!(foreign.problem(), ProblemCode::NotFound);
        assert_eq!((foreign.status, &foreign.body), (unknown.status, &unknown.body));

        let first = format!("{}?limit=2", path::ORGANISATIONS);
        let page: Page<Organisation> = server.get(&owner, &first).await.json();
        let rest = format!("{first}&after={}", page.next.expect("a page follows"));
        let rest: Page<Organisation> = server.get(&owner, &rest).await.json();
        assert_eq!(rest.items.len(), 1);
    }
);

both_engines!(
    async fn nobody_is_told_to_sign_in(server: Server) {
        for place in [
            path::ACCOUNT,
            path::PASSKEYS,
            path::ACCOUNT_SIGN_INS,
            path::TOKENS,
            path::ORGANISATIONS,
            "/api/v1/organisations/x/members",
        ] {
            let reply = server.get(&Nobody, place).await;
            assert_eq!(reply.problem(), ProblemCode::Unauthenticated, "{place}");
        }
    }
);
