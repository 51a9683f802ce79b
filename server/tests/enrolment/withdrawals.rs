//! How an approval comes to nothing: taken back, not theirs, or left lying.

use gangway_protocol::certificate::{
    CertificateRequest, ClaimReport, ClaimReportReason, EnrolmentStage, RevocationReason,
};
use gangway_protocol::device::DeviceState;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_protocol::time::UnixMillis;

use super::problem;
use crate::support::both_engines;
use crate::support::device::SoftDevice;

both_engines!(
    async fn a_withdrawn_approval_leads_nowhere(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let device = SoftDevice::new();
        let approval = ada.approve(&server, &device.key).await;
        ada.api
            .withdraw_approval(&approval.claim)
            .await
            .expect("withdrawn");
        ada.api
            .withdraw_approval(&approval.claim)
            .await
            .expect("withdrawn already");
        assert_eq!(
            problem(ada.api.record_consent(&approval.claim).await),
            ProblemCode::Conflict
        );
        let sign = CertificateRequest::sign(device.csr());
        assert_eq!(
            problem(ada.api.request_certificate(&approval.device.id, &sign).await),
            ProblemCode::Conflict
        );
        let withdrawn = ada.api.approval(&approval.claim).await.expect("it is still told");
        assert_eq!(withdrawn.stage, EnrolmentStage::Withdrawn);
        assert!(
            matches!(withdrawn.device.state, DeviceState::Retired { .. }),
            "it is not in the fleet"
        );
        assert_eq!(ada.fleet().await, []);

        let again = ada.approve(&server, &device.key).await;
        assert_eq!(
            again.device.id, approval.device.id,
            "the same key is the same device"
        );
        assert!(matches!(again.device.state, DeviceState::Enrolling { .. }));
    }
);

both_engines!(
    async fn withdrawing_after_issuance_revokes_what_was_never_proven(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let device = SoftDevice::new();
        let approval = ada.approve(&server, &device.key).await;
        let certificate = ada.certify(&approval, &device.key).await;
        ada.api
            .withdraw_approval(&approval.claim)
            .await
            .expect("withdrawn");
        assert_eq!(
            ada.reason_of(&certificate).await,
            RevocationReason::CessationOfOperation
        );
        assert_eq!(
            device.refusal(&server, &certificate.chain).await,
            ProblemCode::Retired
        );

        let second = ada.enrol(&server, &device.key).await;
        assert_ne!(
            second.sha256, certificate.sha256,
            "the key is welcome, the certificate is a new one"
        );
        device.prove(&server, &second.chain, 1).await.expect("a session");
    }
);

both_engines!(
    async fn a_proven_enrolment_cannot_be_withdrawn(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let device = SoftDevice::new();
        let approval = ada.approve(&server, &device.key).await;
        let certificate = ada.certify(&approval, &device.key).await;
        device
            .prove(&server, &certificate.chain, 1)
            .await
            .expect("a session");
        assert_eq!(
            problem(ada.api.withdraw_approval(&approval.claim).await),
            ProblemCode::Conflict
        );
    }
);

both_engines!(
    /// Threat model: ENR-7.
    async fn not_mine_ends_the_claim_and_is_told_to_the_admins(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Installer, "Ada").await;
        let bob = server.member(&home, Role::Installer, "Bob").await;
        let approval = ada.approve(&server, &SoftDevice::new().key).await;
        let report = ClaimReport {
            reason: ClaimReportReason::NotMine,
        };
        assert_eq!(
            problem(bob.api.report_claim(&approval.claim, &report).await),
            ProblemCode::NotFound
        );
        ada.api
            .report_claim(&approval.claim, &report)
            .await
            .expect("reported");
        assert_eq!(ada.stage_of(&approval.claim).await, EnrolmentStage::Withdrawn);
        let told: Vec<(String, String)> = server
            .query("SELECT chain, detail FROM audit WHERE action = 'enrolment.not_mine' AND subject LIKE 'clm_%'")
            .await;
        let [(chain, detail)] = told.try_into().expect("one entry");
        assert_eq!(chain, home.as_str());
        assert!(detail.contains("192.0.2.7"), "{detail}");

        let claim = server.claim(&ada);
        let cancelled = ClaimReport {
            reason: ClaimReportReason::Cancelled,
        };
        ada.api.report_claim(&claim, &cancelled).await.expect("reported");
        let told: Vec<(String,)> = server
            .query("SELECT chain FROM audit WHERE action = 'enrolment.not_mine'")
            .await;
        assert_eq!(told.len(), 1, "changing one's mind is no report");
    }
);

both_engines!(
    /// Threat model: ENR-22.
    async fn an_approval_that_leads_nowhere_lapses_after_a_day(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let approval = ada.approve(&server, &SoftDevice::new().key).await;
        server.clock.advance(24 * UnixMillis::HOUR - 1);
        server.tick().await;
        assert_eq!(ada.stage_of(&approval.claim).await, EnrolmentStage::Approved);
        server.clock.advance(1);
        assert_eq!(
            problem(ada.api.record_consent(&approval.claim).await),
            ProblemCode::Conflict,
            "before the sweep too"
        );
        server.clock.advance(UnixMillis::MINUTE);
        server.tick().await;
        let lapsed = ada.api.approval(&approval.claim).await.expect("the approval");
        assert_eq!(lapsed.stage, EnrolmentStage::Withdrawn);
        assert!(matches!(lapsed.device.state, DeviceState::Retired { .. }));
    }
);
