//! Certificates, those of unknown origin that wait for readmission, and the built-in CA's own.

use gangway_protocol::certificate::{Certificate, CertificateQuery, HeldCertificate, RevocationRequest};
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::{IssuerId, OrganisationId};
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;

use super::Api;
use crate::error::ApiError;

impl Api {
    /// Certificates, searched, newest first.
    ///
    /// # Errors
    /// Those of every signed-in call.
    pub async fn certificates(&self, query: &CertificateQuery) -> Result<Page<Certificate>, ApiError> {
        self.list(path::CERTIFICATES, query).await
    }

    /// One certificate.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn certificate(&self, sha256: &Sha256Hex) -> Result<Certificate, ApiError> {
        self.get(&path::certificate(sha256)).await
    }

    /// Records that the device said this certificate is installed. Idempotent.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn record_delivery(&self, sha256: &Sha256Hex) -> Result<Certificate, ApiError> {
        self.act(&path::certificate_delivery(sha256)).await
    }

    /// Certificates that were revoked here and go on at their signers.
    ///
    /// # Errors
    /// `forbidden`, `not_found`.
    pub async fn endings_due(
        &self,
        id: &OrganisationId,
        query: &PageQuery,
    ) -> Result<Page<Certificate>, ApiError> {
        self.list(&path::endings_due(id), query).await
    }

    /// Says that a certificate was ended at its signer.
    ///
    /// # Errors
    /// `conflict` when nothing was to be ended, `forbidden`, `not_found`.
    pub async fn record_ending(&self, sha256: &Sha256Hex) -> Result<Certificate, ApiError> {
        self.set(&path::certificate_ending(sha256)).await
    }

    /// Revokes one certificate.
    ///
    /// # Errors
    /// `step_up_required`, `forbidden` below operator.
    pub async fn revoke_certificate(
        &self,
        sha256: &Sha256Hex,
        request: &RevocationRequest,
    ) -> Result<Certificate, ApiError> {
        self.post(&path::certificate_revocation(sha256), request).await
    }

    /// Certificates of our CA that devices presented and that no record knows.
    ///
    /// # Errors
    /// `forbidden` below operator.
    pub async fn held_certificates(&self, page: &PageQuery) -> Result<Page<HeldCertificate>, ApiError> {
        self.list(path::HELD_CERTIFICATES, page).await
    }

    /// Readmits one of them.
    ///
    /// # Errors
    /// `not_found`, `step_up_required`.
    pub async fn readmit_certificate(&self, sha256: &Sha256Hex) -> Result<Certificate, ApiError> {
        self.act(&path::held_certificate_readmission(sha256)).await
    }

    /// The DER of an issuer of the built-in CA.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn issuer_certificate(&self, issuer: &IssuerId) -> Result<Vec<u8>, ApiError> {
        self.get_bytes(&path::issuer_certificate(issuer)).await
    }

    /// The DER of its certificate revocation list.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn issuer_crl(&self, issuer: &IssuerId) -> Result<Vec<u8>, ApiError> {
        self.get_bytes(&path::issuer_crl(issuer)).await
    }
}
