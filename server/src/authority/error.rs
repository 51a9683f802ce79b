//! Why the server does not do what it was asked: one enum for every service. How that is told over HTTP is `api::problem`'s.

use std::borrow::Cow;

use gangway_protocol::device::{DeviceSummary, InvalidTransition, UnfitText};
use gangway_protocol::error::ProblemCode;

use crate::ca::CaError;
use crate::db::DbError;
use crate::limits::TooMany;

/// What services return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something that was asked of the server is not done. Expected outcomes are variants; only [`Error::Internal`] is a fault of ours.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No cookie or token, or a cookie that is not valid.
    #[error("sign in first, or send a token that has not expired")]
    Unauthenticated,
    /// A token that is malformed, unknown, revoked or expired; which one is not told.
    #[error("this token is unknown, revoked or expired: make a new one")]
    InvalidToken,
    /// The token's scopes do not allow it.
    #[error("{0}")]
    InsufficientScope(&'static str),
    /// The role, the scope or the origin does not allow it; says which.
    #[error("{0}")]
    Forbidden(&'static str),
    /// There is none, or the caller may not know that there is.
    #[error("there is no such thing here")]
    NotFound,
    /// A field is not acceptable.
    #[error("{detail}")]
    Invalid {
        /// Its JSON or query name.
        field: Cow<'static, str>,
        /// What is wrong with it and what would be right.
        detail: String,
    },
    /// The body or a parameter cannot be read at all.
    #[error("{0}")]
    Malformed(String),
    /// The present state does not allow it.
    #[error("{0}")]
    Conflict(String),
    /// A fresh passkey assertion is needed.
    #[error("confirm with your passkey first, or sign in again at your organisation's provider")]
    StepUpRequired,
    /// The one-time link is unknown, used or expired; which one is not told.
    #[error(
        "this link is not valid any more: it was used, it has expired, or it was taken back. Ask for a new one"
    )]
    LinkUnknown,
    /// The passkey ceremony failed; says how as far as it helps.
    #[error("{0}")]
    PasskeyRefused(&'static str),
    /// The identity provider did not vouch for this, or not so that it counts; says why.
    #[error("{0}")]
    ProviderRefused(Cow<'static, str>),
    /// The CSR is not acceptable; says why.
    #[error("{0}")]
    CsrRefused(String),
    /// The key in the CSR belongs to an active device of this organisation.
    #[error("this key belongs to “{}” already. Replace that device, or refuse this one: a cloned disk image looks like this", .0.name)]
    KeyKnown(Box<DeviceSummary>),
    /// The key in the CSR has been revoked.
    #[error(
        "this key has been revoked and stays refused: the device has to make a new one (gangway-device reset)"
    )]
    KeyRevoked,
    /// A signer elsewhere was asked, and nobody knows whether it signed.
    #[error(
        "a signer was asked for this device's certificate before, and its reply was lost: look there for a certificate that \
         nobody holds and deactivate it, then sign again"
    )]
    ReplyLost,
    /// It would leave the organisation without an owner.
    #[error("this is the organisation's last owner: make somebody else an owner first")]
    LastOwner,
    /// The `Idempotency-Key` belongs to another request.
    #[error("this Idempotency-Key was used with another request: send a new one")]
    IdempotencyMismatch,
    /// Too many attempts.
    #[error("too many attempts: try again in {retry_after_secs} seconds")]
    RateLimited {
        /// When trying again makes sense.
        retry_after_secs: u32,
    },
    /// Somebody else is at it, or the server is short of something for a moment.
    #[error("{detail}")]
    Busy {
        /// What is busy.
        detail: &'static str,
        /// When trying again makes sense.
        retry_after_secs: u32,
    },
    /// The server cannot do this at present.
    #[error("{0}")]
    Unavailable(&'static str),
    /// A fault of the server: logged here, and told to nobody.
    #[error("the server failed at this; the failure has been logged")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// A fault, from whatever error shows it.
    pub fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(error.into())
    }

    /// Its stable name.
    #[must_use]
    pub fn code(&self) -> ProblemCode {
        use ProblemCode as Code;
        match self {
            Self::Unauthenticated | Self::InvalidToken => Code::Unauthenticated,
            Self::InsufficientScope(_) | Self::Forbidden(_) => Code::Forbidden,
            Self::NotFound => Code::NotFound,
            Self::Invalid { .. } => Code::Invalid,
            Self::Malformed(_) => Code::Malformed,
            Self::Conflict(_) => Code::Conflict,
            Self::StepUpRequired => Code::StepUpRequired,
            Self::LinkUnknown => Code::LinkUnknown,
            Self::PasskeyRefused(_) => Code::PasskeyRefused,
            Self::ProviderRefused(_) => Code::ProviderRefused,
            Self::CsrRefused(_) => Code::CsrRefused,
            Self::KeyKnown(_) => Code::KeyKnown,
            Self::KeyRevoked => Code::KeyRevoked,
            Self::ReplyLost => Code::ReplyLost,
            Self::LastOwner => Code::LastOwner,
            Self::IdempotencyMismatch => Code::IdempotencyMismatch,
            Self::RateLimited { .. } => Code::RateLimited,
            Self::Busy { .. } => Code::Busy,
            Self::Unavailable(_) => Code::Unavailable,
            Self::Internal(_) => Code::Internal,
        }
    }

    /// A field that is not acceptable.
    pub fn invalid(field: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self::Invalid {
            field: field.into(),
            detail: detail.into(),
        }
    }
}

impl From<DbError> for Error {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Busy => Self::Busy {
                detail: "the database is busy; try again in a moment",
                retry_after_secs: 2,
            },
            DbError::Away(error) => {
                tracing::warn!(%error, "the database does not answer");
                Self::Unavailable("the database does not answer at present; try again in a moment")
            }
            DbError::ReadOnly | DbError::Fenced => {
                tracing::warn!(%error, "nothing can be stored");
                Self::Unavailable("the database takes nothing at present; try again in a moment")
            }
            DbError::Full(error) => {
                tracing::error!(%error, "nothing can be stored");
                Self::Unavailable("the server's disk is full: nothing can be stored until there is room")
            }
            DbError::Conflict(error) => {
                tracing::warn!(%error, "a transaction was ended because of others, again and again");
                Self::Busy {
                    detail: "the database is busy; try again in a moment",
                    retry_after_secs: 2,
                }
            }
            DbError::Nul => Self::invalid("body", error.to_string()),
            other => Self::internal(other),
        }
    }
}

impl From<TooMany> for Error {
    fn from(TooMany { retry_after_secs }: TooMany) -> Self {
        Self::RateLimited { retry_after_secs }
    }
}

impl From<UnfitText> for Error {
    fn from(error: UnfitText) -> Self {
        let (UnfitText::TooLong { field, .. } | UnfitText::Character { field }) = error;
        Self::invalid(field, error.to_string())
    }
}

impl From<InvalidTransition> for Error {
    fn from(error: InvalidTransition) -> Self {
        Self::Conflict(error.to_string())
    }
}

impl From<CaError> for Error {
    fn from(error: CaError) -> Self {
        match error {
            CaError::Db(error) => error.into(),
            CaError::Expired => Self::Unavailable(
                "the built-in CA cannot sign: its intermediate has expired; the operator has to import a new one",
            ),
            other => Self::internal(other),
        }
    }
}
