//! Members and their roles.

use gangway_protocol::account::TokenScope;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::{Member, Role};
use gangway_protocol::page::Page;
use gangway_protocol::path;
use gangway_protocol::time::UnixMillis;
use http::StatusCode;
use serde_json::json;

use crate::support::both_engines;

both_engines!(
    async fn members_are_listed_for_those_who_see_the_fleet(server: Server) {
        let owner = server.owner().await;
        let viewer = server.invited(&owner, Role::Viewer).await;
        let installer = server.invited(&owner, Role::Installer).await;
        let place = path::members(owner.organisation());
        let page: Page<Member> = server.get(&viewer, &place).await.json();
        // Ids of one millisecond have no order of their own.
        let mut roles: Vec<Role> = page.items.iter().map(|member| member.role).collect();
        roles.sort();
        assert_eq!(roles, [Role::Viewer, Role::Installer, Role::Owner]);
        assert!(page.items.iter().any(|member| member.name == "Olga Owner"));
        assert_eq!(
            server.get(&installer, &place).await.problem(),
            ProblemCode::Forbidden
        );
        let program = server.terminal(&[TokenScope::OrganisationRead]).await;
        assert_eq!(server.get(&program, &place).await.status, StatusCode::OK);
        let program = server.terminal(&[TokenScope::Enrol, TokenScope::FleetRead]).await;
        assert_eq!(
            server.get(&program, &place).await.problem(),
            ProblemCode::Forbidden
        );
    }
);

both_engines!(
    async fn a_role_changes_at_once_and_never_above_ones_own(server: Server) {
        let owner = server.owner().await;
        let admin = server.invited(&owner, Role::Admin).await;
        let viewer = server.invited(&owner, Role::Viewer).await;
        let organisation = owner.organisation();
        let of = |account| path::member(&organisation, account);
        let to = |role: Role| json!({ "role": role });

        let changed: Member = server
            .patch(&admin, &of(&viewer.account.id), to(Role::Admin))
            .await
            .json();
        assert_eq!(changed.role, Role::Admin);
        let invitations = path::invitations(&organisation);
        assert_eq!(server.get(&viewer, &invitations).await.status, StatusCode::OK);
        for (account, role) in [
            (&viewer.account.id, Role::Owner),
            (&admin.account.id, Role::Owner),
            (&owner.account.id, Role::Viewer),
        ] {
            let reply = server.patch(&admin, &of(account), to(role)).await;
            assert_eq!(reply.problem(), ProblemCode::Forbidden);
        }
        let reply = server.delete(&admin, &of(&owner.account.id)).await;
        assert_eq!(reply.problem(), ProblemCode::Forbidden);

        let _: Member = server
            .patch(&owner, &of(&viewer.account.id), to(Role::Viewer))
            .await
            .json();
        assert_eq!(
            server.get(&viewer, &invitations).await.problem(),
            ProblemCode::Forbidden
        );
        let reply = server
            .patch(&viewer, &of(&viewer.account.id), to(Role::Viewer))
            .await;
        assert_eq!(reply.problem(), ProblemCode::Forbidden);
        assert_eq!(server.records("member.role_changed").await, 2);
    }
);

both_engines!(
    /// Threat model: ACC-7.
    async fn the_last_owner_stays(server: Server) {
        let owner = server.owner().await;
        let organisation = owner.organisation();
        let own = path::member(&organisation, &owner.account.id);
        for reply in [
            server.patch(&owner, &own, json!({ "role": "admin" })).await,
            server.delete(&owner, &own).await,
        ] {
            assert_eq!(reply.status, StatusCode::CONFLICT);
            assert_eq!(reply.problem(), ProblemCode::LastOwner);
        }
        let other = server.invited(&owner, Role::Owner).await;
        let others = path::member(&organisation, &other.account.id);
        let (one, two) = tokio::join!(server.delete(&owner, &own), server.delete(&other, &others));
        let left = [&one, &two]
            .iter()
            .filter(|reply| reply.status == StatusCode::NO_CONTENT)
            .count();
        assert_eq!(left, 1, "{one} {two}");
    }
);

both_engines!(
    async fn whoever_leaves_or_is_removed_sees_nothing_more(server: Server) {
        let owner = server.owner().await;
        let installer = server.invited(&owner, Role::Installer).await;
        let viewer = server.invited(&owner, Role::Viewer).await;
        let organisation = owner.organisation();
        let of = |account| path::member(&organisation, account);
        let reply = server.delete(&installer, &of(&viewer.account.id)).await;
        assert_eq!(reply.problem(), ProblemCode::Forbidden);
        let reply = server.delete(&installer, &of(&installer.account.id)).await;
        assert_eq!(reply.status, StatusCode::NO_CONTENT);
        let reply = server.delete(&owner, &of(&viewer.account.id)).await;
        assert_eq!(reply.status, StatusCode::NO_CONTENT);
        let place = path::members(&organisation);
        for person in [&installer, &viewer] {
            assert_eq!(server.get(person, &place).await.problem(), ProblemCode::NotFound);
        }
        let again = server.delete(&owner, &of(&viewer.account.id)).await;
        assert_eq!(again.problem(), ProblemCode::NotFound);
        assert_eq!(server.records("member.left").await, 1);
        assert_eq!(server.records("member.removed").await, 1);
        server.clock.advance(5 * UnixMillis::MINUTE);
        let stale = server.delete(&owner, &of(&owner.account.id)).await;
        assert_eq!(stale.problem(), ProblemCode::StepUpRequired);
    }
);
