//! What goes wrong at a corporate CA, and what stands afterwards.

use gangway_client::ApiError;
use gangway_protocol::certificate::{RevocationReason, RevocationRequest, SIGNING_LEASE_SECS};
use serde_json::json;

use super::*;
use crate::support::corporate_ca::add;

fn words<T: std::fmt::Debug>(outcome: Result<T, ApiError>) -> String {
    outcome.expect_err("a problem").to_string()
}

both_engines!(
    async fn what_it_refuses_is_told_in_its_words_and_may_be_asked_again_at_once(server: Server) {
        for (dialect, mood, said) in [
            (
                Dialect::Est,
                Mood::Refuses,
                "it refused: the subject is not one of ours",
            ),
            (
                Dialect::Est,
                Mood::Forbids,
                "does not accept Gangway’s credential for this: HTTP status 401",
            ),
            (
                Dialect::StepCa,
                Mood::Refuses,
                "it refused: The request was forbidden",
            ),
            (
                Dialect::StepCa,
                Mood::Forbids,
                "does not accept Gangway’s credential for this: The request lacked",
            ),
            (
                Dialect::Vault,
                Mood::Refuses,
                "it refused: common name x not allowed by this role",
            ),
            (
                Dialect::Vault,
                Mood::Forbids,
                "does not accept Gangway’s credential for this: 1 error occurred",
            ),
            (
                Dialect::Vault,
                Mood::Redirects,
                "it redirects to https://evil.example/, and redirects are not followed",
            ),
            (
                Dialect::Vault,
                Mood::OtherKey,
                "it returned a certificate for another key",
            ),
        ] {
            let works = Works::new(&server, dialect).await;
            let (device, approval) = works.consented(&server).await;
            works.ca.will([mood]);
            let words = words(works.ask(&device, &approval).await);
            assert!(
                words.contains("“Works CA” did not sign") && words.contains(said),
                "{mood:?}: {words}"
            );
            assert_eq!(
                works.ada.stage_of(&approval.claim).await,
                EnrolmentStage::Consented
            );
            let certificate = works.ask(&device, &approval).await.expect("a certificate");
            assert_eq!(certificate.device, approval.device.id);
        }
        assert_eq!(server.records("certificate.reply_lost").await, 0);
    }
);

both_engines!(
    /// Threat model: ENR-35.
    async fn a_lost_reply_is_told_and_nothing_is_signed_again_before_a_person_says_so(server: Server) {
        for (dialect, mood, signed) in [
            (Dialect::Est, Mood::NoReply, 1),
            (Dialect::StepCa, Mood::NoReply, 1),
            (Dialect::Vault, Mood::NoReply, 1),
            (Dialect::StepCa, Mood::Garbage, 0),
            (Dialect::Est, Mood::Endless, 0),
            (Dialect::Vault, Mood::GatewayTimeout, 0),
        ] {
            let works = Works::new(&server, dialect).await;
            let (device, approval) = works.consented(&server).await;
            works.ca.will([mood]);
            assert_eq!(
                problem(works.ask(&device, &approval).await),
                ProblemCode::ReplyLost,
                "{mood:?}"
            );
            assert_eq!(
                works.ada.stage_of(&approval.claim).await,
                EnrolmentStage::ReplyLost
            );
            assert_eq!(
                problem(works.ask(&device, &approval).await),
                ProblemCode::ReplyLost
            );
            assert_eq!(works.ca.signed(), signed, "nothing was asked again");
            let certificate = works.ask_again(&device, &approval).await.expect("another one");
            assert_eq!(works.ca.signed(), signed + 1);
            device
                .prove(&server, &certificate.chain, 1)
                .await
                .expect("a session");
        }
        assert_eq!(server.records("certificate.reply_lost").await, 6);
    }
);

both_engines!(
    /// Threat model: ENR-35.
    async fn an_attempt_that_a_crash_left_ends_with_its_lease(server: Server) {
        let works = Works::new(&server, Dialect::Vault).await;
        let (device, approval) = works.consented(&server).await;
        works.ca.will([Mood::Waits]);
        tokio::select! {
            _ = works.ask(&device, &approval) => panic!("it waits"),
            () = works.ca.until_asked("devices") => {}
        }
        assert_eq!(problem(works.ask(&device, &approval).await), ProblemCode::Busy);
        server
            .clock
            .advance(i64::from(SIGNING_LEASE_SECS) * UnixMillis::SECOND + UnixMillis::SECOND);
        server.tick().await;
        assert_eq!(
            problem(works.ask(&device, &approval).await),
            ProblemCode::ReplyLost
        );
        let certificate = works.ask_again(&device, &approval).await.expect("another one");
        assert_eq!(works.ca.signed(), 1);
        // The first one comes all the same, and is on record: its CA has to hear that it does not serve.
        works.ca.go_on();
        for _ in 0..400 {
            if certificates(&server).await == "2" {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let revoked = server
            .text("SELECT CAST(COUNT(*) AS TEXT) FROM certificates WHERE revoked_at IS NOT NULL")
            .await;
        assert_eq!(
            (certificates(&server).await.as_str(), revoked.as_str()),
            ("2", "1")
        );
        let stands = works.ask(&device, &approval).await.expect("what stands");
        assert_eq!(stands.sha256, certificate.sha256);
    }
);

both_engines!(
    /// Threat model: ENR-34.
    async fn a_certificate_that_may_sign_others_is_on_record_as_revoked(server: Server) {
        let works = Works::new(&server, Dialect::Vault).await;
        let (device, approval) = works.consented(&server).await;
        works.ca.will([Mood::CaCertificate]);
        let words = words(works.ask(&device, &approval).await);
        assert!(words.contains("may sign others"), "{words}");
        let reasons: Vec<(String,)> = server.query("SELECT revocation_reason FROM certificates").await;
        assert_eq!(reasons, [("cessation_of_operation".to_owned(),)]);
        let certificate = works.ask(&device, &approval).await.expect("a good one");
        device
            .prove(&server, &certificate.chain, 1)
            .await
            .expect("a session");
        server.tick().await;
        assert_eq!(works.ca.revoked(), ["fa:01"], "its CA has heard of it");
    }
);

both_engines!(
    /// Threat model: ENR-33.
    async fn whose_tls_certificate_comes_from_elsewhere_hears_nothing(server: Server) {
        let works = Works::new(&server, Dialect::Vault).await;
        let other = FakeCa::start(&server, Dialect::Vault).await;
        let mut configuration = works.ca.configuration();
        configuration["tls_trust_anchors"] = other.configuration()["tls_trust_anchors"].clone();
        let kind = serde_json::from_value(configuration).expect("a kind");
        let signer = add(&server, &works.home, kind, &works.ca.credential()).await;
        let device = SoftDevice::new();
        let approval = consented(&server, &works.ada, &signer, &device.key).await;
        let said = words(works.ask(&device, &approval).await);
        assert!(said.contains("its TLS certificate was not accepted"), "{said}");
        assert_eq!(works.ca.asked(), Vec::<String>::new());
        assert_eq!(
            works.ada.stage_of(&approval.claim).await,
            EnrolmentStage::Consented
        );
    }
);

both_engines!(
    async fn what_the_ca_wants_to_decide_first_is_asked_for_later(server: Server) {
        let works = Works::new(&server, Dialect::Est).await;
        let (device, approval) = works.consented(&server).await;
        works.ca.will([Mood::Later]);
        let said = words(works.ask(&device, &approval).await);
        assert!(said.contains("has not decided yet"), "{said}");
        assert_eq!(problem(works.ask(&device, &approval).await), ProblemCode::Busy);
        server.clock.advance(121 * UnixMillis::SECOND);
        works.ask(&device, &approval).await.expect("a certificate");
        assert_eq!(
            works.ca.asked(),
            ["cacerts", "simpleenroll", "cacerts", "simpleenroll"]
        );
    }
);

both_engines!(
    async fn a_device_that_was_excluded_while_its_ca_was_asked_gets_nothing(server: Server) {
        let works = Works::new(&server, Dialect::Vault).await;
        let (device, approval) = works.consented(&server).await;
        works.ca.will([Mood::Waits]);
        let exclude = async {
            works.ca.until_asked("devices").await;
            let lost = RevocationRequest {
                reason: RevocationReason::KeyCompromise,
            };
            let revoked = works.ada.api.revoke_device(&approval.device.id, &lost).await;
            revoked.expect("it is excluded");
            works.ca.go_on();
        };
        let (outcome, ()) = tokio::join!(works.ask(&device, &approval), exclude);
        assert_eq!(problem(outcome), ProblemCode::Conflict);
        let reasons: Vec<(String,)> = server.query("SELECT revocation_reason FROM certificates").await;
        assert_eq!(reasons.len(), 1, "it is on record");
        server.tick().await;
        assert_eq!(works.ca.revoked().len(), 1, "its CA has heard of it");
    }
);

both_engines!(
    async fn a_credential_that_does_not_open_is_told_with_what_to_do(server: Server) {
        let works = Works::new(&server, Dialect::Vault).await;
        let (device, approval) = works.consented(&server).await;
        let other = SoftDevice::new();
        // Sealed for another signer.
        let second = works.ca.add_to(&server, &works.home).await;
        server
            .execute(
                "UPDATE signer_credentials SET sealed = (SELECT sealed FROM signer_credentials WHERE signer = $1) WHERE signer = $2",
                &[second.id.as_str(), works.signer.id.as_str()],
            )
            .await;
        let said = words(works.ask(&device, &approval).await);
        assert!(said.contains("gangway admin signer change"), "{said}");
        server.execute("DELETE FROM signer_credentials", &[]).await;
        let approval = consented(&server, &works.ada, &works.signer, &other.key).await;
        let said = words(works.ask(&other, &approval).await);
        assert!(said.contains("it has none"), "{said}");
        let refused = json!(works.ca.asked());
        assert_eq!(refused, json!([]));
    }
);
