//! What a signer's hook asks before it registers a device: whether the device is having a certificate signed for this key.

use gangway_protocol::certificate::{EnrolmentStage, SIGNING_LEASE_SECS, SigningUpdate};
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_protocol::time::UnixMillis;
use gangway_server::enrolment::check_csr;

use super::elsewhere::{begin, consented, recording, signed_elsewhere, works};
use super::problem;
use crate::support::both_engines;
use crate::support::csr;
use crate::support::device::SoftDevice;

both_engines!(
    async fn a_hook_learns_whether_this_very_key_is_being_signed(server: Server) {
        let (home, ada, signer) = works(&server).await;
        let device = SoftDevice::new();
        let approval = consented(&server, &ada, &signer, &device.key).await;
        let csr = check_csr(&device.csr()).expect("a CSR");
        let (id, key) = (&approval.device.id, csr.spki_sha256());
        let asked = ada.api.device_signing(id, &key).await;
        assert_eq!(problem(asked), ProblemCode::NotFound, "nobody has been asked yet");
        begin(&ada, &approval).await;
        let found = ada
            .api
            .device_signing(id, &key)
            .await
            .expect("it is being signed");
        assert_eq!((found.claim, found.organisation), (approval.claim.clone(), home));
        let asked = ada.api.device_signing(id, &Sha256Hex([7; 32])).await;
        assert_eq!(problem(asked), ProblemCode::NotFound, "another key");
        let elsewhere = server.organisation("Elsewhere").await;
        let eve = server.member(&elsewhere, Role::Owner, "Eve").await;
        let asked = eve.api.device_signing(id, &key).await;
        assert_eq!(problem(asked), ProblemCode::NotFound, "another organisation");
        let chain = signed_elsewhere(&device.key, "AWS IoT Certificate");
        ada.api
            .request_certificate(id, &recording(&chain, &approval))
            .await
            .expect("a record");
        let asked = ada.api.device_signing(id, &key).await;
        assert_eq!(problem(asked), ProblemCode::NotFound, "it has been signed");
    }
);

both_engines!(
    /// A device may take longer to fetch its certificate than a signer's answer takes.
    async fn whoever_took_longer_than_the_lease_still_says_that_nothing_was_signed(server: Server) {
        let (_, ada, signer) = works(&server).await;
        let approval = consented(&server, &ada, &signer, &csr::key()).await;
        begin(&ada, &approval).await;
        server
            .clock
            .advance(i64::from(SIGNING_LEASE_SECS) * UnixMillis::SECOND + UnixMillis::MINUTE);
        server.tick().await;
        let ada = server.refresh(&ada).await;
        assert_eq!(ada.stage_of(&approval.claim).await, EnrolmentStage::ReplyLost);
        let told = ada
            .api
            .update_signing(&approval.claim, &SigningUpdate::Refused)
            .await;
        assert_eq!(told.expect("heard").stage, EnrolmentStage::Consented);
        begin(&ada, &approval).await;
    }
);
