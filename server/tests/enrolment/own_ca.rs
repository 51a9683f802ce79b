//! What our own CA has signed for somebody who is no device of a fleet is not taken as signed elsewhere.

use gangway_protocol::error::ProblemCode;
use gangway_server::ca::ocf::{OcfSubject, Usage};
use gangway_server::enrolment::check_csr;

use super::elsewhere::{begin, consented, recording, works};
use super::problem;
use crate::support::both_engines;
use crate::support::device::SoftDevice;

both_engines!(
    /// Threat model: ENR-30.
    async fn what_our_own_ca_signed_for_plgd_is_not_taken_as_signed_elsewhere(server: Server) {
        let (home, ada, signer) = works(&server).await;
        let device = SoftDevice::new();
        let approval = consented(&server, &ada, &signer, &device.key).await;
        begin(&ada, &approval).await;
        let subject = OcfSubject {
            organisation: home,
            common_name: "uuid:5f3a1c2e-9d74-4b10-8f55-0c1d2e3f4a5b".to_owned(),
            usage: Usage::Identity,
        };
        let gangway = &server.gangway;
        let csr = check_csr(&device.csr()).expect("a CSR");
        let (now, random) = (gangway.clock.now(), &*gangway.random);
        let draft = gangway
            .ca
            .draft_ocf(&subject, csr.key(), 90, now, random)
            .expect("a draft");
        let issuer = gangway.ca.leaf_issuer(&draft.issuer).expect("an issuer");
        let leaf = issuer.sign(&draft.to_be_signed).expect("a signature");
        let refused = ada
            .api
            .request_certificate(&approval.device.id, &recording(&leaf.pem, &approval))
            .await;
        assert_eq!(problem(refused), ProblemCode::Invalid);
    }
);
