//! Signing endpoints as organisations configure them: public configuration alone, never a credential.

mod address;
mod anchors;
mod aws_iot;
mod est;
mod oidc;
mod plgd_hub;
mod step_ca;
mod vault;

use serde::{Deserialize, Serialize};

use crate::device::{MAX_NAME_LEN, UnfitText, check_text};
use crate::enrolment::Endpoint;
use crate::id::SignerId;
use crate::organisation::Role;

pub use address::{host_of, is_address, origin_of};
pub use aws_iot::{AwsIot, AwsSignIn, Cognito, FleetProvisioning, ParameterSource, WebIdentity};
pub use est::Est;
pub use oidc::OidcClient;
pub use plgd_hub::PlgdHub;
pub use step_ca::StepCa;
pub use vault::Vault;

/// Most signing endpoints of an organisation.
pub const MAX_SIGNERS: usize = 32;

/// A signing endpoint of an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Signer {
    /// Its id.
    pub id: SignerId,
    /// Its name for people.
    pub name: String,
    /// What it is, with its public configuration.
    #[serde(flatten)]
    pub kind: SignerKind,
    /// The least role that may use it.
    #[serde(default = "installer")]
    pub least_role: Role,
    /// No device is approved for it for the time being. Certificates that it has signed serve on, and are renewed where it can.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
    /// It is of an organisation above, and only changed there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inherited: bool,
}

fn installer() -> Role {
    Role::Installer
}

impl Signer {
    /// Whether a member with this role may have a device's certificate signed here.
    #[must_use]
    pub fn serves(&self, role: Role) -> bool {
        !self.disabled && role.may_enrol() && role >= self.least_role
    }
}

/// Kinds of signing endpoint, with their public configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SignerKind {
    /// Gangway's own CA. It signs at the server.
    Builtin,
    /// AWS IoT Core. The browser or the command line asks it, with the person's own credentials.
    AwsIot(AwsIot),
    /// The certificate authority of a plgd hub. The browser or the command line asks it, signed in at the hub's authority.
    PlgdHub(PlgdHub),
    /// A CA that speaks EST. Gangway's server asks it, with a credential of the operator's.
    Est(Est),
    /// A step-ca. Gangway's server asks it, with a provisioner's key.
    StepCa(StepCa),
    /// The PKI of a HashiCorp Vault or an OpenBao. Gangway's server asks it, with a token or an AppRole.
    Vault(Vault),
    /// A kind that this version does not know.
    #[serde(other)]
    Unknown,
}

impl SignerKind {
    /// Checks the configuration.
    ///
    /// # Errors
    /// The field that is wrong.
    pub fn check(&self) -> Result<(), UnfitSigner> {
        match self {
            Self::Builtin => Ok(()),
            Self::AwsIot(aws) => aws.check(),
            Self::PlgdHub(hub) => hub.check(),
            Self::Est(est) => est.check(),
            Self::StepCa(ca) => ca.check(),
            Self::Vault(vault) => vault.check(),
            Self::Unknown => Err(UnfitSigner {
                field: "kind",
                detail: "kind is builtin, aws_iot, plgd_hub, est, step_ca or vault".to_owned(),
            }),
        }
    }

    /// Whether Gangway's own CA signs.
    #[must_use]
    pub fn is_builtin(&self) -> bool {
        *self == Self::Builtin
    }

    /// Whether it is a CA of the organisation's own that Gangway's server asks, with a credential that only the operator gives.
    #[must_use]
    pub fn is_corporate(&self) -> bool {
        matches!(self, Self::Est(_) | Self::StepCa(_) | Self::Vault(_))
    }

    /// Whether Gangway's server has it signed. Otherwise the claimant does, and the certificate is recorded.
    #[must_use]
    pub fn signs_at_server(&self) -> bool {
        self.is_builtin() || self.is_corporate()
    }

    /// Where a corporate CA is, for people.
    #[must_use]
    pub fn corporate_place(&self) -> Option<String> {
        match self {
            Self::Builtin | Self::AwsIot(_) | Self::PlgdHub(_) | Self::Unknown => None,
            Self::Est(est) => Some(est.place()),
            Self::StepCa(ca) => Some(format!("{} · {}", ca.url, ca.provisioner)),
            Self::Vault(vault) => Some(format!("{} · {}/{}", vault.url, vault.mount, vault.role)),
        }
    }

    /// Whether what was signed by the one is found at the other.
    #[must_use]
    pub fn is_same_place(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::AwsIot(one), Self::AwsIot(other)) => one.region == other.region,
            (Self::PlgdHub(one), Self::PlgdHub(other)) => {
                one.certificate_authority == other.certificate_authority
            }
            (Self::Est(one), Self::Est(other)) => (&one.url, &one.label) == (&other.url, &other.label),
            (Self::StepCa(one), Self::StepCa(other)) => one.url == other.url,
            (Self::Vault(one), Self::Vault(other)) => {
                (&one.url, &one.mount, &one.namespace) == (&other.url, &other.mount, &other.namespace)
            }
            (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
        }
    }

    /// The device fetches its certificate itself, with a claim that the person makes for it.
    #[must_use]
    pub fn provisioning(&self) -> Option<&FleetProvisioning> {
        match self {
            Self::AwsIot(aws) => aws.provisioning.as_ref(),
            _ => None,
        }
    }

    /// Where a device connects with the certificate of this chain (PEM, leaf first), beside the panel itself. `client_id` is the
    /// device's name there.
    #[must_use]
    pub fn device_endpoint(&self, chain: &str, client_id: &str) -> Option<Endpoint> {
        match self {
            Self::AwsIot(aws) => aws.device_endpoint(client_id),
            Self::PlgdHub(hub) => hub.device_endpoint(chain),
            Self::Builtin | Self::Est(_) | Self::StepCa(_) | Self::Vault(_) | Self::Unknown => None,
        }
    }

    /// Where the browser has to be allowed to connect (CSP `connect-src`), beside the panel itself.
    #[must_use]
    pub fn origins(&self) -> Vec<String> {
        match self {
            Self::AwsIot(aws) => aws.origins(),
            Self::PlgdHub(hub) => hub.origins(),
            Self::Builtin | Self::Est(_) | Self::StepCa(_) | Self::Vault(_) | Self::Unknown => Vec::new(),
        }
    }
}

/// What of a signing endpoint cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct UnfitSigner {
    /// Its JSON name.
    pub field: &'static str,
    /// What it has to be.
    pub detail: String,
}

/// A new signing endpoint: `POST /api/v1/organisations/{id}/signers`. It comes last in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignerRequest {
    /// Its name for people.
    pub name: String,
    /// What it is, with its public configuration.
    #[serde(flatten)]
    pub kind: SignerKind,
    /// The least role that may use it.
    #[serde(default = "installer")]
    pub least_role: Role,
}

/// Changes to a signing endpoint: `PATCH /api/v1/organisations/{id}/signers/{signer}`. What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct SignerUpdate {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its whole public configuration; of the same kind as before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration: Option<SignerKind>,
    /// The least role that may use it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least_role: Option<Role>,
    /// Whether it signs nothing for the time being.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    /// Its place in the list, from 0. The first one that serves a member is offered first.
    #[cfg_attr(feature = "openapi", schema(maximum = 31))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
}

/// A name for a signing endpoint, trimmed.
///
/// # Errors
/// When it is empty, too long, or holds what deceives.
pub fn check_signer_name(name: &str) -> Result<String, UnfitSigner> {
    let name = name.trim();
    let unfit = |error: UnfitText| UnfitSigner {
        field: "name",
        detail: error.to_string(),
    };
    check_text("name", name, MAX_NAME_LEN).map_err(unfit)?;
    if name.is_empty() {
        return Err(UnfitSigner {
            field: "name",
            detail: "name is how people will find it: write a word or two".to_owned(),
        });
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests;
