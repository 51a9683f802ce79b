//! The PKI secrets engine of HashiCorp Vault and OpenBao (`POST /v1/{mount}/sign/{role}`, `POST /v1/{mount}/revoke`), with a token or
//! with an AppRole, whose login gives one.
//!
//! The role says what a certificate may say. The device's id is offered as its common name: it is taken where the role does not use
//! the request's (`use_csr_common_name=false`), or where the request has none.

use gangway_protocol::certificate::split_chain;
use gangway_protocol::json;
use gangway_protocol::secret::SecretString;
use gangway_protocol::signer;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::credential::VaultCredential;
use super::error::{retry_after_secs, unexplained};
use super::{CorporateError, CorporateStep, Errand, Silence, asks, chain, signs};
use crate::sign_in::shown;
use crate::{Request, Response};

/// Where it gives no time.
const RETRY_SECS: u32 = 60;

/// One conversation with a Vault.
#[derive(Clone, Debug)]
pub(super) struct Vault {
    configured: signer::Vault,
    credential: VaultCredential,
    /// An AppRole is exchanged for a token.
    logs_in: bool,
}

#[derive(Deserialize)]
struct LoggedIn {
    auth: Auth,
}

#[derive(Deserialize)]
struct Auth {
    client_token: SecretString,
}

#[derive(Deserialize)]
struct Answered<T> {
    data: T,
}

#[derive(Deserialize)]
struct Signed {
    certificate: String,
    issuing_ca: Option<String>,
    ca_chain: Option<Vec<String>>,
    serial_number: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    errors: Vec<String>,
}

impl Vault {
    pub(super) fn new(configured: signer::Vault, credential: VaultCredential) -> Self {
        Self {
            configured,
            credential,
            logs_in: false,
        }
    }

    pub(super) fn start(&mut self, errand: &Errand) -> Result<CorporateStep, CorporateError> {
        match &self.credential {
            VaultCredential::Token { token } => self.ask(errand, token),
            VaultCredential::AppRole { role_id, secret_id } => {
                let path = format!("auth/{}/login", self.configured.approle_mount);
                let body = json!({ "role_id": role_id, "secret_id": secret_id.expose() });
                let request = self.post(&path, None, &body)?;
                self.logs_in = true;
                Ok(asks(request))
            }
        }
    }

    pub(super) fn answer(
        &mut self,
        errand: &Errand,
        answer: Result<Response, Silence>,
    ) -> Result<CorporateStep, CorporateError> {
        if std::mem::take(&mut self.logs_in) {
            let response = answer.map_err(CorporateError::before_signing)?;
            let LoggedIn { auth } =
                read(&response).map_err(|error| match error.where_nothing_is_signed() {
                    // A wrong secret id is a bad request there.
                    CorporateError::Refused { detail } => CorporateError::Unaccepted { detail },
                    other => other,
                })?;
            return self.ask(errand, &auth.client_token);
        }
        match errand {
            Errand::Revoke(_) => {
                let response = answer.map_err(CorporateError::before_signing)?;
                read::<Value>(&response)
                    .map(|_| CorporateStep::Revoked)
                    .map_err(CorporateError::where_nothing_is_signed)
            }
            Errand::Sign(_) => {
                let response = answer.map_err(CorporateError::of_silence)?;
                let Answered { data } = read::<Answered<Signed>>(&response)?;
                let pool = data.ca_chain.into_iter().flatten().chain(data.issuing_ca);
                let pool = pool
                    .flat_map(|pem| split_chain(&pem).unwrap_or_default())
                    .collect();
                split_chain(&data.certificate)
                    .ok()
                    .and_then(|blocks| blocks.into_iter().next())
                    .and_then(|leaf| chain::of(leaf, pool, data.serial_number))
                    .map(|signed| CorporateStep::Signed(Box::new(signed)))
                    .ok_or_else(|| CorporateError::unreadable("certificate is no certificate"))
            }
        }
    }

    fn ask(&self, errand: &Errand, token: &SecretString) -> Result<CorporateStep, CorporateError> {
        let mount = &self.configured.mount;
        match errand {
            Errand::Sign(order) => {
                let body = json!({
                    "csr": order.csr.to_pem(),
                    "common_name": order.device,
                    // Otherwise a name that looks like a host's becomes an alternative name as well.
                    "exclude_cn_from_sans": true,
                    "format": "pem",
                });
                let path = format!("{mount}/sign/{}", self.configured.role);
                self.post(&path, Some(token), &body).map(signs)
            }
            Errand::Revoke(revocation) => {
                let serial = revocation.external_id.clone();
                let serial = serial.unwrap_or_else(|| with_colons(&revocation.serial));
                let body = json!({ "serial_number": serial });
                self.post(&format!("{mount}/revoke"), Some(token), &body)
                    .map(asks)
            }
        }
    }

    fn post(
        &self,
        path: &str,
        token: Option<&SecretString>,
        body: &Value,
    ) -> Result<Request, CorporateError> {
        let mut request = http::Request::post(format!("{}/v1/{path}", self.configured.url))
            .header(CONTENT_TYPE, "application/json")
            // An agent before it may want this of every client.
            .header("x-vault-request", "true");
        if let Some(namespace) = &self.configured.namespace {
            request = request.header("x-vault-namespace", namespace);
        }
        if let Some(token) = token {
            let mut value: HeaderValue = token.expose().parse().map_err(CorporateError::unmade)?;
            value.set_sensitive(true);
            request = request.header("x-vault-token", value);
        }
        request
            .body(body.to_string().into_bytes())
            .map_err(CorporateError::unmade)
    }
}

/// What a success says. What Vault refuses, it refuses with its list of errors; a server error without that may be a proxy's.
fn read<T: DeserializeOwned>(response: &Response) -> Result<T, CorporateError> {
    let status = response.status();
    if status.is_success() {
        return json::read(match response.body().as_slice() {
            b"" => b"{}",
            body => body,
        })
        .map_err(CorporateError::unreadable);
    }
    let said = json::read::<Refusal>(response.body()).ok();
    let is_its_own = said.is_some();
    let said = said
        .map(|refusal| shown(&refusal.errors.join("; ")))
        .filter(|said| !said.is_empty());
    let detail = said.unwrap_or_else(|| unexplained(response));
    Err(match status {
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => CorporateError::Unaccepted { detail },
        // Also while it is sealed.
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE if is_its_own => {
            CorporateError::Later {
                retry_after_secs: retry_after_secs(response).unwrap_or(RETRY_SECS),
                detail,
            }
        }
        _ if status.is_server_error() && !is_its_own => CorporateError::Unclear { detail },
        _ => CorporateError::Refused { detail },
    })
}

/// As Vault writes serial numbers: the octets of the number, without a zero before them.
fn with_colons(hex: &str) -> String {
    let octets: Vec<&str> = (0..hex.len())
        .step_by(2)
        .filter_map(|at| hex.get(at..at + 2))
        .collect();
    let from = octets.iter().position(|octet| *octet != "00").unwrap_or_default();
    octets.get(from..).unwrap_or_default().join(":")
}
