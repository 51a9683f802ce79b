//! Why something with a plgd client did not work.

use gangway_protocol::certificate::CsrRefusal;

use crate::{NoAnswer, SignInError, SigningError};

/// Why something with a plgd client did not work. `Display` is for people.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ClientError {
    /// No answer came from the client: network, CORS or its certificate; a browser does not tell which.
    #[error("the client did not answer, or does not allow this page to ask ({detail})")]
    Unreachable {
        /// What is known of it.
        detail: String,
    },
    /// The client's challenge had expired again, after a fresh one was asked for.
    #[error("the client’s challenge has expired, and so has the one after it")]
    Expired,
    /// The client does not take the token.
    #[error("the client does not accept this sign-in: {detail}")]
    NotAccepted {
        /// What it says.
        detail: String,
    },
    /// The client says no.
    #[error("the client refused: {detail}")]
    Refused {
        /// What it says.
        detail: String,
        /// The HTTP status.
        status: u16,
    },
    /// Somebody else has initialised the client.
    #[error("the client was initialised by {owner}")]
    Occupied {
        /// Whom it names.
        owner: String,
    },
    /// What the client says of itself afterwards is not what was asked for.
    #[error("the client says that it is done, but its configuration tells something else")]
    OtherOutcome,
    /// The token names no owner.
    #[error("the access token does not name its owner (claim {claim})")]
    NoOwner {
        /// The claim.
        claim: String,
    },
    /// The request is not one that an authority should see.
    #[error("the certificate request is not passed on: {0}")]
    Request(#[from] UnfitRequest),
    /// Whoever signs did not.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// The built-in CA says why.
    #[error("the built-in CA does not sign this request: {detail}")]
    BuiltinRefused {
        /// What it says.
        detail: String,
        /// The HTTP status.
        status: u16,
    },
    /// The authority where people sign in, or the hub, is not as it has to be.
    #[error("{0}")]
    Authority(#[from] SignInError),
    /// The hub does not say all that a device needs.
    #[error("the hub’s configuration does not tell its {what}, without which no device can join it")]
    HubIncomplete {
        /// The field.
        what: &'static str,
    },
    /// An answer in a form that this version does not understand.
    #[error("an answer could not be understood ({detail})")]
    Malformed {
        /// What could not be read.
        detail: String,
    },
}

/// Why a certificate request is not passed on to an authority, which would copy what it asks for. `Display` is for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitRequest {
    /// Not base64 of the PEM of a request.
    #[error("it is not PEM in base64")]
    Encoding,
    /// It cannot be read, or its key is not acceptable.
    #[error(transparent)]
    Csr(#[from] CsrRefusal),
    /// It is for somebody else.
    #[error("it is for “{found}”, not for “{wanted}”")]
    Name {
        /// Its common name.
        found: String,
        /// What it has to be.
        wanted: String,
    },
    /// Verifiers would not agree which name counts.
    #[error("it has more than one common name")]
    SeveralNames,
    /// It asks for a certificate that may sign others.
    #[error("it asks for a certificate that may sign others")]
    Authority,
    /// It is meant for something else than an identity.
    #[error("it asks for a purpose that an identity does not have ({oid})")]
    Purpose {
        /// The purpose.
        oid: String,
    },
    /// It asks for something that has no place in an identity certificate.
    #[error("it asks for an extension that has no place in an identity certificate ({oid})")]
    Extension {
        /// The extension.
        oid: String,
    },
}

pub(super) fn malformed(error: impl std::fmt::Display) -> ClientError {
    ClientError::Malformed {
        detail: crate::sign_in::shown(&error.to_string()),
    }
}

pub(super) fn unreachable(NoAnswer { detail }: NoAnswer) -> ClientError {
    ClientError::Unreachable { detail }
}
