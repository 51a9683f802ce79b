//! Problem codes: the stable names of everything that can go wrong, on WebSockets and over HTTP.

use serde::{Deserialize, Serialize};

use crate::json::Verbatim;

/// The stable name of a problem. New ones may be added; a client treats an unknown one as [`ProblemCode::Unknown`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    // WebSockets (protocol.md, common rules).
    /// Sign in first, or the token is unknown or expired.
    Unauthenticated,
    /// Signed in, but the role or scope does not allow this, or the origin is foreign.
    Forbidden,
    /// No device waits under this nameplate.
    CodeUnknown,
    /// The device or the server is busy; try again after `retry_after_secs`.
    Busy,
    /// Too many attempts; try again after `retry_after_secs`.
    RateLimited,
    /// The device disconnected.
    DeviceGone,
    /// The other side did not answer in time.
    Timeout,
    /// A frame or body that does not follow the protocol.
    Malformed,
    /// A frame, body or budget over its limit.
    TooLarge,
    /// A frame whose `type` is not known.
    UnknownType,
    /// The server is going down; reconnect.
    ShuttingDown,
    /// No record of this certificate.
    CertificateUnknown,
    /// This certificate has been revoked.
    CertificateRevoked,
    /// The certificate expired longer ago than the organisation's grace period.
    GraceOver,
    /// The signature over the challenge is wrong.
    ProofInvalid,
    /// The device is suspended; try again hourly.
    Suspended,
    /// The device is retired.
    Retired,
    /// The key belongs to a device that another proof has established.
    KeyInUse,

    // HTTP.
    /// There is no such thing, or the caller may not know that there is.
    NotFound,
    /// A field of the request is not acceptable; `detail` says which and why.
    Invalid,
    /// The present state does not allow this.
    Conflict,
    /// A fresh passkey assertion is needed first (threat model, ENR-10).
    StepUpRequired,
    /// The one-time link is unknown, used or expired.
    LinkUnknown,
    /// The passkey ceremony failed or ran out of time.
    PasskeyRefused,
    /// The identity provider did not vouch for this, or not so that it counts; `detail` says why.
    ProviderRefused,
    /// The CSR is not acceptable; `detail` says why.
    CsrRefused,
    /// The key in the CSR belongs to an active device of this organisation; `device` names it.
    KeyKnown,
    /// The key in the CSR has been revoked and stays refused.
    KeyRevoked,
    /// A signer elsewhere was asked for this key, and nobody knows whether it signed.
    ReplyLost,
    /// This account cannot be removed: it is the organisation's last owner.
    LastOwner,
    /// The `Idempotency-Key` was used with another request.
    IdempotencyMismatch,
    /// The server cannot do this at present; try again.
    Unavailable,
    /// A fault of the server; it has been logged.
    Internal,
    /// A code that this version does not know.
    #[serde(other)]
    Unknown,
}

impl ProblemCode {
    /// The name as it stands on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::CodeUnknown => "code_unknown",
            Self::Busy => "busy",
            Self::RateLimited => "rate_limited",
            Self::DeviceGone => "device_gone",
            Self::Timeout => "timeout",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::UnknownType => "unknown_type",
            Self::ShuttingDown => "shutting_down",
            Self::CertificateUnknown => "certificate_unknown",
            Self::CertificateRevoked => "certificate_revoked",
            Self::GraceOver => "grace_over",
            Self::ProofInvalid => "proof_invalid",
            Self::Suspended => "suspended",
            Self::Retired => "retired",
            Self::KeyInUse => "key_in_use",
            Self::NotFound => "not_found",
            Self::Invalid => "invalid",
            Self::Conflict => "conflict",
            Self::StepUpRequired => "step_up_required",
            Self::LinkUnknown => "link_unknown",
            Self::PasskeyRefused => "passkey_refused",
            Self::ProviderRefused => "provider_refused",
            Self::CsrRefused => "csr_refused",
            Self::KeyKnown => "key_known",
            Self::KeyRevoked => "key_revoked",
            Self::ReplyLost => "reply_lost",
            Self::LastOwner => "last_owner",
            Self::IdempotencyMismatch => "idempotency_mismatch",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
            Self::Unknown => "unknown",
        }
    }
}

impl ProblemCode {
    /// The code of this name; [`Self::Unknown`] for one of a newer version.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        serde::Deserialize::deserialize(serde::de::value::StrDeserializer::<serde::de::value::Error>::new(
            name,
        ))
        .unwrap_or(Self::Unknown)
    }
}

impl std::fmt::Display for ProblemCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The body of a WebSocket `problem` frame, sent before close 1008.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What is wrong, for programs.
    pub code: ProblemCode,
    /// What is wrong and what to do, for people.
    pub message: String,
    /// When trying again makes sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_secs: Option<u32>,
}

/// The body of an HTTP error: RFC 9457 problem details (`application/problem+json`) with a stable `code`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProblemDetails {
    /// `about:blank`; the meaning is in `code`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A short, constant description of the problem code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable name.
    pub code: ProblemCode,
    /// What happened this time and what to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The field of the request that is wrong, as a JSON name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// When trying again makes sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_secs: Option<u32>,
    /// With `key_known`: the device that has this key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::device::DeviceSummary>))]
    pub device: Option<Verbatim>,
}
