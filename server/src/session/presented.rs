//! The certificate that a device presents in a proof, read.

use gangway_protocol::certificate::{PublicKey, join_chain, split_chain};
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::error::{Problem, ProblemCode};
use gangway_protocol::time::UnixMillis;
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};

use crate::ca::{moment, verify};

/// The leaf of a presented chain.
#[derive(Clone, Debug)]
pub struct Presented {
    der: Vec<u8>,
    leaf: Certificate,
    key: PublicKey,
    sha256: Sha256Hex,
}

impl Presented {
    /// Reads the leaf of `chain` (PEM blocks, leaf first). What stands above it is not looked at: certificates are
    /// looked up, whoever signed them.
    ///
    /// # Errors
    /// The problem to send.
    pub fn parse(chain: &str) -> Result<Self, Problem> {
        let malformed = |message: String| Problem {
            code: ProblemCode::Malformed,
            message,
            retry_after_secs: None,
        };
        let mut blocks = split_chain(chain)
            .map_err(|error| malformed(error.to_string()))?
            .into_iter();
        let der = blocks
            .next()
            .ok_or_else(|| malformed("the chain is empty".to_owned()))?;
        let unreadable = |_| malformed("the first certificate of the chain is damaged".to_owned());
        let leaf = Certificate::from_der(&der).map_err(unreadable)?;
        if !is_strict(&leaf, &der) {
            return Err(malformed(
                "the first certificate of the chain is not as its issuer wrote it".to_owned(),
            ));
        }
        let spki = leaf
            .tbs_certificate
            .subject_public_key_info
            .to_der()
            .map_err(unreadable)?;
        let key = PublicKey::from_spki(&spki).map_err(|error| malformed(error.to_string()))?;
        Ok(Self {
            sha256: Sha256Hex::of(&der),
            der,
            leaf,
            key,
        })
    }

    /// Whether `signature` over `message` is by the leaf's key.
    #[must_use]
    pub fn said(&self, message: &[u8], signature: &[u8]) -> bool {
        verify::said_by(&self.key, message, signature)
    }

    /// Digest of the leaf's DER.
    #[must_use]
    pub fn sha256(&self) -> &Sha256Hex {
        &self.sha256
    }

    pub(super) fn leaf(&self) -> &Certificate {
        &self.leaf
    }

    pub(super) fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Serial number, as records hold it.
    pub(super) fn serial(&self) -> String {
        data_encoding::HEXLOWER.encode(self.leaf.tbs_certificate.serial_number.as_bytes())
    }

    pub(super) fn pem(&self) -> String {
        join_chain([&self.der])
    }

    pub(super) fn not_after(&self) -> UnixMillis {
        moment::from_x509(self.leaf.tbs_certificate.validity.not_after)
    }
}

/// A certificate is known by the digest of all its bytes, while its signature covers only a part, and that as we encode it
/// anew. So there may be one spelling alone: DER without anything that reads the same, the same algorithm outside as
/// inside (RFC 5280 §4.1.1.2), and a signature of whole octets. What remains is that an ECDSA signature has a twin
/// (r, n − s); the serial number tells that one.
fn is_strict(leaf: &Certificate, der: &[u8]) -> bool {
    leaf.to_der().is_ok_and(|written| written == der)
        && leaf.signature_algorithm == leaf.tbs_certificate.signature
        && leaf.signature.unused_bits() == 0
}
