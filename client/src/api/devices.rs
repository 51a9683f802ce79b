//! The fleet and its devices.

use gangway_protocol::certificate::{Approval, Certificate, CertificateRequest, RevocationRequest};
use gangway_protocol::device::{Device, DeviceDetail, DeviceQuery, DeviceUpdate};
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::history::DeviceEvent;
use gangway_protocol::id::DeviceId;
use gangway_protocol::organisation::DeviceMove;
use gangway_protocol::overview::{FleetOverview, OverviewQuery};
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use http::Method;

use super::Api;
use crate::error::ApiError;
use crate::query::with_query;

impl Api {
    /// The fleet, filtered and sorted.
    ///
    /// # Errors
    /// `invalid` for a filter or an order that does not exist.
    pub async fn devices(&self, query: &DeviceQuery) -> Result<Page<Device>, ApiError> {
        self.list(path::DEVICES, query).await
    }

    /// Where a browser downloads the same devices as CSV.
    #[must_use]
    pub fn devices_csv_path(query: &DeviceQuery) -> String {
        with_query(path::DEVICES_CSV, query)
    }

    /// The fleet as CSV.
    ///
    /// # Errors
    /// As [`Api::devices`].
    pub async fn devices_csv(&self, query: &DeviceQuery) -> Result<Vec<u8>, ApiError> {
        self.get_bytes(&Self::devices_csv_path(query)).await
    }

    /// The same devices as JSON lines.
    ///
    /// # Errors
    /// As [`Api::devices`].
    pub async fn devices_jsonl(&self, query: &DeviceQuery) -> Result<Vec<u8>, ApiError> {
        self.get_bytes(&with_query(path::DEVICES_JSONL, query)).await
    }

    /// The fleet at a glance.
    ///
    /// # Errors
    /// `forbidden` for who may not see the fleet, `not_found`.
    pub async fn fleet_overview(&self, query: &OverviewQuery) -> Result<FleetOverview, ApiError> {
        self.list(path::FLEET_OVERVIEW, query).await
    }

    /// One device with all that its page shows.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn device(&self, id: &DeviceId) -> Result<DeviceDetail, ApiError> {
        self.get(&path::device(id)).await
    }

    /// A device as its row in the fleet shows it: the rest of the answer is not read.
    ///
    /// # Errors
    /// As [`Api::device`].
    pub async fn device_row(&self, id: &DeviceId) -> Result<Device, ApiError> {
        self.get(&path::device(id)).await
    }

    /// Changes name or labels.
    ///
    /// # Errors
    /// `invalid` with the field that is wrong; `forbidden` below operator.
    pub async fn update_device(
        &self,
        id: &DeviceId,
        update: &DeviceUpdate,
    ) -> Result<DeviceDetail, ApiError> {
        self.patch(&path::device(id), update).await
    }

    /// Its history, newest first.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn device_events(
        &self,
        id: &DeviceId,
        page: &PageQuery,
    ) -> Result<Page<DeviceEvent>, ApiError> {
        self.list(&path::device_events(id), page).await
    }

    /// Its certificates, newest first.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn device_certificates(
        &self,
        id: &DeviceId,
        page: &PageQuery,
    ) -> Result<Page<Certificate>, ApiError> {
        self.list(&path::device_certificates(id), page).await
    }

    /// Has a certificate signed by the built-in CA, or records one that another signer made. Idempotent by key.
    ///
    /// # Errors
    /// `csr_refused`, `key_revoked`; `conflict` before the device has consented.
    pub async fn request_certificate(
        &self,
        id: &DeviceId,
        request: &CertificateRequest,
    ) -> Result<Certificate, ApiError> {
        self.post(&path::device_certificates(id), request).await
    }

    /// The approval for which it has a certificate signed elsewhere, for this key.
    ///
    /// # Errors
    /// `not_found` where there is none.
    pub async fn device_signing(&self, id: &DeviceId, key: &Sha256Hex) -> Result<Approval, ApiError> {
        self.get(&path::device_signing(id, key)).await
    }

    /// Asks the device to renew its certificate now.
    ///
    /// # Errors
    /// `conflict` when it is offline.
    pub async fn renew_device(&self, id: &DeviceId) -> Result<(), ApiError> {
        self.quiet(Method::POST, &path::device_renewal(id), None).await
    }

    /// Asks the device to show itself.
    ///
    /// # Errors
    /// `conflict` when it is offline.
    pub async fn identify_device(&self, id: &DeviceId) -> Result<(), ApiError> {
        self.quiet(Method::POST, &path::device_identification(id), None)
            .await
    }

    /// Moves the device to another organisation of its customer.
    ///
    /// # Errors
    /// `forbidden` below operator, `step_up_required`, `conflict` while it is being enrolled, `not_found`.
    pub async fn move_device(&self, id: &DeviceId, to: &DeviceMove) -> Result<DeviceDetail, ApiError> {
        self.put(&path::device_organisation(id), to).await
    }

    /// Keeps the device out for the time being.
    ///
    /// # Errors
    /// `conflict` unless it is active.
    pub async fn suspend_device(&self, id: &DeviceId) -> Result<DeviceDetail, ApiError> {
        self.act(&path::device_suspension(id)).await
    }

    /// Lets a suspended device in again.
    ///
    /// # Errors
    /// `conflict` unless it is suspended.
    pub async fn resume_device(&self, id: &DeviceId) -> Result<DeviceDetail, ApiError> {
        self.delete(&path::device_suspension(id)).await
    }

    /// Revokes all its certificates; it must be enrolled anew.
    ///
    /// # Errors
    /// `step_up_required`, `forbidden` below operator.
    pub async fn revoke_device(
        &self,
        id: &DeviceId,
        request: &RevocationRequest,
    ) -> Result<DeviceDetail, ApiError> {
        self.post(&path::device_revocation(id), request).await
    }

    /// Takes the device out of the fleet.
    ///
    /// # Errors
    /// `conflict` when it is retired already.
    pub async fn retire_device(&self, id: &DeviceId) -> Result<DeviceDetail, ApiError> {
        self.act(&path::device_retirement(id)).await
    }

    /// Answers a clone alarm with "restored from backup".
    ///
    /// # Errors
    /// `conflict` when there is no alarm.
    pub async fn dismiss_alarm(&self, id: &DeviceId) -> Result<DeviceDetail, ApiError> {
        self.delete(&path::device_alarm(id)).await
    }
}
