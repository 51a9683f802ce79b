//! Secrets as types: they never print themselves, vanish from memory when dropped, and reach a wire only where a
//! message says so.

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A secret text (a token, a link's token, a recovery code, a private key in PEM). `Debug` shows nothing of it.
///
/// It serialises as the plain text, because some messages exist to carry one secret once (a new token in the reply that
/// creates it). Put it in a message only where `docs/protocol.md` or the OpenAPI description has a secret at that place.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, format = "password"))]
#[serde(transparent)]
pub struct SecretString(String);

impl SecretString {
    /// Takes possession of `text`.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself; the name makes every use visible in review.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SecretString {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretString(…)")
    }
}
