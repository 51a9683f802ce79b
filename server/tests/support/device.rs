//! A device as far as certificates go: a key, and what it says with it to the session gate.

use std::collections::BTreeMap;
use std::sync::Arc;

use gangway_protocol::certificate::Certificate;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::id::IssuerId;
use gangway_protocol::session::renewal_message;
use gangway_protocol::time::UnixMillis;
use gangway_server::ca::Presented;
use gangway_server::ca::{Chain, DeviceIdentity, PublishedCrl};
use gangway_server::db::certificates::Draft;
use gangway_server::enrolment::check_csr;
use gangway_server::session::{Accepted, Admission, GateError, Pass, Renewed, accept_proof, admit, renew};
use rcgen::{KeyPair, SigningKey as _};
use x509_cert::crl::CertificateList;
use x509_cert::der::Decode as _;

use super::member::Member;
use super::{Server, csr};

impl Server {
    /// A certificate straight from the CA, recorded nowhere, for a CSR in PEM.
    pub(crate) fn certify(&self, identity: &DeviceIdentity, csr: &str, days: u32) -> (Draft, Chain) {
        let gangway = &self.gangway;
        let csr = check_csr(csr).expect("a good CSR");
        let now = gangway.clock.now();
        let draft = gangway
            .ca
            .draft(identity, csr.key(), days, now, &*gangway.random)
            .expect("a draft");
        let leaf = gangway
            .ca
            .leaf_issuer(&draft.issuer)
            .and_then(|issuer| issuer.sign(&draft.to_be_signed))
            .expect("a signature");
        let chain = gangway
            .ca
            .chain(&draft.issuer, &leaf.pem)
            .expect("the issuer is known");
        (draft, chain)
    }

    /// What the revocation list says at this moment: serial numbers, and the bytes of their reasons' extension.
    pub(crate) async fn listed(&self) -> BTreeMap<String, usize> {
        let issuer = self.text("SELECT id FROM issuers WHERE slot = 'signing'").await;
        let issuer: IssuerId = issuer.parse().expect("an id");
        let der = self.anybody().issuer_crl(&issuer).await.expect("a list");
        let list = CertificateList::from_der(&der).expect("a list");
        list.tbs_cert_list
            .revoked_certificates
            .unwrap_or_default()
            .into_iter()
            .map(|revoked| {
                let serial = data_encoding::HEXLOWER.encode(revoked.serial_number.as_bytes());
                let reason = revoked
                    .crl_entry_extensions
                    .and_then(|extensions| extensions[0].extn_value.as_bytes().last().copied())
                    .unwrap_or_default();
                (serial, usize::from(reason))
            })
            .collect()
    }

    /// The revocation list of an issuer, as it is served then.
    pub(crate) async fn crl(&self, issuer: &IssuerId, at: UnixMillis) -> Arc<PublishedCrl> {
        let list = self.gangway.ca.crl(&self.gangway.db, issuer, at).await;
        list.expect("a list").expect("the issuer is known")
    }
}

/// A device without a socket.
pub(crate) struct SoftDevice {
    pub(crate) key: KeyPair,
}

impl SoftDevice {
    /// A device with a new P-256 key.
    pub(crate) fn new() -> Self {
        Self { key: csr::key() }
    }

    /// A device that `member` enrolled and that has not proved its certificate yet, and that certificate.
    pub(crate) async fn enrolled(server: &Server, member: &Member) -> (Self, Certificate) {
        let device = Self::new();
        let certificate = member.enrol(server, &device.key).await;
        (device, certificate)
    }

    /// A device that `member` enrolled and that has opened its first session, and its certificate.
    pub(crate) async fn in_fleet(server: &Server, member: &Member) -> (Self, Certificate) {
        let (device, certificate) = Self::enrolled(server, member).await;
        let proved = device.prove(server, &certificate.chain, 1).await;
        proved.expect("a session");
        (device, certificate)
    }

    /// Its CSR; another text every time, for the same key.
    pub(crate) fn csr(&self) -> String {
        csr::csr(&self.key)
    }

    /// What the gate says to this chain.
    pub(crate) async fn admission(&self, server: &Server, chain: &str) -> Result<Admission, GateError> {
        let presented = Presented::parse(chain)?;
        let message = b"a proof";
        let signature = self.key.sign(message).expect("a signature");
        assert!(
            presented.said(message, &signature),
            "the certificate is of this device's key"
        );
        admit(&server.gangway, &presented).await
    }

    /// Leave to open a session.
    pub(crate) async fn pass(&self, server: &Server, chain: &str) -> Result<Pass, GateError> {
        match self.admission(server, chain).await? {
            Admission::Admitted(pass) => Ok(pass),
            Admission::Held(held) => panic!("the certificate of {} is held", held.device),
        }
    }

    /// Opens a session.
    pub(crate) async fn prove(
        &self,
        server: &Server,
        chain: &str,
        counter: u64,
    ) -> Result<Accepted, GateError> {
        let pass = self.pass(server, chain).await?;
        accept_proof(&server.gangway, &pass, counter).await
    }

    /// The problem with which this chain is turned away.
    pub(crate) async fn refusal(&self, server: &Server, chain: &str) -> ProblemCode {
        match self.prove(server, chain, u64::MAX >> 12).await {
            Err(GateError::Refused(problem)) => problem.code,
            other => panic!("a refusal, not {other:?}"),
        }
    }

    /// Renews its certificate, with its own key or another.
    pub(crate) async fn renew(
        &self,
        server: &Server,
        chain: &str,
        key: &KeyPair,
    ) -> Result<Renewed, GateError> {
        let pass = self.pass(server, chain).await?;
        let csr = csr::csr(key);
        let der = check_csr(&csr).expect("a good CSR").der().to_vec();
        let endorsement = self.key.sign(&renewal_message(&der)).expect("a signature");
        renew(
            &server.gangway,
            &pass.device,
            &pass.certificate,
            &csr,
            &endorsement,
        )
        .await
    }
}
