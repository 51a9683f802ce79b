//! A step-ca as an operator configures it.

use serde::{Deserialize, Serialize};

use super::UnfitSigner;
use super::address::{check_origin, unfit};
use super::anchors::check_anchors;
use crate::device::check_text;

/// A step-ca with a JWK provisioner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StepCa {
    /// Its origin, e.g. `https://ca.works.example`: one of its `dnsNames`, because tokens name it as their audience.
    pub url: String,
    /// Name of the JWK provisioner whose key the operator gives.
    pub provisioner: String,
    /// PEM certificates of the issuers that its TLS certificate may come from: its root, as a rule. Absent: the public authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_trust_anchors: Option<String>,
}

impl StepCa {
    pub(super) fn check(&self) -> Result<(), UnfitSigner> {
        check_origin("url", &self.url)?;
        if self.provisioner.is_empty() || check_text("provisioner", &self.provisioner, 128).is_err() {
            return unfit("provisioner", "has 1 to 128 characters that can be seen");
        }
        check_anchors("tls_trust_anchors", self.tls_trust_anchors.as_deref())
    }
}
