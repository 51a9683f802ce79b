//! Certificates that are signed elsewhere: what the server writes down, takes, and refuses.

use gangway_client::IdempotencyKey;
use gangway_protocol::certificate::{
    Approval, Certificate, CertificateRequest, EnrolmentStage, Recording, RevocationReason,
    RevocationRequest, SIGNING_LEASE_SECS, SigningUpdate,
};
use gangway_protocol::device::{DeviceQuery, DeviceState};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::Role;
use gangway_protocol::page::PageQuery;
use gangway_protocol::signer::{AwsIot, Signer, SignerKind, SignerRequest, SignerUpdate};
use gangway_protocol::time::UnixMillis;
use rcgen::{CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};

use super::problem;
use crate::support::device::SoftDevice;
use crate::support::member::Member;
use crate::support::{Server, both_engines, csr};

pub(super) fn aws() -> SignerRequest {
    SignerRequest {
        name: "AWS, Frankfurt".to_owned(),
        kind: SignerKind::AwsIot(AwsIot {
            region: "eu-central-1".to_owned(),
            endpoint: None,
            data_endpoint: None,
            trust_anchors: None,
            provisioning: None,
            activate: true,
            sign_in: None,
        }),
        least_role: Role::Installer,
    }
}

pub(super) async fn add(admin: &Member) -> Signer {
    admin
        .api
        .add_signer(&admin.organisation, &aws(), &IdempotencyKey::new([7; 16]))
        .await
        .expect("a signer")
}

/// An organisation with an admin, and AWS as a signer.
pub(super) async fn works(server: &Server) -> (OrganisationId, Member, Signer) {
    let home = server.organisation("Works").await;
    let ada = server.member(&home, Role::Admin, "Ada").await;
    let signer = add(&ada).await;
    (home, ada, signer)
}

/// A device that was approved for this signer and has consented.
pub(super) async fn consented(server: &Server, member: &Member, signer: &Signer, key: &KeyPair) -> Approval {
    let mut request = member.approval_request(&csr::csr(key)).await;
    request.signer = signer.id.clone();
    let approval = member.api.approve(&server.claim(member), &request).await;
    let approval = approval.expect("an approval");
    member.api.record_consent(&approval.claim).await.expect("consent")
}

/// What an authority of somebody else signs for this key, and that authority.
pub(super) fn signed_elsewhere(key: &KeyPair, subject: &str) -> String {
    let named = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params
    };
    let mut authority = named("Amazon Web Services");
    authority.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_key = csr::key();
    let above = authority.self_signed(&authority_key).expect("an authority").pem();
    let issuer = Issuer::new(authority, authority_key);
    let leaf = named(subject)
        .signed_by(key, &issuer)
        .expect("a certificate")
        .pem();
    format!("{leaf}{above}")
}

pub(super) fn recording(chain: &str, approval: &Approval) -> CertificateRequest {
    CertificateRequest::Record(Recording {
        claim: approval.claim.clone(),
        chain: chain.to_owned(),
        external_id: Some("5c1d0e".to_owned()),
    })
}

/// A device in the fleet whose certificate was signed elsewhere.
async fn enrolled(server: &Server, member: &Member, signer: &Signer) -> (SoftDevice, Certificate) {
    let (device, _, certificate) = enrolled_by(server, member, signer).await;
    (device, certificate)
}

/// As [`enrolled`], with the approval.
pub(super) async fn enrolled_by(
    server: &Server,
    member: &Member,
    signer: &Signer,
) -> (SoftDevice, Approval, Certificate) {
    let device = SoftDevice::new();
    let approval = consented(server, member, signer, &device.key).await;
    begin(member, &approval).await;
    let chain = signed_elsewhere(&device.key, "AWS IoT Certificate");
    let recorded = member
        .api
        .request_certificate(&approval.device.id, &recording(&chain, &approval))
        .await
        .expect("a record");
    (device, approval, recorded)
}

pub(super) async fn begin(member: &Member, approval: &Approval) {
    let begun = SigningUpdate::Begun { again: false };
    let signing = member.api.update_signing(&approval.claim, &begun).await;
    assert_eq!(signing.expect("begun").stage, EnrolmentStage::Signing);
}

both_engines!(
    async fn a_certificate_signed_elsewhere_serves_like_one_of_ours(server: Server) {
        let (_, ada, signer) = works(&server).await;
        let (device, certificate) = enrolled(&server, &ada, &signer).await;
        assert_eq!(certificate.signer, signer.id);
        assert_eq!(certificate.trust_anchors, None);
        assert_eq!(certificate.issuer, "CN=Amazon Web Services");
        assert_eq!(certificate.chain.matches("BEGIN CERTIFICATE").count(), 2);
        ada.api
            .record_delivery(&certificate.sha256)
            .await
            .expect("delivered");
        device
            .prove(&server, &certificate.chain, 1)
            .await
            .expect("a session");
        let shown = ada.api.device(&certificate.device).await.expect("the device");
        assert!(matches!(shown.device.state, DeviceState::Active { .. }));
        let found = ada
            .api
            .certificates(&gangway_protocol::certificate::CertificateQuery {
                query: Some("aws iot".to_owned()),
                ..Default::default()
            })
            .await
            .expect("a search");
        assert_eq!(found.items.len(), 1);
        // Revoked, it opens no session, and is on none of our lists: another authority has to say so.
        ada.api
            .revoke_device(
                &certificate.device,
                &RevocationRequest {
                    reason: RevocationReason::KeyCompromise,
                },
            )
            .await
            .expect("revoked");
        assert_eq!(
            device.refusal(&server, &certificate.chain).await,
            ProblemCode::CertificateRevoked
        );
        assert!(server.listed().await.is_empty());
        server.verify_audit().await.expect("the record holds");
    }
);

both_engines!(
    async fn recording_again_gives_the_same_certificate(server: Server) {
        let (_, ada, signer) = works(&server).await;
        let (_, approval, certificate) = enrolled_by(&server, &ada, &signer).await;
        let again = ada
            .api
            .request_certificate(&certificate.device, &recording(&certificate.chain, &approval))
            .await
            .expect("the same");
        assert_eq!(again, certificate);
        assert_eq!(server.records("certificate.issued").await, 1);
    }
);

both_engines!(
    /// Threat model: ENR-25.
    async fn only_what_was_begun_and_is_for_the_approved_key_is_recorded(server: Server) {
        let (home, ada, signer) = works(&server).await;
        let device = SoftDevice::new();
        let approval = consented(&server, &ada, &signer, &device.key).await;
        let id = &approval.device.id;
        let chain = signed_elsewhere(&device.key, "x");
        let record = async |chain: &str, approval: &Approval| {
            problem(ada.api.request_certificate(id, &recording(chain, approval)).await)
        };
        assert_eq!(
            record(&chain, &approval).await,
            ProblemCode::Conflict,
            "nothing was begun"
        );
        begin(&ada, &approval).await;
        let of_another = signed_elsewhere(&csr::key(), "x");
        assert_eq!(record(&of_another, &approval).await, ProblemCode::Invalid);
        assert_eq!(record("nothing", &approval).await, ProblemCode::Invalid);
        let of_another_device = consented(&server, &ada, &signer, &csr::key()).await;
        begin(&ada, &of_another_device).await;
        assert_eq!(
            record(&chain, &of_another_device).await,
            ProblemCode::Invalid,
            "another device was approved"
        );
        let other = server.organisation("Other").await;
        let own = server
            .member(&other, Role::Admin, "Bob")
            .await
            .enrol(&server, &device.key)
            .await;
        assert_eq!(
            record(&own.chain, &approval).await,
            ProblemCode::Invalid,
            "our own CA's"
        );
        let expired = {
            let mut params = CertificateParams::default();
            params.not_after = rcgen::date_time_ymd(2001, 1, 1);
            params.self_signed(&device.key).expect("a certificate").pem()
        };
        assert_eq!(record(&expired, &approval).await, ProblemCode::Invalid);
        let eve = server.member(&home, Role::Operator, "Eve").await;
        let by_another = eve
            .api
            .request_certificate(id, &recording(&chain, &approval))
            .await;
        assert_eq!(problem(by_another), ProblemCode::NotFound);
        // Our own CA does not sign what a member approved for somebody else.
        let own = CertificateRequest::sign(device.csr());
        assert_eq!(
            problem(ada.api.request_certificate(id, &own).await),
            ProblemCode::Conflict
        );
        let elsewhere: Vec<(String,)> = server
            .query("SELECT serial FROM certificates WHERE issuer IS NULL")
            .await;
        assert_eq!(elsewhere, []);
    }
);

both_engines!(
    async fn nothing_begins_before_consent_or_where_our_own_ca_signs(server: Server) {
        let (_, ada, signer) = works(&server).await;
        let key = csr::key();
        let begun = SigningUpdate::Begun { again: false };
        let mut request = ada.approval_request(&csr::csr(&key)).await;
        let own = ada.approve(&server, &csr::key()).await;
        ada.api.record_consent(&own.claim).await.expect("consent");
        assert_eq!(
            problem(ada.api.update_signing(&own.claim, &begun).await),
            ProblemCode::Conflict
        );
        request.signer = signer.id.clone();
        let claim = server.claim(&ada);
        ada.api.approve(&claim, &request).await.expect("an approval");
        assert_eq!(
            problem(ada.api.update_signing(&claim, &begun).await),
            ProblemCode::Conflict
        );
    }
);

both_engines!(
    async fn a_signer_that_refused_may_be_asked_again_at_once(server: Server) {
        let (_, ada, signer) = works(&server).await;
        let approval = consented(&server, &ada, &signer, &csr::key()).await;
        begin(&ada, &approval).await;
        // The same request again, as after a lost reply of ours.
        begin(&ada, &approval).await;
        let refused = ada
            .api
            .update_signing(&approval.claim, &SigningUpdate::Refused)
            .await;
        assert_eq!(refused.expect("noted").stage, EnrolmentStage::Consented);
        begin(&ada, &approval).await;
    }
);

both_engines!(
    /// Threat model: ENR-25.
    async fn a_lost_reply_is_told_before_anything_is_signed_again(server: Server) {
        let (_, ada, signer) = works(&server).await;
        let device = SoftDevice::new();
        let first = consented(&server, &ada, &signer, &device.key).await;
        begin(&ada, &first).await;
        // Another attempt with the same key waits while the first one may be answered.
        let second = consented(&server, &ada, &signer, &device.key).await;
        let begun = SigningUpdate::Begun { again: false };
        assert_eq!(
            problem(ada.api.update_signing(&second.claim, &begun).await),
            ProblemCode::Busy
        );
        assert_eq!(
            problem(ada.api.withdraw_approval(&first.claim).await.map(drop)),
            ProblemCode::Conflict,
            "what is being signed is not taken back"
        );
        server
            .clock
            .advance(i64::from(SIGNING_LEASE_SECS) * UnixMillis::SECOND + UnixMillis::MINUTE);
        server.tick().await;
        let ada = server.refresh(&ada).await;
        assert_eq!(ada.stage_of(&first.claim).await, EnrolmentStage::ReplyLost);
        assert_eq!(server.records("certificate.reply_lost").await, 1);
        assert_eq!(
            problem(ada.api.update_signing(&second.claim, &begun).await),
            ProblemCode::ReplyLost
        );
        let again = SigningUpdate::Begun { again: true };
        ada.api
            .update_signing(&second.claim, &again)
            .await
            .expect("begun");
        assert_eq!(ada.stage_of(&first.claim).await, EnrolmentStage::Withdrawn);
        let chain = signed_elsewhere(&device.key, "x");
        ada.api
            .request_certificate(&second.device.id, &recording(&chain, &second))
            .await
            .expect("a record");
        assert_eq!(ada.stage_of(&second.claim).await, EnrolmentStage::Issued);
        assert_eq!(server.records("certificate.signing_begun").await, 2);
    }
);

both_engines!(
    /// Threat model: ENR-25.
    async fn what_was_signed_for_an_approval_that_ended_is_recorded_as_revoked(server: Server) {
        let (_, ada, signer) = works(&server).await;
        let device = SoftDevice::new();
        let approval = consented(&server, &ada, &signer, &device.key).await;
        begin(&ada, &approval).await;
        ada.api
            .update_signing(&approval.claim, &SigningUpdate::ReplyLost)
            .await
            .expect("noted");
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
        let reasons: Vec<(String,)> = server.query("SELECT revocation_reason FROM certificates").await;
        assert_eq!(reasons, [("cessation_of_operation".to_owned(),)]);
        assert_eq!(device.refusal(&server, &chain).await, ProblemCode::Retired);
    }
);

both_engines!(
    async fn a_session_does_not_renew_what_only_people_can_sign(server: Server) {
        let (_, ada, signer) = works(&server).await;
        let (device, certificate) = enrolled(&server, &ada, &signer).await;
        device
            .prove(&server, &certificate.chain, 1)
            .await
            .expect("a session");
        let renewed = device.renew(&server, &certificate.chain, &csr::key()).await;
        let error = renewed.expect_err("no renewal").to_string();
        assert!(error.contains("signed elsewhere"), "{error}");
    }
);

both_engines!(
    async fn signers_are_ordered_limited_to_roles_and_disabled(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let ben = server.member(&home, Role::Installer, "Ben").await;
        let signer = add(&ada).await;
        assert_eq!(add(&ada).await, signer, "under the same key it is added once");
        let names = async || {
            let list = ben.api.signers(&home, &PageQuery::default()).await;
            list.expect("signers")
                .items
                .into_iter()
                .map(|signer| signer.name)
                .collect::<Vec<_>>()
        };
        assert_eq!(names().await, ["Built-in CA", "AWS, Frankfurt"]);
        let change = async |update: SignerUpdate| {
            let changed = ada.api.change_signer(&home, &signer.id, &update).await;
            changed.expect("changed")
        };
        change(SignerUpdate {
            position: Some(0),
            least_role: Some(Role::Operator),
            ..SignerUpdate::default()
        })
        .await;
        assert_eq!(names().await, ["AWS, Frankfurt", "Built-in CA"]);
        let mut request = ben.approval_request(&csr::csr(&csr::key())).await;
        request.signer = signer.id.clone();
        let refused = ben.api.approve(&server.claim(&ben), &request).await;
        let error = refused.expect_err("his role may not use it");
        assert_eq!(error.code(), Some(ProblemCode::Invalid));
        assert!(error.to_string().contains("your role"), "{error}");
        change(SignerUpdate {
            least_role: Some(Role::Installer),
            disabled: Some(true),
            ..SignerUpdate::default()
        })
        .await;
        let refused = ben.api.approve(&server.claim(&ben), &request).await;
        assert!(refused.expect_err("disabled").to_string().contains("disabled"));
        let other_kind = SignerUpdate {
            configuration: Some(SignerKind::Builtin),
            ..SignerUpdate::default()
        };
        assert_eq!(
            problem(ada.api.change_signer(&home, &signer.id, &other_kind).await),
            ProblemCode::Invalid
        );
        ada.api.remove_signer(&home, &signer.id).await.expect("removed");
        assert_eq!(names().await, ["Built-in CA"]);
        server.verify_audit().await.expect("the record holds");
    }
);

both_engines!(
    /// Threat model: ENR-26.
    async fn only_an_admin_who_is_there_changes_signers(server: Server) {
        let home = server.organisation("Works").await;
        let other = server.organisation("Other").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let signer = add(&ada).await;
        let key = IdempotencyKey::new([8; 16]);
        for role in [Role::Viewer, Role::Installer, Role::Operator] {
            let member = server.member(&home, role, "Ben").await;
            assert_eq!(
                problem(member.api.add_signer(&home, &aws(), &key).await),
                ProblemCode::Forbidden
            );
            assert_eq!(
                problem(member.api.remove_signer(&home, &signer.id).await),
                ProblemCode::Forbidden
            );
        }
        let eve = server.member(&other, Role::Owner, "Eve").await;
        let update = SignerUpdate::default();
        assert_eq!(
            problem(eve.api.change_signer(&home, &signer.id, &update).await),
            ProblemCode::NotFound
        );
        assert_eq!(
            problem(eve.api.change_signer(&other, &signer.id, &update).await),
            ProblemCode::NotFound
        );
        server.clock.advance(10 * UnixMillis::MINUTE);
        assert_eq!(
            problem(ada.api.add_signer(&home, &aws(), &key).await),
            ProblemCode::StepUpRequired
        );
        // What devices were approved for stays, because their records name it.
        let ada = server.refresh(&ada).await;
        enrolled(&server, &ada, &signer).await;
        assert_eq!(
            problem(ada.api.remove_signer(&home, &signer.id).await),
            ProblemCode::Conflict
        );
        let mut moved = aws();
        if let SignerKind::AwsIot(aws) = &mut moved.kind {
            aws.region = "eu-west-1".to_owned();
        }
        let update = SignerUpdate {
            configuration: Some(moved.kind),
            ..SignerUpdate::default()
        };
        assert_eq!(
            problem(ada.api.change_signer(&home, &signer.id, &update).await),
            ProblemCode::Conflict,
            "its certificates are there"
        );
        let fleet = ada.api.devices(&DeviceQuery::default()).await.expect("the fleet");
        assert_eq!(fleet.items.len(), 1);
    }
);
