//! How devices join without a person at the screen: permits, lobby.

use gangway_protocol::device::DeviceSummary;
use gangway_protocol::id::{DeviceId, OrganisationId, PermitId};
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use gangway_protocol::permit::{
    Admission, ImportOutcome, LobbyEntry, LobbyQuery, Permit, PermitMade, PermitQuery, PermitReplacement,
    PermitRequest, PreapprovalImport, SerialsRequest,
};
use http::Method;

use super::idempotency::IdempotencyKey;
use super::{Api, encode};
use crate::error::ApiError;

impl Api {
    /// Permits of one kind in an organisation, newest first.
    ///
    /// # Errors
    /// As every call.
    pub async fn permits(&self, id: &OrganisationId, query: &PermitQuery) -> Result<Page<Permit>, ApiError> {
        self.list(&path::permits(id), query).await
    }

    /// Makes a registration key or a ticket. It is in the reply, and nowhere again.
    ///
    /// # Errors
    /// As every call.
    pub async fn make_permit(
        &self,
        id: &OrganisationId,
        request: &PermitRequest,
        key: &IdempotencyKey,
    ) -> Result<PermitMade, ApiError> {
        self.create(&path::permits(id), request, key).await
    }

    /// Takes a permit back.
    ///
    /// # Errors
    /// As every call.
    pub async fn revoke_permit(&self, id: &OrganisationId, permit: &PermitId) -> Result<(), ApiError> {
        self.quiet(Method::DELETE, &path::permit(id, permit), None).await
    }

    /// Makes another key in the place of one, which works beside it for a while.
    ///
    /// # Errors
    /// As every call.
    pub async fn replace_permit(
        &self,
        id: &OrganisationId,
        permit: &PermitId,
        request: &PermitReplacement,
    ) -> Result<PermitMade, ApiError> {
        self.post(&path::permit_replacement(id, permit), request).await
    }

    /// Adds serial numbers to the list of a key.
    ///
    /// # Errors
    /// As every call.
    pub async fn add_permit_serials(
        &self,
        id: &OrganisationId,
        permit: &PermitId,
        request: &SerialsRequest,
    ) -> Result<(), ApiError> {
        self.quiet(
            Method::POST,
            &path::permit_serials(id, permit),
            Some(encode(request)?),
        )
        .await
    }

    /// The devices that came by a permit.
    ///
    /// # Errors
    /// As every call.
    pub async fn permit_devices(
        &self,
        id: &OrganisationId,
        permit: &PermitId,
        page: &PageQuery,
    ) -> Result<Page<DeviceSummary>, ApiError> {
        self.list(&path::permit_devices(id, permit), page).await
    }

    /// Approves devices before they appear, or only looks whether that could be done.
    ///
    /// # Errors
    /// As every call; what is wrong with a row is in the outcome.
    pub async fn preapprove_devices(
        &self,
        id: &OrganisationId,
        request: &PreapprovalImport,
    ) -> Result<ImportOutcome, ApiError> {
        self.post(&path::preapprovals(id), request).await
    }

    /// Devices that came by a permit and wait for a decision, or were rejected.
    ///
    /// # Errors
    /// As every call.
    pub async fn lobby(&self, id: &OrganisationId, query: &LobbyQuery) -> Result<Page<LobbyEntry>, ApiError> {
        self.list(&path::lobby(id), query).await
    }

    /// Lets a device of the lobby in, or does not.
    ///
    /// # Errors
    /// As every call.
    pub async fn settle_device(&self, id: &DeviceId, admit: bool) -> Result<(), ApiError> {
        let request = Admission { admit };
        self.quiet(Method::POST, &path::device_admission(id), Some(encode(&request)?))
            .await
    }
}
