//! JSON as it travels: read by way of text, or passed on unread.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Reads by way of text. Serde makes one reader for text and another for bytes, and a browser would have to load both.
///
/// # Errors
/// When it is not UTF-8, not JSON, or of another form.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    let text = std::str::from_utf8(bytes).map_err(serde::de::Error::custom)?;
    serde_json::from_str(text)
}

/// A JSON value as it came, or as it is to go out: whoever carries it does not have to know its form.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Verbatim(Box<RawValue>);

impl Verbatim {
    /// The JSON of a value.
    ///
    /// # Errors
    /// What serde says of a value that has no JSON, e.g. a map whose keys are not text.
    pub fn of(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        serde_json::value::to_raw_value(value).map(Self)
    }

    /// JSON as text.
    ///
    /// # Errors
    /// When it is not JSON.
    pub fn from_text(text: String) -> Result<Self, serde_json::Error> {
        RawValue::from_string(text).map(Self)
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.0.get()
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it has another form.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.text())
    }
}

/// Two are equal when their texts are.
impl PartialEq for Verbatim {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Verbatim {}
