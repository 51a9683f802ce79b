//! Views of the fleet that somebody keeps under a name: for themselves, or for everybody who sees an organisation's fleet.

use serde::{Deserialize, Serialize};

use crate::bulk::DeviceFilter;
use crate::id::{OrganisationId, SavedViewId};

/// Most views that one person keeps, and most that an organisation shares.
pub const MAX_SAVED_VIEWS: usize = 50;

/// A view that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SavedView {
    /// Its id.
    pub id: SavedViewId,
    /// What it is called.
    pub name: String,
    /// Which devices.
    pub filter: DeviceFilter,
    /// Of which organisation and those below it; absent: of all that the reader sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<OrganisationId>,
    /// In which order, as the list of devices names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// Everybody who sees the fleet of this organisation has it; absent: whoever made it alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_in: Option<OrganisationId>,
    /// Whether the caller may remove it.
    pub removable: bool,
}

/// Keeps a view: `POST /api/v1/fleet/views`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SavedViewRequest {
    /// See [`SavedView::name`].
    pub name: String,
    /// See [`SavedView::filter`].
    #[serde(default)]
    pub filter: DeviceFilter,
    /// See [`SavedView::organisation`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<OrganisationId>,
    /// See [`SavedView::sort`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// See [`SavedView::shared_in`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_in: Option<OrganisationId>,
}
