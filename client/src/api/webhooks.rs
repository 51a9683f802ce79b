//! Webhooks of an organisation, and its certificates that end soon.

use gangway_protocol::device::Device;
use gangway_protocol::id::{OrganisationId, WebhookEventId, WebhookId};
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use gangway_protocol::webhook::{
    ExpiringQuery, ReplayRequest, Replayed, Webhook, WebhookDelivery, WebhookRequest, WebhookUpdate,
};
use http::Method;

use super::Api;
use super::idempotency::IdempotencyKey;
use crate::error::ApiError;

impl Api {
    /// Webhooks of an organisation, oldest first.
    ///
    /// # Errors
    /// `forbidden` below admin, `not_found`.
    pub async fn webhooks(&self, id: &OrganisationId, page: &PageQuery) -> Result<Page<Webhook>, ApiError> {
        self.list(&path::webhooks(id), page).await
    }

    /// Adds a webhook. Its secret is in the reply, and nowhere again.
    ///
    /// # Errors
    /// `forbidden` below admin, `step_up_required`, `invalid`, `conflict` when there are too many.
    pub async fn add_webhook(
        &self,
        id: &OrganisationId,
        request: &WebhookRequest,
        key: &IdempotencyKey,
    ) -> Result<Webhook, ApiError> {
        self.create(&path::webhooks(id), request, key).await
    }

    /// Changes a webhook, or switches it on or off.
    ///
    /// # Errors
    /// `forbidden` below admin, `step_up_required`, `invalid`, `not_found`.
    pub async fn change_webhook(
        &self,
        id: &OrganisationId,
        webhook: &WebhookId,
        update: &WebhookUpdate,
    ) -> Result<Webhook, ApiError> {
        self.patch(&path::webhook(id, webhook), update).await
    }

    /// Removes a webhook and its log.
    ///
    /// # Errors
    /// `forbidden` below admin, `step_up_required`, `not_found`.
    pub async fn remove_webhook(&self, id: &OrganisationId, webhook: &WebhookId) -> Result<(), ApiError> {
        self.quiet(Method::DELETE, &path::webhook(id, webhook), None)
            .await
    }

    /// Gives a webhook another secret, which is in the reply. The one before it signs as well for a day.
    ///
    /// # Errors
    /// `forbidden` below admin, `step_up_required`, `not_found`.
    pub async fn rotate_webhook_secret(
        &self,
        id: &OrganisationId,
        webhook: &WebhookId,
    ) -> Result<Webhook, ApiError> {
        self.act(&path::webhook_secret(id, webhook)).await
    }

    /// Sends a test event, and tells what came back.
    ///
    /// # Errors
    /// `forbidden` below admin, `step_up_required`, `conflict` while it is off, `not_found`.
    pub async fn test_webhook(
        &self,
        id: &OrganisationId,
        webhook: &WebhookId,
    ) -> Result<WebhookDelivery, ApiError> {
        self.act(&path::webhook_test(id, webhook)).await
    }

    /// What a webhook has sent and has yet to send, newest first.
    ///
    /// # Errors
    /// `forbidden` below admin, `not_found`.
    pub async fn webhook_deliveries(
        &self,
        id: &OrganisationId,
        webhook: &WebhookId,
        page: &PageQuery,
    ) -> Result<Page<WebhookDelivery>, ApiError> {
        self.list(&path::webhook_deliveries(id, webhook), page).await
    }

    /// Has one event sent again.
    ///
    /// # Errors
    /// `forbidden` below admin, `step_up_required`, `conflict` for one that may not be sent any more, `not_found`.
    pub async fn replay_delivery(
        &self,
        id: &OrganisationId,
        webhook: &WebhookId,
        event: &WebhookEventId,
    ) -> Result<WebhookDelivery, ApiError> {
        self.act(&path::webhook_replay(id, webhook, event)).await
    }

    /// Has everything sent again that failed since an instant.
    ///
    /// # Errors
    /// `forbidden` below admin, `step_up_required`, `not_found`.
    pub async fn replay_failed(
        &self,
        id: &OrganisationId,
        webhook: &WebhookId,
        request: &ReplayRequest,
    ) -> Result<Replayed, ApiError> {
        self.post(&path::webhook_replays(id, webhook), request).await
    }

    /// Active devices of an organisation and below it whose certificates end soon, soonest first.
    ///
    /// # Errors
    /// `forbidden` for who may not see the fleet, `invalid`, `not_found`.
    pub async fn expiring_devices(
        &self,
        id: &OrganisationId,
        query: &ExpiringQuery,
    ) -> Result<Page<Device>, ApiError> {
        self.list(&path::expiring(id), query).await
    }
}
