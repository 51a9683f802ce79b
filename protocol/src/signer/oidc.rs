//! Where people sign in for a signing endpoint.

use serde::{Deserialize, Serialize};

use super::UnfitSigner;
use super::address::{check_base, check_optional_origin, check_token, origin_of, unfit};

/// Most scopes beyond `openid`.
const MAX_SCOPES: usize = 16;

/// A public client of an authority: authorization code with PKCE (OpenID Connect Core 1.0 §3.1, RFC 7636), without a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OidcClient {
    /// The issuer, e.g. `https://login.example/realms/plant`. Its discovery document says where to sign in.
    pub issuer: String,
    /// The client, for which the authority allows the panel's address `/link/signed-in` to return to.
    pub client_id: String,
    /// What is asked for beyond `openid`, e.g. `offline_access`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// For which service access is asked for, where the authority wants to know (parameter `audience`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// Origin of the token endpoint, where it is not the issuer's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_origin: Option<String>,
}

impl OidcClient {
    /// Where the browser fetches the discovery document and tokens.
    #[must_use]
    pub fn origins(&self) -> Vec<String> {
        let mut origins = vec![origin_of(&self.issuer).to_owned()];
        origins.extend(self.token_origin.clone());
        origins
    }

    pub(super) fn check(&self) -> Result<(), UnfitSigner> {
        check_base("issuer", self.issuer.strip_suffix('/').unwrap_or(&self.issuer))?;
        check_token("client_id", &self.client_id, 256)?;
        if self.scopes.len() > MAX_SCOPES {
            return unfit("scopes", "has at most 16 entries");
        }
        for scope in &self.scopes {
            check_token("scopes", scope, 128)?;
        }
        if let Some(audience) = &self.audience {
            check_token("audience", audience, 256)?;
        }
        check_optional_origin("token_origin", self.token_origin.as_deref())
    }
}
