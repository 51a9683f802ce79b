//! The secrets that the server hands out: how they are made, what they look like, and what is kept of them.

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use gangway_protocol::secret::SecretString;
use sha2::{Digest as _, Sha256};

use crate::rng::Random;

/// Random bytes of a secret. 256 bits: nobody guesses one, and a plain hash keeps one.
const SECRET_LEN: usize = 32;

/// What a secret opens. The prefix tells people, and scanners of leaked text, what they have found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretKind {
    /// A bearer token.
    Token,
    /// A browser's cookie.
    SignIn,
    /// The first registration of a server.
    Setup,
    /// A registration as a member.
    Invitation,
    /// A registration of another passkey.
    Recovery,
}

impl SecretKind {
    /// What every secret of this kind starts with.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Token => "gw_pat_",
            Self::SignIn => "gw_sin_",
            Self::Setup => "gw_setup_",
            Self::Invitation => "gw_inv_",
            Self::Recovery => "gw_rec_",
        }
    }

    /// A new secret of this kind.
    #[must_use]
    pub fn mint(self, random: &dyn Random) -> SecretString {
        let body = BASE32_NOPAD.encode(&random.bytes::<SECRET_LEN>()).to_lowercase();
        SecretString::new(format!("{}{body}", self.prefix()))
    }
}

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
    use crate::rng::SystemRandom;

    #[test]
    fn a_secret_tells_what_it_is_and_nothing_else() {
        let secret = SecretKind::Token.mint(&SystemRandom);
        let body = secret.expose().strip_prefix("gw_pat_").expect("a token's prefix");
        assert_eq!(body.len(), 52);
        assert!(body.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
        assert_ne!(secret, SecretKind::Token.mint(&SystemRandom));
    }

    #[test]
    fn the_hash_is_plain_sha_256() {
        let hash = SecretHash::of(&SecretString::new("abc".to_owned()));
        assert_eq!(
            hash.as_str(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
