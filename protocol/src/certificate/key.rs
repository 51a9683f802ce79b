//! Public keys: which ones a device may have.
//!
//! Exactly one encoding of a key is accepted, so that the digest of its SubjectPublicKeyInfo names the key.

use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::traits::IsIdentity as _;
use der::asn1::{BitStringRef, ObjectIdentifier, UintRef};
use der::{Decode as _, Reader as _, SliceReader, Tag};

use super::pem;
use super::signature::{SignatureAlgorithm, read_identifier};
use super::weak;
use crate::encoding::Sha256Hex;

/// Label of public keys (RFC 7468 §13).
const PUBLIC_KEY: &str = "PUBLIC KEY";
/// Longest public key as PEM. One of RSA 4096 has 800 bytes.
const MAX_PEM_LEN: usize = 4096;
/// Smallest RSA modulus: 112 bits of security (NIST SP 800-57 part 1, table 2).
pub const MIN_RSA_BITS: usize = 2048;
/// Largest RSA modulus: larger ones cost the server more than they give.
pub const MAX_RSA_BITS: usize = 4096;
/// 65537, the only exponent accepted (threat model, ENR-13).
const RSA_EXPONENT: &[u8] = &[0x01, 0x00, 0x01];

const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const SECP256R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// A public key that a device may have.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    kind: KeyKind,
    spki: Vec<u8>,
    bits: Vec<u8>,
}

/// Kinds of key that are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// Ed25519.
    Ed25519,
    /// RSA with e = 65537.
    Rsa {
        /// Size of the modulus, [`MIN_RSA_BITS`] to [`MAX_RSA_BITS`].
        bits: usize,
    },
}

/// Why a key is not accepted, in words for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefusal {
    /// Neither elliptic curve, Ed25519 nor RSA.
    #[error(
        "the key is of a kind that is not accepted ({oid}); use P-256, P-384, Ed25519 or RSA with 2048 to 4096 bits"
    )]
    Algorithm {
        /// The algorithm's object identifier.
        oid: ObjectIdentifier,
    },
    /// Another elliptic curve.
    #[error("the key is on an elliptic curve that is not accepted ({oid}); use P-256 or P-384")]
    Curve {
        /// The curve's object identifier.
        oid: ObjectIdentifier,
    },
    /// A curve given by its numbers, or a point in compressed form.
    #[error(
        "the elliptic curve key is not in the common form (named curve, uncompressed point); let the device make a new one"
    )]
    CurveForm,
    /// Too short or too long.
    #[error(
        "the RSA key has {bits} bits; {MIN_RSA_BITS} to {MAX_RSA_BITS} are accepted. Make a new key, best P-256"
    )]
    RsaBits {
        /// Its size.
        bits: usize,
    },
    /// An exponent that invites attacks.
    #[error("the RSA key has another public exponent than 65537; make a new key, best P-256")]
    RsaExponent,
    /// A second way to write the same key.
    #[error(
        "the RSA key is written without its NULL parameters (RFC 3279 §2.3.1); make the request with a tool that writes them, \
         such as OpenSSL"
    )]
    RsaParameters,
    /// A second way to write the same key.
    #[error(
        "the Ed25519 key is written with parameters, which it must not have (RFC 8410 §3); make the request with a tool that \
         leaves them out, such as OpenSSL"
    )]
    Ed25519Parameters,
    /// A modulus with the mark of CVE-2017-15361.
    #[error(
        "the RSA key was made by a chip or library whose keys can be computed from the outside (ROCA, CVE-2017-15361); make a new key in software, best P-256"
    )]
    Roca,
    /// A key that can be computed from the outside for another reason.
    #[error("the key is broken: {why}; make a new one, best P-256")]
    Broken {
        /// What is wrong with it.
        why: &'static str,
    },
    /// Not the DER of a SubjectPublicKeyInfo.
    #[error("the public key is damaged; let the device make a new one")]
    Malformed,
}

impl PublicKey {
    /// Reads exactly one PEM block `PUBLIC KEY` (RFC 7468 §13), as [`Self::from_spki`].
    ///
    /// # Errors
    /// Why the key is not accepted.
    pub fn from_pem(text: &str) -> Result<Self, KeyRefusal> {
        if text.len() > MAX_PEM_LEN {
            return Err(KeyRefusal::Malformed);
        }
        let mut blocks = pem::decode(PUBLIC_KEY, text, 1).map_err(|_| KeyRefusal::Malformed)?;
        Self::from_spki(&blocks.swap_remove(0))
    }

    /// Reads a DER SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) and applies the policy.
    ///
    /// That a point lies on its NIST curve is checked by whoever verifies the first signature with it.
    ///
    /// # Errors
    /// Why the key is not accepted.
    pub fn from_spki(spki: &[u8]) -> Result<Self, KeyRefusal> {
        let (identifier, bits) = split(spki).map_err(|_| KeyRefusal::Malformed)?;
        let (oid, parameters) = read_identifier(identifier).map_err(|_| KeyRefusal::Malformed)?;
        let kind = match (oid, parameters) {
            (EC_PUBLIC_KEY, parameters) => curve_kind(parameters, bits)?,
            // RFC 8410 §3: no parameters.
            (ED25519, None) => ed25519_kind(bits)?,
            // RFC 3279 §2.3.1: the parameters are NULL.
            (RSA_ENCRYPTION, Some([0x05, 0x00])) => rsa_kind(bits)?,
            (RSA_ENCRYPTION, _) => return Err(KeyRefusal::RsaParameters),
            (ED25519, _) => return Err(KeyRefusal::Ed25519Parameters),
            (oid, _) => return Err(KeyRefusal::Algorithm { oid }),
        };
        Ok(Self {
            kind,
            spki: spki.to_vec(),
            bits: bits.to_vec(),
        })
    }

    /// What kind of key it is.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The DER SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// What the BIT STRING holds: an uncompressed point, the 32 bytes of Ed25519, or a DER RSAPublicKey.
    #[must_use]
    pub fn bits(&self) -> &[u8] {
        &self.bits
    }

    /// Digest of [`PublicKey::spki_der`]: the name of the key.
    #[must_use]
    pub fn spki_sha256(&self) -> Sha256Hex {
        Sha256Hex::of(&self.spki)
    }
}

impl KeyKind {
    /// How a key of this kind signs proofs and endorsements (`protocol.md` §3).
    #[must_use]
    pub fn session_algorithm(self) -> SignatureAlgorithm {
        match self {
            Self::P256 => SignatureAlgorithm::EcdsaSha256,
            Self::P384 => SignatureAlgorithm::EcdsaSha384,
            Self::Ed25519 => SignatureAlgorithm::Ed25519,
            Self::Rsa { .. } => SignatureAlgorithm::RsaSha256,
        }
    }
}

impl std::fmt::Display for KeyKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::P256 => f.write_str("P-256"),
            Self::P384 => f.write_str("P-384"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Rsa { bits } => write!(f, "RSA {bits}"),
        }
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({}, {})", self.kind, self.spki_sha256())
    }
}

/// AlgorithmIdentifier and key of a SubjectPublicKeyInfo.
fn split(spki: &[u8]) -> der::Result<(&[u8], &[u8])> {
    let mut reader = SliceReader::new(spki)?;
    let (identifier, bits) =
        reader.sequence(|fields| Ok((fields.tlv_bytes()?, BitStringRef::decode(fields)?)))?;
    let bits = bits.as_bytes().ok_or_else(|| Tag::BitString.value_error())?;
    if reader.is_finished() {
        Ok((identifier, bits))
    } else {
        Err(Tag::Sequence.value_error())
    }
}

fn curve_kind(parameters: Option<&[u8]>, bits: &[u8]) -> Result<KeyKind, KeyRefusal> {
    // RFC 5480 §2.1.1: a named curve is an OBJECT IDENTIFIER; specified curves must not be used.
    let curve = parameters
        .and_then(|der| ObjectIdentifier::from_der(der).ok())
        .ok_or(KeyRefusal::CurveForm)?;
    let (kind, coordinate) = match curve {
        SECP256R1 => (KeyKind::P256, 32),
        SECP384R1 => (KeyKind::P384, 48),
        oid => return Err(KeyRefusal::Curve { oid }),
    };
    if bits.len() == 1 + 2 * coordinate && bits.first() == Some(&0x04) {
        Ok(kind)
    } else {
        Err(KeyRefusal::CurveForm)
    }
}

fn ed25519_kind(bits: &[u8]) -> Result<KeyKind, KeyRefusal> {
    let encoded = CompressedEdwardsY::from_slice(bits).map_err(|_| KeyRefusal::Malformed)?;
    let point = encoded.decompress().ok_or(KeyRefusal::Malformed)?;
    // A point of small order has signatures that anybody can make; other components and encodings no honest key has.
    if point.compress() != encoded || !point.is_torsion_free() || point.is_identity() {
        return Err(KeyRefusal::Broken {
            why: "its point is not in the group of Ed25519",
        });
    }
    Ok(KeyKind::Ed25519)
}

/// RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } (RFC 8017 §A.1.1).
fn rsa_kind(bits: &[u8]) -> Result<KeyKind, KeyRefusal> {
    let read = |bits| {
        let mut reader = SliceReader::new(bits)?;
        let numbers = reader.sequence(|pair| Ok((UintRef::decode(pair)?, UintRef::decode(pair)?)))?;
        if reader.is_finished() {
            Ok(numbers)
        } else {
            Err(Tag::Sequence.value_error())
        }
    };
    let (modulus, exponent) = read(bits).map_err(|_: der::Error| KeyRefusal::Malformed)?;
    let modulus = modulus.as_bytes();
    let bits = bit_length(modulus);
    if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
        return Err(KeyRefusal::RsaBits { bits });
    }
    if exponent.as_bytes() != RSA_EXPONENT {
        return Err(KeyRefusal::RsaExponent);
    }
    weak::check_modulus(modulus)?;
    Ok(KeyKind::Rsa { bits })
}

fn bit_length(big_endian: &[u8]) -> usize {
    let zeros = big_endian.first().map_or(0, |first| first.leading_zeros());
    (big_endian.len() * 8).saturating_sub(usize::try_from(zeros).unwrap_or(0))
}
