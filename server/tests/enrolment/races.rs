//! The same thing asked for many times at once.

use std::collections::HashSet;

use futures_util::future::join_all;
use gangway_protocol::certificate::{CertificateRequest, RevocationReason};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_server::session::GateError;

use crate::support::both_engines;
use crate::support::device::SoftDevice;

const AT_ONCE: usize = 12;

both_engines!(
    /// Threat model: ENR-20.
    async fn one_claim_approved_many_times_at_once_has_one_approval(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let request = ada.approval_request(&SoftDevice::new().csr()).await;
        let claim = server.claim(&ada);
        let outcomes = join_all((0..AT_ONCE).map(|_| ada.api.approve(&claim, &request))).await;
        let devices: HashSet<_> = outcomes
            .into_iter()
            .map(|outcome| outcome.expect("the approval").device.id)
            .collect();
        assert_eq!(devices.len(), 1);
        let rows: Vec<(String,)> = server.query("SELECT id FROM devices").await;
        assert_eq!(rows.len(), 1);
        let recorded: Vec<(i64,)> = server
            .query("SELECT seq FROM audit WHERE action = 'device.approved'")
            .await;
        assert_eq!(recorded.len(), 1);
    }
);

both_engines!(
    async fn one_key_in_many_claims_at_once_is_one_device(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let request = ada.approval_request(&SoftDevice::new().csr()).await;
        let claims: Vec<_> = (0..AT_ONCE).map(|_| server.claim(&ada)).collect();
        let outcomes = join_all(claims.iter().map(|claim| ada.api.approve(claim, &request))).await;
        let devices: HashSet<_> = outcomes
            .into_iter()
            .map(|outcome| outcome.expect("an approval").device.id)
            .collect();
        assert_eq!(devices.len(), 1);
        let approvals: Vec<(String,)> = server.query("SELECT claim FROM approvals").await;
        assert_eq!(approvals.len(), AT_ONCE);
    }
);

both_engines!(
    /// Threat model: ENR-20.
    async fn one_key_signed_many_times_at_once_has_one_certificate(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let device = SoftDevice::new();
        let approval = ada.approve(&server, &device.key).await;
        ada.api.record_consent(&approval.claim).await.expect("consent");
        let sign = CertificateRequest::sign(device.csr());
        let outcomes =
            join_all((0..AT_ONCE).map(|_| ada.api.request_certificate(&approval.device.id, &sign))).await;
        let certificates: HashSet<_> = outcomes
            .into_iter()
            .map(|outcome| outcome.expect("the certificate").sha256)
            .collect();
        assert_eq!(certificates.len(), 1);
        let rows: Vec<(String,)> = server.query("SELECT serial FROM certificates").await;
        assert_eq!(rows.len(), 1);
        let recorded: Vec<(i64,)> = server
            .query("SELECT seq FROM audit WHERE action = 'certificate.issued'")
            .await;
        assert_eq!(recorded.len(), 1);
    }
);

both_engines!(
    async fn a_withdrawal_and_a_signature_at_once_leave_no_live_certificate_behind(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        for _ in 0..AT_ONCE {
            let device = SoftDevice::new();
            let approval = ada.approve(&server, &device.key).await;
            ada.api.record_consent(&approval.claim).await.expect("consent");
            let sign = CertificateRequest::sign(device.csr());
            let (signed, withdrawn) = tokio::join!(
                ada.api.request_certificate(&approval.device.id, &sign),
                ada.api.withdraw_approval(&approval.claim)
            );
            withdrawn.expect("withdrawn");
            match signed {
                Ok(certificate) => assert_eq!(
                    ada.reason_of(&certificate).await,
                    RevocationReason::CessationOfOperation
                ),
                Err(refused) => assert_eq!(refused.code(), Some(ProblemCode::Conflict), "{refused}"),
            }
        }
        let live: Vec<(String,)> = server
            .query("SELECT serial FROM certificates WHERE revoked_at IS NULL")
            .await;
        assert_eq!(live, []);
    }
);

both_engines!(
    async fn two_organisations_that_prove_one_key_at_once_do_not_both_win(server: Server) {
        let home = server.organisation("Works").await;
        let other = server.organisation("Elsewhere").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let eve = server.member(&other, Role::Operator, "Eve").await;
        for _ in 0..AT_ONCE {
            let device = SoftDevice::new();
            let (adas, eves) = (
                ada.enrol(&server, &device.key).await,
                eve.enrol(&server, &device.key).await,
            );
            let (one, two) = tokio::join!(
                device.prove(&server, &adas.chain, 1),
                device.prove(&server, &eves.chain, 1)
            );
            match (one, two) {
                (Ok(_), Err(GateError::Refused(problem))) | (Err(GateError::Refused(problem)), Ok(_)) => {
                    // Whoever was looked up before the other's proof counted finds the key in use instead.
                    let late = [ProblemCode::Retired, ProblemCode::KeyInUse];
                    assert!(late.contains(&problem.code), "{problem:?}");
                }
                outcome => panic!("exactly one has the key: {outcome:?}"),
            }
        }
    }
);

both_engines!(
    async fn of_many_proofs_with_one_counter_one_raises_no_alarm(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let (device, certificate) = SoftDevice::in_fleet(&server, &ada).await;
        let proofs = join_all((0..AT_ONCE).map(|_| device.prove(&server, &certificate.chain, 2))).await;
        let silent = proofs
            .into_iter()
            .filter(|proof| proof.as_ref().expect("an alarm shuts nobody out").alarm.is_none())
            .count();
        assert_eq!(silent, 1, "a counter counts once");
        let alarmed = ada
            .api
            .device(&certificate.device)
            .await
            .expect("the device")
            .device
            .alarm;
        assert!(alarmed.is_some());
    }
);

both_engines!(
    async fn many_devices_at_once_all_get_their_certificates(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let devices: Vec<SoftDevice> = (0..40).map(|_| SoftDevice::new()).collect();
        let certificates = join_all(devices.iter().map(|device| ada.enrol(&server, &device.key))).await;
        let serials: HashSet<_> = certificates
            .iter()
            .map(|certificate| certificate.serial.clone())
            .collect();
        assert_eq!(serials.len(), devices.len());
        server.verify_audit().await.expect("the record holds");
    }
);
