//! Signatures: which algorithms are accepted, and what a verifier is handed.

use der::asn1::{ObjectIdentifier, UintRef};
use der::{Decode as _, Reader as _, SliceReader, Tag};

use super::key::{KeyKind, PublicKey};

/// A signature algorithm that is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// ECDSA with SHA-256, the signature as ASN.1 DER (RFC 5758 §3.2).
    EcdsaSha256,
    /// ECDSA with SHA-384, the signature as ASN.1 DER.
    EcdsaSha384,
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// RSA PKCS#1 v1.5 with SHA-256 (RFC 4055 §5).
    RsaSha256,
    /// RSA PKCS#1 v1.5 with SHA-384.
    RsaSha384,
    /// RSA PKCS#1 v1.5 with SHA-512.
    RsaSha512,
}

/// Everything that a crypto library needs to verify one signature.
#[derive(Clone, Copy, Debug)]
pub struct SignatureCheck<'a> {
    /// How it is signed.
    pub algorithm: SignatureAlgorithm,
    /// By whom. WebCrypto imports [`PublicKey::spki_der`], ring takes [`PublicKey::bits`].
    pub key: &'a PublicKey,
    /// What is signed.
    pub message: &'a [u8],
    /// The signature; ECDSA as ASN.1 DER, which ring takes and WebCrypto does not: see [`SignatureCheck::ecdsa_p1363`].
    pub signature: &'a [u8],
}

/// Why a signature algorithm is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureRefusal {
    /// A broken or too short hash.
    #[error("the certificate request is signed with {name}, which is no longer safe; sign it with SHA-256")]
    Weak {
        /// Its usual name.
        name: &'static str,
    },
    /// An algorithm that is not on the list.
    #[error(
        "the certificate request is signed with an algorithm that is not accepted ({oid}); use ECDSA or RSA PKCS#1 v1.5 with SHA-256, or Ed25519"
    )]
    Unlisted {
        /// Its object identifier.
        oid: ObjectIdentifier,
    },
    /// An algorithm that does not go with the key in the request.
    #[error(
        "the certificate request says that a {key} key signed it with {algorithm}, which cannot be; let the device make a new one"
    )]
    Mismatch {
        /// The algorithm.
        algorithm: SignatureAlgorithm,
        /// The key.
        key: KeyKind,
    },
    /// Parameters that the algorithm does not have.
    #[error(
        "the certificate request is signed with {algorithm}, written with parameters that it must not have (RFC 5758 §3.2, RFC \
         8410 §3); make it with another tool, such as OpenSSL"
    )]
    Parameters {
        /// The algorithm.
        algorithm: SignatureAlgorithm,
    },
    /// Not an AlgorithmIdentifier.
    #[error("the signature algorithm of the certificate request is damaged; let the device make a new one")]
    Malformed,
}

impl SignatureAlgorithm {
    /// The algorithm of a DER AlgorithmIdentifier.
    ///
    /// # Errors
    /// Why it is not accepted.
    pub(super) fn from_identifier(identifier: &[u8]) -> Result<Self, SignatureRefusal> {
        let (oid, parameters) = read_identifier(identifier).map_err(|_| SignatureRefusal::Malformed)?;
        let algorithm = match oid.to_string().as_str() {
            "1.2.840.10045.4.3.2" => Self::EcdsaSha256,
            "1.2.840.10045.4.3.3" => Self::EcdsaSha384,
            "1.3.101.112" => Self::Ed25519,
            "1.2.840.113549.1.1.11" => Self::RsaSha256,
            "1.2.840.113549.1.1.12" => Self::RsaSha384,
            "1.2.840.113549.1.1.13" => Self::RsaSha512,
            other => {
                return Err(
                    weak_name(other).map_or(SignatureRefusal::Unlisted { oid }, |name| {
                        SignatureRefusal::Weak { name }
                    }),
                );
            }
        };
        match (algorithm, parameters) {
            (_, None) => Ok(algorithm),
            // RFC 4055 §5: NULL is written, and absence must be accepted as well.
            (Self::RsaSha256 | Self::RsaSha384 | Self::RsaSha512, Some([0x05, 0x00])) => Ok(algorithm),
            // RFC 5758 §3.2 and RFC 8410 §3: the parameters must be absent.
            _ => Err(SignatureRefusal::Parameters { algorithm }),
        }
    }

    /// Whether a key of this kind can sign with it.
    #[must_use]
    pub fn fits(self, key: KeyKind) -> bool {
        match self {
            Self::EcdsaSha256 | Self::EcdsaSha384 => matches!(key, KeyKind::P256 | KeyKind::P384),
            Self::Ed25519 => key == KeyKind::Ed25519,
            Self::RsaSha256 | Self::RsaSha384 | Self::RsaSha512 => matches!(key, KeyKind::Rsa { .. }),
        }
    }
}

impl SignatureCheck<'_> {
    /// An ECDSA signature as WebCrypto wants it: r and s, each as long as the curve's order (IEEE P1363).
    /// `None` when it is not the DER of two numbers of that size, which makes it a bad signature.
    #[must_use]
    pub fn ecdsa_p1363(&self) -> Option<Vec<u8>> {
        let len = match self.key.kind() {
            KeyKind::P256 => 32,
            KeyKind::P384 => 48,
            KeyKind::Ed25519 | KeyKind::Rsa { .. } => return None,
        };
        let mut reader = SliceReader::new(self.signature).ok()?;
        let (r, s) = reader
            .sequence(|pair| Ok((UintRef::decode(pair)?, UintRef::decode(pair)?)))
            .ok()?;
        if !reader.is_finished() {
            return None;
        }
        let mut raw = vec![0; 2 * len];
        for (number, half) in [r, s].into_iter().zip(raw.chunks_mut(len)) {
            let start = len.checked_sub(number.as_bytes().len())?;
            half[start..].copy_from_slice(number.as_bytes());
        }
        Some(raw)
    }
}

impl std::fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::EcdsaSha256 => "ECDSA with SHA-256",
            Self::EcdsaSha384 => "ECDSA with SHA-384",
            Self::Ed25519 => "Ed25519",
            Self::RsaSha256 => "RSA with SHA-256",
            Self::RsaSha384 => "RSA with SHA-384",
            Self::RsaSha512 => "RSA with SHA-512",
        })
    }
}

/// AlgorithmIdentifier ::= SEQUENCE { OBJECT IDENTIFIER, parameters ANY OPTIONAL } (RFC 5280 §4.1.1.2).
pub(super) fn read_identifier(identifier: &[u8]) -> der::Result<(ObjectIdentifier, Option<&[u8]>)> {
    let mut reader = SliceReader::new(identifier)?;
    let read = reader.sequence(|fields| {
        let oid = ObjectIdentifier::decode(fields)?;
        let parameters = if fields.is_finished() {
            None
        } else {
            Some(fields.tlv_bytes()?)
        };
        Ok((oid, parameters))
    })?;
    if reader.is_finished() {
        Ok(read)
    } else {
        Err(Tag::Sequence.value_error())
    }
}

fn weak_name(oid: &str) -> Option<&'static str> {
    Some(match oid {
        "1.2.840.113549.1.1.2" => "RSA and MD2",
        "1.2.840.113549.1.1.3" => "RSA and MD4",
        "1.2.840.113549.1.1.4" => "RSA and MD5",
        "1.2.840.113549.1.1.5" | "1.3.14.3.2.29" => "RSA and SHA-1",
        "1.2.840.113549.1.1.14" => "RSA and SHA-224",
        "1.2.840.10045.4.1" => "ECDSA and SHA-1",
        "1.2.840.10045.4.3.1" => "ECDSA and SHA-224",
        "1.2.840.10040.4.3" => "DSA and SHA-1",
        _ => return None,
    })
}
