//! Keyset pages: the shape in which every list endpoint answers.

use serde::{Deserialize, Serialize};

/// Most items one page can hold; a larger `limit` is refused. 200 rows of the fleet are about 120 KB of JSON.
pub const MAX_PAGE_LIMIT: u32 = 200;
/// Items of a page whose `limit` was not given.
pub const DEFAULT_PAGE_LIMIT: u32 = 50;

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page<T> {
    /// The items, in the order that was asked for.
    pub items: Vec<T>,
    /// Pass this as `after` to get the next page; absent on the last one. Opaque.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// How many items match in all pages, where counting them is cheap enough to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// More items match than `total`, which is as far as they were counted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub total_is_more: bool,
}

impl<T> Page<T> {
    /// A page of a list that is not counted.
    #[must_use]
    pub fn new(items: Vec<T>, next: Option<String>) -> Self {
        Self {
            items,
            next,
            total: None,
            total_is_more: false,
        }
    }
}

/// Which page of a plain list, as its query string.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default)]
pub struct PageQuery {
    /// Items of a page, 1 to [`MAX_PAGE_LIMIT`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}
