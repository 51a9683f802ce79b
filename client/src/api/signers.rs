//! Signing endpoints of an organisation.

use gangway_protocol::id::{OrganisationId, SignerId};
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use gangway_protocol::signer::{Signer, SignerRequest, SignerUpdate};
use http::Method;

use super::Api;
use super::idempotency::IdempotencyKey;
use crate::error::ApiError;

impl Api {
    /// Signing endpoints of an organisation, in its order.
    ///
    /// # Errors
    /// `not_found` for an organisation the caller has no role in.
    pub async fn signers(&self, id: &OrganisationId, page: &PageQuery) -> Result<Page<Signer>, ApiError> {
        self.list(&path::signers(id), page).await
    }

    /// Adds a signing endpoint at the end of the list.
    ///
    /// # Errors
    /// `forbidden` below admin, `step_up_required`, `invalid`, `conflict` when there are too many.
    pub async fn add_signer(
        &self,
        id: &OrganisationId,
        request: &SignerRequest,
        key: &IdempotencyKey,
    ) -> Result<Signer, ApiError> {
        self.create(&path::signers(id), request, key).await
    }

    /// Changes a signing endpoint, or its place in the list.
    ///
    /// # Errors
    /// `forbidden` below admin, `step_up_required`, `invalid`, `not_found`.
    pub async fn change_signer(
        &self,
        id: &OrganisationId,
        signer: &SignerId,
        update: &SignerUpdate,
    ) -> Result<Signer, ApiError> {
        self.patch(&path::signer(id, signer), update).await
    }

    /// Removes a signing endpoint that no device was ever approved for.
    ///
    /// # Errors
    /// `forbidden` below admin, `step_up_required`, `conflict` when devices were, `not_found`.
    pub async fn remove_signer(&self, id: &OrganisationId, signer: &SignerId) -> Result<(), ApiError> {
        self.quiet(Method::DELETE, &path::signer(id, signer), None).await
    }
}
