//! The requests: what a client is asked, and how (client-application 2024-10, `service/http/uri.go`).

use gangway_protocol::id::OrganisationId;
use gangway_protocol::path;
use gangway_protocol::secret::SecretString;
use http::Method;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};
use uuid::Uuid;

use super::configuration::Joining;
use super::error::malformed;
use super::{ClientAddress, ClientError, PreSharedKey};
use crate::plgd_hub::{SIGN, asking, bearer};
use crate::{Request, Sending, Target, Tokens};

/// How long owning a device may take, in nanoseconds: four times what a client allows by itself, for authorities that take their
/// time. Nobody is asked anything meanwhile.
const OWN_NANOS: u64 = 60_000_000_000;
/// How long a client looks for devices where it says nothing of it, in nanoseconds.
const DISCOVERY_NANOS: u64 = 2_000_000_000;
/// Half of what the browser waits for an answer.
const MAX_DISCOVERY_NANOS: u64 = 10_000_000_000;

/// Where a client, or a hub, says what it is.
const CONFIGURATION: &str = "/.well-known/configuration";

/// `GET` of a document that is there for everybody.
pub(super) fn get(address: &str) -> Result<Sending, ClientError> {
    let request = http::Request::get(address).header(ACCEPT, "application/json");
    Ok(Sending::elsewhere(request.body(Vec::new()).map_err(malformed)?))
}

pub(super) fn configuration(origin: &str) -> Result<Sending, ClientError> {
    get(&format!("{origin}{CONFIGURATION}"))
}

/// One client, and the token that it gets; none with a pre-shared key.
#[derive(Clone, Copy)]
pub(super) struct ToClient<'a> {
    pub(super) client: &'a ClientAddress,
    pub(super) tokens: Option<&'a Tokens>,
}

impl ToClient<'_> {
    /// Has it make a request of its own. It gets the keys by which it knows its owner's tokens.
    pub(super) fn initialise(self, keys: &Value) -> Result<Sending, ClientError> {
        self.post("/api/v1/initialize", &json!({ "jwks": keys }))
    }

    pub(super) fn share(self, shared: &PreSharedKey) -> Result<Sending, ClientError> {
        let PreSharedKey { subject, key, save } = shared;
        let body = json!({ "preSharedKey": { "subjectId": subject, "key": key.expose(), "save": save } });
        self.post("/api/v1/initialize", &body)
    }

    /// Gives it the certificate for its challenge.
    pub(super) fn finish(self, state: &Uuid, certificate: &str) -> Result<Sending, ClientError> {
        self.post(
            &format!("/api/v1/initialize/{state}"),
            &json!({ "certificate": certificate }),
        )
    }

    pub(super) fn reset(self) -> Result<Sending, ClientError> {
        self.post("/api/v1/reset", &json!({}))
    }

    pub(super) fn devices(self, endpoint: Option<&str>, nanos: Option<u64>) -> Result<Sending, ClientError> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        match endpoint {
            Some(endpoint) => query.append_pair("useEndpoints", endpoint),
            None => query
                .append_pair("useMulticast", "IPV4")
                .append_pair("useMulticast", "IPV6"),
        };
        let nanos = nanos.unwrap_or(DISCOVERY_NANOS).min(MAX_DISCOVERY_NANOS);
        query.append_pair("timeout", &nanos.to_string());
        self.send(Method::GET, &format!("/api/v1/devices?{}", query.finish()), None)
    }

    pub(super) fn own(self, device: &Uuid) -> Result<Sending, ClientError> {
        let body = json!({ "timeout": OWN_NANOS.to_string() });
        self.post(&format!("/api/v1/devices/{device}/own"), &body)
    }

    /// Gives a device, by the client, the certificate for its challenge.
    pub(super) fn finish_own(
        self,
        device: &Uuid,
        state: &Uuid,
        certificate: &str,
    ) -> Result<Sending, ClientError> {
        let path = format!("/api/v1/devices/{device}/own/{state}");
        self.post(&path, &json!({ "certificate": certificate }))
    }

    pub(super) fn disown(self, device: &Uuid) -> Result<Sending, ClientError> {
        self.post(&format!("/api/v1/devices/{device}/disown"), &json!({}))
    }

    pub(super) fn onboard(
        self,
        device: &Uuid,
        joining: &Joining,
        code: &SecretString,
    ) -> Result<Sending, ClientError> {
        let body = json!({
            "coapGatewayAddress": joining.coap_gateway,
            "authorizationCode": code.expose(),
            "authorizationProviderName": joining.provider,
            "hubId": joining.hub_id,
            "certificateAuthorities": joining.certificate_authorities,
        });
        self.post(&format!("/api/v1/devices/{device}/onboard"), &body)
    }

    pub(super) fn offboard(self, device: &Uuid) -> Result<Sending, ClientError> {
        self.post(&format!("/api/v1/devices/{device}/offboard"), &json!({}))
    }

    /// How a device stands with its hub.
    pub(super) fn cloud(self, device: &Uuid) -> Result<Sending, ClientError> {
        let path = format!("/api/v1/devices/{device}/resources/CoapCloudConfResURI");
        self.send(Method::GET, &path, None)
    }

    fn post(self, path: &str, body: &Value) -> Result<Sending, ClientError> {
        self.send(Method::POST, path, Some(body))
    }

    fn send(self, method: Method, path: &str, body: Option<&Value>) -> Result<Sending, ClientError> {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.client.origin()))
            .header(ACCEPT, "application/json");
        if let Some(tokens) = self.tokens {
            request = request.header(AUTHORIZATION, bearer(tokens)?);
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        Ok(Sending::elsewhere(request.body(body).map_err(malformed)?))
    }
}

/// Has the built-in CA of an organisation sign, in the form of a hub.
pub(super) fn sign_at_panel(organisation: &OrganisationId, csr: &str) -> Result<Sending, ClientError> {
    let request: Request = http::Request::post(format!("{}{SIGN}", path::plgd(organisation)))
        .header(CONTENT_TYPE, "application/json")
        .body(asking(csr))
        .map_err(malformed)?;
    Ok(Sending {
        request,
        target: Target::Panel,
        is_idempotent: false,
    })
}
