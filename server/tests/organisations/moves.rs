//! Devices go from one organisation of a customer to another.

use gangway_client::ApiError;
use gangway_protocol::certificate::{RevocationReason, RevocationRequest};
use gangway_protocol::device::DeviceDetail;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::organisation::{DeviceMove, Role};
use gangway_protocol::page::PageQuery;
use gangway_protocol::time::UnixMillis;
use gangway_server::ca::DeviceIdentity;
use gangway_server::session::{Admission, hold};

use super::{made, problem};
use crate::support::device::SoftDevice;
use crate::support::member::Member;
use crate::support::{both_engines, csr};

async fn go(member: &Member, device: &DeviceId, to: &OrganisationId) -> Result<DeviceDetail, ApiError> {
    let to = DeviceMove {
        organisation: to.clone(),
    };
    member.api.move_device(device, &to).await
}

/// Two organisations below that of an admin.
async fn hall_and_yard(admin: &Member) -> (OrganisationId, OrganisationId) {
    let home = &admin.organisation;
    (made(admin, home, "Hall").await, made(admin, home, "Yard").await)
}

async fn actions(member: &Member, device: &DeviceId) -> Vec<String> {
    let mut query = PageQuery {
        limit: Some(3),
        after: None,
    };
    let mut actions = Vec::new();
    loop {
        let page = member
            .api
            .device_events(device, &query)
            .await
            .expect("its history");
        actions.extend(page.items.into_iter().map(|event| event.action));
        query.after = page.next;
        if query.after.is_none() {
            return actions;
        }
    }
}

both_engines!(
    /// Threat model: ACC-18.
    async fn a_device_moves_with_its_certificates_and_its_history(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let admin = server.member(&home, Role::Admin, "Root").await;
        let (hall, yard) = hall_and_yard(&admin).await;
        let here = server.at(&ada, &hall);
        let (device, certificate) = SoftDevice::in_fleet(&server, &here).await;
        let of_hall = server.member(&hall, Role::Viewer, "Hal").await;
        let of_yard = server.member(&yard, Role::Viewer, "Yara").await;
        let before = actions(&ada, &certificate.device).await;
        server.clock.advance(UnixMillis::MINUTE);

        let moved = go(&ada, &certificate.device, &yard).await.expect("it is moved");
        assert_eq!(
            (&moved.device.organisation, moved.organisation_name.as_str()),
            (&yard, "Yard")
        );
        assert_eq!(moved.certificates.len(), 1);
        assert_eq!(
            go(&ada, &certificate.device, &yard)
                .await
                .expect("again")
                .device
                .organisation,
            yard
        );
        assert_eq!(server.records("device.moved").await, 2, "once in each record");
        let pass = device
            .pass(&server, &certificate.chain)
            .await
            .expect("it serves on");
        assert_eq!(pass.organisation, yard);
        let renewed = device.renew(&server, &certificate.chain, &csr::key()).await;
        renewed.expect("it is renewed where it is now");

        let history = actions(&of_yard, &certificate.device).await;
        let old = history.iter().rev().take(before.len()).rev();
        assert!(old.eq(before.iter()), "{history:?} ends with {before:?}");
        assert_eq!(
            problem(of_hall.api.device(&certificate.device).await),
            ProblemCode::NotFound
        );
        assert_eq!(of_yard.fleet().await.len(), 1);
        assert!(of_hall.fleet().await.is_empty());
        go(&ada, &certificate.device, &hall).await.expect("and back");
        assert_eq!(of_hall.fleet().await.len(), 1);
        server.verify_audit().await.expect("both records hold");
    }
);

both_engines!(
    /// Threat model: ACC-18.
    async fn a_device_goes_nowhere_that_is_foreign_closed_or_in_the_midst_of_something(server: Server) {
        let home = server.organisation("Works").await;
        let admin = server.member(&home, Role::Admin, "Ada").await;
        let (hall, yard) = hall_and_yard(&admin).await;
        let (_, certificate) = SoftDevice::in_fleet(&server, &server.at(&admin, &hall)).await;
        let device = &certificate.device;
        let elsewhere = server.organisation("Elsewhere").await;
        let unknown: OrganisationId = "org_00000000000000000000000000".parse().expect("an id");
        for foreign in [&elsewhere, &unknown] {
            assert_eq!(problem(go(&admin, device, foreign).await), ProblemCode::NotFound);
        }
        let of_hall = server.member(&hall, Role::Owner, "Hal").await;
        assert_eq!(problem(go(&of_hall, device, &yard).await), ProblemCode::NotFound);
        let viewer = server.member(&home, Role::Viewer, "Vic").await;
        assert_eq!(problem(go(&viewer, device, &yard).await), ProblemCode::Forbidden);
        admin.api.archive_organisation(&yard).await.expect("it is empty");
        assert_eq!(problem(go(&admin, device, &yard).await), ProblemCode::Conflict);
        admin.api.open_organisation(&yard).await.expect("it is opened");

        let (_, enrolling) = SoftDevice::enrolled(&server, &server.at(&admin, &hall)).await;
        assert_eq!(
            problem(go(&admin, &enrolling.device, &yard).await),
            ProblemCode::Conflict
        );
        // A member of two customers moves nothing between them.
        let both = server.member(&home, Role::Operator, "Both").await;
        server
            .execute(
                "INSERT INTO memberships (organisation, account, role, created_at) VALUES ($1, $2, 'operator', 1)",
                &[elsewhere.as_str(), both.account.as_str()],
            )
            .await;
        assert_eq!(
            problem(go(&both, device, &elsewhere).await),
            ProblemCode::Conflict
        );
        server.clock.advance(6 * UnixMillis::MINUTE);
        assert_eq!(
            problem(go(&admin, device, &yard).await),
            ProblemCode::StepUpRequired
        );
    }
);

both_engines!(
    async fn a_key_that_is_another_devices_there_keeps_a_device_where_it_is(server: Server) {
        let home = server.organisation("Works").await;
        let admin = server.member(&home, Role::Admin, "Ada").await;
        let (hall, yard) = hall_and_yard(&admin).await;
        let (device, certificate) = SoftDevice::in_fleet(&server, &server.at(&admin, &hall)).await;
        let other = server.at(&admin, &yard).enrol(&server, &device.key).await;
        assert_ne!(other.device, certificate.device);
        assert_eq!(
            problem(go(&admin, &certificate.device, &yard).await),
            ProblemCode::Conflict
        );
        assert_eq!(
            admin
                .api
                .device(&certificate.device)
                .await
                .expect("it")
                .device
                .organisation,
            hall
        );
    }
);

both_engines!(
    async fn a_lost_certificate_of_a_moved_device_is_held_where_the_device_is(server: Server) {
        let home = server.organisation("Works").await;
        let admin = server.member(&home, Role::Admin, "Ada").await;
        let (hall, yard) = hall_and_yard(&admin).await;
        let (device, certificate) = SoftDevice::in_fleet(&server, &server.at(&admin, &hall)).await;
        go(&admin, &certificate.device, &yard).await.expect("it is moved");
        // As after the restore of a backup that is older than the device's renewal.
        let identity = DeviceIdentity {
            organisation: home.clone(),
            device: certificate.device.clone(),
            known_as: None,
        };
        let (_, chain) = server.certify(&identity, &device.csr(), 30);
        let held = match device.admission(&server, &chain.chain).await {
            Ok(Admission::Held(held)) => held,
            other => panic!("it is held, not {other:?}"),
        };
        assert_eq!(held.organisation, yard);
        hold(&server.gangway, &held).await.expect("it is recorded");
        let of_hall = server.member(&hall, Role::Operator, "Hal").await;
        let refused = of_hall.api.readmit_certificate(&held.certificate).await;
        assert_eq!(problem(refused), ProblemCode::NotFound);
        let of_yard = server.member(&yard, Role::Operator, "Yara").await;
        let readmitted = of_yard.api.readmit_certificate(&held.certificate).await;
        assert_eq!(readmitted.expect("it is readmitted").organisation, yard);
    }
);

both_engines!(
    async fn a_key_is_refused_where_its_device_is_however_a_move_meets_it(server: Server) {
        let home = server.organisation("Works").await;
        let admin = server.member(&home, Role::Admin, "Ada").await;
        let (hall, yard) = hall_and_yard(&admin).await;
        let reason = RevocationRequest {
            reason: RevocationReason::KeyCompromise,
        };
        for _ in 0..4 {
            let (device, certificate) = SoftDevice::in_fleet(&server, &server.at(&admin, &hall)).await;
            let (moved, revoked) = tokio::join!(
                go(&admin, &certificate.device, &yard),
                admin.api.revoke_certificate(&certificate.sha256, &reason),
            );
            moved.expect("it is moved, revoked or not");
            revoked.expect("it is revoked, here or there");
            let there = server.at(&admin, &yard);
            let request = there.approval_request(&device.csr()).await;
            let again = there.api.approve(&server.claim(&there), &request).await;
            assert_eq!(problem(again), ProblemCode::KeyRevoked);
        }
    }
);

both_engines!(
    async fn an_approval_is_where_its_device_is_however_a_move_meets_it(server: Server) {
        let home = server.organisation("Works").await;
        let admin = server.member(&home, Role::Admin, "Ada").await;
        let (hall, yard) = hall_and_yard(&admin).await;
        let here = server.at(&admin, &hall);
        for _ in 0..4 {
            let (device, certificate) = SoftDevice::in_fleet(&server, &here).await;
            let mut request = here.approval_request(&device.csr()).await;
            request.replace = true;
            let claim = server.claim(&here);
            let (_, _) = tokio::join!(
                go(&admin, &certificate.device, &yard),
                here.api.approve(&claim, &request)
            );
            let apart: Vec<(String,)> = server
                .query("SELECT a.claim FROM approvals a JOIN devices d ON d.id = a.device WHERE a.organisation <> d.organisation")
                .await;
            assert!(apart.is_empty(), "{apart:?}");
        }
    }
);
