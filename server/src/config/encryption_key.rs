//! A key that encrypts other keys at rest: 32 random bytes, written as base64.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::value::Value;

/// Bytes of a key of XChaCha20-Poly1305.
pub const KEY_LEN: usize = 32;

/// The key. It does not print.
#[derive(Clone)]
pub struct EncryptionKey(Zeroizing<[u8; KEY_LEN]>);

/// The text is not 32 bytes of base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not 32 bytes in base64; make one with `openssl rand -base64 32`")]
pub struct NotAKey;

impl EncryptionKey {
    /// Reads base64 of 32 bytes; white space around it is ignored.
    ///
    /// # Errors
    /// [`NotAKey`].
    pub fn from_base64(text: &str) -> Result<Self, NotAKey> {
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| NotAKey)?);
        let key: [u8; KEY_LEN] = bytes.as_slice().try_into().map_err(|_| NotAKey)?;
        Ok(Self(Zeroizing::new(key)))
    }

    /// The bytes, for a cipher.
    #[must_use]
    pub fn expose(&self) -> &[u8; KEY_LEN] {
        &self.0
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptionKey(…)")
    }
}

impl Value for EncryptionKey {
    const PLACEHOLDER: &'static str = "SECRET";
    const SECRET: bool = true;

    fn parse(text: &str) -> Result<Self, String> {
        Self::from_base64(text).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_32_bytes_and_does_not_print() {
        let key =
            EncryptionKey::from_base64(&format!(" {}\n", STANDARD.encode([7; KEY_LEN]))).expect("32 bytes");
        assert_eq!(key.expose(), &[7; KEY_LEN]);
        assert_eq!(format!("{key:?}"), "EncryptionKey(…)");
        for wrong in ["", "AAAA", "not base64", &STANDARD.encode([7; KEY_LEN + 1])] {
            assert_eq!(EncryptionKey::from_base64(wrong).err(), Some(NotAKey), "{wrong}");
        }
    }
}
