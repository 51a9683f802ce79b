//! A server of EST as an operator configures it.

use serde::{Deserialize, Serialize};

use super::UnfitSigner;
use super::address::{check_origin, check_token, unfit};
use super::anchors::check_anchors;

/// Enrollment over Secure Transport (RFC 7030).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Est {
    /// Its origin, e.g. `https://est.works.example:8443`: the path below it is the standard's.
    pub url: String,
    /// Which of its CAs, where it has several (RFC 7030 §3.2.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// PEM certificates of the issuers that its TLS certificate may come from; absent: the public authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_trust_anchors: Option<String>,
}

impl Est {
    /// Where its operations are: `{url}/.well-known/est[/{label}]` (RFC 7030 §3.2.2).
    #[must_use]
    pub fn place(&self) -> String {
        match &self.label {
            Some(label) => format!("{}/.well-known/est/{label}", self.url),
            None => format!("{}/.well-known/est", self.url),
        }
    }

    pub(super) fn check(&self) -> Result<(), UnfitSigner> {
        check_origin("url", &self.url)?;
        if let Some(label) = &self.label {
            check_token("label", label, 64)?;
            if !label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
                || label == ".."
            {
                return unfit("label", "has letters, digits and -._~ alone");
            }
        }
        check_anchors("tls_trust_anchors", self.tls_trust_anchors.as_deref())
    }
}
