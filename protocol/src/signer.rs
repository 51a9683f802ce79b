//! Signing endpoints as organisations configure them: public configuration alone, never a credential.

mod address;
mod aws_iot;
mod oidc;
mod plgd_hub;

use serde::{Deserialize, Serialize};

use crate::device::{MAX_NAME_LEN, UnfitText, check_text};
use crate::enrolment::Endpoint;
use crate::id::SignerId;
use crate::organisation::Role;

pub use address::{host_of, is_address, origin_of};
pub use aws_iot::{AwsIot, AwsSignIn, Cognito, FleetProvisioning, ParameterSource, WebIdentity};
pub use oidc::OidcClient;
pub use plgd_hub::PlgdHub;

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
            Self::Unknown => Err(UnfitSigner {
                field: "kind",
                detail: "kind is builtin, aws_iot or plgd_hub".to_owned(),
            }),
        }
    }

    /// Whether Gangway's own server signs. Otherwise the claimant has it signed, and the certificate is recorded.
    #[must_use]
    pub fn is_builtin(&self) -> bool {
        *self == Self::Builtin
    }

    /// Whether what was signed by the one is found at the other.
    #[must_use]
    pub fn is_same_place(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::AwsIot(one), Self::AwsIot(other)) => one.region == other.region,
            (Self::PlgdHub(one), Self::PlgdHub(other)) => {
                one.certificate_authority == other.certificate_authority
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
            Self::Builtin | Self::Unknown => None,
            Self::AwsIot(aws) => aws.device_endpoint(client_id),
            Self::PlgdHub(hub) => hub.device_endpoint(chain),
        }
    }

    /// Where the browser has to be allowed to connect (CSP `connect-src`), beside the panel itself.
    #[must_use]
    pub fn origins(&self) -> Vec<String> {
        match self {
            Self::Builtin | Self::Unknown => Vec::new(),
            Self::AwsIot(aws) => aws.origins(),
            Self::PlgdHub(hub) => hub.origins(),
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
mod tests {
    use serde_json::json;

    use super::*;

    fn aws(region: &str) -> AwsIot {
        AwsIot {
            region: region.to_owned(),
            endpoint: None,
            data_endpoint: None,
            trust_anchors: None,
            activate: true,
            provisioning: None,
            sign_in: None,
        }
    }

    #[test]
    fn a_kind_that_is_not_known_yet_can_be_read() {
        let of = |kind: &str| -> Signer {
            let text = json!({"id": "sgn_0000000001zzzzzzzzzzzzzzzz", "name": "x", "kind": kind, "region": "eu-central-1"});
            serde_json::from_value(text).expect("a signer")
        };
        assert_eq!(of("builtin").kind, SignerKind::Builtin);
        assert_eq!(of("aws_iot").kind, SignerKind::AwsIot(aws("eu-central-1")));
        assert_eq!(of("of_tomorrow").kind, SignerKind::Unknown);
        assert!(SignerKind::Unknown.check().is_err());
    }

    #[test]
    fn a_signer_is_written_flat() {
        let signer = Signer {
            id: "sgn_0000000001zzzzzzzzzzzzzzzz".parse().expect("an id"),
            name: "AWS".to_owned(),
            kind: SignerKind::AwsIot(aws("eu-central-1")),
            least_role: Role::Operator,
            disabled: false,
            inherited: false,
        };
        let text = serde_json::to_value(&signer).expect("JSON");
        assert_eq!(
            text,
            json!({"id": "sgn_0000000001zzzzzzzzzzzzzzzz", "name": "AWS", "kind": "aws_iot", "region": "eu-central-1",
                "activate": true, "least_role": "operator"})
        );
        assert_eq!(serde_json::from_value::<Signer>(text).expect("a signer"), signer);
    }

    #[test]
    fn each_partition_has_its_domain() {
        for (region, origin) in [
            ("eu-central-1", "https://iot.eu-central-1.amazonaws.com"),
            ("us-gov-west-1", "https://iot.us-gov-west-1.amazonaws.com"),
            ("cn-north-1", "https://iot.cn-north-1.amazonaws.com.cn"),
            ("eusc-de-east-1", "https://iot.eusc-de-east-1.amazonaws.eu"),
        ] {
            assert_eq!(aws(region).origin(), origin);
            assert_eq!(aws(region).check(), Ok(()));
        }
    }

    #[test]
    fn what_leads_elsewhere_is_refused() {
        for region in [
            "",
            "eu",
            "eu-central-1.evil.example/",
            "EU-central-1",
            "eu--1",
            "eu-central-1\n",
        ] {
            assert_eq!(aws(region).check().expect_err(region).field, "region");
        }
        for endpoint in [
            "iot.example",
            "http://iot.example",
            "https://",
            "https://user@iot.example",
            "https://iot.example/path",
            "https://iot.example:0",
            "https://iot.example:99999",
            "https://iot.example; script-src *",
            "https://*.example",
        ] {
            let kind = SignerKind::AwsIot(AwsIot {
                endpoint: Some(endpoint.to_owned()),
                ..aws("eu-central-1")
            });
            assert_eq!(kind.check().expect_err(endpoint).field, "endpoint");
        }
        for endpoint in [
            "https://iot-fips.us-east-1.amazonaws.com",
            "https://aws.example:8443",
            "http://127.0.0.1:5593",
        ] {
            let kind = SignerKind::AwsIot(AwsIot {
                endpoint: Some(endpoint.to_owned()),
                ..aws("eu-central-1")
            });
            assert_eq!(kind.check(), Ok(()), "{endpoint}");
            assert_eq!(kind.origins(), [endpoint]);
        }
    }

    #[test]
    fn what_goes_into_a_path_and_a_topic_is_a_name() {
        let of = |field: &str, value: serde_json::Value| {
            let mut aws = json!({"kind": "aws_iot", "region": "eu-central-1", "data_endpoint": "a1-ats.iot.example:443",
                "provisioning": {"template": "plant", "parameters": {"SerialNumber": "serial"}}});
            match field.strip_prefix("provisioning.") {
                Some(field) => aws["provisioning"][field] = value,
                None => aws[field] = value,
            }
            serde_json::from_value::<SignerKind>(aws).expect("a kind")
        };
        let good = of("activate", true.into());
        assert_eq!(good.check(), Ok(()));
        let endpoint = good.device_endpoint("", "thing-1").expect("an endpoint");
        assert_eq!(
            (endpoint.url.as_str(), endpoint.client_id.as_deref()),
            ("mqtts://a1-ats.iot.example:443", Some("thing-1"))
        );
        for (field, value) in [
            ("provisioning.template", json!("plant/provision")),
            ("provisioning.template", json!("#")),
            ("provisioning.template", json!("")),
            ("provisioning.template", json!("a".repeat(37))),
            ("provisioning.parameters", json!({"a b": "serial"})),
            ("provisioning.parameters", json!({"SerialNumber": "of_tomorrow"})),
            ("data_endpoint", json!(null)),
            ("data_endpoint", json!("a1.example:0")),
            ("data_endpoint", json!("mqtts://a1.example")),
            ("trust_anchors", json!("no certificate")),
        ] {
            let unfit = of(field, value.clone()).check().expect_err(&value.to_string());
            assert_eq!(unfit.field, field.trim_start_matches("provisioning."), "{value}");
        }
    }

    #[test]
    fn a_sign_in_and_a_hub_lead_nowhere_else() {
        let of = |kind: serde_json::Value| serde_json::from_value::<SignerKind>(kind).expect("a kind");
        let hub = |field: &str, value: &str| {
            let mut hub = json!({"kind": "plgd_hub", "certificate_authority": "https://api.hub.example/x",
                "sign_in": {"issuer": "https://auth.hub.example/realms/plant", "client_id": "web"},
                "coap_gateway": "coaps+tcp://hub.example:5684"});
            match field.strip_prefix("sign_in.") {
                Some(field) => hub["sign_in"][field] = value.into(),
                None => hub[field] = value.into(),
            }
            of(hub)
        };
        let good = hub("hub_id", "0a1b");
        assert_eq!(good.check(), Ok(()));
        assert_eq!(
            good.origins(),
            ["https://api.hub.example", "https://auth.hub.example"]
        );
        for (field, value) in [
            ("certificate_authority", "https://api.hub.example/"),
            ("certificate_authority", "https://api.hub.example/x?y"),
            ("certificate_authority", "https://user@api.hub.example"),
            ("certificate_authority", "javascript:alert(1)"),
            ("coap_gateway", "coap+tcp://hub.example:5683"),
            ("coap_gateway", "coaps+tcp://hub.example:+5684"),
            ("coap_gateway", "coaps+tcp://hub.example:00005684"),
            ("coap_gateway", "coaps+tcp://hub.example"),
            ("sign_in.issuer", "http://auth.hub.example"),
            ("sign_in.issuer", "https://auth.hub.example/; script-src *"),
            ("sign_in.client_id", "a b"),
            ("sign_in.token_origin", "https://tokens.example/path"),
        ] {
            let unfit = hub(field, value).check().expect_err(value);
            assert_eq!(unfit.field, field.trim_start_matches("sign_in."), "{value}");
        }
        let cognito = |field: &str, value: &str| {
            let mut aws = json!({"kind": "aws_iot", "region": "eu-central-1", "sign_in": {"by": "cognito",
                "domain": "https://plant.auth.eu-central-1.amazoncognito.com", "user_pool": "eu-central-1_a1B2c3D4e",
                "client_id": "web", "identity_pool": "eu-central-1:0a1b2c3d-0000-1111-2222-333344445555"}});
            aws["sign_in"][field] = value.into();
            of(aws)
        };
        let good = cognito("role", "arn:aws:iam::123456789012:role/enrol");
        assert_eq!(good.check(), Ok(()));
        assert_eq!(
            good.origins(),
            [
                "https://iot.eu-central-1.amazonaws.com",
                "https://plant.auth.eu-central-1.amazoncognito.com",
                "https://cognito-identity.eu-central-1.amazonaws.com",
            ]
        );
        for (field, value) in [
            ("domain", "https://plant.example/path"),
            ("user_pool", "evil.example/_x"),
            (
                "identity_pool",
                "eu-central-1.evil.example:0a1b2c3d-0000-1111-2222-333344445555",
            ),
            ("role", "arn:aws:iam::1:role/x"),
            ("identity_endpoint", "http://identity.example"),
        ] {
            assert_eq!(cognito(field, value).check().expect_err(value).field, field);
        }
    }

    #[test]
    fn an_address_to_go_to_is_https_and_says_where_it_leads() {
        for good in [
            "https://auth.example/authorize?realm=x",
            "https://auth.example:8443",
            "http://localhost:1/a#b",
        ] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "",
            "http://auth.example/",
            "javascript:alert(1)",
            "https://login.example@evil.example/",
            "http://localhost:x@evil.example/",
            "https://auth.example/\u{1b}[2J",
            "https://auth.example/\u{202e}",
            "https:///path",
            "https://auth.example/<b>",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
