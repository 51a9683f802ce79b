//! Credentials of AWS from STS, for a token of an OIDC provider (AWS STS API Reference, AssumeRoleWithWebIdentity). STS answers
//! in XML.

use form_urlencoded::Serializer;
use gangway_protocol::secret::SecretString;
use gangway_protocol::signer;
use http::header::CONTENT_TYPE;
use roxmltree::Document;

use super::error::{SignInError, malformed, shown};
use crate::wallet::{Claims, moment};
use crate::{AwsCredentials, Request, Response};

const NAME: &str = "AWS STS";
/// Longest name of a session (API Reference).
const MAX_SESSION_NAME: usize = 64;

/// Longest answer that is read. A session token has at most 4 KB or so.
const MAX_ANSWER_LEN: usize = 64 * 1024;

/// A role that whoever is signed in takes.
#[derive(Clone, Debug)]
pub(super) struct WebIdentity {
    origin: String,
    role: String,
}

impl WebIdentity {
    pub(super) fn new(configured: &signer::WebIdentity, region: &str) -> Self {
        Self {
            origin: configured.sts_origin(region),
            role: configured.role.clone(),
        }
    }

    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    pub(super) fn assume(&self, token: &SecretString) -> Result<Request, SignInError> {
        let body = Serializer::new(String::new())
            .append_pair("Action", "AssumeRoleWithWebIdentity")
            .append_pair("Version", "2011-06-15")
            .append_pair("RoleArn", &self.role)
            .append_pair("RoleSessionName", &session_name(token))
            .append_pair("WebIdentityToken", token.expose())
            .finish();
        http::Request::post(format!("{}/", self.origin))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body.into_bytes())
            .map_err(|error| malformed(NAME, error))
    }
}

/// Who it was, for AWS's logs: a name of the session has letters, digits and `=,.@-` alone.
fn session_name(token: &SecretString) -> String {
    let name = Claims::of(token).and_then(Claims::name).unwrap_or_default();
    let name: String = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "=,.@-_+".contains(*c))
        .take(MAX_SESSION_NAME)
        .collect();
    if name.len() < 2 {
        "gangway".to_owned()
    } else {
        name
    }
}

/// The credentials of an answer.
pub(super) fn read(response: &Response) -> Result<AwsCredentials, SignInError> {
    if response.body().len() > MAX_ANSWER_LEN {
        return Err(malformed(NAME, "it is too long"));
    }
    let text = std::str::from_utf8(response.body()).map_err(|error| malformed(NAME, error))?;
    let parsed = Document::parse(text);
    let field = |name: &str| {
        let document = parsed.as_ref().ok()?;
        let node = document
            .descendants()
            .find(|node| node.tag_name().name() == name)?;
        node.text().map(str::to_owned)
    };
    if !response.status().is_success() {
        let detail = match (field("Message"), field("Code")) {
            (Some(message), Some(code)) => shown(&format!("{message} ({code})")),
            _ => format!("HTTP status {}", response.status().as_u16()),
        };
        return Err(SignInError::Refused {
            who: NAME.to_owned(),
            detail,
        });
    }
    let wanted = |name: &str| field(name).ok_or_else(|| malformed(NAME, format!("{name} is missing")));
    let expires_at = wanted("Expiration")?;
    Ok(AwsCredentials {
        access_key_id: wanted("AccessKeyId")?,
        secret_access_key: SecretString::new(wanted("SecretAccessKey")?),
        session_token: Some(SecretString::new(wanted("SessionToken")?)),
        expires_at: Some(
            moment(&expires_at).ok_or_else(|| malformed(NAME, format!("Expiration is {expires_at}")))?,
        ),
    })
}
