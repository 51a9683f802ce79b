//! Views of the fleet that are kept under a name.

use gangway_protocol::id::SavedViewId;
use gangway_protocol::page::Page;
use gangway_protocol::path;
use gangway_protocol::saved_view::{SavedView, SavedViewRequest};
use http::Method;

use super::Api;
use super::idempotency::IdempotencyKey;
use crate::error::ApiError;

impl Api {
    /// The caller's own views and those that are shared with them, by name.
    ///
    /// # Errors
    /// `forbidden` with a token that does not go that far.
    pub async fn saved_views(&self) -> Result<Page<SavedView>, ApiError> {
        self.get(path::SAVED_VIEWS).await
    }

    /// Keeps a view.
    ///
    /// # Errors
    /// `invalid`, `forbidden` below operator for one to share, `conflict` when there are too many, `not_found`.
    pub async fn keep_view(
        &self,
        request: &SavedViewRequest,
        key: &IdempotencyKey,
    ) -> Result<SavedView, ApiError> {
        self.create(path::SAVED_VIEWS, request, key).await
    }

    /// Removes a view.
    ///
    /// # Errors
    /// `forbidden` for a shared one of others, `not_found`.
    pub async fn remove_saved_view(&self, view: &SavedViewId) -> Result<(), ApiError> {
        self.quiet(Method::DELETE, &path::saved_view(view), None).await
    }
}
