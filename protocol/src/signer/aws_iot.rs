//! AWS IoT Core as an organisation configures it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::address::{check_optional_origin, check_origin, check_token, is_host, is_port, unfit};
use super::anchors::check_anchors;
use super::{OidcClient, UnfitSigner};
use crate::enrolment::Endpoint;

/// Most parameters that are stated for a provisioning template.
const MAX_PARAMETERS: usize = 20;

/// AWS IoT Core, by CreateCertificateFromCsr or by fleet provisioning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AwsIot {
    /// The region, e.g. `eu-central-1`.
    pub region: String,
    /// Origin of the control plane, where it is not the region's own: dual-stack, FIPS, a VPC endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Host at which devices connect by MQTT, e.g. `a1b2c3-ats.iot.eu-central-1.amazonaws.com`, perhaps with a port: 8883 if none
    /// is given; with 443 devices say by ALPN that they speak MQTT. It goes to the device, sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_endpoint: Option<String>,
    /// PEM certificates of the issuers that devices trust at that host; absent: those of the device's own list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_anchors: Option<String>,
    /// Whether a certificate is active as soon as it is signed. The template decides instead where there is one.
    #[serde(default = "yes")]
    pub activate: bool,
    /// The device fetches its certificate itself, with a claim that the person makes for it; absent: the person has the CSR
    /// signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioning: Option<FleetProvisioning>,
    /// How people come by credentials in the browser; absent: they paste temporary ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in: Option<AwsSignIn>,
}

/// Fleet provisioning by trusted user (AWS IoT Developer Guide, "Provisioning by trusted user"): the person makes a claim that
/// is good for five minutes, and the device has its CSR signed with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FleetProvisioning {
    /// Name of the provisioning template.
    pub template: String,
    /// What the template's parameters are, by name. The device states them to AWS.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, ParameterSource>,
}

/// Where the value of a template's parameter comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ParameterSource {
    /// The device's id at Gangway.
    Device,
    /// The organisation's id at Gangway.
    Organisation,
    /// The name that the person gave the device.
    Name,
    /// The serial number that the device states.
    Serial,
    /// The host name that the device states.
    Hostname,
    /// The model that the device states.
    Model,
    /// The machine id that the device states.
    MachineId,
    /// A source that this version does not know.
    #[serde(other)]
    Unknown,
}

/// How a person comes by temporary credentials of AWS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum AwsSignIn {
    /// A user pool of Amazon Cognito; its identity pool gives credentials.
    Cognito(Cognito),
    /// Any authority that IAM knows as an OIDC provider; STS gives credentials of a role.
    WebIdentity(WebIdentity),
    /// A way that this version does not know.
    #[serde(other)]
    Unknown,
}

/// Sign-in by a user pool's managed login, and an identity pool (Amazon Cognito Developer Guide).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Cognito {
    /// Origin of the managed login: `https://plant.auth.eu-central-1.amazoncognito.com`, or a domain of one's own.
    pub domain: String,
    /// The user pool, e.g. `eu-central-1_a1B2c3D4e`.
    pub user_pool: String,
    /// An app client of it without a secret, for the authorization code grant.
    pub client_id: String,
    /// The identity pool, e.g. `eu-central-1:0a1b2c3d-0000-1111-2222-333344445555`.
    pub identity_pool: String,
    /// The IAM role to take, where the identity pool leaves a choice between several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Origin of the identity pool's API, where it is not the region's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_endpoint: Option<String>,
}

/// Sign-in at an OIDC provider, and AssumeRoleWithWebIdentity (AWS STS API Reference, 2011-06-15).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebIdentity {
    /// Where people sign in.
    pub client: OidcClient,
    /// ARN of the IAM role that they take.
    pub role: String,
    /// Origin of STS, where it is not the region's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sts_endpoint: Option<String>,
}

fn yes() -> bool {
    true
}

impl AwsIot {
    /// Origin of the control plane.
    #[must_use]
    pub fn origin(&self) -> String {
        self.endpoint
            .clone()
            .unwrap_or_else(|| regional("iot", &self.region))
    }

    pub(super) fn device_endpoint(&self, client_id: &str) -> Option<Endpoint> {
        let endpoint = self.data_endpoint.as_ref()?;
        let port = if endpoint.contains(':') { "" } else { ":8883" };
        Some(Endpoint {
            name: "mqtt".to_owned(),
            url: format!("mqtts://{endpoint}{port}"),
            trust_anchors: self.trust_anchors.clone(),
            client_id: Some(client_id.to_owned()),
        })
    }

    pub(super) fn origins(&self) -> Vec<String> {
        let mut origins = vec![self.origin()];
        match &self.sign_in {
            Some(AwsSignIn::Cognito(cognito)) => {
                origins.extend([cognito.domain.clone(), cognito.identity_origin()]);
            }
            Some(AwsSignIn::WebIdentity(identity)) => {
                origins.extend(identity.client.origins());
                origins.push(identity.sts_origin(&self.region));
            }
            Some(AwsSignIn::Unknown) | None => {}
        }
        origins
    }

    pub(super) fn check(&self) -> Result<(), UnfitSigner> {
        if !is_region(&self.region) {
            return unfit("region", "is a name like eu-central-1");
        }
        check_optional_origin("endpoint", self.endpoint.as_deref())?;
        if self
            .data_endpoint
            .as_deref()
            .is_some_and(|text| !is_authority(text))
        {
            return unfit(
                "data_endpoint",
                "is a host name, perhaps with a port, without scheme or path",
            );
        }
        check_anchors("trust_anchors", self.trust_anchors.as_deref())?;
        if let Some(provisioning) = &self.provisioning {
            provisioning.check()?;
            if self.data_endpoint.is_none() {
                return unfit(
                    "data_endpoint",
                    "is needed: devices fetch their certificates there",
                );
            }
        }
        match &self.sign_in {
            None => Ok(()),
            Some(AwsSignIn::Cognito(cognito)) => cognito.check(),
            Some(AwsSignIn::WebIdentity(identity)) => identity.check(),
            Some(AwsSignIn::Unknown) => unfit("by", "is cognito or web_identity"),
        }
    }
}

impl FleetProvisioning {
    /// Names as the API Reference has them; they go into a path and into MQTT topics.
    fn check(&self) -> Result<(), UnfitSigner> {
        let is_name = |text: &str, most: usize| {
            (1..=most).contains(&text.len())
                && text
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
        };
        if !is_name(&self.template, 36) {
            return unfit("template", "is a name of 1 to 36 letters, digits, - and _");
        }
        let sources = self.parameters.values();
        if self.parameters.len() > MAX_PARAMETERS || !self.parameters.keys().all(|name| is_name(name, 64)) {
            return unfit(
                "parameters",
                "has up to 20 names of 1 to 64 letters, digits, - and _",
            );
        }
        if sources.clone().any(|source| *source == ParameterSource::Unknown) {
            return unfit(
                "parameters",
                "takes its values from device, organisation, name, serial, hostname, model or machine_id",
            );
        }
        Ok(())
    }
}

impl Cognito {
    /// Region of the user pool.
    fn pool_region(&self) -> &str {
        self.user_pool.split('_').next().unwrap_or_default()
    }

    /// The name by which the identity pool knows the user pool.
    #[must_use]
    pub fn provider(&self) -> String {
        let origin = regional("cognito-idp", self.pool_region());
        let host = origin.strip_prefix("https://").unwrap_or_default();
        format!("{host}/{}", self.user_pool)
    }

    /// Origin of the identity pool's API.
    #[must_use]
    pub fn identity_origin(&self) -> String {
        self.identity_endpoint.clone().unwrap_or_else(|| {
            let region = self.identity_pool.split(':').next().unwrap_or_default();
            regional("cognito-identity", region)
        })
    }

    fn check(&self) -> Result<(), UnfitSigner> {
        check_origin("domain", &self.domain)?;
        let is_pool = self.user_pool.split_once('_').is_some_and(|(region, rest)| {
            is_region(region)
                && (1..=55).contains(&rest.len())
                && rest.bytes().all(|b| b.is_ascii_alphanumeric())
        });
        if !is_pool {
            return unfit("user_pool", "is an id like eu-central-1_a1B2c3D4e");
        }
        check_token("client_id", &self.client_id, 128)?;
        let is_identity_pool = self.identity_pool.split_once(':').is_some_and(|(region, id)| {
            is_region(region) && id.len() == 36 && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
        });
        if !is_identity_pool {
            return unfit(
                "identity_pool",
                "is an id like eu-central-1:0a1b2c3d-0000-1111-2222-333344445555",
            );
        }
        self.role.as_deref().map_or(Ok(()), check_role)?;
        check_optional_origin("identity_endpoint", self.identity_endpoint.as_deref())
    }
}

impl WebIdentity {
    /// Origin of STS for a signer in this region.
    #[must_use]
    pub fn sts_origin(&self, region: &str) -> String {
        self.sts_endpoint
            .clone()
            .unwrap_or_else(|| regional("sts", region))
    }

    fn check(&self) -> Result<(), UnfitSigner> {
        self.client.check()?;
        check_role(&self.role)?;
        check_optional_origin("sts_endpoint", self.sts_endpoint.as_deref())
    }
}

/// The origin of a service in a region; botocore's endpoints.json has the partitions with a domain of their own.
fn regional(service: &str, region: &str) -> String {
    let domain = match region.split('-').next() {
        Some("cn") => "amazonaws.com.cn",
        Some("eusc") => "amazonaws.eu",
        _ => "amazonaws.com",
    };
    format!("https://{service}.{region}.{domain}")
}

/// A host name, perhaps with a port.
fn is_authority(text: &str) -> bool {
    match text.split_once(':') {
        Some((host, port)) => is_host(host) && is_port(port),
        None => is_host(text),
    }
}

fn check_role(arn: &str) -> Result<(), UnfitSigner> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let fits = match parts[..] {
        ["arn", partition, "iam", "", account, role] => {
            partition.starts_with("aws")
                && account.len() == 12
                && account.bytes().all(|b| b.is_ascii_digit())
                && role.strip_prefix("role/").is_some_and(|name| !name.is_empty())
        }
        _ => false,
    };
    if !fits {
        return unfit("role", "is an ARN like arn:aws:iam::123456789012:role/enrol");
    }
    check_token("role", arn, 512)
}

/// A region's name goes into a host name, so that nothing else may be in it.
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.len() >= 3
        && text.len() <= 32
        && parts.iter().all(|part| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}
