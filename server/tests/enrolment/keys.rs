//! Keys that are known already: here, elsewhere, revoked.

use gangway_protocol::certificate::{EnrolmentStage, RevocationReason, RevocationRequest};
use gangway_protocol::device::DeviceState;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_protocol::time::UnixMillis;
use gangway_server::session::GateError;

use super::problem;
use crate::support::both_engines;
use crate::support::device::SoftDevice;

both_engines!(
    /// Threat model: ENR-21.
    async fn a_key_of_an_active_device_is_handed_nothing_silently(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let (device, first) = SoftDevice::in_fleet(&server, &ada).await;

        let mut request = ada.approval_request(&device.csr()).await;
        request.facts.hostname = "cloned-image".to_owned();
        let claim = server.claim(&ada);
        let error = ada
            .api
            .approve(&claim, &request)
            .await
            .expect_err("the key is known");
        assert_eq!(error.code(), Some(ProblemCode::KeyKnown));
        let known = error.device().expect("it is named");
        assert_eq!(
            (known.id.clone(), known.name.as_str()),
            (first.device.clone(), "thermometer-7")
        );

        request.replace = true;
        let approval = ada.api.approve(&claim, &request).await.expect("replaced");
        assert_eq!(approval.device.id, first.device);
        assert_eq!(
            approval.device.name, "thermometer-7",
            "what members named stays named"
        );
        assert!(matches!(approval.device.state, DeviceState::Active { .. }));

        ada.api.suspend_device(&first.device).await.expect("suspended");
        let refused = ada.api.approve(&server.claim(&ada), &request).await;
        assert_eq!(
            problem(refused),
            ProblemCode::Conflict,
            "a suspended one has to be resumed first"
        );
    }
);

both_engines!(
    /// Threat model: ENR-21.
    async fn a_revoked_key_stays_refused(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let (device, certificate) = SoftDevice::in_fleet(&server, &ada).await;
        let because = RevocationRequest {
            reason: RevocationReason::KeyCompromise,
        };
        ada.api
            .revoke_device(&certificate.device, &because)
            .await
            .expect("revoked");
        let request = ada.approval_request(&device.csr()).await;
        assert_eq!(
            problem(ada.api.approve(&server.claim(&ada), &request).await),
            ProblemCode::KeyRevoked
        );

        // Everywhere, because a session had proved it.
        let other = server.organisation("Elsewhere").await;
        let eve = server.member(&other, Role::Operator, "Eve").await;
        let request = eve.approval_request(&device.csr()).await;
        assert_eq!(
            problem(eve.api.approve(&server.claim(&eve), &request).await),
            ProblemCode::KeyRevoked
        );
    }
);

both_engines!(
    async fn a_key_cannot_be_spoilt_by_revoking_it_elsewhere_unproven(server: Server) {
        let attackers = server.organisation("Attacker").await;
        let eve = server.member(&attackers, Role::Owner, "Eve").await;
        let device = SoftDevice::new();
        // A CSR is no secret: whoever saw it can enrol its key, but not prove it.
        let stolen = eve.enrol(&server, &device.key).await;
        let because = RevocationRequest {
            reason: RevocationReason::KeyCompromise,
        };
        eve.api
            .revoke_device(&stolen.device, &because)
            .await
            .expect("revoked");

        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let certificate = ada.enrol(&server, &device.key).await;
        device
            .prove(&server, &certificate.chain, 1)
            .await
            .expect("a session");
    }
);

both_engines!(
    /// Threat model: ENR-21.
    async fn the_first_proof_wins_a_key_and_nobody_is_told_of_others(server: Server) {
        let home = server.organisation("Works").await;
        let other = server.organisation("Elsewhere").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let eve = server.member(&other, Role::Operator, "Eve").await;
        let device = SoftDevice::new();
        let eves = eve.enrol(&server, &device.key).await;
        let adas = ada.enrol(&server, &device.key).await;
        assert_ne!(eves.device, adas.device);

        device
            .prove(&server, &adas.chain, 1)
            .await
            .expect("the first proof");
        assert_eq!(eve.reason_of(&eves).await, RevocationReason::Superseded);
        let rival = eve.api.device(&eves.device).await.expect("the device");
        assert!(matches!(rival.device.state, DeviceState::Retired { .. }));
        assert_eq!(device.refusal(&server, &eves.chain).await, ProblemCode::Retired);

        // A later approval elsewhere is neither refused nor told anything; its proof comes too late.
        let later = eve.enrol(&server, &device.key).await;
        assert_eq!(device.refusal(&server, &later.chain).await, ProblemCode::KeyInUse);
        device
            .prove(&server, &adas.chain, 2)
            .await
            .expect("the owner goes on");

        // Once its device is out of the fleet, the key may change hands.
        ada.api.retire_device(&adas.device).await.expect("retired");
        device.prove(&server, &later.chain, 3).await.expect("a session");
    }
);

both_engines!(
    async fn a_settlement_that_fails_takes_the_winning_proof_with_it(server: Server) {
        let home = server.organisation("Works").await;
        let other = server.organisation("Elsewhere").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let eve = server.member(&other, Role::Operator, "Eve").await;
        let device = SoftDevice::new();
        let rival = eve.approve(&server, &device.key).await;
        let eves = eve.certify(&rival, &device.key).await;
        let adas = ada.enrol(&server, &device.key).await;
        let spoil = "UPDATE devices SET configuration = $1 WHERE id = $2";
        server.execute(spoil, &["damaged", eves.device.as_str()]).await;
        assert!(matches!(
            device.prove(&server, &adas.chain, 1).await,
            Err(GateError::Db(_))
        ));
        let undecided = server
            .text("SELECT CAST(COUNT(*) AS TEXT) FROM certificates WHERE proven_at IS NULL AND revoked_at IS NULL")
            .await;
        assert_eq!(undecided, "2", "neither has won, neither has lost");

        server.execute(spoil, &["{}", eves.device.as_str()]).await;
        device
            .prove(&server, &adas.chain, 2)
            .await
            .expect("the first proof");
        assert_eq!(eve.reason_of(&eves).await, RevocationReason::Superseded);
        assert_eq!(eve.stage_of(&rival.claim).await, EnrolmentStage::Withdrawn);
        let lost = eve.api.device(&eves.device).await.expect("the device");
        assert!(matches!(lost.device.state, DeviceState::Retired { .. }));
    }
);

both_engines!(
    /// It kept its key, and neither its certificate nor its counter.
    async fn a_device_installed_anew_gets_a_certificate_of_its_own_and_counts_anew(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let (device, first) = SoftDevice::in_fleet(&server, &ada).await;
        device
            .prove(&server, &first.chain, 5_000)
            .await
            .expect("a session");

        server.clock.advance(UnixMillis::SECOND);
        let mut request = ada.approval_request(&device.csr()).await;
        request.replace = true;
        let approved = ada
            .api
            .approve(&server.claim(&ada), &request)
            .await
            .expect("replaced");
        let second = ada.certify(&approved, &device.key).await;
        assert_ne!(
            second.sha256, first.sha256,
            "the former one belongs to what was there before"
        );
        let again = ada.certify(&approved, &device.key).await;
        assert_eq!(again.sha256, second.sha256, "asked again it is the same");

        let accepted = device.prove(&server, &second.chain, 1).await.expect("a session");
        assert!(accepted.first && accepted.alarm.is_none(), "{accepted:?}");
        assert_eq!(ada.stage_of(&approved.claim).await, EnrolmentStage::Proven);
        assert_eq!(
            device.refusal(&server, &first.chain).await,
            ProblemCode::GraceOver
        );

        let counted = device.prove(&server, &second.chain, 1).await.expect("a session");
        assert!(
            counted.alarm.is_some(),
            "from then on a counter that stands still is a copy"
        );
    }
);
