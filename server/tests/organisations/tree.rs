//! Organisations are made, renamed, moved, archived.

use gangway_client::IdempotencyKey;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::{
    InvitationRequest, MAX_ORGANISATION_DEPTH, Organisation, OrganisationRequest, OrganisationUpdate, Role,
};
use gangway_protocol::page::PageQuery;
use gangway_protocol::time::UnixMillis;

use super::{below, made, problem, try_make};
use crate::support::both_engines;
use crate::support::device::SoftDevice;
use crate::support::member::Member;

async fn listed(member: &Member) -> Vec<Organisation> {
    let page = member.api.organisations(&PageQuery::default()).await;
    page.expect("a list").items
}

both_engines!(
    async fn a_tree_is_made_and_whoever_is_above_sees_all_of_it(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let request = OrganisationRequest {
            parent: home.clone(),
            name: "  Household ".to_owned(),
        };
        let key = IdempotencyKey::new([7; 16]);
        let household = ada
            .api
            .create_organisation(&request, &key)
            .await
            .expect("it is made");
        assert_eq!(
            (household.name.as_str(), household.role),
            ("Household", Role::Admin)
        );
        assert_eq!(household.parent, Some(home.clone()));
        let again = ada.api.create_organisation(&request, &key).await;
        assert_eq!(again.expect("the same").id, household.id);
        let hall = made(&ada, &household.id, "Hall").await;

        let names: Vec<String> = listed(&ada).await.into_iter().map(|one| one.name).collect();
        assert_eq!(names.len(), 3);
        assert_eq!(server.records("organisation.created").await, 2);

        let guest = server.member(&hall, Role::Viewer, "Guest").await;
        let seen = listed(&guest).await;
        assert_eq!(seen.len(), 1, "nothing of what is above or beside");
        assert_eq!((&seen[0].id, &seen[0].parent), (&hall, &None));
        for name in ["", " ", "a\u{202e}b", &"x".repeat(65)] {
            assert_eq!(
                problem(try_make(&ada, &home, name).await),
                ProblemCode::Invalid,
                "{name:?}"
            );
        }
    }
);

both_engines!(
    /// Threat model: ACC-15.
    async fn an_organisation_is_renamed_by_its_admins_and_placed_by_those_above(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let (north, south) = (made(&ada, &home, "North").await, made(&ada, &home, "South").await);
        let hall = made(&ada, &north, "Hall").await;
        let ben = server.member(&hall, Role::Owner, "Ben").await;

        let rename = OrganisationUpdate {
            name: Some("Great hall".to_owned()),
            ..OrganisationUpdate::default()
        };
        let renamed = ben
            .api
            .change_organisation(&hall, &rename)
            .await
            .expect("it is renamed");
        assert_eq!(renamed.name, "Great hall");
        assert_eq!(
            renamed.parent, None,
            "what is above is not named to whoever is not there"
        );
        assert_eq!(
            problem(ben.api.change_organisation(&hall, &below(&south)).await),
            ProblemCode::Forbidden
        );
        let of_both = server.member(&south, Role::Admin, "Cleo").await;
        assert_eq!(
            problem(of_both.api.change_organisation(&hall, &below(&south)).await),
            ProblemCode::NotFound
        );
        assert_eq!(
            problem(ben.api.archive_organisation(&hall).await),
            ProblemCode::Forbidden
        );
        server.member(&hall, Role::Viewer, "Dora").await;

        let moved = ada
            .api
            .change_organisation(&hall, &below(&south))
            .await
            .expect("it is moved");
        assert_eq!(moved.parent, Some(south));
        assert_eq!(server.records("organisation.moved").await, 1);
        assert_eq!(server.records("organisation.renamed").await, 1);
        let root = ada.api.change_organisation(&home, &below(&north)).await;
        assert_eq!(problem(root), ProblemCode::Conflict, "a customer stays on top");
        let elsewhere = server.organisation("Elsewhere").await;
        let eve = server.member(&elsewhere, Role::Owner, "Eve").await;
        assert_eq!(
            problem(eve.api.change_organisation(&north, &below(&elsewhere)).await),
            ProblemCode::NotFound
        );
        assert_eq!(
            problem(ada.api.change_organisation(&north, &below(&elsewhere)).await),
            ProblemCode::NotFound
        );
        server.clock.advance(6 * UnixMillis::MINUTE);
        let stale = ada.api.change_organisation(&north, &rename).await;
        assert_eq!(problem(stale), ProblemCode::StepUpRequired);
    }
);

both_engines!(
    /// Threat model: ACC-15.
    async fn of_two_moves_that_would_make_a_circle_one_happens(server: Server) {
        let home = server.organisation("Works").await;
        let (ada, ben) = (
            server.member(&home, Role::Admin, "Ada").await,
            server.member(&home, Role::Admin, "Ben").await,
        );
        let (one, two) = (made(&ada, &home, "One").await, made(&ada, &home, "Two").await);
        let (into_two, into_one) = (below(&two), below(&one));
        let (first, second) = tokio::join!(
            ada.api.change_organisation(&one, &into_two),
            ben.api.change_organisation(&two, &into_one),
        );
        assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
        assert_eq!(listed(&ada).await.len(), 3, "none is out of reach");
        let alone = ada.api.change_organisation(&one, &below(&one)).await;
        assert_eq!(problem(alone), ProblemCode::Conflict);
    }
);

both_engines!(
    async fn a_tree_has_a_depth(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let branch = made(&ada, &home, "Branch").await;
        made(&ada, &branch, "Twig").await;
        let mut last = home.clone();
        for level in 1..=MAX_ORGANISATION_DEPTH {
            last = made(&ada, &last, &format!("Level {level}")).await;
        }
        assert_eq!(
            problem(try_make(&ada, &last, "Too deep").await),
            ProblemCode::Conflict
        );
        assert_eq!(
            problem(ada.api.change_organisation(&branch, &below(&last)).await),
            ProblemCode::Conflict
        );
    }
);

both_engines!(
    async fn what_is_archived_takes_nothing_until_it_is_opened(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Owner, "Ada").await;
        let hall = made(&ada, &home, "Hall").await;
        let closet = made(&ada, &hall, "Closet").await;
        let here = server.at(&ada, &hall);
        let (_, certificate) = SoftDevice::in_fleet(&server, &here).await;
        let archive = async || ada.api.archive_organisation(&hall).await;
        assert_eq!(
            problem(archive().await),
            ProblemCode::Conflict,
            "there is an organisation in it"
        );
        ada.api.archive_organisation(&closet).await.expect("it is empty");
        assert_eq!(
            problem(archive().await),
            ProblemCode::Conflict,
            "there is a device in it"
        );
        ada.api
            .retire_device(&certificate.device)
            .await
            .expect("it is retired");
        let invitation = InvitationRequest {
            role: Role::Viewer,
            note: "Ben".to_owned(),
        };
        let invite = async |key| {
            ada.api
                .invite(&hall, &invitation, &IdempotencyKey::new([key; 16]))
                .await
        };
        invite(1).await.expect("an invitation");

        let archived = archive().await.expect("nothing is left in it");
        assert!(archived.archived_at.is_some());
        assert_eq!(archive().await.expect("again").archived_at, archived.archived_at);
        let waiting = ada.api.invitations(&hall, &PageQuery::default()).await;
        assert!(waiting.expect("a list").items.is_empty());
        let key = crate::support::csr::key();
        let request = here.approval_request(&crate::support::csr::csr(&key)).await;
        let approval = here.api.approve(&server.claim(&here), &request).await;
        assert_eq!(problem(approval), ProblemCode::Conflict);
        assert_eq!(problem(invite(2).await), ProblemCode::Conflict);
        assert_eq!(
            problem(try_make(&ada, &hall, "Below").await),
            ProblemCode::Conflict
        );
        assert_eq!(
            problem(ada.api.open_organisation(&closet).await),
            ProblemCode::Conflict
        );

        let opened = ada.api.open_organisation(&hall).await.expect("it is opened");
        assert_eq!(opened.archived_at, None);
        here.enrol(&server, &key).await;
        assert_eq!(
            problem(ada.api.archive_organisation(&home).await),
            ProblemCode::Conflict
        );
        assert_eq!(server.records("organisation.archived").await, 2);
        assert_eq!(server.records("organisation.opened").await, 1);
        server.verify_audit().await.expect("the record holds");
    }
);
