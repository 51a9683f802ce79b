//! Actions on many devices that somebody else has to confirm first.

use gangway_protocol::bulk::{BulkAction, BulkJobState};
use gangway_protocol::certificate::{BulkRevocationRequest, RevocationReason};
use gangway_protocol::device::DeviceState;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_protocol::time::UnixMillis;

use super::bulk::{all, ask, carry_out, device, labels, these};
use crate::support::device::SoftDevice;
use crate::support::{START, both_engines};

both_engines!(
    /// Threat model: ACC-22.
    async fn above_a_number_somebody_else_confirms_it_first(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let bob = server.member(&home, Role::Operator, "Bob").await;
        let (_, one) = SoftDevice::in_fleet(&server, &ada).await;
        let (_, two) = SoftDevice::in_fleet(&server, &ada).await;
        server
            .set_policy(&home, |policy| policy.second_person_above = 1)
            .await;
        let alone = ask(&ada, &home, these(&[&one.device]), BulkAction::Suspend).await;
        assert_eq!(alone.expect("one only").state, BulkJobState::Waiting);
        let label = BulkAction::AddLabels {
            labels: labels(&["x"]),
        };
        let label = ask(&ada, &home, all(), label).await.expect("it shuts nobody out");
        assert_eq!(label.state, BulkJobState::Waiting);

        for selection in [these(&[&one.device, &two.device]), all()] {
            let job = ask(&ada, &home, selection, BulkAction::Suspend)
                .await
                .expect("a job");
            assert_eq!(job.state, BulkJobState::Unconfirmed);
            let job = carry_out(&server, &ada, &job).await;
            assert_eq!((job.state, job.devices), (BulkJobState::Unconfirmed, 2));
            let own = ada
                .api
                .confirm_bulk_job(&job.organisation, &job.id)
                .await
                .expect_err("oneself");
            assert_eq!(own.code(), Some(ProblemCode::Conflict));
            let seen = bob
                .api
                .bulk_job(&job.organisation, &job.id)
                .await
                .expect("the job");
            assert!(!seen.own);
            let job = bob
                .api
                .confirm_bulk_job(&job.organisation, &job.id)
                .await
                .expect("confirmed");
            assert_eq!(job.state, BulkJobState::Waiting);
            let job = carry_out(&server, &ada, &job).await;
            assert_eq!(job.state, BulkJobState::Done);
        }
        assert!(matches!(
            device(&ada, &two.device).await.state,
            DeviceState::Suspended { .. }
        ));
        // The undo of a bad day is no way around it.
        let request = BulkRevocationRequest {
            approver: Some(ada.account.clone()),
            address: None,
            from: UnixMillis(0),
            until: START.plus(UnixMillis::DAY),
            reason: RevocationReason::KeyCompromise,
            dry_run: false,
        };
        let refused = ada.api.revoke_in_bulk(&home, &request).await;
        assert_eq!(
            refused.expect_err("two devices").code(),
            Some(ProblemCode::Conflict)
        );
    }
);

both_engines!(
    async fn what_nobody_confirms_ends_after_a_day_and_all_is_forgotten_after_a_month(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        SoftDevice::in_fleet(&server, &ada).await;
        server
            .set_policy(&home, |policy| policy.second_person_above = 0)
            .await;
        let job = ask(&ada, &home, all(), BulkAction::Suspend).await.expect("a job");
        server.clock.advance(UnixMillis::DAY + UnixMillis::MINUTE);
        server.tick().await;
        let ada = server.refresh(&ada).await;
        let job = ada
            .api
            .bulk_job(&job.organisation, &job.id)
            .await
            .expect("the job");
        assert_eq!(job.state, BulkJobState::Stopped);
        server.clock.advance(31 * UnixMillis::DAY);
        server.tick().await;
        assert_eq!(
            server.text("SELECT CAST(COUNT(*) AS TEXT) FROM bulk_jobs").await,
            "0"
        );
        assert_eq!(
            server
                .text("SELECT CAST(COUNT(*) AS TEXT) FROM bulk_job_devices")
                .await,
            "0"
        );
    }
);

both_engines!(
    /// Threat model: ACC-22.
    async fn a_stricter_rule_below_is_not_passed_over_from_above(server: Server) {
        let home = server.organisation("Works").await;
        let [hall, _] = server.grow_tree(&home).await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        SoftDevice::in_fleet(&server, &server.at(&ada, &hall)).await;
        server
            .set_policy(&hall, |policy| policy.second_person_above = 0)
            .await;
        for place in [&hall, &home] {
            let job = ask(&ada, place, all(), BulkAction::Suspend).await.expect("a job");
            assert_eq!(job.state, BulkJobState::Unconfirmed);
        }
    }
);

both_engines!(
    async fn what_is_confirmed_while_devices_are_listed_stays_confirmed(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let bob = server.member(&home, Role::Operator, "Bob").await;
        SoftDevice::in_fleet(&server, &ada).await;
        server
            .set_policy(&home, |policy| policy.second_person_above = 0)
            .await;
        let job = ask(&ada, &home, all(), BulkAction::Suspend).await.expect("a job");
        bob.api
            .confirm_bulk_job(&job.organisation, &job.id)
            .await
            .expect("confirmed");
        let job = carry_out(&server, &ada, &job).await;
        assert_eq!((job.state, job.done), (BulkJobState::Done, 1));
    }
);
