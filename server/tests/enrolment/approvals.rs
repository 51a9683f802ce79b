//! Who may approve what, and what an approval keeps.

use gangway_protocol::account::TokenScope;
use gangway_protocol::certificate::{CertificateRequest, EnrolmentStage};
use gangway_protocol::device::DeviceState;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::id::{ClaimId, SignerId};
use gangway_protocol::organisation::Role;
use gangway_protocol::page::PageQuery;
use gangway_protocol::time::UnixMillis;
use gangway_server::session::installed;
use x509_cert::der::pem::LineEnding;

use super::problem;
use crate::support::device::SoftDevice;
use crate::support::{START, both_engines, csr};

both_engines!(
    async fn an_enrolment_goes_through_its_stages(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Installer, "Ada").await;
        let device = SoftDevice::new();
        let request = ada.approval_request(&device.csr()).await;
        let claim = server.claim(&ada);

        let approval = ada.api.approve(&claim, &request).await.expect("an approval");
        assert_eq!(approval.stage, EnrolmentStage::Approved);
        assert_eq!(
            (approval.organisation_name.as_str(), approval.approver.as_str()),
            ("Works", "Ada")
        );
        assert_eq!(approval.device.name, "thermometer-7");
        assert!(matches!(approval.device.state, DeviceState::Enrolling { .. }));

        let approval = ada.api.record_consent(&claim).await.expect("consent");
        assert_eq!(approval.stage, EnrolmentStage::Consented);

        let sign = CertificateRequest::sign(device.csr());
        let certificate = ada
            .api
            .request_certificate(&approval.device.id, &sign)
            .await
            .expect("a certificate");
        assert_eq!(ada.stage_of(&claim).await, EnrolmentStage::Issued);
        assert_eq!(certificate.device, approval.device.id);

        let delivered = ada
            .api
            .record_delivery(&certificate.sha256)
            .await
            .expect("delivery");
        assert_eq!(delivered.delivered_at, Some(START));
        assert_eq!(ada.stage_of(&claim).await, EnrolmentStage::Delivered);

        device
            .prove(&server, &certificate.chain, 1)
            .await
            .expect("a session");
        let approval = ada.api.approval(&claim).await.expect("the approval");
        assert_eq!(approval.stage, EnrolmentStage::Proven);
        assert!(matches!(approval.device.state, DeviceState::Active { .. }));

        let events = ada
            .api
            .device_events(&approval.device.id, &PageQuery::default())
            .await
            .expect("events");
        let actions: Vec<&str> = events.items.iter().map(|event| event.action.as_str()).collect();
        assert_eq!(
            actions,
            [
                "certificate.proven",
                "certificate.delivered",
                "certificate.issued",
                "device.consented",
                "device.approved"
            ]
        );
        assert_eq!(events.items[4].actor.as_deref(), Some("Ada"));
    }
);

both_engines!(
    /// Threat model: ENR-11.
    async fn only_the_account_of_the_redeemed_claim_may_approve(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Owner, "Ada").await;
        let bob = server.member(&home, Role::Owner, "Bob").await;
        let request = ada.approval_request(&SoftDevice::new().csr()).await;

        let bobs = server.claim(&bob);
        assert_eq!(
            problem(ada.api.approve(&bobs, &request).await),
            ProblemCode::NotFound
        );
        let unredeemed = server.claim_at(&ada, None);
        assert_eq!(
            problem(ada.api.approve(&unredeemed, &request).await),
            ProblemCode::NotFound
        );
        let nobodys = ClaimId::new(START, [0; 10]);
        assert_eq!(
            problem(ada.api.approve(&nobodys, &request).await),
            ProblemCode::NotFound
        );

        let claim = server.claim(&ada);
        ada.api.approve(&claim, &request).await.expect("an approval");
        assert_eq!(problem(bob.api.approval(&claim).await), ProblemCode::NotFound);
        assert_eq!(
            problem(bob.api.record_consent(&claim).await),
            ProblemCode::NotFound
        );
        assert_eq!(
            problem(bob.api.withdraw_approval(&claim).await),
            ProblemCode::NotFound
        );
        assert_eq!(
            problem(server.anybody().approval(&claim).await),
            ProblemCode::Unauthenticated
        );
    }
);

both_engines!(
    /// Threat model: ENR-10.
    async fn role_scope_and_policy_decide_who_may_approve(server: Server) {
        let home = server.organisation("Works").await;
        let other = server.organisation("Elsewhere").await;
        let ada = server.member(&home, Role::Owner, "Ada").await;
        let stranger = server.member(&other, Role::Owner, "Stranger").await;
        let viewer = server.member(&home, Role::Viewer, "Viewer").await;
        let request = ada.approval_request(&SoftDevice::new().csr()).await;

        let refused = stranger.api.approve(&server.claim(&stranger), &request).await;
        assert_eq!(
            problem(refused),
            ProblemCode::NotFound,
            "a foreign organisation is an unknown one"
        );
        assert_eq!(
            problem(viewer.api.approve(&server.claim(&viewer), &request).await),
            ProblemCode::Forbidden
        );
        let reader = server.program(&home, &[TokenScope::FleetRead]).await;
        assert_eq!(
            problem(reader.api.approve(&server.claim(&reader), &request).await),
            ProblemCode::Forbidden
        );

        let program = server.program(&home, &[TokenScope::Enrol]).await;
        server
            .set_policy(&home, |policy| policy.token_may_approve = false)
            .await;
        assert_eq!(
            problem(program.api.approve(&server.claim(&program), &request).await),
            ProblemCode::Forbidden
        );
        server.set_policy(&home, |_| {}).await;
        program
            .api
            .approve(&server.claim(&program), &request)
            .await
            .expect("tokens may by default");
    }
);

both_engines!(
    /// Threat model: ENR-10.
    async fn approval_asks_for_a_fresh_passkey_once(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let request = ada.approval_request(&SoftDevice::new().csr()).await;
        let claim = server.claim(&ada);
        server.clock.advance(5 * UnixMillis::MINUTE - 1);
        ada.api
            .approve(&claim, &request)
            .await
            .expect("just fresh enough");

        server.clock.advance(1);
        let later = server.claim(&ada);
        assert_eq!(
            problem(ada.api.approve(&later, &request).await),
            ProblemCode::StepUpRequired
        );
        let again = ada
            .api
            .approve(&claim, &request)
            .await
            .expect("a lost reply needs no second assertion");
        assert_eq!(again.claim, claim);

        let kept: Vec<(String,)> = server.query("SELECT proof FROM approvals").await;
        assert_eq!(kept, [("{\"assertion\":true}".to_owned(),)]);
    }
);

both_engines!(
    async fn approving_again_gives_the_approval_that_stands(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let request = ada.approval_request(&SoftDevice::new().csr()).await;
        let claim = server.claim(&ada);
        let first = ada.api.approve(&claim, &request).await.expect("an approval");
        let again = ada.api.approve(&claim, &request).await.expect("the same");
        assert_eq!(first, again);

        let other_key = ada.approval_request(&SoftDevice::new().csr()).await;
        assert_eq!(
            problem(ada.api.approve(&claim, &other_key).await),
            ProblemCode::Conflict
        );
    }
);

/// This CSR with another signature: still DER, and by nobody's key.
fn spoilt(pem: &str) -> String {
    let (label, mut der) = x509_cert::der::pem::decode_vec(pem.as_bytes()).expect("PEM");
    *der.last_mut().expect("a CSR ends with its signature") ^= 1;
    x509_cert::der::pem::encode_string(label, LineEnding::LF, &der).expect("PEM")
}

both_engines!(
    /// Threat model: ENR-13.
    async fn what_is_unfit_is_refused_by_name(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let good = ada.approval_request(&SoftDevice::new().csr()).await;
        let claim = server.claim(&ada);

        let csrs = ["".to_owned(), "nonsense".to_owned(), csr::rsa(1024)];
        for csr in csrs {
            let mut request = good.clone();
            request.csr = csr;
            assert_eq!(
                problem(ada.api.approve(&claim, &request).await),
                ProblemCode::CsrRefused
            );
        }
        let mut request = good.clone();
        request.csr = spoilt(&good.csr);
        let error = ada
            .api
            .approve(&claim, &request)
            .await
            .expect_err("not its key's");
        assert_eq!(error.code(), Some(ProblemCode::CsrRefused));
        assert!(error.to_string().contains("signature"), "{error}");
        let mut request = good.clone();
        request.csr = good.csr.replacen("M", "N", 1);
        assert_eq!(
            problem(ada.api.approve(&claim, &request).await),
            ProblemCode::CsrRefused
        );

        type Spoil = fn(&mut gangway_protocol::certificate::ApprovalRequest);
        let fields: [(&str, Spoil); 6] = [
            ("hostname", |request| {
                request.facts.hostname = "a\u{202e}b".to_owned();
            }),
            ("os", |request| request.facts.os = "x".repeat(257)),
            ("name", |request| request.name = Some("  ".to_owned())),
            ("name", |request| request.name = Some("x".repeat(65))),
            ("labels", |request| {
                request.labels = (0..17).map(|n| n.to_string()).collect();
            }),
            ("signer", |request| request.signer = SignerId::new(START, [0; 10])),
        ];
        for (field, change) in fields {
            let mut request = good.clone();
            change(&mut request);
            let error = ada.api.approve(&claim, &request).await.expect_err(field);
            assert_eq!(
                (error.code(), error.field()),
                (Some(ProblemCode::Invalid), Some(field))
            );
        }
        ada.api.approve(&claim, &good).await.expect("nothing stuck");
    }
);

both_engines!(
    async fn name_and_labels_are_kept_as_given(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let mut request = ada.approval_request(&SoftDevice::new().csr()).await;
        request.name = Some(" Boiler ".to_owned());
        request.labels = vec![
            "hall 3".to_owned(),
            " ".to_owned(),
            "hall 3".to_owned(),
            "hot".to_owned(),
        ];
        let approval = ada
            .api
            .approve(&server.claim(&ada), &request)
            .await
            .expect("an approval");
        let device = ada.api.device(&approval.device.id).await.expect("the device");
        assert_eq!(device.device.name, "Boiler");
        assert_eq!(device.device.labels, ["hall 3", "hot"]);
        assert_eq!(device.approved_by.as_deref(), Some("Ada"));
        assert_eq!(device.organisation_name, "Works");
    }
);

both_engines!(
    async fn an_approval_outlives_a_restart_at_every_stage(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let device = SoftDevice::new();
        let claim = server.claim(&ada);
        let request = ada.approval_request(&device.csr()).await;
        let approval = ada.api.approve(&claim, &request).await.expect("an approval");

        // The relay has forgotten the claim; the approval stands.
        let server = server.restart().await;
        let ada = server.again(&ada);
        assert_eq!(
            ada.api.approve(&claim, &request).await.expect("the same"),
            approval
        );
        ada.api.record_consent(&claim).await.expect("consent");
        let server = server.restart().await;
        let ada = server.again(&ada);
        let sign = CertificateRequest::sign(device.csr());
        let first = ada
            .api
            .request_certificate(&approval.device.id, &sign)
            .await
            .expect("a certificate");
        let server = server.restart().await;
        let ada = server.again(&ada);
        let again = ada
            .api
            .request_certificate(&approval.device.id, &sign)
            .await
            .expect("the same");
        assert_eq!(first.sha256, again.sha256);
        device.prove(&server, &again.chain, 1).await.expect("a session");
    }
);

both_engines!(
    /// Threat model: WEB-8.
    async fn what_a_member_asserts_about_a_device_is_recorded_as_theirs(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let (device, certificate) = SoftDevice::enrolled(&server, &ada).await;
        ada.api
            .record_delivery(&certificate.sha256)
            .await
            .expect("delivered");
        let actor = async |action: &str| {
            server
                .text(&format!(
                    "SELECT actor FROM audit WHERE action = '{action}' ORDER BY seq DESC LIMIT 1"
                ))
                .await
        };
        assert_eq!(actor("device.consented").await, ada.account.as_str());
        assert_eq!(actor("certificate.delivered").await, ada.account.as_str());

        // What the device says in its own session is its own.
        device
            .prove(&server, &certificate.chain, 1)
            .await
            .expect("a session");
        assert_eq!(actor("certificate.proven").await, certificate.device.as_str());
        ada.api.renew_device(&certificate.device).await.expect("asked");
        let renewed = device.renew(&server, &certificate.chain, &device.key).await;
        let renewed = renewed.expect("renewed").certificate;
        installed(&server.gangway, &certificate.device, &renewed)
            .await
            .expect("noted");
        assert_eq!(actor("certificate.delivered").await, certificate.device.as_str());
    }
);
