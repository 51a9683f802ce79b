//! Measurement feeds of an organisation: made, changed, given keys, written, read.

use gangway_protocol::id::{DeviceId, FeedKeyId, OrganisationId};
use gangway_protocol::measurement::{
    ChannelNumber, Feed, FeedKey, FeedKeyReplacement, FeedKeyRequest, FeedRequest, FeedUpdate,
    MeasurementQuery, Measurements,
};
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use http::Method;

use super::Api;
use super::idempotency::IdempotencyKey;
use crate::error::ApiError;
use crate::query::with_query;

impl Api {
    /// Measurement feeds of an organisation, by their numbers.
    ///
    /// # Errors
    /// `forbidden`, `not_found`.
    pub async fn feeds(&self, id: &OrganisationId, page: &PageQuery) -> Result<Page<Feed>, ApiError> {
        self.list(&path::feeds(id), page).await
    }

    /// Makes a feed for a program. Its keys are in the reply, and nowhere again.
    ///
    /// # Errors
    /// `forbidden` below admin, `step_up_required`, `invalid`, `conflict` when there are too many.
    pub async fn add_feed(
        &self,
        id: &OrganisationId,
        request: &FeedRequest,
        key: &IdempotencyKey,
    ) -> Result<Feed, ApiError> {
        self.create(&path::feeds(id), request, key).await
    }

    /// A feed.
    ///
    /// # Errors
    /// `forbidden`, `not_found`.
    pub async fn feed(&self, id: &OrganisationId, channel: ChannelNumber) -> Result<Feed, ApiError> {
        self.get(&path::feed(id, channel)).await
    }

    /// Changes a feed.
    ///
    /// # Errors
    /// `forbidden` below admin, `step_up_required`, `invalid`, `not_found`.
    pub async fn change_feed(
        &self,
        id: &OrganisationId,
        channel: ChannelNumber,
        update: &FeedUpdate,
    ) -> Result<Feed, ApiError> {
        self.patch(&path::feed(id, channel), update).await
    }

    /// Removes a feed, its keys, and what was measured.
    ///
    /// # Errors
    /// `forbidden` below admin, `step_up_required`, `not_found`.
    pub async fn remove_feed(&self, id: &OrganisationId, channel: ChannelNumber) -> Result<(), ApiError> {
        self.quiet(Method::DELETE, &path::feed(id, channel), None).await
    }

    /// What is in a feed.
    ///
    /// # Errors
    /// `forbidden`, `not_found`, `invalid`.
    pub async fn feed_measurements(
        &self,
        id: &OrganisationId,
        channel: ChannelNumber,
        query: &MeasurementQuery,
    ) -> Result<Measurements, ApiError> {
        self.list(&path::feed_measurements(id, channel), query).await
    }

    /// The last values of an organisation's feeds in OpenMetrics.
    ///
    /// # Errors
    /// `forbidden`, `not_found`.
    pub async fn feed_metrics(&self, id: &OrganisationId) -> Result<Vec<u8>, ApiError> {
        self.get_bytes(&path::feed_metrics(id)).await
    }

    /// Keys of a feed, without their secrets.
    ///
    /// # Errors
    /// `forbidden` below admin, `not_found`.
    pub async fn feed_keys(
        &self,
        id: &OrganisationId,
        channel: ChannelNumber,
        page: &PageQuery,
    ) -> Result<Page<FeedKey>, ApiError> {
        self.list(&path::feed_keys(id, channel), page).await
    }

    /// Makes a key of a feed. The key itself is in the reply, and nowhere again.
    ///
    /// # Errors
    /// `forbidden` below admin, `step_up_required`, `invalid`, `conflict`.
    pub async fn add_feed_key(
        &self,
        id: &OrganisationId,
        channel: ChannelNumber,
        request: &FeedKeyRequest,
        key: &IdempotencyKey,
    ) -> Result<FeedKey, ApiError> {
        self.create(&path::feed_keys(id, channel), request, key).await
    }

    /// Puts another key in the place of one, which goes on for a while.
    ///
    /// # Errors
    /// `forbidden` below admin, `step_up_required`, `invalid`, `not_found`, `conflict`.
    pub async fn replace_feed_key(
        &self,
        id: &OrganisationId,
        channel: ChannelNumber,
        key: &FeedKeyId,
        request: &FeedKeyReplacement,
    ) -> Result<FeedKey, ApiError> {
        self.post(&path::feed_key_replacement(id, channel, key), request)
            .await
    }

    /// Ends a key at once.
    ///
    /// # Errors
    /// `forbidden` below admin, `step_up_required`, `not_found`.
    pub async fn remove_feed_key(
        &self,
        id: &OrganisationId,
        channel: ChannelNumber,
        key: &FeedKeyId,
    ) -> Result<(), ApiError> {
        self.quiet(Method::DELETE, &path::feed_key(id, channel, key), None)
            .await
    }

    /// What a device has measured.
    ///
    /// # Errors
    /// `forbidden`, `not_found`, `invalid`.
    pub async fn device_measurements(
        &self,
        id: &DeviceId,
        query: &MeasurementQuery,
    ) -> Result<Measurements, ApiError> {
        self.list(&path::device_measurements(id), query).await
    }

    /// The same as CSV.
    ///
    /// # Errors
    /// As [`Self::device_measurements`].
    pub async fn device_measurements_csv(
        &self,
        id: &DeviceId,
        query: &MeasurementQuery,
    ) -> Result<Vec<u8>, ApiError> {
        self.get_bytes(&with_query(&path::device_measurements_csv(id), query))
            .await
    }
}
