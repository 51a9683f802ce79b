//! Who may open a session: counters, grace, exclusion, renewal. The sockets are tried elsewhere.

mod altered;
mod life;
mod renewals;

use gangway_protocol::certificate::{RevocationReason, RevocationRequest};
use gangway_protocol::device::{AlarmKind, DeviceState};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_protocol::session::{MAX_COUNTER, SessionAbility};
use gangway_protocol::time::UnixMillis;
use gangway_server::ca::Presented;
use gangway_server::session::{GateError, accept_proof, installed, renew, set_facts};

use crate::support::device::SoftDevice;
use crate::support::member::facts;
use crate::support::{START, both_engines, csr};

#[track_caller]
fn code<T: std::fmt::Debug>(result: Result<T, GateError>) -> ProblemCode {
    match result {
        Err(GateError::Refused(problem)) => problem.code,
        other => panic!("a refusal, not {other:?}"),
    }
}

both_engines!(
    async fn a_certificate_of_nobody_is_unknown(server: Server) {
        let device = SoftDevice::new();
        let own = rcgen::CertificateParams::default()
            .self_signed(&device.key)
            .expect("a certificate")
            .pem();
        assert_eq!(
            device.refusal(&server, &own).await,
            ProblemCode::CertificateUnknown
        );
        let malformed = Presented::parse("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n");
        assert!(malformed.is_err());
    }
);

both_engines!(
    async fn the_first_proof_makes_a_device_active(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let (device, certificate) = SoftDevice::enrolled(&server, &ada).await;
        let pass = device.pass(&server, &certificate.chain).await.expect("admitted");
        assert_eq!((&pass.device, &pass.organisation), (&certificate.device, &home));
        assert_eq!(pass.only, None);
        let half = certificate
            .not_before
            .plus(certificate.not_after.since(certificate.not_before) / 2);
        assert!(
            pass.renew_after >= half,
            "renewal is due at half of life, not before"
        );
        assert!(pass.renew_after < half.plus(10 * UnixMillis::DAY), "with jitter");
        let first = accept_proof(&server.gangway, &pass, 7).await.expect("accepted");
        assert!(first.first && first.alarm.is_none());
        let again = device
            .prove(&server, &certificate.chain, 8)
            .await
            .expect("accepted");
        assert!(!again.first && again.alarm.is_none());
        let shown = ada
            .api
            .device(&certificate.device)
            .await
            .expect("the device")
            .device;
        assert!(matches!(shown.state, DeviceState::Active { .. }));
    }
);

both_engines!(
    async fn a_counter_that_goes_back_is_admitted_and_flagged_until_somebody_answers(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let (device, certificate) = SoftDevice::enrolled(&server, &ada).await;
        device
            .prove(&server, &certificate.chain, 10)
            .await
            .expect("a session");
        device
            .prove(&server, &certificate.chain, 500)
            .await
            .expect("gaps are normal");
        for counter in [500, 12] {
            let alarm = device
                .prove(&server, &certificate.chain, counter)
                .await
                .expect("admitted")
                .alarm;
            assert_eq!(alarm.expect("flagged").kind, AlarmKind::Clone);
        }
        let alarm = device
            .prove(&server, &certificate.chain, 501)
            .await
            .expect("admitted")
            .alarm;
        assert!(alarm.is_some(), "an alarm does not go by itself");

        device
            .prove(&server, &certificate.chain, 13)
            .await
            .expect("admitted");
        let calm = ada
            .api
            .dismiss_alarm(&certificate.device)
            .await
            .expect("answered");
        assert_eq!(calm.device.alarm, None);
        let next = device
            .prove(&server, &certificate.chain, 14)
            .await
            .expect("a session");
        assert_eq!(
            next.alarm, None,
            "counting goes on from what the restored device presented"
        );
        let error = ada
            .api
            .dismiss_alarm(&certificate.device)
            .await
            .expect_err("there is none");
        assert_eq!(error.code(), Some(ProblemCode::Conflict));
        assert_eq!(
            code(device.prove(&server, &certificate.chain, MAX_COUNTER).await),
            ProblemCode::Malformed
        );
    }
);

both_engines!(
    async fn an_expired_certificate_only_renews_and_only_within_grace(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let (device, certificate) = SoftDevice::in_fleet(&server, &ada).await;
        server.clock.advance(91 * UnixMillis::DAY);
        let pass = device
            .pass(&server, &certificate.chain)
            .await
            .expect("within grace");
        assert_eq!(pass.only, Some(vec![SessionAbility::Renew]));
        let renewed = device
            .renew(&server, &certificate.chain, &device.key)
            .await
            .expect("renewed");
        device.prove(&server, &renewed.chain, 2).await.expect("a session");
        server.clock.advance(30 * UnixMillis::DAY);
        assert_eq!(
            device.refusal(&server, &certificate.chain).await,
            ProblemCode::GraceOver
        );
    }
);

both_engines!(
    async fn the_excluded_are_told_why(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let (device, certificate) = SoftDevice::in_fleet(&server, &ada).await;

        ada.api
            .suspend_device(&certificate.device)
            .await
            .expect("suspended");
        assert_eq!(
            device.refusal(&server, &certificate.chain).await,
            ProblemCode::Suspended
        );
        server.clock.advance(91 * UnixMillis::DAY);
        assert_eq!(
            device.refusal(&server, &certificate.chain).await,
            ProblemCode::Suspended,
            "no grace for it"
        );
        let ada = server.refresh(&ada).await;
        ada.api.resume_device(&certificate.device).await.expect("resumed");
        assert!(device.pass(&server, &certificate.chain).await.is_ok());

        ada.api.retire_device(&certificate.device).await.expect("retired");
        assert_eq!(
            device.refusal(&server, &certificate.chain).await,
            ProblemCode::Retired
        );

        let (other, certificate) = SoftDevice::in_fleet(&server, &ada).await;
        let because = RevocationRequest {
            reason: RevocationReason::KeyCompromise,
        };
        ada.api
            .revoke_device(&certificate.device, &because)
            .await
            .expect("revoked");
        assert_eq!(
            other.refusal(&server, &certificate.chain).await,
            ProblemCode::CertificateRevoked
        );
    }
);

both_engines!(
    async fn a_revocation_between_admission_and_proof_counts(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let (device, certificate) = SoftDevice::enrolled(&server, &ada).await;
        let pass = device.pass(&server, &certificate.chain).await.expect("admitted");
        let because = RevocationRequest {
            reason: RevocationReason::Unspecified,
        };
        ada.api
            .revoke_certificate(&certificate.sha256, &because)
            .await
            .expect("revoked");
        assert_eq!(
            code(accept_proof(&server.gangway, &pass, 1).await),
            ProblemCode::CertificateRevoked
        );
    }
);

both_engines!(
    async fn renewal_takes_the_endorsement_of_the_present_key(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let (device, certificate) = SoftDevice::in_fleet(&server, &ada).await;
        let pass = device.pass(&server, &certificate.chain).await.expect("admitted");

        let fresh = csr::csr(&csr::key());
        let refused = renew(
            &server.gangway,
            &pass.device,
            &pass.certificate,
            &fresh,
            b"no signature",
        )
        .await;
        assert_eq!(code(refused), ProblemCode::ProofInvalid);
        assert_eq!(
            code(renew(&server.gangway, &pass.device, &pass.certificate, "nonsense", b"").await),
            ProblemCode::CsrRefused
        );

        let same = device
            .renew(&server, &certificate.chain, &device.key)
            .await
            .expect("renewed");
        assert_eq!(
            same.certificate, certificate.sha256,
            "in the first half of life the one that stands is the answer"
        );

        server.clock.advance(60 * UnixMillis::DAY);
        let new_key = SoftDevice::new();
        let renewed = device
            .renew(&server, &certificate.chain, &new_key.key)
            .await
            .expect("renewed");
        assert_ne!(renewed.certificate, certificate.sha256);
        installed(&server.gangway, &certificate.device, &renewed.certificate)
            .await
            .expect("noted");
        let ada = server.refresh(&ada).await;
        let (stranger, strangers) = SoftDevice::enrolled(&server, &ada).await;
        let taken = device.renew(&server, &certificate.chain, &stranger.key).await;
        assert_eq!(code(taken), ProblemCode::KeyInUse);
        assert_eq!(
            code(installed(&server.gangway, &certificate.device, &strangers.sha256).await),
            ProblemCode::CertificateUnknown
        );
    }
);

both_engines!(
    async fn a_member_can_have_a_device_renew_early(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let (device, certificate) = SoftDevice::in_fleet(&server, &ada).await;
        ada.api.renew_device(&certificate.device).await.expect("asked");
        let pass = device.pass(&server, &certificate.chain).await.expect("admitted");
        assert_eq!(pass.renew_after, START, "it is due now");
        let renewed = device
            .renew(&server, &certificate.chain, &device.key)
            .await
            .expect("renewed");
        assert_ne!(renewed.certificate, certificate.sha256);
        let again = device
            .renew(&server, &certificate.chain, &device.key)
            .await
            .expect("the same");
        assert_eq!(again.certificate, renewed.certificate, "the wish is met once");
    }
);

both_engines!(
    async fn facts_are_taken_as_stated_or_refused(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let certificate = ada.enrol(&server, &SoftDevice::new().key).await;
        let stated = facts("boiler-1");
        set_facts(&server.gangway, &certificate.device, &stated)
            .await
            .expect("noted");
        let device = ada
            .api
            .device(&certificate.device)
            .await
            .expect("the device")
            .device;
        assert_eq!(device.facts, stated);
        assert_eq!(device.name, "thermometer-7", "the name is the members'");
        let deceptive = facts("a\u{202e}b");
        assert_eq!(
            code(set_facts(&server.gangway, &certificate.device, &deceptive).await),
            ProblemCode::Malformed
        );
    }
);
