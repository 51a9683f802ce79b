//! The PKI of a HashiCorp Vault or an OpenBao as an operator configures it.

use serde::{Deserialize, Serialize};

use super::UnfitSigner;
use super::address::{check_base, unfit};
use super::anchors::check_anchors;

/// Longest name of a mount, a role or a namespace.
const MAX_NAME_LEN: usize = 128;

/// A mount of the PKI secrets engine, and the role by which it signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Vault {
    /// Its address, e.g. `https://vault.works.example:8200`.
    pub url: String,
    /// Where its PKI is mounted.
    #[serde(default = "pki")]
    pub mount: String,
    /// The role by which it signs, which says what certificates may say.
    pub role: String,
    /// The namespace in which mount and authentication are (`X-Vault-Namespace`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Where AppRole is mounted, with that kind of credential.
    #[serde(default = "approle")]
    pub approle_mount: String,
    /// PEM certificates of the issuers that its TLS certificate may come from; absent: the public authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_trust_anchors: Option<String>,
}

fn pki() -> String {
    "pki".to_owned()
}

fn approle() -> String {
    "approle".to_owned()
}

impl Vault {
    pub(super) fn check(&self) -> Result<(), UnfitSigner> {
        check_base("url", &self.url)?;
        check_path("mount", &self.mount)?;
        check_path("approle_mount", &self.approle_mount)?;
        if !is_name(&self.role) {
            return unfit("role", "has 1 to 128 letters, digits and -._");
        }
        if let Some(namespace) = &self.namespace {
            check_path("namespace", namespace)?;
        }
        check_anchors("tls_trust_anchors", self.tls_trust_anchors.as_deref())
    }
}

/// Names with slashes between them.
fn check_path(field: &'static str, path: &str) -> Result<(), UnfitSigner> {
    if path.len() <= MAX_NAME_LEN && path.split('/').all(is_name) {
        return Ok(());
    }
    unfit(
        field,
        "has letters, digits and -._ with slashes between them, and none at its beginning or end",
    )
}

/// It goes into a path, and leads nowhere else there.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_NAME_LEN
        && !name.bytes().all(|b| b == b'.')
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
}
