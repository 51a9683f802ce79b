//! Renewals in a session, for which the server asks the CA again.

use gangway_protocol::organisation::DeviceMove;
use gangway_server::session::GateError;

use super::*;
use crate::organisations::made;
use crate::support::csr;

/// Half of a certificate's life and more.
const DUE: i64 = 60 * UnixMillis::DAY;

/// The problem, and after how long the device may ask again.
fn refusal<T: std::fmt::Debug>(outcome: Result<T, GateError>) -> (ProblemCode, Option<u32>) {
    match outcome {
        Err(GateError::Refused(problem)) => (problem.code, problem.retry_after_secs),
        other => panic!("a refusal, not {other:?}"),
    }
}

both_engines!(
    async fn a_session_renews_at_the_ca_that_signed(server: Server) {
        for (dialect, operation) in [
            (Dialect::Est, "simplereenroll"),
            (Dialect::StepCa, "sign"),
            (Dialect::Vault, "devices"),
        ] {
            let works = Works::new(&server, dialect).await;
            let (device, certificate) = works.in_fleet(&server).await;
            let early = device.renew(&server, &certificate.chain, &device.key).await;
            assert_eq!(early.expect("what stands").certificate, certificate.sha256);
            server.clock.advance(DUE);
            // Switched off, it goes on for what it has signed.
            let next = SoftDevice::new();
            let renewed = device
                .renew(&server, &certificate.chain, &next.key)
                .await
                .expect("renewed");
            assert_eq!(works.ca.asked().last().map(String::as_str), Some(operation));
            assert_eq!(renewed.chain.matches("BEGIN CERTIFICATE").count(), 2);
            assert!(renewed.trust_anchors.is_some());
            let again = device
                .renew(&server, &certificate.chain, &next.key)
                .await
                .expect("the same");
            assert_eq!((again.certificate, works.ca.signed()), (renewed.certificate, 2));
            next.prove(&server, &renewed.chain, 2)
                .await
                .expect("a session with it");
            assert_eq!(
                device.refusal(&server, &certificate.chain).await,
                ProblemCode::GraceOver
            );
        }
        server.verify_audit().await.expect("the record holds");
    }
);

both_engines!(
    async fn a_renewal_that_failed_is_not_asked_for_at_once(server: Server) {
        let works = Works::new(&server, Dialect::Vault).await;
        let (device, certificate) = works.in_fleet(&server).await;
        server.clock.advance(DUE);
        works.ca.will([Mood::Refuses]);
        let first = device.renew(&server, &certificate.chain, &device.key).await;
        assert_eq!(refusal(first), (ProblemCode::RateLimited, Some(3600)));
        let asked = works.ca.asked().len();
        let soon = device.renew(&server, &certificate.chain, &device.key).await;
        assert_eq!(refusal(soon).0, ProblemCode::RateLimited);
        assert_eq!(works.ca.asked().len(), asked);
        server.clock.advance(UnixMillis::HOUR);
        device
            .renew(&server, &certificate.chain, &device.key)
            .await
            .expect("renewed");
    }
);

both_engines!(
    /// Threat model: ENR-35.
    async fn renewals_whose_replies_are_lost_become_rarer_and_rarer(server: Server) {
        let works = Works::new(&server, Dialect::Vault).await;
        let (device, certificate) = works.in_fleet(&server).await;
        server.clock.advance(DUE);
        works.ca.will([Mood::NoReply; 40]);
        // The device asks every ten minutes, for a week.
        for _ in 0..7 * 24 * 6 {
            let outcome = device.renew(&server, &certificate.chain, &device.key).await;
            assert_eq!(refusal(outcome).0, ProblemCode::RateLimited);
            server.clock.advance(10 * UnixMillis::MINUTE);
        }
        let lost = works.ca.signed() - 1;
        // After one, two, four, eight and sixteen hours, then each day.
        assert_eq!(lost, 11);
        assert_eq!(server.records("certificate.reply_lost").await, 11);
        // Keys that got no certificate are not noted.
        let other = device.renew(&server, &certificate.chain, &csr::key()).await;
        assert_eq!(refusal(other).0, ProblemCode::RateLimited);
        let keys = server
            .text("SELECT CAST(COUNT(*) AS TEXT) FROM device_keys")
            .await;
        assert_eq!(keys, "1");
    }
);

both_engines!(
    async fn a_renewal_goes_on_record_where_its_device_was_moved_meanwhile(server: Server) {
        let works = Works::new(&server, Dialect::Est).await;
        let (device, certificate) = works.in_fleet(&server).await;
        let hall = made(&works.ada, &works.home, "Hall").await;
        server.clock.advance(DUE);
        let ada = server.refresh(&works.ada).await;
        works.ca.will([Mood::Waits]);
        let next = SoftDevice::new();
        let move_it = async {
            works.ca.until_asked("simplereenroll").await;
            let to = DeviceMove {
                organisation: hall.clone(),
            };
            let moved = ada.api.move_device(&certificate.device, &to).await;
            moved.expect("it is moved");
            works.ca.go_on();
        };
        let (renewed, ()) = tokio::join!(device.renew(&server, &certificate.chain, &next.key), move_it);
        let renewed = renewed.expect("renewed");
        let recorded = ada
            .api
            .certificate(&renewed.certificate)
            .await
            .expect("it is on record");
        assert_eq!(recorded.organisation, hall);
        let pass = next
            .pass(&server, &renewed.chain)
            .await
            .expect("it opens a session");
        assert_eq!(pass.organisation, hall);
    }
);
