//! Actions on many devices: what is chosen, what is done with each, who may, and how it is taken back.

use std::sync::atomic::{AtomicU64, Ordering};

use gangway_client::{ApiError, IdempotencyKey};
use gangway_protocol::account::TokenScope;
use gangway_protocol::bulk::{
    BulkAction, BulkJob, BulkJobRequest, BulkJobState, BulkSelection, DeviceFilter, UNDO_SECS,
};
use gangway_protocol::certificate::RevocationReason;
use gangway_protocol::device::{Device, DeviceState};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::organisation::Role;
use gangway_protocol::page::PageQuery;
use gangway_protocol::time::UnixMillis;

use super::{approved, named, query};
use crate::support::device::SoftDevice;
use crate::support::member::Member;
use crate::support::{Server, both_engines};

pub(super) fn to_begin() -> i64 {
    i64::from(UNDO_SECS) * UnixMillis::SECOND
}

pub(super) fn these(devices: &[&DeviceId]) -> BulkSelection {
    BulkSelection::Named {
        devices: devices.iter().copied().cloned().collect(),
    }
}

pub(super) fn all() -> BulkSelection {
    BulkSelection::Matching {
        filter: DeviceFilter::default(),
    }
}

pub(super) fn labels(labels: &[&str]) -> Vec<String> {
    labels.iter().map(|label| (*label).to_owned()).collect()
}

/// Another one each time.
fn key() -> [u8; 16] {
    static ASKED: AtomicU64 = AtomicU64::new(0);
    u128::from(ASKED.fetch_add(1, Ordering::Relaxed)).to_be_bytes()
}

pub(super) async fn ask(
    member: &Member,
    home: &OrganisationId,
    selection: BulkSelection,
    action: BulkAction,
) -> Result<BulkJob, ApiError> {
    let key = IdempotencyKey::new(key());
    member
        .api
        .request_bulk_job(home, &BulkJobRequest { selection, action }, &key)
        .await
}

/// Lets the time to take it back pass, and the job be done.
pub(super) async fn carry_out(server: &Server, member: &Member, job: &BulkJob) -> BulkJob {
    server.clock.advance(to_begin());
    server.tick().await;
    member
        .api
        .bulk_job(&job.organisation, &job.id)
        .await
        .expect("the job")
}

pub(super) async fn device(member: &Member, id: &DeviceId) -> Device {
    member.api.device(id).await.expect("the device").device
}

both_engines!(
    async fn what_was_chosen_is_suspended_and_let_in_again_each_once(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let (first, one) = SoftDevice::in_fleet(&server, &ada).await;
        let (_, two) = SoftDevice::in_fleet(&server, &ada).await;
        let (_, other) = SoftDevice::in_fleet(&server, &ada).await;
        let job = ask(
            &ada,
            &home,
            these(&[&one.device, &two.device]),
            BulkAction::Suspend,
        )
        .await
        .expect("a job");
        assert_eq!((job.state, job.devices), (BulkJobState::Waiting, 2));
        assert!(job.own);
        server.tick().await;
        assert!(
            matches!(device(&ada, &one.device).await.state, DeviceState::Active { .. }),
            "it can still be taken back"
        );
        let job = carry_out(&server, &ada, &job).await;
        assert_eq!((job.state, job.done, job.failed), (BulkJobState::Done, 2, 0));
        assert!(matches!(
            device(&ada, &two.device).await.state,
            DeviceState::Suspended { .. }
        ));
        assert!(matches!(
            device(&ada, &other.device).await.state,
            DeviceState::Active { .. }
        ));
        assert_eq!(first.refusal(&server, &one.chain).await, ProblemCode::Suspended);

        // Repeating it finds nothing to do; letting in again does.
        let job = ask(&ada, &home, all(), BulkAction::Suspend).await.expect("a job");
        let job = carry_out(&server, &ada, &job).await;
        assert_eq!((job.devices, job.done, job.unchanged), (3, 1, 2));
        let job = ask(&ada, &home, all(), BulkAction::Resume).await.expect("a job");
        let job = carry_out(&server, &ada, &job).await;
        assert_eq!((job.state, job.done), (BulkJobState::Done, 3));
        server.verify_audit().await.expect("the record holds");
    }
);

both_engines!(
    async fn an_action_that_is_taken_back_in_time_changes_nothing(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let (_, certificate) = SoftDevice::in_fleet(&server, &ada).await;
        let job = ask(&ada, &home, all(), BulkAction::Retire).await.expect("a job");
        server.tick().await;
        let ended = ada
            .api
            .cancel_bulk_job(&job.organisation, &job.id)
            .await
            .expect("cancelled");
        assert_eq!(
            (ended.state, ended.ended_by.as_deref()),
            (BulkJobState::Cancelled, Some("Ada"))
        );
        let ended = carry_out(&server, &ada, &job).await;
        assert_eq!((ended.state, ended.done), (BulkJobState::Cancelled, 0));
        assert!(matches!(
            device(&ada, &certificate.device).await.state,
            DeviceState::Active { .. }
        ));
        let twice = ada
            .api
            .cancel_bulk_job(&job.organisation, &job.id)
            .await
            .expect_err("it is over");
        assert_eq!(twice.code(), Some(ProblemCode::Conflict));
    }
);

both_engines!(
    async fn all_that_match_are_those_that_matched_when_it_was_asked_for(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let pump = named(&server, &ada, "Pump").await;
        named(&server, &ada, "Gate").await;
        server.multiply(&pump.id, 2_100).await;
        let filter = DeviceFilter {
            query: Some("pump".to_owned()),
            ..DeviceFilter::default()
        };
        let add = BulkAction::AddLabels {
            labels: labels(&["hall 3", "wet"]),
        };
        let job = ask(&ada, &home, BulkSelection::Matching { filter }, add)
            .await
            .expect("a job");
        let later = named(&server, &ada, "Pump too late").await;
        let job = carry_out(&server, &ada, &job).await;
        assert_eq!((job.state, job.failed), (BulkJobState::Done, 0));
        assert_eq!((job.devices, job.done), (2_101, 2_101), "several pages of them");
        assert_eq!(device(&ada, &pump.id).await.labels, ["hall 3", "wet"]);
        assert!(device(&ada, &later.id).await.labels.is_empty());

        // The label is a filter at once, and goes again.
        let wet = query(|q| q.label = Some("wet".to_owned()));
        assert_eq!(ada.api.devices(&wet).await.expect("a page").total, Some(2_101));
        let remove = BulkAction::RemoveLabels {
            labels: labels(&["wet"]),
        };
        let filter = DeviceFilter {
            label: Some("wet".to_owned()),
            ..DeviceFilter::default()
        };
        let job = ask(&ada, &home, BulkSelection::Matching { filter }, remove)
            .await
            .expect("a job");
        let job = carry_out(&server, &ada, &job).await;
        assert_eq!(job.done, 2_101, "although they match no longer as it goes on");
        assert_eq!(ada.api.devices(&wet).await.expect("a page").total, Some(0));
    }
);

both_engines!(
    async fn a_job_goes_on_after_a_restart_and_does_nothing_twice(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let (_, one) = SoftDevice::in_fleet(&server, &ada).await;
        let (_, two) = SoftDevice::in_fleet(&server, &ada).await;
        let job = ask(&ada, &home, all(), BulkAction::Suspend).await.expect("a job");
        server.tick().await;
        // One was done, and the server died before it was written down.
        ada.api.suspend_device(&one.device).await.expect("suspended");
        let server = server.restart().await;
        let ada = server.again(&ada);
        let job = carry_out(&server, &ada, &job).await;
        assert_eq!(
            (job.state, job.done, job.unchanged, job.failed),
            (BulkJobState::Done, 1, 1, 0)
        );
        assert!(matches!(
            device(&ada, &two.device).await.state,
            DeviceState::Suspended { .. }
        ));
    }
);

both_engines!(
    async fn what_fails_is_told_for_each_device_and_stops_no_other(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let (_, active) = SoftDevice::in_fleet(&server, &ada).await;
        let waiting = named(&server, &ada, "Not enrolled yet").await;
        let job = ask(
            &ada,
            &home,
            these(&[&active.device, &waiting.id]),
            BulkAction::Suspend,
        )
        .await
        .expect("a job");
        let job = carry_out(&server, &ada, &job).await;
        assert_eq!((job.state, job.done, job.failed), (BulkJobState::Done, 1, 1));
        let failures = ada
            .api
            .bulk_failures(&job.organisation, &job.id, &PageQuery::default())
            .await;
        let failures = failures.expect("a page").items;
        assert_eq!(failures.len(), 1);
        assert_eq!(
            (&failures[0].device, failures[0].name.as_deref(), failures[0].code),
            (&waiting.id, Some("Not enrolled yet"), ProblemCode::Conflict)
        );
        assert!(!failures[0].detail.is_empty());
    }
);

both_engines!(
    /// Threat model: ACC-21.
    async fn an_action_ends_with_the_right_of_whoever_asked_for_it(server: Server) {
        let home = server.organisation("Works").await;
        let owner = server.member(&home, Role::Owner, "Grace").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let (_, certificate) = SoftDevice::in_fleet(&server, &owner).await;
        let job = ask(
            &ada,
            &home,
            all(),
            BulkAction::Revoke {
                reason: RevocationReason::KeyCompromise,
            },
        )
        .await
        .expect("a job");
        owner
            .api
            .remove_member(&home, &ada.account)
            .await
            .expect("removed");
        let job = carry_out(&server, &owner, &job).await;
        assert_eq!((job.state, job.done), (BulkJobState::Stopped, 0));
        assert!(matches!(
            device(&owner, &certificate.device).await.state,
            DeviceState::Active { .. }
        ));

        // A program's with its token.
        let program = server
            .program(&home, &[TokenScope::FleetRead, TokenScope::FleetWrite])
            .await;
        let label = BulkAction::AddLabels {
            labels: labels(&["seen"]),
        };
        let job = ask(&program, &home, all(), label).await.expect("a job");
        server.execute("DELETE FROM tokens", &[]).await;
        let job = carry_out(&server, &owner, &job).await;
        assert_eq!((job.state, job.done), (BulkJobState::Stopped, 0));
    }
);

both_engines!(
    /// Threat model: ACC-21.
    async fn what_shuts_devices_out_takes_a_fresh_passkey_and_no_token(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        SoftDevice::in_fleet(&server, &ada).await;
        let program = server
            .program(&home, &[TokenScope::FleetRead, TokenScope::FleetWrite])
            .await;
        let refused = ask(&program, &home, all(), BulkAction::Suspend).await;
        assert_eq!(
            refused.expect_err("no person").code(),
            Some(ProblemCode::Forbidden)
        );
        ask(&program, &home, all(), BulkAction::Renew)
            .await
            .expect("what a token may do with one, it may with many");
        server.clock.advance(6 * UnixMillis::MINUTE);
        let refused = ask(&ada, &home, all(), BulkAction::Suspend).await;
        assert_eq!(
            refused.expect_err("minutes ago").code(),
            Some(ProblemCode::StepUpRequired)
        );
        ask(&ada, &home, all(), BulkAction::Renew)
            .await
            .expect("it shuts nobody out");
    }
);

both_engines!(
    /// Threat model: ACC-21.
    async fn others_devices_are_neither_chosen_nor_told_of(server: Server) {
        let home = server.organisation("Works").await;
        let [household, _] = server.grow_tree(&home).await;
        let [plant, _] = server.grow_tree(&home).await;
        let owner = server.member(&home, Role::Owner, "Grace").await;
        let ada = server.member(&household, Role::Operator, "Ada").await;
        let viewer = server.member(&household, Role::Viewer, "Vera").await;
        let bob = server.member(&plant, Role::Operator, "Bob").await;
        let mine = named(&server, &server.at(&ada, &household), "Mine").await;
        let foreign = named(&server, &server.at(&bob, &plant), "Foreign").await;
        let label = || BulkAction::AddLabels {
            labels: labels(&["x"]),
        };
        let refused = ask(&ada, &household, these(&[&mine.id, &foreign.id]), label()).await;
        let refused = refused.expect_err("one is another's");
        assert_eq!(
            (refused.code(), refused.field()),
            (Some(ProblemCode::Invalid), Some("devices"))
        );
        let refused = ask(&ada, &plant, all(), label()).await.expect_err("another's");
        assert_eq!(refused.code(), Some(ProblemCode::NotFound));
        let refused = ask(&viewer, &household, all(), label()).await;
        assert_eq!(
            refused.expect_err("only looks").code(),
            Some(ProblemCode::Forbidden)
        );

        let job = ask(&owner, &home, all(), label()).await.expect("a job");
        let job = carry_out(&server, &owner, &job).await;
        assert_eq!(job.done, 2, "below as well");
        let foreign = bob
            .api
            .bulk_job(&job.organisation, &job.id)
            .await
            .expect_err("above them");
        assert_eq!(foreign.code(), Some(ProblemCode::NotFound));
        let elsewhere = BulkAction::Move { organisation: plant };
        let refused = ask(&ada, &household, these(&[&mine.id]), elsewhere).await;
        assert_eq!(
            refused.expect_err("no right there").code(),
            Some(ProblemCode::NotFound)
        );
    }
);

both_engines!(
    async fn devices_are_moved_together(server: Server) {
        let home = server.organisation("Works").await;
        let [household, plant] = server.grow_tree(&home).await;
        let owner = server.member(&home, Role::Owner, "Grace").await;
        let (_, one) = SoftDevice::in_fleet(&server, &server.at(&owner, &household)).await;
        let (_, two) = SoftDevice::in_fleet(&server, &server.at(&owner, &plant)).await;
        let to = BulkAction::Move {
            organisation: plant.clone(),
        };
        let job = ask(&owner, &home, all(), to).await.expect("a job");
        let job = carry_out(&server, &owner, &job).await;
        assert_eq!((job.state, job.done, job.unchanged), (BulkJobState::Done, 1, 1));
        for id in [&one.device, &two.device] {
            assert_eq!(device(&owner, id).await.organisation, plant);
        }
    }
);

both_engines!(
    async fn a_request_that_is_sent_again_is_one_job_and_nonsense_is_none(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let device = named(&server, &ada, "Pump").await;
        let key = IdempotencyKey::new(key());
        let request = BulkJobRequest {
            selection: these(&[&device.id]),
            action: BulkAction::Renew,
        };
        let first = ada
            .api
            .request_bulk_job(&home, &request, &key)
            .await
            .expect("a job");
        let again = ada.api.request_bulk_job(&home, &request, &key).await.expect("it");
        assert_eq!(first, again);
        let page = ada.api.bulk_jobs(&home, &PageQuery::default()).await;
        assert_eq!(page.expect("a page").items, [first]);

        let none = BulkSelection::Named { devices: Vec::new() };
        let no_match = BulkSelection::Matching {
            filter: DeviceFilter {
                query: Some("nothing is called so".to_owned()),
                ..DeviceFilter::default()
            },
        };
        let hold = BulkAction::Revoke {
            reason: RevocationReason::CertificateHold,
        };
        let no_labels = BulkAction::AddLabels {
            labels: labels(&[" "]),
        };
        for (field, selection, action) in [
            ("devices", none, BulkAction::Renew),
            ("filter", no_match, BulkAction::Renew),
            ("reason", all(), hold),
            ("labels", all(), no_labels),
            ("action", all(), BulkAction::Unknown),
        ] {
            let refused = ask(&ada, &home, selection, action).await.expect_err(field);
            assert_eq!(
                (refused.code(), refused.field()),
                (Some(ProblemCode::Invalid), Some(field))
            );
        }
    }
);

both_engines!(
    async fn a_device_full_of_labels_may_be_given_those_it_has(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let many: Vec<String> = (0..16).map(|number| format!("label {number}")).collect();
        let full = approved(&server, &ada, |request| request.labels.clone_from(&many)).await;
        for (label, unchanged) in [("label 7", 1), ("one more", 0)] {
            let add = BulkAction::AddLabels {
                labels: labels(&[label]),
            };
            let job = ask(&ada, &home, these(&[&full.id]), add).await.expect("a job");
            let job = carry_out(&server, &ada, &job).await;
            assert_eq!((job.unchanged, job.failed), (unchanged, 1 - unchanged));
        }
    }
);
