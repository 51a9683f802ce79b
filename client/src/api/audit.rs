//! The record of an organisation.

use gangway_protocol::audit::{AuditDetail, AuditEntry, AuditQuery, AuditVerification};
use gangway_protocol::id::OrganisationId;
use gangway_protocol::page::Page;
use gangway_protocol::path;

use super::Api;
use crate::error::ApiError;
use crate::query::with_query;

impl Api {
    /// What was done in an organisation and those below it, newest first.
    ///
    /// # Errors
    /// `forbidden` below admin, `not_found`, `invalid` for a filter that is none.
    pub async fn audit(
        &self,
        organisation: &OrganisationId,
        query: &AuditQuery,
    ) -> Result<Page<AuditEntry>, ApiError> {
        self.list(&path::audit(organisation), query).await
    }

    /// One entry of an organisation's own record in full.
    ///
    /// # Errors
    /// `forbidden` below admin, `not_found`.
    pub async fn audit_entry(
        &self,
        organisation: &OrganisationId,
        seq: u64,
    ) -> Result<AuditDetail, ApiError> {
        self.get(&path::audit_entry(organisation, seq)).await
    }

    /// Follows the chain of an organisation's own record.
    ///
    /// # Errors
    /// `forbidden` below admin, `not_found`, `busy` while records are being verified.
    pub async fn verify_audit(&self, organisation: &OrganisationId) -> Result<AuditVerification, ApiError> {
        self.get(&path::audit_verification(organisation)).await
    }

    /// The present state of an organisation's own record, signed by the built-in CA: signed data of CMS in PEM.
    ///
    /// # Errors
    /// `forbidden` below admin, `not_found`, `unavailable` when the CA cannot sign.
    pub async fn audit_checkpoint(&self, organisation: &OrganisationId) -> Result<Vec<u8>, ApiError> {
        self.get_bytes(&path::audit_checkpoint(organisation)).await
    }

    /// Where a browser downloads the record as CSV.
    #[must_use]
    pub fn audit_csv_path(organisation: &OrganisationId, query: &AuditQuery) -> String {
        with_query(&path::audit_csv(organisation), query)
    }

    /// The record as CSV.
    ///
    /// # Errors
    /// As [`Api::audit`].
    pub async fn audit_csv(
        &self,
        organisation: &OrganisationId,
        query: &AuditQuery,
    ) -> Result<Vec<u8>, ApiError> {
        self.get_bytes(&Self::audit_csv_path(organisation, query)).await
    }

    /// Where a browser downloads the record as lines of JSON.
    #[must_use]
    pub fn audit_jsonl_path(organisation: &OrganisationId, query: &AuditQuery) -> String {
        with_query(&path::audit_jsonl(organisation), query)
    }

    /// The record as lines of JSON.
    ///
    /// # Errors
    /// As [`Api::audit`].
    pub async fn audit_jsonl(
        &self,
        organisation: &OrganisationId,
        query: &AuditQuery,
    ) -> Result<Vec<u8>, ApiError> {
        self.get_bytes(&Self::audit_jsonl_path(organisation, query)).await
    }
}
