//! What is kept of a secret that the server has handed out, so that it can be looked up and not be read.

use data_encoding::HEXLOWER;
use gangway_protocol::secret::SecretString;
use sha2::{Digest as _, Sha256};

/// What the database keeps of a secret: SHA-256 in lower-case hex.
///
/// Unsalted and fast on purpose: the input has the entropy of a key, so there is nothing to stretch, and looking a row up
/// by the hash compares no secret byte by byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretHash(String);

impl SecretHash {
    /// The hash of `secret`.
    #[must_use]
    pub fn of(secret: &SecretString) -> Self {
        Self(HEXLOWER.encode(&Sha256::digest(secret.expose())))
    }

    /// The hash as stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_plain_sha_256() {
        let hash = SecretHash::of(&SecretString::new("abc".to_owned()));
        assert_eq!(
            hash.as_str(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
