//! Actions on many devices.

use gangway_protocol::bulk::{BulkFailure, BulkJob, BulkJobRequest};
use gangway_protocol::id::{BulkJobId, OrganisationId};
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;

use super::Api;
use super::idempotency::IdempotencyKey;
use crate::error::ApiError;

impl Api {
    /// Actions on many devices of an organisation, newest first.
    ///
    /// # Errors
    /// `forbidden` for who may not see the fleet, `not_found`.
    pub async fn bulk_jobs(&self, id: &OrganisationId, page: &PageQuery) -> Result<Page<BulkJob>, ApiError> {
        self.list(&path::bulk_jobs(id), page).await
    }

    /// Asks for one.
    ///
    /// # Errors
    /// `forbidden` below operator, `step_up_required`, `invalid`, `conflict` when too many are under way, `not_found`.
    pub async fn request_bulk_job(
        &self,
        id: &OrganisationId,
        request: &BulkJobRequest,
        key: &IdempotencyKey,
    ) -> Result<BulkJob, ApiError> {
        self.create(&path::bulk_jobs(id), request, key).await
    }

    /// How far one is.
    ///
    /// # Errors
    /// `forbidden` for who may not see the fleet, `not_found`.
    pub async fn bulk_job(&self, id: &OrganisationId, job: &BulkJobId) -> Result<BulkJob, ApiError> {
        self.get(&path::bulk_job(id, job)).await
    }

    /// Cancels one.
    ///
    /// # Errors
    /// `forbidden` below operator, `conflict` when it is over, `not_found`.
    pub async fn cancel_bulk_job(&self, id: &OrganisationId, job: &BulkJobId) -> Result<BulkJob, ApiError> {
        self.delete(&path::bulk_job(id, job)).await
    }

    /// Confirms one as the second person.
    ///
    /// # Errors
    /// `forbidden` below operator, `step_up_required`, `conflict` for one's own and for one that waits for nobody, `not_found`.
    pub async fn confirm_bulk_job(&self, id: &OrganisationId, job: &BulkJobId) -> Result<BulkJob, ApiError> {
        self.set(&path::bulk_job_confirmation(id, job)).await
    }

    /// Devices for which one failed.
    ///
    /// # Errors
    /// `forbidden` for who may not see the fleet, `not_found`.
    pub async fn bulk_failures(
        &self,
        id: &OrganisationId,
        job: &BulkJobId,
        page: &PageQuery,
    ) -> Result<Page<BulkFailure>, ApiError> {
        self.list(&path::bulk_job_failures(id, job), page).await
    }
}
