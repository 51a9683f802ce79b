//! The secrets that the server hands out: how they are made and what they look like. What is kept of them is a
//! [`SecretHash`](crate::db::SecretHash).

use data_encoding::BASE32_NOPAD;
use gangway_protocol::secret::SecretString;

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
    /// A browser that is on its way to an identity provider and back.
    SingleSignOn,
    /// The first registration of a server.
    Setup,
    /// A registration as a customer.
    Customer,
    /// A registration as a member.
    Invitation,
    /// A registration of another passkey.
    Recovery,
    /// Writing to a measurement feed.
    FeedWrite,
    /// Reading from one.
    FeedRead,
}

impl SecretKind {
    /// What every secret of this kind starts with.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Token => "gw_pat_",
            Self::SignIn => "gw_sin_",
            Self::SingleSignOn => "gw_sso_",
            Self::Setup => "gw_setup_",
            Self::Customer => "gw_cus_",
            Self::Invitation => "gw_inv_",
            Self::Recovery => "gw_rec_",
            Self::FeedWrite => "gw_fwk_",
            Self::FeedRead => "gw_frk_",
        }
    }

    /// A new secret of this kind.
    #[must_use]
    pub fn mint(self, random: &dyn Random) -> SecretString {
        let body = BASE32_NOPAD.encode(&random.bytes::<SECRET_LEN>()).to_lowercase();
        SecretString::new(format!("{}{body}", self.prefix()))
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
}
