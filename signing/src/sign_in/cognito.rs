//! Credentials of AWS from an identity pool (Amazon Cognito Federated Identities API Reference, 2014-06-30).

use gangway_protocol::json;
use gangway_protocol::secret::SecretString;
use gangway_protocol::signer;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::{SignInError, malformed, shown};
use crate::wallet::since_1970;
use crate::{AwsCredentials, Request, Response};

const NAME: &str = "Amazon Cognito";

/// An identity pool that takes a user pool's tokens.
#[derive(Clone, Debug)]
pub(super) struct Cognito {
    configured: signer::Cognito,
    origin: String,
}

/// Who the identity pool takes a person for.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Identity {
    identity_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    credentials: Given,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Given {
    access_key_id: String,
    secret_key: SecretString,
    session_token: SecretString,
    /// Seconds since 1970, perhaps with a fraction.
    expiration: f64,
}

impl Cognito {
    pub(super) fn new(configured: signer::Cognito) -> Self {
        Self {
            origin: configured.identity_origin(),
            configured,
        }
    }

    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// GetId.
    pub(super) fn identity(&self, token: &SecretString) -> Result<Request, SignInError> {
        let body = json!({"IdentityPoolId": self.configured.identity_pool, "Logins": self.logins(token)});
        self.ask("GetId", &body)
    }

    /// GetCredentialsForIdentity.
    pub(super) fn credentials(
        &self,
        identity: &Identity,
        token: &SecretString,
    ) -> Result<Request, SignInError> {
        let mut body = json!({"IdentityId": identity.identity_id, "Logins": self.logins(token)});
        if let (Some(role), Some(body)) = (&self.configured.role, body.as_object_mut()) {
            body.insert("CustomRoleArn".to_owned(), role.as_str().into());
        }
        self.ask("GetCredentialsForIdentity", &body)
    }

    fn logins(&self, token: &SecretString) -> Value {
        json!({ self.configured.provider(): token.expose() })
    }

    fn ask(&self, operation: &str, body: &Value) -> Result<Request, SignInError> {
        http::Request::post(format!("{}/", self.origin))
            .header(CONTENT_TYPE, "application/x-amz-json-1.1")
            .header("x-amz-target", format!("AWSCognitoIdentityService.{operation}"))
            .body(body.to_string().into_bytes())
            .map_err(|error| malformed(NAME, error))
    }
}

impl Identity {
    pub(super) fn read(response: &Response) -> Result<Self, SignInError> {
        accepted(response)?;
        json::read(response.body()).map_err(|error| malformed(NAME, error))
    }
}

/// The credentials of an answer.
pub(super) fn read(response: &Response) -> Result<AwsCredentials, SignInError> {
    accepted(response)?;
    let Answer { credentials } = json::read(response.body()).map_err(|error| malformed(NAME, error))?;
    Ok(AwsCredentials {
        access_key_id: credentials.access_key_id,
        secret_access_key: credentials.secret_key,
        session_token: Some(credentials.session_token),
        expires_at: since_1970(credentials.expiration),
    })
}

fn accepted(response: &Response) -> Result<(), SignInError> {
    if response.status().is_success() {
        return Ok(());
    }
    let body: Value = json::read(response.body()).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let code = text("__type").rsplit('#').next().unwrap_or_default();
    let detail = match (code, text("message")) {
        ("", "") => format!("HTTP status {}", response.status().as_u16()),
        (code, message) => shown(&format!("{message} ({code})")),
    };
    Err(SignInError::Refused {
        who: NAME.to_owned(),
        detail,
    })
}
