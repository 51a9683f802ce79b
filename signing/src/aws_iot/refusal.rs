//! What AWS says when it refuses, and what to do about it. REST JSON protocol: the code is in the header `x-amzn-errortype`,
//! or in the body as `code` or `__type`, perhaps with a namespace before `#` and an address behind `:`. The status tells
//! little: throttling is a 400.

use serde_json::Value;

use crate::Response;
use crate::sign_in::shown;

/// A refusal of AWS. `Display` is for people: what happened, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsRefusal {
    /// The code, e.g. `AccessDeniedException`; empty where AWS gave none.
    pub code: String,
    /// What AWS says.
    pub message: String,
    /// The HTTP status.
    pub status: u16,
    /// The right that the refused request takes, by its IAM name.
    pub action: &'static str,
}

/// Kinds of refusal that a person meets differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The credentials have ended or are none.
    Credentials,
    /// They may not do this.
    Permission,
    /// The clock here is wrong.
    Clock,
    /// Too many requests of this account.
    Throttled,
    /// AWS does not take the request for a certificate.
    Csr,
    /// AWS fails.
    Fault,
    /// Anything else.
    Other,
}

impl AwsRefusal {
    pub(crate) fn of(response: &Response, action: &'static str) -> Self {
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let header = response.headers().get("x-amzn-errortype");
        let code = header
            .and_then(|value| value.to_str().ok())
            .or_else(|| text("code"))
            .or_else(|| text("Code"))
            .or_else(|| text("__type"))
            .unwrap_or_default();
        let code = code.split(':').next().unwrap_or_default();
        let code = code.rsplit('#').next().unwrap_or_default();
        Self {
            code: code
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .take(64)
                .collect(),
            message: shown(text("message").or_else(|| text("Message")).unwrap_or_default()),
            status: response.status().as_u16(),
            action,
        }
    }

    pub(super) fn cause(&self) -> Cause {
        match self.code.as_str() {
            "ExpiredTokenException"
            | "ExpiredToken"
            | "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "MissingAuthenticationTokenException" => Cause::Credentials,
            "AccessDeniedException" | "UnauthorizedException" | "ForbiddenException" => Cause::Permission,
            "RequestExpired" | "RequestTimeTooSkewed" => Cause::Clock,
            "InvalidSignatureException" | "SignatureDoesNotMatch" if self.message.contains("xpired") => {
                Cause::Clock
            }
            "InvalidSignatureException" | "SignatureDoesNotMatch" => Cause::Credentials,
            "ThrottlingException" | "LimitExceededException" | "TooManyRequestsException" => Cause::Throttled,
            "InvalidRequestException" | "ValidationException" => Cause::Csr,
            _ if self.status >= 500 => Cause::Fault,
            _ => Cause::Other,
        }
    }

    /// Whether the same request may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self.cause(), Cause::Throttled | Cause::Fault)
    }

    /// Whether AWS has no such thing.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.code == "ResourceNotFoundException"
    }

    /// Whether other credentials are what it takes.
    #[must_use]
    pub fn wants_credentials(&self) -> bool {
        self.cause() == Cause::Credentials
    }
}

impl std::fmt::Display for AwsRefusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { message, action, .. } = self;
        match self.cause() {
            Cause::Credentials => write!(
                f,
                "AWS does not accept the credentials: they have expired, or were not copied whole"
            )?,
            Cause::Permission => write!(
                f,
                "these AWS credentials lack the right {action}: an AWS admin has to allow it"
            )?,
            Cause::Clock => write!(
                f,
                "AWS found the request too old or too new: set this computer’s clock"
            )?,
            Cause::Throttled => write!(
                f,
                "AWS has too many requests of this account: try again in a minute"
            )?,
            Cause::Csr => write!(f, "AWS does not take this certificate request")?,
            Cause::Fault => write!(f, "AWS has a fault at present: try again in a minute")?,
            Cause::Other => write!(f, "AWS refused with HTTP status {}", self.status)?,
        }
        match (self.code.as_str(), message.as_str()) {
            ("", "") => Ok(()),
            (code, "") => write!(f, " (AWS: {code})"),
            (code, message) => write!(f, " (AWS: {code}: {message})"),
        }
    }
}
