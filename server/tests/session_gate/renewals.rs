//! Renewals: how many there are, and how the certificate before ends.

use std::collections::BTreeMap;

use gangway_protocol::certificate::{Certificate, RevocationReason};
use gangway_protocol::device::DeviceState;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_protocol::time::UnixMillis;
use gangway_server::session::{GateError, Renewed, accept_proof};

use crate::support::device::SoftDevice;
use crate::support::member::Member;
use crate::support::{Server, both_engines, csr};

/// Half of a certificate's life and more: renewal is due.
const DUE: i64 = 60 * UnixMillis::DAY;
/// The reason `superseded` in a revocation list (RFC 5280 §5.3.1).
const SUPERSEDED: usize = 4;

/// A device in the fleet of a new organisation, on the day when its renewal is due.
async fn due(server: &Server) -> (Member, SoftDevice, Certificate) {
    let home = server.organisation("Works").await;
    let ada = server.member(&home, Role::Operator, "Ada").await;
    let (device, certificate) = SoftDevice::in_fleet(server, &ada).await;
    server.clock.advance(DUE);
    (server.refresh(&ada).await, device, certificate)
}

/// The device renews with another key.
async fn rotated(server: &Server, device: &SoftDevice, certificate: &Certificate) -> (SoftDevice, Renewed) {
    let next = SoftDevice::new();
    let renewed = device.renew(server, &certificate.chain, &next.key).await;
    (next, renewed.expect("it is due"))
}

async fn count(server: &Server) -> String {
    server
        .text("SELECT CAST(COUNT(*) AS TEXT) FROM certificates")
        .await
}

both_engines!(
    /// Threat model: SES-9.
    async fn whoever_asks_early_gets_the_certificate_that_stands_whatever_key_they_bring(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let (device, certificate) = SoftDevice::in_fleet(&server, &ada).await;
        for _ in 0..20 {
            server.clock.advance(UnixMillis::SECOND);
            let answer = device
                .renew(&server, &certificate.chain, &csr::key())
                .await
                .expect("an answer");
            assert_eq!(answer.certificate, certificate.sha256);
        }
        assert_eq!(count(&server).await, "1");
        let keys = server
            .text("SELECT CAST(COUNT(*) AS TEXT) FROM device_keys")
            .await;
        assert_eq!(keys, "1", "keys that got no certificate are not noted either");
    }
);

both_engines!(
    /// Threat model: SES-9.
    async fn a_device_renews_a_few_times_a_day_and_no_more(server: Server) {
        let (_ada, device, certificate) = due(&server).await;
        let mut answers = Vec::new();
        for _ in 0..20 {
            server.clock.advance(UnixMillis::SECOND);
            let answer = device.renew(&server, &certificate.chain, &csr::key()).await;
            answers.push(answer.expect("an answer").certificate);
        }
        let (issued, refused) = answers.split_at(5);
        assert!(!issued.contains(&certificate.sha256));
        assert!(refused.iter().all(|answer| *answer == certificate.sha256));
        assert_eq!(count(&server).await, "6");
        server.clock.advance(UnixMillis::DAY);
        let next_day = device.renew(&server, &certificate.chain, &csr::key()).await;
        assert_ne!(next_day.expect("an answer").certificate, certificate.sha256);

        // One whose certificate has expired has nothing to go on with, and is told when to ask again.
        server.clock.advance(35 * UnixMillis::DAY);
        for _ in 0..5 {
            let answer = device.renew(&server, &certificate.chain, &csr::key()).await;
            answer.expect("within grace");
        }
        match device.renew(&server, &certificate.chain, &csr::key()).await {
            Err(GateError::Refused(problem)) => {
                assert_eq!(problem.code, ProblemCode::RateLimited);
                assert_eq!(problem.retry_after_secs, Some(3600));
            }
            other => panic!("a refusal, not {other:?}"),
        }
    }
);

both_engines!(
    async fn a_repeated_renewal_of_one_key_is_one_certificate(server: Server) {
        let (_ada, device, certificate) = due(&server).await;
        let first = device
            .renew(&server, &certificate.chain, &device.key)
            .await
            .expect("renewed");
        for _ in 0..10 {
            let again = device
                .renew(&server, &certificate.chain, &device.key)
                .await
                .expect("renewed");
            assert_eq!(again.certificate, first.certificate);
        }
        assert_eq!(count(&server).await, "2");
    }
);

both_engines!(
    /// Threat model: SES-8.
    async fn a_proof_with_the_newer_certificate_ends_the_older_for_good(server: Server) {
        let (ada, device, certificate) = due(&server).await;
        let (next, renewed) = rotated(&server, &device, &certificate).await;
        assert!(
            device.pass(&server, &certificate.chain).await.is_ok(),
            "the older one works until the newer one is proved"
        );
        let older = device
            .pass(&server, &certificate.chain)
            .await
            .expect("not yet superseded");
        next.prove(&server, &renewed.chain, 2).await.expect("a session");

        assert_eq!(
            device.refusal(&server, &certificate.chain).await,
            ProblemCode::GraceOver
        );
        assert!(
            matches!(accept_proof(&server.gangway, &older, 3).await,
                Err(GateError::Refused(problem)) if problem.code == ProblemCode::GraceOver),
            "nor one that was looked up before"
        );
        assert!(
            matches!(device.renew(&server, &certificate.chain, &device.key).await,
                Err(GateError::Refused(problem)) if problem.code == ProblemCode::GraceOver),
            "nor does it renew"
        );
        assert_eq!(
            server.listed().await,
            BTreeMap::from([(certificate.serial.clone(), SUPERSEDED)])
        );
        assert_eq!(ada.reason_of(&certificate).await, RevocationReason::Superseded);
        next.prove(&server, &renewed.chain, 4)
            .await
            .expect("the newer one goes on");
    }
);

both_engines!(
    /// Threat model: SES-8.
    async fn the_older_of_two_renewals_ends_with_the_proof_of_the_newer_in_either_order(server: Server) {
        let (_ada, device, certificate) = due(&server).await;
        let (one, first) = rotated(&server, &device, &certificate).await;
        server.clock.advance(UnixMillis::SECOND);
        let (two, second) = rotated(&server, &device, &certificate).await;
        // In order: each ends what came before it.
        one.prove(&server, &first.chain, 2).await.expect("a session");
        two.prove(&server, &second.chain, 3).await.expect("a session");
        assert_eq!(one.refusal(&server, &first.chain).await, ProblemCode::GraceOver);

        let (_ada, device, certificate) = due(&server).await;
        let (one, first) = rotated(&server, &device, &certificate).await;
        server.clock.advance(UnixMillis::SECOND);
        let (two, second) = rotated(&server, &device, &certificate).await;
        // The newer first: the older can be proved no more.
        two.prove(&server, &second.chain, 2).await.expect("a session");
        assert_eq!(one.refusal(&server, &first.chain).await, ProblemCode::GraceOver);
        two.prove(&server, &second.chain, 3).await.expect("a session");
    }
);

both_engines!(
    /// Threat model: SES-8.
    async fn two_first_proofs_at_once_leave_the_newer_one(server: Server) {
        for _ in 0..4 {
            let (_ada, device, certificate) = due(&server).await;
            let (one, first) = rotated(&server, &device, &certificate).await;
            server.clock.advance(UnixMillis::SECOND);
            let (two, second) = rotated(&server, &device, &certificate).await;
            let (_, newer) = tokio::join!(
                one.prove(&server, &first.chain, 2),
                two.prove(&server, &second.chain, 3)
            );
            newer.expect("a session");
            assert_eq!(one.refusal(&server, &first.chain).await, ProblemCode::GraceOver);
            assert_eq!(
                device.refusal(&server, &certificate.chain).await,
                ProblemCode::GraceOver
            );
        }
    }
);

both_engines!(
    async fn a_policy_may_give_superseded_certificates_a_grace_and_then_lists_them(server: Server) {
        let (ada, device, certificate) = due(&server).await;
        server
            .set_policy(&ada.organisation, |policy| policy.superseded_grace_hours = 24)
            .await;
        let (next, renewed) = rotated(&server, &device, &certificate).await;
        next.prove(&server, &renewed.chain, 2).await.expect("a session");
        server.clock.advance(UnixMillis::DAY - 1);
        server.tick().await;
        let pass = device
            .pass(&server, &certificate.chain)
            .await
            .expect("within its grace");
        assert!(!pass.newest, "a session of the newer one is not ended by it");
        assert!(server.listed().await.is_empty());

        server.clock.advance(1);
        assert_eq!(
            device.refusal(&server, &certificate.chain).await,
            ProblemCode::GraceOver,
            "to the millisecond, whenever the sweep comes"
        );
        server.clock.advance(UnixMillis::MINUTE);
        server.tick().await;
        assert_eq!(
            server.listed().await,
            BTreeMap::from([(certificate.serial.clone(), SUPERSEDED)])
        );
        server
            .set_policy(&ada.organisation, |policy| policy.superseded_grace_hours = 1000)
            .await;
        assert_eq!(
            device.refusal(&server, &certificate.chain).await,
            ProblemCode::GraceOver,
            "what has ended does not begin again"
        );
    }
);

both_engines!(
    async fn a_policy_may_leave_superseded_certificates_off_the_list(server: Server) {
        let (ada, device, certificate) = due(&server).await;
        server
            .set_policy(&ada.organisation, |policy| policy.superseded_in_crl = false)
            .await;
        let (next, renewed) = rotated(&server, &device, &certificate).await;
        next.prove(&server, &renewed.chain, 2).await.expect("a session");
        assert!(server.listed().await.is_empty());
        assert_eq!(
            device.refusal(&server, &certificate.chain).await,
            ProblemCode::GraceOver
        );
    }
);

both_engines!(
    /// Threat model: SES-9.
    async fn a_renewal_that_no_session_proves_lapses(server: Server) {
        let (ada, device, certificate) = due(&server).await;
        let (next, renewed) = rotated(&server, &device, &certificate).await;
        server.clock.advance(7 * UnixMillis::DAY);
        server.tick().await;
        assert!(next.pass(&server, &renewed.chain).await.is_ok(), "in its time");
        server.clock.advance(UnixMillis::MINUTE);
        server.tick().await;
        assert_eq!(
            next.refusal(&server, &renewed.chain).await,
            ProblemCode::CertificateRevoked
        );
        device
            .prove(&server, &certificate.chain, 2)
            .await
            .expect("the certificate that it has stays");
        let ada = server.refresh(&ada).await;
        let shown = ada.api.device(&certificate.device).await.expect("the device");
        assert!(matches!(shown.device.state, DeviceState::Active { .. }));
        assert_eq!(server.records("certificate.never_proven").await, 1);
    }
);

both_engines!(
    async fn a_device_that_loses_power_before_its_first_proof_loses_nothing(server: Server) {
        let (_ada, device, certificate) = due(&server).await;
        // Written and said to be installed, but the power goes before a session: it comes back with either of the two.
        let renewed = device
            .renew(&server, &certificate.chain, &device.key)
            .await
            .expect("renewed");
        device
            .prove(&server, &certificate.chain, 2)
            .await
            .expect("the older one, when the newer was not on the disk");
        let again = device
            .renew(&server, &certificate.chain, &device.key)
            .await
            .expect("renewed");
        assert_eq!(again.certificate, renewed.certificate);
        device.prove(&server, &renewed.chain, 3).await.expect("the newer");
        // And the power goes before the device has noted that it was welcomed.
        device
            .prove(&server, &renewed.chain, 4)
            .await
            .expect("the newer again");
    }
);

both_engines!(
    /// Threat model: SES-10.
    async fn a_device_restored_from_an_old_backup_needs_a_person_and_stays_the_same_device(server: Server) {
        let (ada, device, certificate) = due(&server).await;
        let (next, renewed) = rotated(&server, &device, &certificate).await;
        next.prove(&server, &renewed.chain, 2).await.expect("a session");

        match device.prove(&server, &certificate.chain, 3).await {
            Err(GateError::Refused(problem)) => {
                assert_eq!(problem.code, ProblemCode::GraceOver);
                assert!(problem.message.contains("backup"), "{}", problem.message);
            }
            other => panic!("a refusal, not {other:?}"),
        }
        let mut request = ada.approval_request(&device.csr()).await;
        let claim = server.claim(&ada);
        let known = ada.api.approve(&claim, &request).await.expect_err("it is known");
        assert_eq!(known.code(), Some(ProblemCode::KeyKnown));
        request.replace = true;
        server.clock.advance(UnixMillis::SECOND);
        let approval = ada.api.approve(&claim, &request).await.expect("an approval");
        assert_eq!(approval.device.id, certificate.device);
        let fresh = ada.certify(&approval, &device.key).await;
        device.prove(&server, &fresh.chain, 4).await.expect("a session");
        assert_eq!(
            next.refusal(&server, &renewed.chain).await,
            ProblemCode::GraceOver,
            "one of the two goes on"
        );
    }
);
