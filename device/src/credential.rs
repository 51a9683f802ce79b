//! A credential: a certificate for the device's own key with what belongs to it, and the rules by which one is accepted
//! (protocol.md §2, "The device accepts a certificate if"). Pure: the time is handed in.

use gangway_protocol::certificate::{same_name, split_chain};
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::enrolment::Endpoint;
use gangway_protocol::time::UnixMillis;
use serde::{Deserialize, Serialize};
use x509_cert::der::Decode as _;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::X509Name;

/// How far the server's clock and the signer's may be apart.
const VALIDITY_TOLERANCE: i64 = 10 * UnixMillis::MINUTE;

/// A certificate for the device's key, verified by [`verify`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Digest of the leaf's DER.
    pub sha256: Sha256Hex,
    /// Digest of the SubjectPublicKeyInfo that the leaf holds.
    pub key: Sha256Hex,
    /// PEM blocks, leaf first.
    pub chain: String,
    /// PEM blocks of the issuers at which the chain ends, where the signer told them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_anchors: Option<String>,
    /// Subject, RFC 4514.
    pub subject: String,
    /// Start of validity.
    pub not_before: UnixMillis,
    /// End of validity.
    pub not_after: UnixMillis,
    /// Where to connect with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
}

/// Applies the rules: the leaf holds the device's public key, each element is signed by the next, `now` (the server's
/// time) lies within the leaf's validity ± 10 minutes, and the chain ends at a trust anchor where some are given.
///
/// # Errors
/// The first rule that is broken.
pub fn verify(
    chain: &str,
    trust_anchors: Option<&str>,
    endpoints: Vec<Endpoint>,
    spki: &[u8],
    now: UnixMillis,
) -> Result<Credential, CredentialError> {
    // protocol.md, PEM: at most 10 blocks and 32768 bytes, and nothing but white space around them.
    let blocks = split_chain(chain).map_err(|_| CredentialError::ChainUnreadable)?;
    let parsed = parse(&blocks).map_err(|()| CredentialError::ChainUnreadable)?;
    let leaf = parsed.first().ok_or(CredentialError::ChainUnreadable)?;
    if leaf.public_key().raw != spki {
        return Err(CredentialError::ForeignKey);
    }
    for (place, pair) in parsed.windows(2).enumerate() {
        if let [subject, issuer] = pair
            && !signed_by(subject, issuer)
        {
            return Err(CredentialError::ChainBroken { place });
        }
    }
    let (not_before, not_after) = validity(leaf);
    if now.plus(VALIDITY_TOLERANCE) < not_before {
        return Err(CredentialError::NotYetValid { not_before, now });
    }
    if now.plus(-VALIDITY_TOLERANCE) > not_after {
        return Err(CredentialError::Expired { not_after, now });
    }
    if let (Some(anchors), Some(last)) = (trust_anchors, parsed.last()) {
        let blocks = split_chain(anchors).map_err(|_| CredentialError::AnchorsUnreadable)?;
        let anchors = parse(&blocks).map_err(|()| CredentialError::AnchorsUnreadable)?;
        if !anchors
            .iter()
            .any(|anchor| anchor.as_raw() == last.as_raw() || signed_by(last, anchor))
        {
            return Err(CredentialError::ForeignAnchor);
        }
    }
    Ok(Credential {
        sha256: Sha256Hex::of(leaf.as_raw()),
        key: Sha256Hex::of(spki),
        chain: chain.to_owned(),
        trust_anchors: trust_anchors.map(str::to_owned),
        subject: rfc4514(leaf.subject()),
        not_before,
        not_after,
        endpoints,
    })
}

/// Why a credential was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// Not PEM of X.509 certificates, none at all, or too many.
    #[error(
        "the certificate chain could not be read; the signer has to deliver PEM certificates, leaf first"
    )]
    ChainUnreadable,
    /// The leaf is for another key.
    #[error(
        "the certificate was made for another key than this device's; sign the CSR that this device sent"
    )]
    ForeignKey,
    /// An element is not signed by the next.
    #[error("certificate {} of the chain is not signed by the one after it; the signer has to deliver its whole chain in order", place + 1)]
    ChainBroken {
        /// Counted from the leaf, which is 0.
        place: usize,
    },
    /// Valid later.
    #[error("the certificate is not valid yet; compare the clocks of the signer and of the server")]
    NotYetValid {
        /// Start of validity.
        not_before: UnixMillis,
        /// The server's time.
        now: UnixMillis,
    },
    /// Valid earlier.
    #[error("the certificate has expired already; compare the clocks of the signer and of the server")]
    Expired {
        /// End of validity.
        not_after: UnixMillis,
        /// The server's time.
        now: UnixMillis,
    },
    /// The trust anchors are not certificates.
    #[error("the trust anchors could not be read; they have to be PEM certificates")]
    AnchorsUnreadable,
    /// The chain ends elsewhere.
    #[error(
        "the chain does not end at one of the trust anchors that came with it; check the signer's configuration"
    )]
    ForeignAnchor,
}

impl CredentialError {
    /// The stable name that goes into `failed`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::ChainUnreadable => "chain_unreadable",
            Self::ForeignKey => "foreign_key",
            Self::ChainBroken { .. } => "chain_broken",
            Self::NotYetValid { .. } => "not_yet_valid",
            Self::Expired { .. } => "expired",
            Self::AnchorsUnreadable => "anchors_unreadable",
            Self::ForeignAnchor => "foreign_anchor",
        }
    }
}

/// A distinguished name as RFC 4514 writes it, the most particular part first: as the server shows it.
fn rfc4514(name: &X509Name<'_>) -> String {
    x509_cert::name::Name::from_der(name.as_raw()).map_or_else(|_| name.to_string(), |name| name.to_string())
}

/// RFC 5280 §6.1.3 (a)(1) and (a)(4): the signature verifies with the issuer's key, and the names chain.
fn signed_by(subject: &X509Certificate<'_>, issuer: &X509Certificate<'_>) -> bool {
    same_name(subject.issuer().as_raw(), issuer.subject().as_raw())
        && subject.verify_signature(Some(issuer.public_key())).is_ok()
}

fn validity(certificate: &X509Certificate<'_>) -> (UnixMillis, UnixMillis) {
    let validity = certificate.validity();
    let millis = |secs: i64| UnixMillis(secs.saturating_mul(UnixMillis::SECOND));
    (
        millis(validity.not_before.timestamp()),
        millis(validity.not_after.timestamp()),
    )
}

fn parse(blocks: &[Vec<u8>]) -> Result<Vec<X509Certificate<'_>>, ()> {
    if !blocks.iter().all(|block| is_strict(block)) {
        return Err(());
    }
    blocks
        .iter()
        .map(|block| {
            X509Certificate::from_der(block)
                .map(|(_, certificate)| certificate)
                .map_err(|_| ())
        })
        .collect()
}

/// x509-parser is lenient about tags and the outer algorithm, which nobody signs; a certificate is known by the digest
/// of all its bytes, so there may be only one spelling. RFC 5280 §4.1.1.2: both algorithm fields are the same.
fn is_strict(der: &[u8]) -> bool {
    x509_cert::Certificate::from_der(der).is_ok_and(|read| {
        let same = read.signature_algorithm == read.tbs_certificate.signature;
        let whole_octets = read.signature.unused_bits() == 0;
        same && whole_octets
    })
}

#[cfg(test)]
#[path = "credential/tests.rs"]
mod tests;
