//! The rules of an organisation.

use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::{Policy, Role};
use gangway_protocol::path;
use gangway_protocol::time::UnixMillis;
use serde_json::json;

use crate::support::both_engines;

both_engines!(
    async fn rules_are_changed_one_by_one_and_recorded(server: Server) {
        let mut owner = server.owner().await;
        let place = path::organisation_policy(owner.organisation());
        let changed: Policy = server
            .patch(&owner, &place, json!({ "superseded_grace_hours": 24 }))
            .await
            .json();
        let expected = Policy {
            superseded_grace_hours: 24,
            ..Policy::default()
        };
        assert_eq!(changed, expected);
        let again: Policy = server
            .patch(&owner, &place, json!({ "certificate_validity_days": 30 }))
            .await
            .json();
        assert_eq!(
            (again.superseded_grace_hours, again.certificate_validity_days),
            (24, 30)
        );
        let same: Policy = server.patch(&owner, &place, json!({})).await.json();
        assert_eq!(same, again);
        assert_eq!(server.records("organisation.policy_changed").await, 2);

        server.clock.advance(6 * UnixMillis::MINUTE);
        let stale = server.patch(&owner, &place, json!({ "grace_days": 1 })).await;
        assert_eq!(stale.problem(), ProblemCode::StepUpRequired);
        server.step_up(&mut owner).await;
        for beyond in [
            json!({ "certificate_validity_days": 0 }),
            json!({ "certificate_validity_days": 826 }),
            json!({ "grace_days": 367 }),
            json!({ "superseded_grace_hours": 745 }),
        ] {
            let refused = server.patch(&owner, &place, beyond.clone()).await;
            assert_eq!(refused.problem(), ProblemCode::Invalid, "{beyond}");
        }
    }
);

both_engines!(
    async fn only_admins_change_rules_and_only_of_their_own_organisation(server: Server) {
        let owner = server.owner().await;
        let place = path::organisation_policy(owner.organisation());
        let body = json!({ "superseded_in_crl": false });
        for (role, expected) in [
            (Role::Admin, None),
            (Role::Operator, Some(ProblemCode::Forbidden)),
            (Role::Installer, Some(ProblemCode::Forbidden)),
            (Role::Viewer, Some(ProblemCode::Forbidden)),
        ] {
            let member = server.invited(&owner, role).await;
            let reply = server.patch(&member, &place, body.clone()).await;
            match expected {
                None => assert!(!reply.json::<Policy>().superseded_in_crl),
                Some(expected) => assert_eq!(reply.problem(), expected, "{role:?}"),
            }
        }
        let elsewhere = server.organisation("Elsewhere").await;
        let stranger = server.member(&elsewhere, Role::Owner, "Sten").await;
        let unknown = path::organisation_policy("org_00000000000000000000000000");
        for place in [place.as_str(), unknown.as_str()] {
            let reply = server.patch(&stranger, place, body.clone()).await;
            assert_eq!(reply.problem(), ProblemCode::NotFound);
        }
    }
);
