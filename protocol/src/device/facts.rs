//! Facts: what a device says about itself, and which texts may be shown to people at all.

use serde::{Deserialize, Serialize};

/// Longest text of a fact, in characters.
pub const MAX_FACT_LEN: usize = 256;

/// What a device says about itself; shown as unverified. Bound by [`Facts::check`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Facts {
    /// Host name.
    pub hostname: String,
    /// Operating system, e.g. `linux`.
    pub os: String,
    /// Its version, e.g. `Debian GNU/Linux 12`.
    pub os_version: String,
    /// Processor architecture, e.g. `x86_64`.
    pub arch: String,
    /// Hardware model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Serial number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// A stable id of the installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_id: Option<String>,
    /// Name of the device software.
    pub software: String,
    /// Its version.
    pub software_version: String,
    /// Addresses on its own interfaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<String>,
}

impl Facts {
    /// Every fact with its JSON name, in the order in which people read them. A serial number or machine id that tells no
    /// machine from another ([`identifies`]) is none.
    #[must_use]
    pub fn entries(&self) -> Vec<(&'static str, &str)> {
        let mut entries = self.stated();
        entries.retain(|(name, text)| !matches!(*name, "serial" | "machine_id") || identifies(text));
        entries
    }

    /// The facts without a serial number or machine id that tells no machine from another: as they are recorded.
    #[must_use]
    pub fn without_placeholders(mut self) -> Self {
        self.serial = self.serial.filter(|serial| identifies(serial));
        self.machine_id = self.machine_id.filter(|id| identifies(id));
        self
    }

    fn stated(&self) -> Vec<(&'static str, &str)> {
        let mut entries = vec![
            ("hostname", self.hostname.as_str()),
            ("os", &self.os),
            ("os_version", &self.os_version),
            ("arch", &self.arch),
            ("software", &self.software),
            ("software_version", &self.software_version),
        ];
        let optional = [
            ("model", &self.model),
            ("serial", &self.serial),
            ("machine_id", &self.machine_id),
            ("addresses", &self.addresses),
        ];
        entries.extend(
            optional
                .into_iter()
                .filter_map(|(name, value)| value.as_deref().map(|v| (name, v))),
        );
        entries
    }

    /// Checks every fact against the protocol's limits.
    ///
    /// # Errors
    /// The JSON name of the first fact that is too long or holds a control or bidirectional formatting character.
    pub fn check(&self) -> Result<(), UnfitText> {
        self.stated()
            .into_iter()
            .try_for_each(|(name, text)| check_text(name, text, MAX_FACT_LEN))
    }
}

/// What makers of boards, firmware and images leave where a serial number or an id should be, in lower case; from the DMI
/// tables of machines in the field. `uninitialized`: machine-id(5).
const PLACEHOLDERS: [&str; 28] = [
    "123456789",
    "0123456789",
    "1234567890",
    "base board serial number",
    "board serial number",
    "chassis serial number",
    "default",
    "default string",
    "empty",
    "filled by oem",
    "invalid",
    "n/a",
    "na",
    "nil",
    "none",
    "not applicable",
    "not available",
    "not specified",
    "null",
    "o.e.m.",
    "oem",
    "serial",
    "serial number",
    "system serial number",
    "to be filled by o.e.m.",
    "uninitialized",
    "unknown",
    "unspecified",
];

/// Whether a serial number or machine id can tell one machine from another. A placeholder, or one character over and over
/// (zeros, dots), is the same on every machine of its kind.
#[must_use]
pub fn identifies(text: &str) -> bool {
    let text = text
        .trim_matches(|c: char| c.is_whitespace() || c == '\0')
        .to_ascii_lowercase();
    let mut told = text.chars().filter(|c| c.is_alphanumeric());
    let varies = told.next().is_some_and(|first| told.any(|c| c != first));
    varies && !PLACEHOLDERS.contains(&text.as_str())
}

/// A text that may not be shown to people as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitText {
    /// Longer than allowed.
    #[error("{field} is longer than {max} characters")]
    TooLong {
        /// JSON name of the field.
        field: &'static str,
        /// The limit.
        max: usize,
    },
    /// Holds a character that could make the text look like another.
    #[error("{field} contains a control or formatting character")]
    Character {
        /// JSON name of the field.
        field: &'static str,
    },
}

/// Checks a text for length and for characters that deceive readers ([`is_deceptive`]).
///
/// # Errors
/// What is unfit.
pub fn check_text(field: &'static str, text: &str, max: usize) -> Result<(), UnfitText> {
    if text.chars().count() > max {
        return Err(UnfitText::TooLong { field, max });
    }
    if text.chars().any(is_deceptive) {
        return Err(UnfitText::Character { field });
    }
    Ok(())
}

/// Whether a character can make a text look like another: controls (Cc), and what reorders text or is not seen (Unicode
/// TR 36 §2.5 and TR 39 §5.4: bidirectional controls, zero-width characters, soft hyphens, fillers, tags). Variation
/// selectors pass: names and emoji need them.
#[must_use]
pub fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180E}')
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}')
        || matches!(c, '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}
