//! A plgd hub as an organisation configures it. Its `/.well-known/configuration` has all of this.

use serde::{Deserialize, Serialize};

use super::address::{check_base, check_token, is_host, is_port, origin_of, unfit};
use super::{OidcClient, UnfitSigner};
use crate::certificate::{join_chain, split_chain};
use crate::enrolment::Endpoint;

/// The certificate authority of a plgd hub (hub 2025-07, `certificate-authority/pb/service.proto`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlgdHub {
    /// Address of its certificate authority, e.g. `https://api.hub.example`: `certificateAuthority` of its configuration.
    pub certificate_authority: String,
    /// Where people sign in: `authority` and `webOauthClient` of its configuration.
    pub sign_in: OidcClient,
    /// Where devices connect, e.g. `coaps+tcp://hub.example:5684`: `coapGateway` of its configuration. It goes to the device,
    /// sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coap_gateway: Option<String>,
    /// The hub's id, which goes to the device with it: `id` of its configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub_id: Option<String>,
}

impl PlgdHub {
    /// The hub's own servers hold certificates of the authority at which the chain ends.
    pub(super) fn device_endpoint(&self, chain: &str) -> Option<Endpoint> {
        let root = split_chain(chain).ok()?.into_iter().skip(1).last();
        Some(Endpoint {
            name: "coap".to_owned(),
            url: self.coap_gateway.clone()?,
            trust_anchors: root.map(|root| join_chain([root])),
            client_id: None,
        })
    }

    pub(super) fn origins(&self) -> Vec<String> {
        let mut origins = vec![origin_of(&self.certificate_authority).to_owned()];
        origins.extend(self.sign_in.origins());
        origins
    }

    pub(super) fn check(&self) -> Result<(), UnfitSigner> {
        check_base("certificate_authority", &self.certificate_authority)?;
        self.sign_in.check()?;
        if self.coap_gateway.as_deref().is_some_and(|url| !is_gateway(url)) {
            return unfit("coap_gateway", "is an address like coaps+tcp://hub.example:5684");
        }
        self.hub_id
            .as_deref()
            .map_or(Ok(()), |id| check_token("hub_id", id, 64))
    }
}

/// RFC 8323 §8.2, with a port, and CoAP without TLS nowhere.
fn is_gateway(url: &str) -> bool {
    url.strip_prefix("coaps+tcp://")
        .or_else(|| url.strip_prefix("coaps://"))
        .and_then(|rest| rest.rsplit_once(':'))
        .is_some_and(|(host, port)| is_host(host) && is_port(port))
}
