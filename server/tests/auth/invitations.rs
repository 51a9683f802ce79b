//! Invitations.

use gangway_protocol::account::{Account, TokenScope};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::{Invitation, Role};
use gangway_protocol::page::Page;
use gangway_protocol::path;
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;
use gangway_server::people::links::recovery_link;
use http::{HeaderName, Method, StatusCode};
use serde_json::json;

use crate::support::both_engines;
use crate::support::person::token_of;
use crate::support::visitor::Nobody;

both_engines!(
    async fn an_invitation_is_made_listed_and_taken(server: Server) {
        let owner = server.owner().await;
        let place = path::invitations(owner.organisation());
        let (invitation, token) = server.invitation(&owner, Role::Operator).await;
        let link = invitation
            .link
            .as_ref()
            .expect("it shows the link")
            .expose()
            .to_owned();
        assert!(link.starts_with("http://localhost:8080/setup#gw_inv_"));
        assert_eq!(
            invitation.expires_at.since(server.gangway.clock.now()),
            7 * UnixMillis::DAY
        );
        let page: Page<Invitation> = server.get(&owner, &place).await.json();
        let [listed] = page.items.as_slice() else {
            panic!("one invitation waits");
        };
        assert_eq!(
            (&listed.id, listed.role, &listed.link),
            (&invitation.id, Role::Operator, &None)
        );

        let operator = server.register(&token, "Otto").await;
        assert_eq!(operator.account.organisations[0].role, Role::Operator);
        let page: Page<Invitation> = server.get(&owner, &place).await.json();
        assert!(page.items.is_empty());
        assert_eq!(server.records("invitation.created").await, 1);
        assert_eq!(server.records("member.joined").await, 1);
    }
);

both_engines!(
    async fn an_account_joins_a_second_organisation_by_an_invitation(server: Server) {
        let ada = server.owner().await;
        let elsewhere = server.organisation("Elsewhere").await;
        let eve = server.member(&elsewhere, Role::Owner, "Eve").await;
        let invite = async |role: Role| -> SecretString {
            let place = path::invitations(&elsewhere);
            let made: Invitation = server.post(&eve, &place, json!({ "role": role })).await.json();
            token_of(&made.link.expect("a new invitation shows its link"))
        };
        let place = path::ACCOUNT_MEMBERSHIPS;
        let first = invite(Role::Operator).await;
        let request = json!({ "token": first });
        let reply = server.post(&Nobody, place, request.clone()).await;
        assert_eq!(reply.problem(), ProblemCode::Unauthenticated);
        let program = server.terminal(&[TokenScope::FleetRead]).await;
        let reply = server.post(&program, place, request.clone()).await;
        assert_eq!(reply.problem(), ProblemCode::Forbidden);

        let joined: Account = server.post(&ada, place, request.clone()).await.json();
        let role_in = |account: &Account, id: &OrganisationId| {
            let mut all = account.organisations.iter();
            all.find(|organisation| organisation.id == *id)
                .map(|found| found.role)
        };
        assert_eq!(role_in(&joined, &ada.organisation()), Some(Role::Owner));
        assert_eq!(role_in(&joined, &elsewhere), Some(Role::Operator));
        assert_eq!(
            server.post(&ada, place, request).await.problem(),
            ProblemCode::LinkUnknown
        );

        // A lesser role takes nothing away and leaves the invitation to whom it was meant for; a greater one counts.
        let lesser = invite(Role::Viewer).await;
        let reply = server.post(&ada, place, json!({ "token": lesser })).await;
        assert_eq!(reply.problem(), ProblemCode::Conflict);
        server.register(&lesser, "Vera").await;
        let greater = invite(Role::Admin).await;
        let joined: Account = server.post(&ada, place, json!({ "token": greater })).await.json();
        assert_eq!(role_in(&joined, &elsewhere), Some(Role::Admin));
        assert_eq!(server.records("member.joined").await, 3);

        let link = recovery_link(
            &server.gangway.db,
            &server.gangway.config,
            &*server.gangway.clock,
            &*server.gangway.random,
            "Eve",
        );
        let recovery = token_of(&link.await.expect("a link"));
        let reply = server.post(&ada, place, json!({ "token": recovery })).await;
        assert_eq!(reply.problem(), ProblemCode::LinkUnknown, "only invitations");
        server.start_registration(&recovery).await;
    }
);

both_engines!(
    async fn an_invitation_that_was_taken_back_is_void(server: Server) {
        let owner = server.owner().await;
        let (invitation, token) = server.invitation(&owner, Role::Viewer).await;
        let place = path::invitation(owner.organisation(), &invitation.id);
        assert_eq!(server.delete(&owner, &place).await.status, StatusCode::NO_CONTENT);
        assert_eq!(
            server.delete(&owner, &place).await.problem(),
            ProblemCode::NotFound
        );
        let reply = server
            .post(&Nobody, path::LINK_INSPECTION, json!({ "token": token }))
            .await;
        assert_eq!(reply.problem(), ProblemCode::LinkUnknown);
        assert_eq!(server.records("invitation.withdrawn").await, 1);
    }
);

both_engines!(
    /// Threat model: ACC-7.
    async fn nobody_invites_above_their_own_role(server: Server) {
        let owner = server.owner().await;
        let admin = server.invited(&owner, Role::Admin).await;
        let operator = server.invited(&owner, Role::Operator).await;
        let place = path::invitations(owner.organisation());
        let invite = |role: Role| json!({ "role": role, "note": "for the night shift" });
        let reply = server.post(&admin, &place, invite(Role::Owner)).await;
        assert_eq!(reply.problem(), ProblemCode::Forbidden);
        let made: Invitation = server.post(&admin, &place, invite(Role::Admin)).await.json();
        assert_eq!(made.note, "for the night shift");
        let reply = server.post(&operator, &place, invite(Role::Viewer)).await;
        assert_eq!(reply.problem(), ProblemCode::Forbidden);
        assert_eq!(
            server.get(&operator, &place).await.problem(),
            ProblemCode::Forbidden
        );
        let program = server.terminal(&[TokenScope::FleetRead, TokenScope::Enrol]).await;
        let reply = server.post(&program, &place, invite(Role::Viewer)).await;
        assert_eq!(reply.problem(), ProblemCode::Forbidden);
        let long = json!({ "role": "viewer", "note": "x".repeat(129) });
        assert_eq!(
            server.post(&admin, &place, long).await.problem(),
            ProblemCode::Invalid
        );
        server.clock.advance(5 * UnixMillis::MINUTE);
        let reply = server.post(&admin, &place, invite(Role::Viewer)).await;
        assert_eq!(reply.problem(), ProblemCode::StepUpRequired);
    }
);

both_engines!(
    /// Threat model: ACC-8.
    async fn a_foreign_organisation_answers_as_an_unknown_one(server: Server) {
        let owner = server.owner().await;
        let viewer = server.invited(&owner, Role::Viewer).await;
        let [middle, _] = server.grow_tree(&owner.organisation()).await;
        server
            .move_member(&viewer.account.id, &owner.organisation(), &middle)
            .await;
        let unknown = "org_00000000000000000000000000";
        let foreign = owner.organisation().to_string();
        let link = "lnk_00000000000000000000000000";
        type Place = fn(String) -> String;
        let places: [(Method, Place); 3] = [
            (Method::GET, path::invitations),
            (Method::POST, path::invitations),
            (Method::GET, path::members),
        ];
        for (method, of) in places {
            let body = (method == Method::POST).then(|| json!({ "role": "viewer" }));
            let there = server
                .call(&viewer, method.clone(), &of(foreign.clone()), body.clone())
                .await;
            let nowhere = server.call(&viewer, method, &of(unknown.to_owned()), body).await;
            assert_eq!(there.problem(), ProblemCode::NotFound);
            assert_eq!((there.status, there.body), (nowhere.status, nowhere.body));
        }
        let there = server.delete(&viewer, &path::invitation(&foreign, link)).await;
        let nowhere = server.delete(&viewer, &path::invitation(unknown, link)).await;
        assert_eq!(there.problem(), ProblemCode::NotFound);
        assert_eq!((there.status, there.body), (nowhere.status, nowhere.body));
    }
);

both_engines!(
    async fn a_repeated_invitation_is_one_invitation(server: Server) {
        let owner = server.owner().await;
        let place = path::invitations(owner.organisation());
        let key = [(
            HeaderName::from_static("idempotency-key"),
            "0123456789abcdef0123456789abcdef",
        )];
        let body = Some(json!({ "role": "viewer" }));
        let one = server
            .call_with(&owner, Method::POST, &place, body.clone(), &key)
            .await;
        let two = server.call_with(&owner, Method::POST, &place, body, &key).await;
        let (one, two): (Invitation, Invitation) = (one.json(), two.json());
        assert_eq!(one, two);
        assert!(two.link.is_some());
    }
);
