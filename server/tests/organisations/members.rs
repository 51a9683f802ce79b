//! Who belongs where.

use gangway_protocol::account::TokenScope;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::{MemberUpdate, Role};
use gangway_protocol::page::PageQuery;

use super::{below, made, problem};
use crate::support::both_engines;
use crate::support::device::SoftDevice;

both_engines!(
    /// Threat model: ACC-17.
    async fn a_member_of_the_household_sees_the_devices_there_and_no_others(server: Server) {
        let home = server.organisation("Customer").await;
        let ada = server.member(&home, Role::Owner, "Ada").await;
        let household = made(&ada, &home, "Household").await;
        let plant = made(&ada, &home, "Power plant").await;
        let (_, of_home) = SoftDevice::in_fleet(&server, &ada).await;
        let (_, of_household) = SoftDevice::in_fleet(&server, &server.at(&ada, &household)).await;
        let (_, of_plant) = SoftDevice::in_fleet(&server, &server.at(&ada, &plant)).await;
        let guest = server.member(&household, Role::Viewer, "Guest").await;

        let seen: Vec<_> = guest.fleet().await.into_iter().map(|device| device.id).collect();
        assert_eq!(seen, std::slice::from_ref(&of_household.device));
        assert_eq!(ada.fleet().await.len(), 3);
        for hidden in [&of_home.device, &of_plant.device] {
            assert_eq!(problem(guest.api.device(hidden).await), ProblemCode::NotFound);
        }
        let mut query = gangway_protocol::device::DeviceQuery {
            organisation: Some(home.clone()),
            ..Default::default()
        };
        let all = ada.api.devices(&query).await.expect("a list").items;
        assert_eq!(
            all.len(),
            3,
            "an organisation's fleet is what is in it and below it"
        );
        assert_eq!(problem(guest.api.devices(&query).await), ProblemCode::NotFound);
        query.organisation = Some(plant);
        let of_one = ada.api.devices(&query).await.expect("a list").items;
        assert_eq!(of_one.len(), 1);
    }
);

both_engines!(
    /// Threat model: ACC-17.
    async fn whoever_belongs_to_the_customer_is_added_without_an_invitation(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let (hall, yard) = (made(&ada, &home, "Hall").await, made(&ada, &home, "Yard").await);
        let ben = server.member(&hall, Role::Viewer, "Ben").await;
        let as_role = |role| MemberUpdate { role };

        let added = ada
            .api
            .add_member(&yard, &ben.account, &as_role(Role::Operator))
            .await;
        assert_eq!(added.expect("he is added").role, Role::Operator);
        let again = ada
            .api
            .add_member(&yard, &ben.account, &as_role(Role::Admin))
            .await;
        assert_eq!(problem(again), ProblemCode::Conflict);
        let above = ada
            .api
            .add_member(&hall, &ada.account, &as_role(Role::Owner))
            .await;
        assert_eq!(problem(above), ProblemCode::Forbidden);
        let mine = ben
            .api
            .organisations(&PageQuery::default())
            .await
            .expect("a list")
            .items;
        assert_eq!(mine.len(), 2);

        // A greater role below takes nothing away that a lesser one above gives.
        let vic = server.member(&home, Role::Viewer, "Vic").await;
        let (_, certificate) = SoftDevice::in_fleet(&server, &server.at(&ada, &hall)).await;
        ada.api
            .add_member(&hall, &vic.account, &as_role(Role::Installer))
            .await
            .expect("he is added");
        assert_eq!(vic.fleet().await.len(), 1);
        vic.api.device(&certificate.device).await.expect("he sees it");

        let elsewhere = server.organisation("Elsewhere").await;
        let eve = server.member(&elsewhere, Role::Admin, "Eve").await;
        let stranger = ada
            .api
            .add_member(&hall, &eve.account, &as_role(Role::Viewer))
            .await;
        assert_eq!(
            problem(stranger),
            ProblemCode::NotFound,
            "nobody is drawn in who is not known"
        );
        let foreign = eve
            .api
            .add_member(&elsewhere, &ben.account, &as_role(Role::Viewer))
            .await;
        assert_eq!(problem(foreign), ProblemCode::NotFound);
        assert_eq!(server.records("member.added").await, 2);
    }
);

both_engines!(
    /// Threat model: ACC-12.
    async fn what_a_move_takes_away_ends(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Owner, "Ada").await;
        let (north, south) = (made(&ada, &home, "North").await, made(&ada, &home, "South").await);
        let hall = made(&ada, &north, "Hall").await;
        let ben = server.member(&north, Role::Admin, "Ben").await;
        let (_, certificate) = SoftDevice::in_fleet(&server, &server.at(&ben, &hall)).await;
        let program = server.program(&hall, &[TokenScope::FleetRead]).await;
        assert_eq!(ben.fleet().await.len(), 1);
        assert_eq!(program.fleet().await.len(), 1);
        let under_way = server.at(&ben, &hall);
        let approval = under_way.approve(&server, &crate::support::csr::key()).await;
        let early = ada.api.change_organisation(&hall, &below(&south)).await;
        assert_eq!(
            problem(early),
            ProblemCode::Conflict,
            "a device is being enrolled there"
        );
        ada.api
            .withdraw_approval(&approval.claim)
            .await
            .expect_err("it is Ben's");
        under_way
            .api
            .withdraw_approval(&approval.claim)
            .await
            .expect("it is taken back");

        ada.api
            .change_organisation(&hall, &below(&south))
            .await
            .expect("it is moved");
        assert!(ben.fleet().await.is_empty());
        assert_eq!(
            problem(ben.api.device(&certificate.device).await),
            ProblemCode::NotFound
        );
        assert_eq!(ada.fleet().await.len(), 1);
        assert_eq!(
            program.fleet().await.len(),
            1,
            "its own organisation is still the same"
        );
    }
);

both_engines!(
    /// Threat model: ACC-12.
    async fn a_suspended_membership_gives_nothing_until_it_counts_again(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let olga = server.member(&home, Role::Owner, "Olga").await;
        let ben = server.member(&home, Role::Operator, "Ben").await;
        let (_, certificate) = SoftDevice::in_fleet(&server, &ben).await;
        let approval = ben.approve(&server, &crate::support::csr::key()).await;

        let suspended = ada
            .api
            .suspend_member(&home, &ben.account)
            .await
            .expect("it is suspended");
        assert!(suspended.suspended_at.is_some());
        let again = ada.api.suspend_member(&home, &ben.account).await;
        assert_eq!(again.expect("again").suspended_at, suspended.suspended_at);
        assert!(ben.fleet().await.is_empty());
        assert_eq!(
            problem(ben.api.device(&certificate.device).await),
            ProblemCode::NotFound
        );
        assert_eq!(
            problem(ben.api.record_consent(&approval.claim).await),
            ProblemCode::NotFound
        );
        let listed = ada
            .api
            .members(&home, &PageQuery::default())
            .await
            .expect("a list")
            .items;
        assert_eq!(
            listed
                .iter()
                .filter(|member| member.suspended_at.is_some())
                .count(),
            1
        );
        assert_eq!(
            problem(ada.api.suspend_member(&home, &olga.account).await),
            ProblemCode::Forbidden
        );
        assert_eq!(
            problem(olga.api.suspend_member(&home, &olga.account).await),
            ProblemCode::Conflict
        );

        let resumed = ada
            .api
            .resume_member(&home, &ben.account)
            .await
            .expect("it counts again");
        assert_eq!((resumed.suspended_at, resumed.role), (None, Role::Operator));
        assert_eq!(ben.fleet().await.len(), 1);
        let other = server.member(&home, Role::Owner, "Otto").await;
        let (one, two) = tokio::join!(
            olga.api.suspend_member(&home, &other.account),
            other.api.suspend_member(&home, &olga.account),
        );
        assert!(one.is_ok() != two.is_ok(), "an owner stays: {one:?} {two:?}");
    }
);
