//! Devices that were approved before they appeared, one by one or as a list.

use gangway_protocol::organisation::Role;
use gangway_protocol::permit::{PermitKind, PermitState, Preapproval, PreapprovalImport};

use super::applicant::{Applicant, Became};
use super::{Works, device_permit, import};
use crate::support::both_engines;

both_engines!(
    async fn a_list_can_be_sent_twice_and_a_dry_run_changes_nothing(server: Server) {
        let works = Works::new(&server).await;
        let list = import(&[("a", "1"), ("b", "2")]);
        let looked = PreapprovalImport {
            dry_run: true,
            ..list.clone()
        };
        let api = &works.ada.api;
        let outcome = api
            .preapprove_devices(&works.home, &looked)
            .await
            .expect("an outcome");
        assert_eq!((outcome.added, outcome.unchanged), (2, 0));
        assert_eq!(works.permits(PermitKind::Preapproval).await.len(), 0);
        for (added, unchanged) in [(2, 0), (0, 2)] {
            let outcome = api
                .preapprove_devices(&works.home, &list)
                .await
                .expect("an outcome");
            assert_eq!((outcome.added, outcome.unchanged), (added, unchanged));
        }
        assert_eq!(works.permits(PermitKind::Preapproval).await.len(), 2);
        assert_eq!(server.records("permit.devices_preapproved").await, 1);
    }
);

both_engines!(
    async fn a_row_that_is_wrong_is_named_and_nothing_of_the_list_is_kept(server: Server) {
        let works = Works::new(&server).await;
        works.preapprove("taken", "1").await;
        let mut list = import(&[
            ("good", "1"),
            ("", "1"),
            ("taken", "another"),
            ("good", "2"),
            ("c", ""),
        ]);
        list.devices.push(Preapproval {
            labels: vec!["x".repeat(1000)],
            ..list.devices[0].clone()
        });
        let outcome = works
            .ada
            .api
            .preapprove_devices(&works.home, &list)
            .await
            .expect("an outcome");
        let rows: Vec<u32> = outcome.refused.iter().map(|refused| refused.row).collect();
        assert_eq!((outcome.added, rows), (0, vec![1, 2, 3, 4, 5]));
        assert!(outcome.refused.iter().all(|refused| !refused.detail.is_empty()));
        assert_eq!(works.permits(PermitKind::Preapproval).await.len(), 1);
    }
);

both_engines!(
    async fn the_secret_of_a_device_works_once_and_another_makes_room(server: Server) {
        let works = Works::new(&server).await;
        let first = works.preapprove("thermometer-7", "1").await;
        let spawned = server.spawn();
        assert!(matches!(
            Applicant::new("a").ask(&spawned, &first).await,
            Became::Joined(_)
        ));
        assert!(matches!(
            Applicant::new("b").ask(&spawned, &first).await,
            Became::Refused(_)
        ));
        let second = works.preapprove("thermometer-7", "2").await;
        assert!(matches!(
            Applicant::new("b").ask(&spawned, &second).await,
            Became::Joined(_)
        ));
        let mut states: Vec<PermitState> = works
            .permits(PermitKind::Preapproval)
            .await
            .into_iter()
            .map(|permit| permit.state)
            .collect();
        // Both were made at the same instant.
        states.sort_by_key(|state| *state != PermitState::Used);
        assert_eq!(states, [PermitState::Used, PermitState::Revoked]);
    }
);

both_engines!(
    /// Threat model: PRE-5. Nobody keeps a device out by entering its id first.
    async fn two_customers_may_have_entered_the_same_device_id(server: Server) {
        let works = Works::new(&server).await;
        let elsewhere = server.organisation("Elsewhere").await;
        let other = Works {
            ada: server.member(&elsewhere, Role::Owner, "Eve").await,
            home: elsewhere,
        };
        other.preapprove("00:11:22:33:44:55", "squatted").await;
        let own = works.preapprove("00:11:22:33:44:55", "mine").await;
        let spawned = server.spawn();
        let device = Applicant::new("a");
        let mut attempts = 0;
        let joined = loop {
            attempts += 1;
            match device.ask(&spawned, &own).await {
                Became::Joined(chain) => break chain,
                Became::Mismatch if attempts < 20 => {}
                other => panic!("{other:?}"),
            }
        };
        assert!(!joined.is_empty());
        assert_eq!(works.ada.fleet().await.len(), 1);
        assert_eq!(
            device
                .ask(&spawned, &device_permit("00:11:22:33:44:55", "neither"))
                .await,
            Became::Mismatch
        );
    }
);

both_engines!(
    /// Threat model: PRE-8.
    async fn a_pre_approval_ends_with_the_right_of_whoever_gave_it(server: Server) {
        let works = Works::new(&server).await;
        let ina = Works {
            ada: server.member(&works.home, Role::Installer, "Ina").await,
            home: works.home.clone(),
        };
        ina.ada
            .api
            .preapprove_devices(&works.home, &import(&[("thermometer-7", "1")]))
            .await
            .expect("it is entered");
        works
            .ada
            .api
            .remove_member(&works.home, &ina.ada.account)
            .await
            .expect("she is removed");
        let refused = Applicant::new("a")
            .ask(&server.spawn(), &device_permit("thermometer-7", "1"))
            .await;
        assert!(matches!(refused, Became::Refused(_)), "{refused:?}");
        assert_eq!(server.states().await.len(), 0);
    }
);

both_engines!(
    /// A sibling organisation took over what it could not even see.
    async fn an_organisation_takes_no_device_id_of_another_one_over(server: Server) {
        let works = Works::new(&server).await;
        let own = works.preapprove("meter-1", "1").await;
        let spawned = server.spawn();
        assert!(matches!(
            Applicant::new("a").ask(&spawned, &own).await,
            Became::Joined(_)
        ));
        let beside = crate::organisations::made(&works.ada, &works.home, "Beside").await;
        let other = Works {
            ada: server.member(&beside, Role::Installer, "Ina").await,
            home: beside,
        };
        other
            .ada
            .api
            .preapprove_devices(&other.home, &import(&[("meter-1", "2")]))
            .await
            .expect("it is entered");
        assert_eq!(
            works.permits(PermitKind::Preapproval).await[0].state,
            PermitState::Used
        );
    }
);
