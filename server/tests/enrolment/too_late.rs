//! Certificates that are signed elsewhere and may not serve: they are on record, as revoked, and ended at their signer too.

use gangway_protocol::certificate::{
    Approval, CertificateRequest, RevocationReason, RevocationRequest, SigningUpdate,
};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::{MemberUpdate, Role};
use gangway_protocol::page::PageQuery;
use gangway_protocol::signer::{Signer, SignerUpdate};
use rcgen::KeyPair;

use super::elsewhere::{add, aws, begin, consented, enrolled_by, recording, signed_elsewhere, works};
use super::problem;
use crate::support::device::SoftDevice;
use crate::support::member::Member;
use crate::support::{Server, both_engines, csr};

/// What is on record of a certificate that may not serve.
async fn ended(server: &Server) -> Vec<(String, Option<String>)> {
    server
        .query("SELECT external_id, revocation_reason FROM certificates WHERE issuer IS NULL ORDER BY issued_at, serial")
        .await
}

both_engines!(
    /// Threat model: ENR-25.
    async fn what_was_signed_for_a_device_that_was_excluded_meanwhile_is_recorded_as_revoked(server: Server) {
        let (_, ada, signer) = works(&server).await;
        for exclusion in ["suspended", "retired", "revoked"] {
            let device = SoftDevice::new();
            let approval = consented(&server, &ada, &signer, &device.key).await;
            let id = approval.device.id.clone();
            // It came aboard before, by our own CA, and gets another certificate now.
            begin(&ada, &approval).await;
            let first = ada
                .api
                .request_certificate(&id, &recording(&signed_elsewhere(&device.key, "x"), &approval))
                .await
                .expect("a record");
            device.prove(&server, &first.chain, 1).await.expect("a session");
            let replacing = replacement(&server, &ada, &signer, &device.key).await;
            begin(&ada, &replacing).await;
            match exclusion {
                "suspended" => ada.api.suspend_device(&id).await.map(drop).expect("suspended"),
                "retired" => ada.api.retire_device(&id).await.map(drop).expect("retired"),
                _ => {
                    let reason = RevocationReason::KeyCompromise;
                    let revoked = ada.api.revoke_device(&id, &RevocationRequest { reason }).await;
                    revoked.map(drop).expect("revoked");
                }
            }
            let chain = signed_elsewhere(&device.key, "late");
            let late = ada
                .api
                .request_certificate(&id, &recording(&chain, &replacing))
                .await;
            assert_eq!(problem(late), ProblemCode::Conflict, "{exclusion}");
            let begun = SigningUpdate::Begun { again: true };
            assert!(
                ada.api.update_signing(&replacing.claim, &begun).await.is_err(),
                "{exclusion}: nothing more is begun"
            );
        }
        let late: Vec<(i64,)> = server
            .query(
                "SELECT COUNT(*) FROM certificates WHERE subject = 'CN=late' AND revocation_reason IS NULL",
            )
            .await;
        assert_eq!(late, [(0,)]);
        assert_eq!(ended(&server).await.len(), 6);
        server.verify_audit().await.expect("the record holds");
    }
);

/// As [`consented`], for a device that is in the fleet: its certificate is replaced.
async fn replacement(server: &Server, member: &Member, signer: &Signer, key: &KeyPair) -> Approval {
    let mut request = member.approval_request(&csr::csr(key)).await;
    request.signer = signer.id.clone();
    request.replace = true;
    let approval = member.api.approve(&server.claim(member), &request).await;
    let approval = approval.expect("an approval");
    member.api.record_consent(&approval.claim).await.expect("consent")
}

both_engines!(
    /// Threat model: ENR-25.
    async fn a_second_certificate_of_an_approval_is_recorded_as_revoked(server: Server) {
        let (_, ada, signer) = works(&server).await;
        let (device, approval, _) = enrolled_by(&server, &ada, &signer).await;
        let second = signed_elsewhere(&device.key, "y");
        let late = ada
            .api
            .request_certificate(&approval.device.id, &recording(&second, &approval))
            .await;
        assert_eq!(problem(late), ProblemCode::Conflict);
        assert_eq!(
            device.refusal(&server, &second).await,
            ProblemCode::CertificateRevoked
        );
        let reasons: Vec<Option<String>> = ended(&server)
            .await
            .into_iter()
            .map(|(_, reason)| reason)
            .collect();
        assert!(reasons.contains(&None) && reasons.len() == 2, "{reasons:?}");
    }
);

both_engines!(
    /// Threat model: ENR-25.
    async fn what_was_signed_for_a_member_who_may_enrol_no_more_is_recorded_as_revoked(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Owner, "Ada").await;
        let ben = server.member(&home, Role::Installer, "Ben").await;
        let signer = add(&ada).await;
        let device = SoftDevice::new();
        let approval = consented(&server, &ben, &signer, &device.key).await;
        begin(&ben, &approval).await;
        ada.api
            .change_role(&home, &ben.account, &MemberUpdate { role: Role::Viewer })
            .await
            .expect("a viewer");
        let chain = signed_elsewhere(&device.key, "x");
        let late = ben
            .api
            .request_certificate(&approval.device.id, &recording(&chain, &approval))
            .await;
        assert_eq!(problem(late), ProblemCode::Conflict);
        assert_eq!(
            ended(&server).await,
            [("5c1d0e".to_owned(), Some("cessation_of_operation".to_owned()))]
        );
        assert_eq!(
            server.records("certificate.reply_lost").await,
            1,
            "it was being signed when it ended"
        );
    }
);

both_engines!(
    /// Threat model: ENR-25.
    async fn nothing_is_recorded_for_an_approval_that_ended_before_anything_was_begun(server: Server) {
        let (_, ada, signer) = works(&server).await;
        let device = SoftDevice::new();
        let approval = consented(&server, &ada, &signer, &device.key).await;
        ada.api
            .withdraw_approval(&approval.claim)
            .await
            .expect("withdrawn");
        let chain = signed_elsewhere(&device.key, "x");
        let late = ada
            .api
            .request_certificate(&approval.device.id, &recording(&chain, &approval))
            .await;
        assert_eq!(problem(late), ProblemCode::Conflict);
        assert_eq!(ended(&server).await, []);
    }
);

both_engines!(
    /// Threat model: ENR-26.
    async fn a_signer_that_was_closed_to_the_role_after_the_approval_signs_nothing(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let ben = server.member(&home, Role::Installer, "Ben").await;
        let signer = add(&ada).await;
        let key = csr::key();
        let approval = consented(&server, &ben, &signer, &key).await;
        let own_key = csr::key();
        let own = ben.approve(&server, &own_key).await;
        ben.api.record_consent(&own.claim).await.expect("consent");
        for (id, update) in [
            (
                &signer.id,
                SignerUpdate {
                    least_role: Some(Role::Operator),
                    ..SignerUpdate::default()
                },
            ),
            (
                &own.signer,
                SignerUpdate {
                    disabled: Some(true),
                    ..SignerUpdate::default()
                },
            ),
        ] {
            ada.api.change_signer(&home, id, &update).await.expect("changed");
        }
        let begun = SigningUpdate::Begun { again: false };
        assert_eq!(
            problem(ben.api.update_signing(&approval.claim, &begun).await),
            ProblemCode::Conflict
        );
        let sign = CertificateRequest::sign(csr::csr(&own_key));
        assert_eq!(
            problem(ben.api.request_certificate(&own.device.id, &sign).await),
            ProblemCode::Conflict
        );
    }
);

both_engines!(
    /// Threat model: ENR-25.
    async fn each_further_signing_that_a_person_asks_for_is_on_record(server: Server) {
        let (_, ada, signer) = works(&server).await;
        let approval = consented(&server, &ada, &signer, &csr::key()).await;
        begin(&ada, &approval).await;
        begin(&ada, &approval).await;
        assert_eq!(
            server.records("certificate.signing_begun").await,
            1,
            "a repetition is none"
        );
        // The server never heard that the reply was lost.
        let again = SigningUpdate::Begun { again: true };
        ada.api
            .update_signing(&approval.claim, &again)
            .await
            .expect("begun");
        assert_eq!(server.records("certificate.signing_begun").await, 2);
    }
);

both_engines!(
    /// Threat model: ENR-25. Anybody can make certificates for a public key; whoever was removed filled the record with them, and
    /// kept the device from getting others.
    async fn whoever_had_one_signed_does_not_fill_the_record(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Owner, "Ada").await;
        let eve = server.member(&home, Role::Installer, "Eve").await;
        let signer = add(&ada).await;
        let device = SoftDevice::new();
        let approval = consented(&server, &eve, &signer, &device.key).await;
        begin(&eve, &approval).await;
        ada.api
            .change_role(&home, &eve.account, &MemberUpdate { role: Role::Viewer })
            .await
            .expect("a viewer");
        let mut refused = Vec::new();
        for number in 0..6 {
            let chain = signed_elsewhere(&device.key, &number.to_string());
            let made = recording(&chain, &approval);
            refused.push(problem(
                eve.api.request_certificate(&approval.device.id, &made).await,
            ));
        }
        assert_eq!(ended(&server).await.len(), 3, "{refused:?}");
        // Somebody else's approval of the same device is not touched by it.
        let own = consented(&server, &ada, &signer, &device.key).await;
        begin(&ada, &own).await;
        ada.api
            .request_certificate(
                &own.device.id,
                &recording(&signed_elsewhere(&device.key, "own"), &own),
            )
            .await
            .expect("a record");
    }
);

both_engines!(
    /// On PostgreSQL such a subject did not fit into an index, and the certificate was lost.
    async fn a_certificate_with_a_long_subject_is_recorded(server: Server) {
        let (_, ada, signer) = works(&server).await;
        let device = SoftDevice::new();
        let approval = consented(&server, &ada, &signer, &device.key).await;
        begin(&ada, &approval).await;
        let subject = "ä".repeat(5_000);
        let recorded = ada
            .api
            .request_certificate(
                &approval.device.id,
                &recording(&signed_elsewhere(&device.key, &subject), &approval),
            )
            .await
            .expect("a record");
        assert!(recorded.subject.contains(&subject));
    }
);

both_engines!(
    /// Threat model: ENR-26. A certificate that stood was given out before anything was checked.
    async fn what_stands_is_given_out_only_while_signer_role_and_device_are_as_approved(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let ben = server.member(&home, Role::Installer, "Ben").await;
        let signer = add(&ada).await;
        let (device, _, _) = enrolled_by(&server, &ben, &signer).await;
        let next = consented(&server, &ben, &signer, &device.key).await;
        let update = SignerUpdate {
            least_role: Some(Role::Operator),
            ..SignerUpdate::default()
        };
        ada.api
            .change_signer(&home, &signer.id, &update)
            .await
            .expect("changed");
        let begun = SigningUpdate::Begun { again: false };
        assert_eq!(
            problem(ben.api.update_signing(&next.claim, &begun).await),
            ProblemCode::Conflict
        );
    }
);

both_engines!(
    /// Threat model: ENR-25.
    async fn a_certificate_that_is_recorded_is_not_taken_for_another_approval(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Owner, "Ada").await;
        let eve = server.member(&home, Role::Installer, "Eve").await;
        let signer = add(&ada).await;
        let mut dublin = aws();
        dublin.name = "AWS, Dublin".to_owned();
        let key = gangway_client::IdempotencyKey::new([9; 16]);
        let dublin = ada.api.add_signer(&home, &dublin, &key).await.expect("a signer");
        let (device, _, certificate) = enrolled_by(&server, &ada, &dublin).await;
        let approval = consented(&server, &eve, &signer, &device.key).await;
        begin(&eve, &approval).await;
        let again = recording(&certificate.chain, &approval);
        assert_eq!(
            problem(eve.api.request_certificate(&certificate.device, &again).await),
            ProblemCode::Conflict,
            "another signer's"
        );
        ada.api
            .change_role(&home, &eve.account, &MemberUpdate { role: Role::Viewer })
            .await
            .expect("a viewer");
        assert_eq!(
            problem(eve.api.request_certificate(&certificate.device, &again).await),
            ProblemCode::NotFound
        );
    }
);

both_engines!(
    async fn a_withdrawal_that_revokes_says_so(server: Server) {
        let (home, ada, signer) = works(&server).await;
        let (_, approval, certificate) = enrolled_by(&server, &ada, &signer).await;
        ada.api
            .withdraw_approval(&approval.claim)
            .await
            .expect("withdrawn");
        assert_eq!(server.records("certificate.revoked").await, 1);
        let due = ada
            .api
            .endings_due(&home, &PageQuery::default())
            .await
            .expect("a list");
        assert_eq!(due.items.len(), 1);
        assert_eq!(due.items[0].sha256, certificate.sha256);
    }
);

both_engines!(
    /// Threat model: ENR-29.
    async fn what_is_revoked_here_is_due_at_its_signer_until_somebody_has_ended_it(server: Server) {
        let home = server.organisation("Works").await;
        let other = server.organisation("Other").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let signer = add(&ada).await;
        let (device, _, certificate) = enrolled_by(&server, &ada, &signer).await;
        assert_eq!(certificate.external_id.as_deref(), Some("5c1d0e"));
        device
            .prove(&server, &certificate.chain, 1)
            .await
            .expect("a session");
        let due = async |member: &Member| {
            let list = member.api.endings_due(&home, &PageQuery::default()).await;
            list.map(|page| page.items.len())
        };
        assert_eq!(due(&ada).await.expect("a list"), 0);
        assert_eq!(
            problem(ada.api.record_ending(&certificate.sha256).await),
            ProblemCode::Conflict,
            "it stands"
        );
        ada.api
            .suspend_device(&certificate.device)
            .await
            .expect("suspended");
        assert_eq!(due(&ada).await.expect("a list"), 0, "on hold, it may come back");
        ada.api.resume_device(&certificate.device).await.expect("resumed");
        let reason = RevocationReason::KeyCompromise;
        ada.api
            .revoke_device(&certificate.device, &RevocationRequest { reason })
            .await
            .expect("revoked");
        assert_eq!(due(&ada).await.expect("a list"), 1);
        let shown = ada
            .api
            .certificate(&certificate.sha256)
            .await
            .expect("it is there");
        assert!(shown.ending_due);
        // Whoever may not operate devices neither sees it nor says that it is over.
        for role in [Role::Viewer, Role::Installer] {
            let member = server.member(&home, role, "Ben").await;
            assert_eq!(problem(due(&member).await), ProblemCode::Forbidden);
            assert_eq!(
                problem(member.api.record_ending(&certificate.sha256).await),
                ProblemCode::Forbidden
            );
        }
        let eve = server.member(&other, Role::Owner, "Eve").await;
        assert_eq!(problem(due(&eve).await), ProblemCode::NotFound);
        assert_eq!(
            problem(eve.api.record_ending(&certificate.sha256).await),
            ProblemCode::NotFound
        );
        for _ in 0..2 {
            let ended = ada.api.record_ending(&certificate.sha256).await.expect("ended");
            assert!(!ended.ending_due);
        }
        assert_eq!(due(&ada).await.expect("a list"), 0);
        assert_eq!(server.records("certificate.ended_at_signer").await, 1);
        server.verify_audit().await.expect("the record holds");
    }
);

both_engines!(
    async fn our_own_cas_certificates_are_ended_by_its_lists_alone(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let (_, certificate) = SoftDevice::in_fleet(&server, &ada).await;
        let reason = RevocationReason::KeyCompromise;
        ada.api
            .revoke_device(&certificate.device, &RevocationRequest { reason })
            .await
            .expect("revoked");
        let due = ada
            .api
            .endings_due(&home, &PageQuery::default())
            .await
            .expect("a list");
        assert_eq!(due.items, []);
        assert_eq!(
            problem(ada.api.record_ending(&certificate.sha256).await),
            ProblemCode::Conflict
        );
    }
);
