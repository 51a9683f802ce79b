//! Identity providers of a customer, and sign-in by them.

use gangway_protocol::id::{CeremonyId, IdentityProviderId, OrganisationId};
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use gangway_protocol::single_sign_on::{
    Identity, IdentityProvider, IdentityProviderRequest, IdentityProviderTrial, IdentityProviderUpdate,
    SignInOffers, SingleSignOn, SingleSignOnEnd, SingleSignOnReply, SingleSignOnRequest,
};
use http::Method;

use super::Api;
use super::idempotency::IdempotencyKey;
use crate::error::ApiError;

impl Api {
    /// Providers of a customer, oldest first.
    ///
    /// # Errors
    /// `forbidden` below admin, `not_found`.
    pub async fn identity_providers(
        &self,
        id: &OrganisationId,
        page: &PageQuery,
    ) -> Result<Page<IdentityProvider>, ApiError> {
        self.list(&path::identity_providers(id), page).await
    }

    /// Adds a provider to a customer.
    ///
    /// # Errors
    /// `forbidden` below admin, `step_up_required`, `invalid`, `conflict` when there are too many or below a customer.
    pub async fn add_identity_provider(
        &self,
        id: &OrganisationId,
        request: &IdentityProviderRequest,
        key: &IdempotencyKey,
    ) -> Result<IdentityProvider, ApiError> {
        self.create(&path::identity_providers(id), request, key).await
    }

    /// Changes a provider.
    ///
    /// # Errors
    /// `forbidden` below admin, `step_up_required`, `invalid`, `not_found`.
    pub async fn change_identity_provider(
        &self,
        id: &OrganisationId,
        provider: &IdentityProviderId,
        update: &IdentityProviderUpdate,
    ) -> Result<IdentityProvider, ApiError> {
        self.patch(&path::identity_provider(id, provider), update).await
    }

    /// Removes a provider; its people are signed out.
    ///
    /// # Errors
    /// `forbidden` below admin, `step_up_required`, `not_found`, `conflict` for the last one where single sign-on is required.
    pub async fn remove_identity_provider(
        &self,
        id: &OrganisationId,
        provider: &IdentityProviderId,
    ) -> Result<(), ApiError> {
        self.quiet(Method::DELETE, &path::identity_provider(id, provider), None)
            .await
    }

    /// Looks whether a provider answers as it should.
    ///
    /// # Errors
    /// `forbidden` below admin, `step_up_required`, `not_found`, `provider_refused` and `unavailable` saying what is wrong.
    pub async fn try_identity_provider(
        &self,
        id: &OrganisationId,
        provider: &IdentityProviderId,
    ) -> Result<IdentityProviderTrial, ApiError> {
        self.act(&path::identity_provider_trial(id, provider)).await
    }

    /// Who vouches for people of an organisation.
    ///
    /// # Errors
    /// Those of every call.
    pub async fn sign_in_offers(&self, id: &OrganisationId) -> Result<SignInOffers, ApiError> {
        self.get(&path::sign_in_offers(id)).await
    }

    /// Begins a sign-in by a provider, a fresh proof, or a link.
    ///
    /// # Errors
    /// `provider_refused`, `unavailable`, `rate_limited`; to link, `step_up_required`.
    pub async fn begin_single_sign_on(
        &self,
        request: &SingleSignOnRequest,
    ) -> Result<SingleSignOn, ApiError> {
        self.post(path::SINGLE_SIGN_ONS, request).await
    }

    /// Finishes it.
    ///
    /// # Errors
    /// `provider_refused`, `conflict`, `unavailable`.
    pub async fn finish_single_sign_on(
        &self,
        ceremony: &CeremonyId,
        reply: &SingleSignOnReply,
    ) -> Result<SingleSignOnEnd, ApiError> {
        self.post(&path::single_sign_on(ceremony), reply).await
    }

    /// Identities at providers that are linked to the account.
    ///
    /// # Errors
    /// Those of every signed-in call.
    pub async fn identities(&self, page: &PageQuery) -> Result<Page<Identity>, ApiError> {
        self.list(path::IDENTITIES, page).await
    }

    /// Ends such a link.
    ///
    /// # Errors
    /// `step_up_required`, `forbidden` in a browser that a provider signed in, `not_found`.
    pub async fn unlink_identity(&self, provider: &IdentityProviderId) -> Result<(), ApiError> {
        self.quiet(Method::DELETE, &path::identity(provider), None).await
    }
}
