//! Why a TLS handshake failed, in words for whoever has to put it right: the same for devices and for the command line. Not
//! the verdict, which is [`super::ServerVerifier`]'s.

use rustls::{CertificateError, InvalidMessage, OtherError};

use super::MarkedAsCa;

/// What a failed handshake means. `Display` is about the other side: "its certificate …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeFault {
    /// What came was no TLS: HTTP, SSH, anything.
    #[error("what answers there does not speak TLS; the address may lack its port, or have another one's")]
    NotTls,
    /// No anchor has the name of the issuer.
    #[error("its certificate comes from an issuer that is not known here")]
    UnknownIssuer,
    /// An anchor has the name of the issuer, and another key: RFC 5280 knows CAs by their names, and a CA that makes itself a
    /// new key under the old name is another one.
    #[error(
        "its certificate bears the name of an issuer that is trusted here, but was signed with another key: either that issuer \
         has made itself a new key under its old name, and its former certificate is still the trusted one, or it is not that \
         issuer"
    )]
    OtherIssuerKey,
    /// Signed in a way that is not verified here.
    #[error(
        "its certificate, or that of one of its issuers, is signed in a way that is not verified here: ECDSA on P-256 or P-384, \
         Ed25519 and RSA with SHA-256, SHA-384 or SHA-512 are, P-521, Ed448, DSA and SHA-1 are not"
    )]
    Algorithm,
    /// For another name.
    #[error("its certificate is not for {0}")]
    OtherName(String),
    /// Marked as a CA and not itself trusted.
    #[error(transparent)]
    MarkedAsCa(MarkedAsCa),
    /// Anything else, as rustls says it.
    #[error("{0}")]
    Other(String),
}

impl HandshakeFault {
    /// What this error of rustls means.
    #[must_use]
    pub fn of(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(reason) => Self::of_certificate(reason),
            rustls::Error::InvalidMessage(
                InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
            ) => Self::NotTls,
            other => Self::Other(other.to_string()),
        }
    }

    fn of_certificate(reason: &CertificateError) -> Self {
        match reason {
            CertificateError::Other(OtherError(inner)) => match inner.downcast_ref() {
                Some(marked) => Self::MarkedAsCa(*marked),
                None => Self::Other(inner.to_string()),
            },
            CertificateError::UnknownIssuer => Self::UnknownIssuer,
            CertificateError::BadSignature
            // The former key and the new one are of different kinds.
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => Self::OtherIssuerKey,
            CertificateError::UnsupportedSignatureAlgorithmContext { .. } => Self::Algorithm,
            CertificateError::NotValidForNameContext { expected, .. } => {
                Self::OtherName(expected.to_str().into_owned())
            }
            other => Self::Other(other.to_string()),
        }
    }
}
