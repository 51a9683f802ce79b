//! Suspension, revocation, retirement and the undo for a bad day, as members see them and as the revocation list tells them.

use std::collections::BTreeMap;

use gangway_protocol::certificate::{BulkRevocationRequest, RevocationReason, RevocationRequest};
use gangway_protocol::device::{DeviceQuery, DeviceState};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_protocol::time::UnixMillis;

use crate::support::device::SoftDevice;
use crate::support::{START, both_engines};

both_engines!(
    async fn a_suspension_is_a_hold_that_ends(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let (device, certificate) = SoftDevice::in_fleet(&server, &ada).await;
        assert!(server.listed().await.is_empty());
        let suspended = ada
            .api
            .suspend_device(&certificate.device)
            .await
            .expect("suspended");
        assert!(matches!(suspended.device.state, DeviceState::Suspended { .. }));
        assert_eq!(
            server.listed().await,
            BTreeMap::from([(certificate.serial.clone(), 6)]),
            "certificateHold"
        );
        let twice = ada
            .api
            .suspend_device(&certificate.device)
            .await
            .expect_err("it is suspended");
        assert_eq!(twice.code(), Some(ProblemCode::Conflict));
        ada.api.resume_device(&certificate.device).await.expect("resumed");
        assert!(server.listed().await.is_empty());
        device
            .prove(&server, &certificate.chain, 2)
            .await
            .expect("a session");
        let twice = ada
            .api
            .resume_device(&certificate.device)
            .await
            .expect_err("it is not suspended");
        assert_eq!(twice.code(), Some(ProblemCode::Conflict));
    }
);

both_engines!(
    async fn a_revocation_is_on_the_list_at_once_with_its_reason(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let (_, first) = SoftDevice::in_fleet(&server, &ada).await;
        let (_, second) = SoftDevice::in_fleet(&server, &ada).await;
        let compromised = RevocationRequest {
            reason: RevocationReason::KeyCompromise,
        };
        let device = ada
            .api
            .revoke_device(&first.device, &compromised)
            .await
            .expect("revoked");
        assert!(matches!(device.device.state, DeviceState::Retired { .. }));
        assert_eq!(
            device.certificates[0].revocation.as_ref().expect("revoked").at,
            START
        );
        assert_eq!(server.listed().await, BTreeMap::from([(first.serial.clone(), 1)]));
        let unspecified = RevocationRequest {
            reason: RevocationReason::Unspecified,
        };
        ada.api
            .revoke_certificate(&second.sha256, &unspecified)
            .await
            .expect("revoked");
        assert_eq!(
            server.listed().await,
            BTreeMap::from([(first.serial, 1), (second.serial, 0)])
        );
        let twice = ada
            .api
            .revoke_certificate(&second.sha256, &unspecified)
            .await
            .expect_err("it is revoked");
        assert_eq!(twice.code(), Some(ProblemCode::Conflict));
        let last = ada.api.device(&second.device).await.expect("the device");
        assert!(
            matches!(last.device.state, DeviceState::Retired { .. }),
            "its last certificate is gone"
        );
        for reason in [RevocationReason::CertificateHold, RevocationReason::Superseded] {
            let error = ada
                .api
                .revoke_device(&second.device, &RevocationRequest { reason })
                .await
                .expect_err("no reason that ends a device");
            assert_eq!(
                (error.code(), error.field()),
                (Some(ProblemCode::Invalid), Some("reason"))
            );
        }
    }
);

both_engines!(
    async fn expired_certificates_leave_the_list_after_a_while(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let (_, certificate) = SoftDevice::in_fleet(&server, &ada).await;
        let because = RevocationRequest {
            reason: RevocationReason::PrivilegeWithdrawn,
        };
        ada.api
            .revoke_device(&certificate.device, &because)
            .await
            .expect("revoked");
        server.clock.advance(91 * UnixMillis::DAY);
        assert_eq!(
            server.listed().await.len(),
            1,
            "RFC 5280 §3.3: once more after it expired"
        );
        server.clock.advance(8 * UnixMillis::DAY);
        assert!(server.listed().await.is_empty());
    }
);

both_engines!(
    async fn a_retired_device_leaves_the_fleet_and_may_come_back(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let (device, certificate) = SoftDevice::in_fleet(&server, &ada).await;
        ada.api.retire_device(&certificate.device).await.expect("retired");
        let twice = ada
            .api
            .retire_device(&certificate.device)
            .await
            .expect_err("it is retired");
        assert_eq!(twice.code(), Some(ProblemCode::Conflict));
        assert_eq!(ada.fleet().await, []);
        let retired = DeviceQuery {
            state: Some("retired".to_owned()),
            ..DeviceQuery::default()
        };
        assert_eq!(ada.api.devices(&retired).await.expect("the fleet").items.len(), 1);
        let again = ada.enrol(&server, &device.key).await;
        assert_eq!(again.device, certificate.device);
        device.prove(&server, &again.chain, 2).await.expect("a session");
    }
);

both_engines!(
    async fn a_revoked_device_is_told_from_a_retired_one(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let because = RevocationRequest {
            reason: RevocationReason::KeyCompromise,
        };
        let (_, lost) = SoftDevice::in_fleet(&server, &ada).await;
        let (_, sold) = SoftDevice::in_fleet(&server, &ada).await;
        server.clock.advance(UnixMillis::MINUTE);
        let shown = ada
            .api
            .revoke_device(&lost.device, &because)
            .await
            .expect("revoked");
        assert!(shown.device.revoked);
        let shown = ada.api.retire_device(&sold.device).await.expect("retired");
        assert!(!shown.device.revoked);
        let retired = DeviceQuery {
            state: Some("retired".to_owned()),
            ..DeviceQuery::default()
        };
        let listed = ada.api.devices(&retired).await.expect("the fleet").items;
        let revoked: Vec<_> = listed
            .iter()
            .filter(|device| device.revoked)
            .map(|device| &device.id)
            .collect();
        assert_eq!((listed.len(), revoked), (2, vec![&lost.device]));

        server.clock.advance(UnixMillis::MINUTE);
        let shown = ada
            .api
            .revoke_device(&sold.device, &because)
            .await
            .expect("revoked");
        assert!(shown.device.revoked, "also one that was retired before");
    }
);

both_engines!(
    async fn a_bad_day_is_undone_in_one_action(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let mallory = server.member(&home, Role::Installer, "Mallory").await;
        let (_, good) = SoftDevice::in_fleet(&server, &ada).await;
        let (_, bad) = SoftDevice::in_fleet(&server, &mallory).await;
        let (_, worse) = SoftDevice::in_fleet(&server, &mallory).await;
        server.clock.advance(UnixMillis::HOUR);
        let mallory = server.refresh(&mallory).await;
        let (_, later) = SoftDevice::in_fleet(&server, &mallory).await;

        let mut request = BulkRevocationRequest {
            approver: Some(mallory.account.clone()),
            address: None,
            from: START,
            until: START.plus(UnixMillis::MINUTE),
            reason: RevocationReason::PrivilegeWithdrawn,
            dry_run: true,
        };
        let told = ada.api.revoke_in_bulk(&home, &request).await.expect("told");
        assert_eq!((told.devices.len(), told.certificates), (2, 2));
        assert!(server.listed().await.is_empty(), "nothing was done");

        request.dry_run = false;
        let error = ada
            .api
            .revoke_in_bulk(&home, &request)
            .await
            .expect_err("an hour has passed");
        assert_eq!(error.code(), Some(ProblemCode::StepUpRequired));
        let ada = server.refresh(&ada).await;
        let done = ada.api.revoke_in_bulk(&home, &request).await.expect("done");
        assert_eq!((done.devices.len(), done.certificates), (2, 2));
        let serials: Vec<String> = server.listed().await.into_keys().collect();
        let mut expected = vec![bad.serial, worse.serial];
        expected.sort();
        assert_eq!(serials, expected);
        for untouched in [good, later] {
            assert_eq!(ada.revocation_of(&untouched).await, None);
        }
        let again = ada
            .api
            .revoke_in_bulk(&home, &request)
            .await
            .expect("nothing is left");
        assert_eq!(again.certificates, 0);

        request.approver = None;
        let error = ada
            .api
            .revoke_in_bulk(&home, &request)
            .await
            .expect_err("everybody is nobody");
        assert_eq!(error.code(), Some(ProblemCode::Invalid));
        request.address = Some("192.0.2.7".to_owned());
        request.until = START.plus(UnixMillis::DAY);
        request.dry_run = true;
        let by_address = ada.api.revoke_in_bulk(&home, &request).await.expect("told");
        assert_eq!(
            by_address.certificates, 2,
            "the good and the later one came from there too"
        );
        let error = mallory
            .api
            .revoke_in_bulk(&home, &request)
            .await
            .expect_err("an installer may not");
        assert_eq!(error.code(), Some(ProblemCode::Forbidden));
    }
);

both_engines!(
    async fn only_operators_exclude_and_strangers_learn_nothing(server: Server) {
        let home = server.organisation("Works").await;
        let other = server.organisation("Elsewhere").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let (_, certificate) = SoftDevice::in_fleet(&server, &ada).await;
        let because = RevocationRequest {
            reason: RevocationReason::Unspecified,
        };
        let roles = [
            (
                server.member(&home, Role::Viewer, "Viewer").await,
                ProblemCode::Forbidden,
            ),
            (
                server.member(&home, Role::Installer, "Installer").await,
                ProblemCode::Forbidden,
            ),
            (
                server.member(&other, Role::Owner, "Stranger").await,
                ProblemCode::NotFound,
            ),
        ];
        for (member, expected) in roles {
            let id = &certificate.device;
            let outcomes = [
                member.api.suspend_device(id).await.map(|_| ()),
                member.api.resume_device(id).await.map(|_| ()),
                member.api.revoke_device(id, &because).await.map(|_| ()),
                member.api.retire_device(id).await.map(|_| ()),
                member.api.dismiss_alarm(id).await.map(|_| ()),
                member.api.renew_device(id).await,
                member.api.identify_device(id).await,
                member
                    .api
                    .revoke_certificate(&certificate.sha256, &because)
                    .await
                    .map(|_| ()),
            ];
            for outcome in outcomes {
                assert_eq!(outcome.expect_err("refused").code(), Some(expected));
            }
        }
        let offline = ada
            .api
            .identify_device(&certificate.device)
            .await
            .expect_err("it is not connected");
        assert_eq!(offline.code(), Some(ProblemCode::Conflict));
    }
);

both_engines!(
    /// Threat model: ACC-13.
    async fn one_device_is_shut_out_or_let_in_with_a_fresh_passkey_as_many_are(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let (device, certificate) = SoftDevice::in_fleet(&server, &ada).await;
        let because = RevocationRequest {
            reason: RevocationReason::Unspecified,
        };
        server.clock.advance(5 * UnixMillis::MINUTE);
        let id = &certificate.device;
        let outcomes = [
            ada.api.suspend_device(id).await.map(|_| ()),
            ada.api.resume_device(id).await.map(|_| ()),
            ada.api.revoke_device(id, &because).await.map(|_| ()),
            ada.api.retire_device(id).await.map(|_| ()),
            ada.api.dismiss_alarm(id).await.map(|_| ()),
            ada.api
                .revoke_certificate(&certificate.sha256, &because)
                .await
                .map(|_| ()),
        ];
        for outcome in outcomes {
            let refused = outcome.expect_err("the assertion is five minutes old");
            assert_eq!(refused.code(), Some(ProblemCode::StepUpRequired));
        }
        device
            .prove(&server, &certificate.chain, 2)
            .await
            .expect("nothing has happened to it");
        let ada = server.refresh(&ada).await;
        ada.api.suspend_device(id).await.expect("suspended");
        ada.api.resume_device(id).await.expect("resumed");
        ada.api.revoke_device(id, &because).await.expect("revoked");
    }
);
