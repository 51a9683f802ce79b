//! Certificates of our own issuers, told from others and read back.

use std::sync::Arc;

use gangway_protocol::id::IssuerId;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::der::oid::AssociatedOid as _;
use x509_cert::ext::pkix::SubjectAltName;

use super::{CertificateAuthority, DeviceIdentity, Issuer, verify};

/// What a certificate of ours says, read back from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// Who signed it.
    pub issuer: IssuerId,
    /// Whom it is about.
    pub identity: DeviceIdentity,
}

impl CertificateAuthority {
    /// Whether one of our issuers has signed a certificate, whatever it is about.
    #[must_use]
    pub fn has_signed(&self, leaf: &Certificate) -> bool {
        self.signer_of(leaf).is_some()
    }

    /// Which device of a fleet a certificate is about, when one of our issuers has signed it.
    #[must_use]
    pub fn recognise(&self, leaf: &Certificate) -> Option<Recognised> {
        let issuer = self.signer_of(leaf)?;
        let extensions = leaf.tbs_certificate.extensions.as_deref().unwrap_or_default();
        let identity = extensions
            .iter()
            .filter(|extension| extension.extn_id == SubjectAltName::OID)
            .filter_map(|extension| SubjectAltName::from_der(extension.extn_value.as_bytes()).ok())
            .find_map(|names| DeviceIdentity::from_alternative_names(&names))?;
        Some(Recognised {
            issuer: issuer.certificate.id().clone(),
            identity,
        })
    }

    fn signer_of(&self, leaf: &Certificate) -> Option<Arc<Issuer>> {
        let issuers = self.issuers();
        let mut all = issuers.all.values();
        all.find(|issuer| verify::is_issued_by(leaf, issuer.certificate.certificate()))
            .cloned()
    }
}
