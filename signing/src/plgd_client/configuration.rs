//! What a client and a hub say of themselves (client-application 2024-10 and hub 2025-07, `/.well-known/configuration`), and the
//! keys of an authority.

use gangway_protocol::json;
use gangway_protocol::signer::{OidcClient, PlgdHub, host_of, origin_of};
use serde::{Deserialize, Serialize};

use super::ClientError;
use super::error::malformed;
use crate::sign_in::shown;
use crate::{Response, SignInError};

/// How a client proves itself to devices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientMode {
    /// Not decided yet.
    #[default]
    #[serde(rename = "UNINITIALIZED")]
    Uninitialised,
    /// By a key that it shares with each device.
    #[serde(rename = "PRE_SHARED_KEY")]
    PreSharedKey,
    /// By a certificate of a hub's authority.
    #[serde(rename = "X509")]
    X509,
    /// By something that this version does not know.
    #[serde(other)]
    Unknown,
}

/// How a client says it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientState {
    /// Its version, as it is to be shown.
    pub version: String,
    /// How it proves itself.
    pub mode: ClientMode,
    /// Whether it can be used.
    pub is_initialised: bool,
    /// Who initialised it, as it is to be shown; empty where nobody did, or nobody in particular.
    pub owner: String,
    /// Whether that is whoever is signed in at the hub; `None` where nobody is.
    pub is_yours: Option<bool>,
    /// How long it looks for devices, in nanoseconds.
    pub discovery_nanos: Option<u64>,
}

impl ClientState {
    /// Whether somebody else has initialised it, as far as is known.
    #[must_use]
    pub fn is_occupied(&self) -> bool {
        self.is_initialised && self.is_yours == Some(false)
    }
}

/// A client's configuration document.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ClientDocument {
    version: String,
    is_initialized: bool,
    device_authentication_mode: ClientMode,
    owner: String,
    ui: Option<Ui>,
    remote_provisioning: Option<HubDocument>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ui {
    default_discovery_timeout: Option<String>,
}

/// A hub's configuration document.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct HubDocument {
    pub(super) jwt_owner_claim: Option<String>,
    id: Option<String>,
    coap_gateway: Option<String>,
    certificate_authorities: Option<String>,
    authority: Option<String>,
    device_oauth_client: Option<DeviceOauthClient>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DeviceOauthClient {
    client_id: Option<String>,
    audience: Option<String>,
    scopes: Vec<String>,
    provider_name: Option<String>,
    authority: Option<String>,
}

/// What a device has to know to join a hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Joining {
    pub(super) coap_gateway: String,
    pub(super) hub_id: String,
    pub(super) certificate_authorities: String,
    pub(super) provider: String,
    /// Where the person gets a code for the device.
    pub(super) client: OidcClient,
}

impl ClientDocument {
    pub(super) fn read(response: &Response) -> Result<Self, ClientError> {
        json::read(response.body()).map_err(malformed)
    }

    /// The owner as it is told.
    pub(super) fn owner(&self) -> &str {
        &self.owner
    }

    /// The claim that it takes for the owner's name, where it says so.
    pub(super) fn owner_claim(&self) -> Option<&str> {
        self.remote_provisioning.as_ref()?.jwt_owner_claim.as_deref()
    }

    /// How it stands. `is_yours` where somebody is signed in.
    pub(super) fn state(&self, is_yours: Option<bool>) -> ClientState {
        // Nobody owns a client with a pre-shared key: whoever reaches it may use it.
        let is_owned = self.is_initialized && self.device_authentication_mode == ClientMode::X509;
        ClientState {
            version: shown(&self.version),
            mode: self.device_authentication_mode,
            is_initialised: self.is_initialized,
            owner: shown(&self.owner),
            is_yours: is_yours.filter(|_| is_owned),
            discovery_nanos: self
                .ui
                .as_ref()
                .and_then(|ui| ui.default_discovery_timeout.as_ref()?.parse().ok()),
        }
    }
}

impl HubDocument {
    /// What can be read of it; nothing where there is none.
    pub(super) fn read(response: &Response) -> Option<Self> {
        let response = Some(response).filter(|response| response.status().is_success())?;
        json::read(response.body()).ok()
    }

    /// What a device has to know. What an admin configured goes before what the hub says.
    pub(super) fn joining(self, hub: &PlgdHub) -> Result<Joining, ClientError> {
        let need = |what, value: Option<String>| {
            value
                .filter(|value| !value.is_empty())
                .ok_or(ClientError::HubIncomplete { what })
        };
        let device = self.device_oauth_client.unwrap_or_default();
        let authority = device
            .authority
            .or(self.authority)
            .filter(|told| !told.is_empty());
        let issuer = authority.unwrap_or_else(|| hub.sign_in.issuer.clone());
        Ok(Joining {
            coap_gateway: need("coapGateway", hub.coap_gateway.clone().or(self.coap_gateway))?,
            hub_id: need("id", hub.hub_id.clone().or(self.id))?,
            certificate_authorities: need("certificateAuthorities", self.certificate_authorities)?,
            provider: need("deviceOauthClient.providerName", device.provider_name)?,
            client: OidcClient {
                issuer: of_the_signer(issuer, hub)?,
                client_id: need("deviceOauthClient.clientId", device.client_id)?,
                scopes: device.scopes,
                audience: device.audience.filter(|audience| !audience.is_empty()),
                token_origin: hub.sign_in.token_origin.clone(),
            },
        })
    }
}

/// Where the keys of an authority are, by its discovery document.
pub(super) fn keys_address(response: &Response, hub: &PlgdHub) -> Result<String, ClientError> {
    #[derive(Deserialize)]
    struct Discovery {
        issuer: String,
        jwks_uri: String,
    }
    let who = host_of(&hub.sign_in.issuer);
    if !response.status().is_success() {
        let detail = format!(
            "{who} has no discovery document (HTTP status {})",
            response.status().as_u16()
        );
        return Err(SignInError::Misconfigured { detail }.into());
    }
    let found: Discovery = json::read(response.body()).map_err(malformed)?;
    // OpenID Connect Discovery 1.0 §4.3: or another's document could stand here.
    if found.issuer.trim_end_matches('/') != hub.sign_in.issuer.trim_end_matches('/') {
        let detail = format!("the issuer calls itself {}", shown(&found.issuer));
        return Err(SignInError::Misconfigured { detail }.into());
    }
    of_the_signer(found.jwks_uri, hub)
}

/// The keys of an authority as a client takes them, or why they cannot be read.
pub(super) fn keys(response: &Response) -> Result<serde_json::Value, ClientError> {
    #[derive(Deserialize)]
    struct Keys {
        keys: Vec<serde_json::Value>,
    }
    if !response.status().is_success() {
        let detail = format!(
            "its keys are not to be had (HTTP status {})",
            response.status().as_u16()
        );
        return Err(SignInError::Misconfigured { detail }.into());
    }
    let Keys { keys } = json::read(response.body()).map_err(malformed)?;
    Ok(serde_json::json!({ "keys": keys }))
}

/// An address at one of the origins that an admin has configured: the page may connect to no others, and a person is sent to no
/// others.
fn of_the_signer(address: String, hub: &PlgdHub) -> Result<String, ClientError> {
    let origin = origin_of(&address);
    if hub.sign_in.origins().iter().any(|allowed| allowed == origin) {
        return Ok(address);
    }
    let detail = format!(
        "it leads to {}, which is not among the addresses of this signer",
        shown(origin)
    );
    Err(SignInError::Misconfigured { detail }.into())
}
