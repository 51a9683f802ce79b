//! A permit as its device has it: by what it is found, and the secret, which is in no frame of ours.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{KEY_ALPHABET, KEY_HALF_LEN, MAX_DEVICE_ID_LEN, TICKET_SECRET_LEN};
use crate::device::{UnfitText, check_text};
use crate::encoding::Sha256Hex;
use crate::secret::SecretString;

/// By what the server finds a permit; the `lookup` of `hello`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lookup {
    /// The first half of a registration key or a ticket.
    Key(String),
    /// The id of a pre-approved device.
    Device(String),
}

impl Lookup {
    /// Makes sure that it can be one.
    ///
    /// # Errors
    /// When it is too long, or holds what no text may.
    pub fn check(&self) -> Result<(), UnfitText> {
        check_text("lookup", self.as_str(), MAX_DEVICE_ID_LEN)
    }

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Key(text) | Self::Device(text) => text,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Key(_) => "key",
            Self::Device(_) => "device",
        }
    }
}

/// What a device has instead of a code: by what it is found, and the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevicePermit {
    /// By what it is found.
    pub lookup: Lookup,
    secret: SecretString,
}

/// Why a text is neither a registration key nor a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a registration key has the form XXXXXXXX-XXXXXXXX and a ticket a longer second half, both of letters and digits"
)]
pub struct NotAKey;

/// Why something is no id or secret of a device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitPermit {
    /// Nothing is there.
    #[error("the {0} is empty")]
    Empty(&'static str),
    /// It is too long, or holds what no text may.
    #[error(transparent)]
    Text(#[from] UnfitText),
}

impl DevicePermit {
    /// Reads a registration key or a ticket, in any case of letters and with white space around it.
    ///
    /// # Errors
    /// When it is neither.
    pub fn of_key(text: &str) -> Result<Self, NotAKey> {
        let text = Zeroizing::new(text.trim().to_ascii_uppercase());
        let (lookup, secret) = text.split_once('-').ok_or(NotAKey)?;
        let is_fit = |half: &str| half.bytes().all(|byte| KEY_ALPHABET.contains(&byte));
        let is_key = lookup.len() == KEY_HALF_LEN
            && matches!(secret.len(), KEY_HALF_LEN | TICKET_SECRET_LEN)
            && is_fit(lookup)
            && is_fit(secret);
        if !is_key {
            return Err(NotAKey);
        }
        Ok(Self {
            lookup: Lookup::Key(lookup.to_owned()),
            secret: SecretString::new(secret.to_owned()),
        })
    }

    /// A device id and its secret. White space around either is no part of it.
    ///
    /// # Errors
    /// When one is empty, too long, or holds what no text may.
    pub fn of_device(id: &str, secret: &SecretString) -> Result<Self, UnfitPermit> {
        let (id, secret) = (id.trim(), secret.expose().trim());
        for (what, text) in [("device id", id), ("secret", secret)] {
            if text.is_empty() {
                return Err(UnfitPermit::Empty(what));
            }
            check_text(what, text, MAX_DEVICE_ID_LEN)?;
        }
        Ok(Self {
            lookup: Lookup::Device(id.to_owned()),
            secret: SecretString::new(secret.to_owned()),
        })
    }

    /// A permit from what was kept of it.
    #[must_use]
    pub fn from_parts(lookup: Lookup, secret: SecretString) -> Self {
        Self { lookup, secret }
    }

    /// Whether this is its secret, for protocols that send it. Digests are compared, so that the time says nothing of either.
    #[must_use]
    pub fn has_secret(&self, stated: &SecretString) -> bool {
        let digest = |secret: &SecretString| Sha256Hex::of(secret.expose().as_bytes());
        digest(&self.secret) == digest(stated)
    }

    /// The secret half.
    #[must_use]
    pub fn secret(&self) -> &SecretString {
        &self.secret
    }

    /// The password of the key exchange. Never send or log it.
    #[must_use]
    pub fn password(&self) -> Zeroizing<Vec<u8>> {
        let parts = [
            "gangway permit v1",
            self.lookup.kind(),
            self.lookup.as_str(),
            self.secret.expose(),
        ];
        Zeroizing::new(parts.map(str::as_bytes).join(&0))
    }

    /// As it is written: `XXXXXXXX-XXXXXXXX`, or the secret alone where a device has it.
    #[must_use]
    pub fn written(&self) -> SecretString {
        match &self.lookup {
            Lookup::Key(lookup) => SecretString::new(format!("{lookup}-{}", self.secret.expose())),
            Lookup::Device(_) => self.secret.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_registration_key_is_read_in_any_case() {
        let permit = DevicePermit::of_key(" hq481047-1jworf43\n").expect("a key");
        assert_eq!(permit.lookup, Lookup::Key("HQ481047".to_owned()));
        assert_eq!(permit.written().expose(), "HQ481047-1JWORF43");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in [
            "",
            "HQ481047",
            "HQ481047-",
            "HQ481047-1JWORF4",
            "HQ48104_-1JWORF43",
            "HQ481047-1JWORF43-X",
        ] {
            assert_eq!(DevicePermit::of_key(text), Err(NotAKey), "{text}");
        }
    }

    /// Threat model: PRE-1. A code, a key and a device's secret never lead to the same password.
    #[test]
    fn passwords_of_different_kinds_differ() {
        let secret = SecretString::new("1JWORF43".to_owned());
        let key = DevicePermit::of_key("HQ481047-1JWORF43")
            .expect("a key")
            .password();
        let device = DevicePermit::of_device("HQ481047", &secret)
            .expect("a permit")
            .password();
        assert_eq!(key.as_slice(), b"gangway permit v1\0key\0HQ481047\x001JWORF43");
        assert_ne!(key, device);
    }

    /// Threat model: PRE-2.
    #[test]
    fn a_secret_is_not_printed_by_debug() {
        let permit = DevicePermit::of_key("HQ481047-1JWORF43").expect("a key");
        assert!(!format!("{permit:?}").contains("1JWORF43"));
    }

    proptest! {
        #[test]
        fn reading_never_panics_and_what_is_written_is_read_back(text in ".{0,60}") {
            if let Ok(permit) = DevicePermit::of_key(&text) {
                prop_assert_eq!(DevicePermit::of_key(permit.written().expose()), Ok(permit));
            }
        }
    }
}
