//! A certificate that somebody presents, read: a device in a proof, a claimant that had it signed elsewhere.

use gangway_protocol::certificate::{PublicKey, join_chain, split_chain};
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::time::UnixMillis;
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};

use super::{identity, moment, verify};

/// Why a presented chain is not taken. `Display` is for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

/// The leaf of a presented chain.
#[derive(Clone, Debug)]
pub struct Presented {
    der: Vec<u8>,
    /// DER of what stands above it.
    above: Vec<Vec<u8>>,
    leaf: Certificate,
    key: PublicKey,
    sha256: Sha256Hex,
}

impl Presented {
    /// Reads the leaf of `chain` (PEM blocks, leaf first). What stands above it is not looked at: certificates are
    /// looked up, whoever signed them.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(chain: &str) -> Result<Self, Unreadable> {
        let mut blocks = split_chain(chain)
            .map_err(|error| Unreadable(error.to_string()))?
            .into_iter();
        let der = blocks
            .next()
            .ok_or_else(|| Unreadable("the chain is empty".to_owned()))?;
        Ok(Self {
            above: blocks.collect(),
            ..Self::from_der(&der)?
        })
    }

    /// Reads a leaf.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_der(der: &[u8]) -> Result<Self, Unreadable> {
        let unreadable = |_| Unreadable("the first certificate of the chain is damaged".to_owned());
        let leaf = Certificate::from_der(der).map_err(unreadable)?;
        if !is_strict(&leaf, der) {
            return Err(Unreadable(
                "the first certificate of the chain is not as its issuer wrote it".to_owned(),
            ));
        }
        let spki = leaf
            .tbs_certificate
            .subject_public_key_info
            .to_der()
            .map_err(unreadable)?;
        let key = PublicKey::from_spki(&spki).map_err(|error| Unreadable(error.to_string()))?;
        Ok(Self {
            sha256: Sha256Hex::of(der),
            der: der.to_vec(),
            above: Vec::new(),
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

    /// The leaf.
    #[must_use]
    pub fn leaf(&self) -> &Certificate {
        &self.leaf
    }

    /// By which name the device's own protocol knows it, where the certificate says that.
    #[must_use]
    pub fn known_as(&self) -> Option<String> {
        identity::known_as(&self.leaf.tbs_certificate.subject)
    }

    /// Its public key.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Serial number, as records hold it.
    #[must_use]
    pub fn serial(&self) -> String {
        data_encoding::HEXLOWER.encode(self.leaf.tbs_certificate.serial_number.as_bytes())
    }

    /// The leaf, PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        join_chain([&self.der])
    }

    /// What stands above it, PEM blocks; nothing: empty.
    #[must_use]
    pub fn above(&self) -> String {
        join_chain(&self.above)
    }

    /// Start of its validity.
    #[must_use]
    pub fn not_before(&self) -> UnixMillis {
        moment::from_x509(self.leaf.tbs_certificate.validity.not_before)
    }

    /// End of its validity.
    #[must_use]
    pub fn not_after(&self) -> UnixMillis {
        moment::from_x509(self.leaf.tbs_certificate.validity.not_after)
    }
}

/// A certificate is known by the digest of all its bytes, while its signature covers only a part, and that as we encode it
/// anew. So there may be one spelling alone: DER without anything that reads the same, the same algorithm outside as
/// inside (RFC 5280 §4.1.1.2), and a signature of whole octets. What remains is that an ECDSA signature has a twin
/// (r, n − s): of our own CA the serial number tells that one, and what others sign is looked up by its digest alone.
fn is_strict(leaf: &Certificate, der: &[u8]) -> bool {
    leaf.to_der().is_ok_and(|written| written == der)
        && leaf.signature_algorithm == leaf.tbs_certificate.signature
        && leaf.signature.unused_bits() == 0
}
