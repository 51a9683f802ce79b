//! An issuer of the built-in CA without its key: its certificate, what stands above it, and where both are served.

use gangway_protocol::certificate::join_chain;
use gangway_protocol::id::IssuerId;
use gangway_protocol::path;
use gangway_protocol::time::UnixMillis;
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _, oid::AssociatedOid as _, pem};
use x509_cert::ext::pkix::SubjectKeyIdentifier;
use x509_cert::name::Name;

use super::{extension, moment};

/// The certificate of an issuer.
#[derive(Clone, Debug)]
pub struct IssuerCertificate {
    id: IssuerId,
    certificate: Certificate,
    der: Vec<u8>,
    key_identifier: Vec<u8>,
    crl_url: String,
    certificate_url: String,
}

impl IssuerCertificate {
    /// The issuer `id` with this certificate, served below `public_url`.
    ///
    /// # Errors
    /// When the certificate cannot be encoded again.
    pub fn new(
        id: IssuerId,
        certificate: Certificate,
        public_url: &str,
    ) -> Result<Self, x509_cert::der::Error> {
        let der = certificate.to_der()?;
        Ok(Self::assemble(id, certificate, der, public_url))
    }

    /// Reads a certificate from DER, which is kept as it is: its issuer signed these bytes.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_der(id: IssuerId, der: Vec<u8>, public_url: &str) -> Result<Self, x509_cert::der::Error> {
        let certificate = Certificate::from_der(&der)?;
        Ok(Self::assemble(id, certificate, der, public_url))
    }

    fn assemble(id: IssuerId, certificate: Certificate, der: Vec<u8>, public_url: &str) -> Self {
        let base = public_url.trim_end_matches('/');
        Self {
            der,
            key_identifier: subject_key_identifier(&certificate),
            crl_url: format!("{base}{}", path::issuer_crl(&id)),
            certificate_url: format!("{base}{}", path::issuer_certificate(&id)),
            id,
            certificate,
        }
    }

    /// Reads a certificate from PEM.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_pem(id: IssuerId, pem: &str, public_url: &str) -> Result<Self, x509_cert::der::Error> {
        let (_, der) = pem::decode_vec(pem.as_bytes())?;
        Self::from_der(id, der, public_url)
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &IssuerId {
        &self.id
    }

    /// The certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// DER of the certificate.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// PEM of the certificate.
    #[must_use]
    pub fn pem(&self) -> String {
        join_chain([&self.der])
    }

    /// Its subject: the issuer of what it signs, byte for byte.
    #[must_use]
    pub fn subject(&self) -> &Name {
        &self.certificate.tbs_certificate.subject
    }

    /// Its subject key identifier: the authority key identifier of what it signs.
    #[must_use]
    pub fn key_identifier(&self) -> &[u8] {
        &self.key_identifier
    }

    /// End of its validity.
    #[must_use]
    pub fn not_after(&self) -> UnixMillis {
        moment::from_x509(self.certificate.tbs_certificate.validity.not_after)
    }

    /// Where its CRL is served.
    #[must_use]
    pub fn crl_url(&self) -> &str {
        &self.crl_url
    }

    /// Where its certificate is served.
    #[must_use]
    pub fn certificate_url(&self) -> &str {
        &self.certificate_url
    }
}

/// The identifier that the certificate itself states; RFC 5280 §4.2.1.1 wants exactly that in what it signs. One that
/// states none gets the identifier we compute.
fn subject_key_identifier(certificate: &Certificate) -> Vec<u8> {
    let extensions = certificate
        .tbs_certificate
        .extensions
        .as_deref()
        .unwrap_or_default();
    extensions
        .iter()
        .find(|extension| extension.extn_id == SubjectKeyIdentifier::OID)
        .and_then(|extension| SubjectKeyIdentifier::from_der(extension.extn_value.as_bytes()).ok())
        .map_or_else(
            || extension::key_identifier(&certificate.tbs_certificate.subject_public_key_info),
            |identifier| identifier.0.as_bytes().to_vec(),
        )
}
