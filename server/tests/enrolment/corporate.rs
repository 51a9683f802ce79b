//! Certificates of corporate CAs, which the server asks itself: EST, step-ca, Vault.

mod endings;
mod failures;
mod renewals;
mod setting_up;

use gangway_protocol::certificate::{
    Approval, Certificate, CertificateRequest, EnrolmentStage, SigningUpdate,
};
use gangway_protocol::device::DeviceState;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::Role;
use gangway_protocol::signer::{Signer, SignerUpdate};
use gangway_protocol::time::UnixMillis;

use super::elsewhere::consented;
use super::problem;
use crate::support::corporate_ca::{Dialect, FakeCa, Mood};
use crate::support::device::SoftDevice;
use crate::support::member::Member;
use crate::support::{Server, both_engines};

const DIALECTS: [Dialect; 3] = [Dialect::Est, Dialect::StepCa, Dialect::Vault];

/// An organisation with an admin and a corporate CA.
struct Works {
    home: OrganisationId,
    ada: Member,
    ca: FakeCa,
    signer: Signer,
}

impl Works {
    async fn new(server: &Server, dialect: Dialect) -> Self {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let ca = FakeCa::start(server, dialect).await;
        let signer = ca.add_to(server, &home).await;
        Self {
            home,
            ada,
            ca,
            signer,
        }
    }

    /// A device that was approved for the CA and has consented.
    async fn consented(&self, server: &Server) -> (SoftDevice, Approval) {
        let device = SoftDevice::new();
        let approval = consented(server, &self.ada, &self.signer, &device.key).await;
        (device, approval)
    }

    async fn ask(
        &self,
        device: &SoftDevice,
        approval: &Approval,
    ) -> Result<Certificate, gangway_client::ApiError> {
        let sign = CertificateRequest::sign(device.csr());
        self.ada.api.request_certificate(&approval.device.id, &sign).await
    }

    async fn ask_again(
        &self,
        device: &SoftDevice,
        approval: &Approval,
    ) -> Result<Certificate, gangway_client::ApiError> {
        let sign = CertificateRequest::Sign {
            csr: device.csr(),
            again: true,
        };
        self.ada.api.request_certificate(&approval.device.id, &sign).await
    }

    /// A device in the fleet, and its certificate.
    async fn in_fleet(&self, server: &Server) -> (SoftDevice, Certificate) {
        let (device, approval) = self.consented(server).await;
        let certificate = self.ask(&device, &approval).await.expect("a certificate");
        let proved = device.prove(server, &certificate.chain, 1).await;
        proved.expect("a session");
        (device, certificate)
    }
}

async fn certificates(server: &Server) -> String {
    server
        .text("SELECT CAST(COUNT(*) AS TEXT) FROM certificates")
        .await
}

both_engines!(
    async fn a_certificate_of_a_corporate_ca_serves_like_one_of_ours(server: Server) {
        for dialect in DIALECTS {
            let works = Works::new(&server, dialect).await;
            let (device, approval) = works.consented(&server).await;
            let certificate = works.ask(&device, &approval).await.expect("a certificate");
            assert_eq!(certificate.signer, works.signer.id, "{dialect:?}");
            assert_eq!(certificate.issuer, "CN=Works Devices");
            assert_eq!(certificate.chain.matches("BEGIN CERTIFICATE").count(), 2);
            let anchors = certificate.trust_anchors.as_deref().expect("its root");
            assert_eq!(anchors.matches("BEGIN CERTIFICATE").count(), 1);
            assert_eq!(works.ada.stage_of(&approval.claim).await, EnrolmentStage::Issued);
            // A repetition gives what stands.
            let again = works.ask(&device, &approval).await.expect("the same");
            assert_eq!((&again, works.ca.signed()), (&certificate, 1));
            device
                .prove(&server, &certificate.chain, 1)
                .await
                .expect("a session");
            let shown = works
                .ada
                .api
                .device(&certificate.device)
                .await
                .expect("the device");
            assert!(matches!(shown.device.state, DeviceState::Active { .. }));
        }
        server.verify_audit().await.expect("the record holds");
    }
);

both_engines!(
    async fn each_is_asked_in_its_own_way(server: Server) {
        for (dialect, asked) in [
            (Dialect::Est, vec!["cacerts", "simpleenroll"]),
            (Dialect::StepCa, vec!["roots", "sign"]),
            (Dialect::Vault, vec!["login", "devices"]),
        ] {
            let works = Works::new(&server, dialect).await;
            let (device, approval) = works.consented(&server).await;
            let certificate = works.ask(&device, &approval).await.expect("a certificate");
            assert_eq!(works.ca.asked(), asked);
            let device = approval.device.id.to_string();
            // A role that does not take the request's name takes the device's id.
            assert_eq!(certificate.subject.contains(&device), dialect == Dialect::Vault);
        }
    }
);

both_engines!(
    /// Threat model: ENR-35.
    async fn whoever_races_gets_the_one_certificate_or_is_told_to_wait(server: Server) {
        let works = Works::new(&server, Dialect::Vault).await;
        let (device, approval) = works.consented(&server).await;
        works.ca.will([Mood::Waits]);
        let race = async {
            works.ca.until_asked("devices").await;
            let outcomes =
                futures_util::future::join_all((0..8).map(|_| works.ask(&device, &approval))).await;
            for outcome in outcomes {
                assert_eq!(problem(outcome), ProblemCode::Busy);
            }
            // What is being signed is not taken back.
            let withdrawn = works.ada.api.withdraw_approval(&approval.claim).await;
            assert_eq!(problem(withdrawn.map(drop)), ProblemCode::Conflict);
            works.ca.go_on();
        };
        let (first, ()) = tokio::join!(works.ask(&device, &approval), race);
        let first = first.expect("a certificate");
        let again = works.ask(&device, &approval).await.expect("the same");
        assert_eq!((again.sha256, works.ca.signed()), (first.sha256, 1));
    }
);

both_engines!(
    /// Threat model: ENR-35.
    async fn what_is_signed_is_recorded_also_when_nobody_waits_any_more(server: Server) {
        let works = Works::new(&server, Dialect::StepCa).await;
        let (device, approval) = works.consented(&server).await;
        works.ca.will([Mood::Waits]);
        tokio::select! {
            _ = works.ask(&device, &approval) => panic!("it waits"),
            () = works.ca.until_asked("sign") => {}
        }
        works.ca.go_on();
        for _ in 0..400 {
            if certificates(&server).await == "1" {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let certificate = works.ask(&device, &approval).await.expect("it stands");
        assert_eq!((works.ca.signed(), certificate.revocation), (1, None));
    }
);

both_engines!(
    async fn what_the_server_asks_for_itself_no_claimant_writes_down(server: Server) {
        let works = Works::new(&server, Dialect::Vault).await;
        let (device, approval) = works.consented(&server).await;
        works.ca.will([Mood::NoReply]);
        assert_eq!(
            problem(works.ask(&device, &approval).await),
            ProblemCode::ReplyLost
        );
        for update in [
            SigningUpdate::Begun { again: true },
            SigningUpdate::Refused,
            SigningUpdate::ReplyLost,
        ] {
            let updated = works.ada.api.update_signing(&approval.claim, &update).await;
            assert_eq!(problem(updated), ProblemCode::Conflict);
        }
        assert_eq!(
            works.ada.stage_of(&approval.claim).await,
            EnrolmentStage::ReplyLost
        );
    }
);

both_engines!(
    async fn who_may_not_use_it_any_more_has_nothing_signed(server: Server) {
        let works = Works::new(&server, Dialect::Vault).await;
        let eve = server.member(&works.home, Role::Installer, "Eve").await;
        let device = SoftDevice::new();
        let approval = consented(&server, &eve, &works.signer, &device.key).await;
        let closed = SignerUpdate {
            least_role: Some(Role::Operator),
            ..SignerUpdate::default()
        };
        let changed = works
            .ada
            .api
            .change_signer(&works.home, &works.signer.id, &closed)
            .await;
        changed.expect("roles are the organisation's to change");
        let sign = CertificateRequest::sign(device.csr());
        let refused = eve.api.request_certificate(&approval.device.id, &sign).await;
        assert_eq!(problem(refused), ProblemCode::Conflict);
        let off = SignerUpdate {
            disabled: Some(true),
            ..SignerUpdate::default()
        };
        let (device, approval) = works.consented(&server).await;
        let changed = works
            .ada
            .api
            .change_signer(&works.home, &works.signer.id, &off)
            .await;
        changed.expect("it is switched off");
        assert_eq!(
            problem(works.ask(&device, &approval).await),
            ProblemCode::Conflict
        );
        assert_eq!(works.ca.asked(), Vec::<String>::new());
    }
);
