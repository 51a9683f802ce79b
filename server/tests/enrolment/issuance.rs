//! One certificate per key and generation, however often it is asked for.

use gangway_protocol::certificate::{CertificateRequest, EnrolmentStage, Recording, RevocationReason};
use gangway_protocol::device::DeviceState;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_protocol::time::UnixMillis;

use super::problem;
use crate::support::both_engines;
use crate::support::device::SoftDevice;

both_engines!(
    /// Threat model: ENR-19.
    async fn nothing_is_signed_before_consent(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let device = SoftDevice::new();
        let approval = ada.approve(&server, &device.key).await;
        let sign = CertificateRequest::sign(device.csr());
        assert_eq!(
            problem(ada.api.request_certificate(&approval.device.id, &sign).await),
            ProblemCode::Conflict
        );
        let rows: Vec<(String,)> = server.query("SELECT serial FROM certificates").await;
        assert_eq!(rows, []);
    }
);

both_engines!(
    async fn a_certificate_is_only_for_the_key_that_was_approved(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let bob = server.member(&home, Role::Operator, "Bob").await;
        let device = SoftDevice::new();
        let approval = ada.approve(&server, &device.key).await;
        ada.api.record_consent(&approval.claim).await.expect("consent");
        let other = CertificateRequest::sign(SoftDevice::new().csr());
        assert_eq!(
            problem(ada.api.request_certificate(&approval.device.id, &other).await),
            ProblemCode::Conflict
        );
        let sign = CertificateRequest::sign(device.csr());
        assert_eq!(
            problem(bob.api.request_certificate(&approval.device.id, &sign).await),
            ProblemCode::Conflict
        );
        let recorded = CertificateRequest::Record(Recording {
            claim: approval.claim.clone(),
            chain: "-----BEGIN CERTIFICATE-----".to_owned(),
            external_id: None,
        });
        assert_eq!(
            problem(ada.api.request_certificate(&approval.device.id, &recorded).await),
            ProblemCode::Invalid
        );
        ada.api
            .request_certificate(&approval.device.id, &sign)
            .await
            .expect("a certificate");
    }
);

both_engines!(
    async fn asking_again_gives_the_same_certificate_for_half_its_life(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let (device, first) = SoftDevice::in_fleet(&server, &ada).await;
        let sign = CertificateRequest::sign(device.csr());
        // 90 days and five minutes of life, of which five minutes had passed at the start.
        server
            .clock
            .advance(45 * UnixMillis::DAY - 4 * UnixMillis::MINUTE);
        let ada = server.refresh(&ada).await;
        let again = ada
            .api
            .request_certificate(&first.device, &sign)
            .await
            .expect("the same");
        assert_eq!(again.sha256, first.sha256);
        server.clock.advance(4 * UnixMillis::MINUTE);
        let ada = server.refresh(&ada).await;
        let next = ada
            .api
            .request_certificate(&first.device, &sign)
            .await
            .expect("the next");
        assert_ne!(next.sha256, first.sha256);
        let generations: Vec<(i64,)> = server
            .query("SELECT generation FROM certificates ORDER BY generation")
            .await;
        assert_eq!(generations, [(1,), (2,)]);
    }
);

both_engines!(
    async fn validity_follows_the_policy(server: Server) {
        let home = server.organisation("Works").await;
        server
            .set_policy(&home, |policy| policy.certificate_validity_days = 7)
            .await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let certificate = ada.enrol(&server, &SoftDevice::new().key).await;
        let life = certificate.not_after.since(certificate.issued_at);
        assert_eq!(life, 7 * UnixMillis::DAY - UnixMillis::SECOND);
    }
);

both_engines!(
    /// Threat model: ENR-22.
    async fn what_no_session_proves_in_a_week_is_revoked_and_may_come_again(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let (device, certificate) = SoftDevice::enrolled(&server, &ada).await;
        server.clock.advance(7 * UnixMillis::DAY - 1);
        server.tick().await;
        let ada = server.refresh(&ada).await;
        assert_eq!(ada.revocation_of(&certificate).await, None);
        server.clock.advance(UnixMillis::MINUTE + 1);
        server.tick().await;
        assert_eq!(
            ada.reason_of(&certificate).await,
            RevocationReason::CessationOfOperation
        );
        let retired = ada.api.device(&certificate.device).await.expect("the device");
        assert!(matches!(retired.device.state, DeviceState::Retired { .. }));

        let ada = server.refresh(&ada).await;
        let second = ada.enrol(&server, &device.key).await;
        device.prove(&server, &second.chain, 1).await.expect("a session");
        server.clock.advance(30 * UnixMillis::DAY);
        server.tick().await;
        let ada = server.refresh(&ada).await;
        assert_eq!(ada.revocation_of(&second).await, None, "proven ones stay");
    }
);

both_engines!(
    async fn delivery_is_recorded_once(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let certificate = ada.enrol(&server, &SoftDevice::new().key).await;
        let first = ada
            .api
            .record_delivery(&certificate.sha256)
            .await
            .expect("delivery");
        server.clock.advance(UnixMillis::MINUTE);
        let again = ada
            .api
            .record_delivery(&certificate.sha256)
            .await
            .expect("delivery");
        assert_eq!(first, again);
        let stages: Vec<(String,)> = server.query("SELECT stage FROM approvals").await;
        assert_eq!(stages, [(EnrolmentStage::Delivered.as_str().to_owned(),)]);
        let viewer = server.member(&home, Role::Viewer, "Viewer").await;
        assert_eq!(
            problem(viewer.api.record_delivery(&certificate.sha256).await),
            ProblemCode::Forbidden
        );
    }
);
