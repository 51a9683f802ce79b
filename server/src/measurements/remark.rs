//! What was said beside the numbers of an entry: a status, a place, and words where a field has no number. Few entries have any.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::db::DbError;

/// See the module's description.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Remark {
    /// A status message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Degrees north.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latitude: Option<f64>,
    /// Degrees east.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longitude: Option<f64>,
    /// Metres above sea level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elevation: Option<f64>,
    /// What stands in a field that is no number, by its number. It is shown, and in no curve.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub words: BTreeMap<u8, String>,
}

impl Remark {
    /// The remark, unless it says nothing.
    #[must_use]
    pub fn unless_empty(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }

    pub(super) fn written(&self) -> Result<String, DbError> {
        serde_json::to_string(self)
            .map_err(|_| DbError::Corrupt("measurement_remarks: a remark cannot be written as JSON"))
    }

    pub(super) fn read(text: &str) -> Result<Self, DbError> {
        serde_json::from_str(text).map_err(|_| DbError::Corrupt("measurement_remarks.remark"))
    }
}
