//! Certificate signing requests (PKCS#10, RFC 2986): strict reading, and the policy that browser and server share.
//!
//! 1. [`UncheckedCsr::from_pem`] reads and applies the policy for keys and signature algorithms.
//! 2. The holder of a crypto library verifies [`UncheckedCsr::signature_check`] (the browser WebCrypto, the server ring).
//! 3. [`UncheckedCsr::conclude`] gives a [`Csr`]; there is no other way to one.
//!
//! Of what a CSR asks for, only the public key is ever taken: subject, names, usages and `CA:TRUE` in it are ignored
//! (threat model, ENR-14), but must be well-formed DER, because external signers read them too.

use der::asn1::{BitStringRef, ObjectIdentifier};
use der::{Any, Decode as _, Encode as _, Reader as _, SliceReader, Tag, TagNumber};

use super::key::{KeyRefusal, PublicKey};
use super::pem::{self, PemError};
use super::signature::{SignatureAlgorithm, SignatureCheck, SignatureRefusal};
use super::tlv::Tlv;
use crate::encoding::Sha256Hex;

/// Label of CSRs (RFC 7468 §7).
const CERTIFICATE_REQUEST: &str = "CERTIFICATE REQUEST";
/// Longest CSR as PEM. One of RSA 4096 with a dozen names has 2 KiB.
pub const MAX_CSR_LEN: usize = 16 * 1024;
/// id-alg-unsigned (RFC 9925 §3).
const UNSIGNED: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.6.36");
/// Deepest nesting of DER in a CSR. Real ones have eight levels.
const MAX_DEPTH: usize = 16;

/// A CSR whose key and algorithms are acceptable, and whose signature nobody has verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UncheckedCsr {
    der: Vec<u8>,
    /// The bytes that are signed: CertificationRequestInfo with tag and length.
    signed: Vec<u8>,
    key: PublicKey,
    algorithm: SignatureAlgorithm,
    signature: Vec<u8>,
}

/// A CSR that follows the policy and is signed by its own key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Csr {
    der: Vec<u8>,
    key: PublicKey,
}

/// Why a CSR is not acceptable, in words for the people at the browser and at the device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CsrRefusal {
    /// Not one PEM block of the right kind, or too long.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// Not the DER of a PKCS#10 request: cut off, changed, or in another format.
    #[error("the certificate request is damaged or not PKCS#10; let the device make a new one")]
    Malformed,
    /// Not version 1.
    #[error(
        "the certificate request is of another version than 1 (RFC 2986); let the device make one of that version"
    )]
    Version,
    /// Bytes after the end of the request.
    #[error("there are bytes after the end of the certificate request; let the device make a new one")]
    TrailingBytes,
    /// The key is not acceptable.
    #[error(transparent)]
    Key(#[from] KeyRefusal),
    /// The signature algorithm is not acceptable.
    #[error(transparent)]
    Algorithm(#[from] SignatureRefusal),
    /// The request is not signed by the key in it.
    #[error(
        "the signature of the certificate request is wrong: whoever made it does not hold the key, or it was changed on the way"
    )]
    BadSignature,
}

impl UncheckedCsr {
    /// Reads exactly one PEM block `CERTIFICATE REQUEST` of at most [`MAX_CSR_LEN`] bytes.
    ///
    /// # Errors
    /// What is not acceptable.
    pub fn from_pem(text: &str) -> Result<Self, CsrRefusal> {
        if text.len() > MAX_CSR_LEN {
            return Err(CsrRefusal::Pem(PemError::TooLarge {
                len: text.len(),
                max: MAX_CSR_LEN,
            }));
        }
        let mut blocks = pem::decode(CERTIFICATE_REQUEST, text, 1)?;
        Self::from_der(&blocks.swap_remove(0))
    }

    /// Reads the DER of a request.
    ///
    /// # Errors
    /// What is not acceptable.
    pub fn from_der(request: &[u8]) -> Result<Self, CsrRefusal> {
        if request.len() > MAX_CSR_LEN {
            return Err(CsrRefusal::Pem(PemError::TooLarge {
                len: request.len(),
                max: MAX_CSR_LEN,
            }));
        }
        let parts = Parts::read(request)?;
        let key = PublicKey::from_spki(parts.spki)?;
        let algorithm = SignatureAlgorithm::from_identifier(parts.algorithm)?;
        if !algorithm.fits(key.kind()) {
            return Err(CsrRefusal::Algorithm(SignatureRefusal::Mismatch {
                algorithm,
                key: key.kind(),
            }));
        }
        Ok(Self {
            der: request.to_vec(),
            signed: parts.signed.to_vec(),
            key,
            algorithm,
            signature: parts.signature.to_vec(),
        })
    }

    /// What has to be verified: the request's signature by its own key.
    #[must_use]
    pub fn signature_check(&self) -> SignatureCheck<'_> {
        SignatureCheck {
            algorithm: self.algorithm,
            key: &self.key,
            message: &self.signed,
            signature: &self.signature,
        }
    }

    /// Verifies the signature with `verify`, which must answer true only for a good one.
    ///
    /// # Errors
    /// [`CsrRefusal::BadSignature`].
    pub fn verify(self, verify: impl FnOnce(SignatureCheck<'_>) -> bool) -> Result<Csr, CsrRefusal> {
        let good = verify(self.signature_check());
        self.conclude(good)
    }

    /// For verifiers that are asynchronous: the outcome of [`UncheckedCsr::signature_check`].
    ///
    /// # Errors
    /// [`CsrRefusal::BadSignature`] when it was not good.
    pub fn conclude(self, signature_is_good: bool) -> Result<Csr, CsrRefusal> {
        if signature_is_good {
            Ok(Csr {
                der: self.der,
                key: self.key,
            })
        } else {
            Err(CsrRefusal::BadSignature)
        }
    }
}

impl Csr {
    /// A request for a key whose holder has signed none, because it speaks a protocol that knows no proof of possession: version 1, an
    /// empty subject, no attributes, and `id-alg-unsigned` (RFC 9925 §3) in the place of a signature. Nobody takes one from outside:
    /// [`UncheckedCsr`] refuses its algorithm.
    ///
    /// # Errors
    /// [`CsrRefusal::Malformed`] when it does not fit DER, which every key does that can be read.
    pub fn unsigned(key: PublicKey) -> Result<Self, CsrRefusal> {
        let sequence = |parts: &[&[u8]]| tlv(Tag::Sequence, parts);
        let algorithm = sequence(&[&UNSIGNED.to_der()?])?;
        let none = tlv(
            Tag::ContextSpecific {
                constructed: true,
                number: TagNumber::N0,
            },
            &[],
        )?;
        let info = sequence(&[&0_u8.to_der()?, &sequence(&[])?, key.spki_der(), &none])?;
        let signature = BitStringRef::from_bytes(&[])?.to_der()?;
        let der = sequence(&[&info, &algorithm, &signature])?;
        Ok(Self { der, key })
    }

    /// Reads a request that was checked before it was kept; its signature is not verified again, and may be none.
    ///
    /// # Errors
    /// What is not acceptable about the rest of it.
    pub fn kept(text: &str) -> Result<Self, CsrRefusal> {
        let mut blocks = pem::decode(CERTIFICATE_REQUEST, text, 1)?;
        let der = blocks.swap_remove(0);
        let key = PublicKey::from_spki(Parts::read(&der)?.spki)?;
        Ok(Self { der, key })
    }

    /// The public key, the only thing that is taken from a request.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Digest of the SubjectPublicKeyInfo. One key has exactly one encoding that is accepted, so this names the key.
    #[must_use]
    pub fn spki_sha256(&self) -> Sha256Hex {
        self.key.spki_sha256()
    }

    /// The request as it was signed.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The request as PEM, in the one form that RFC 7468 has generators write.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::encode(CERTIFICATE_REQUEST, &self.der)
    }
}

fn tlv(tag: Tag, parts: &[&[u8]]) -> Result<Vec<u8>, der::Error> {
    Any::new(tag, parts.concat())?.to_der()
}

impl From<der::Error> for CsrRefusal {
    fn from(_: der::Error) -> Self {
        Self::Malformed
    }
}

/// Where the parts of a request lie.
struct Parts<'a> {
    signed: &'a [u8],
    spki: &'a [u8],
    algorithm: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Parts<'a> {
    /// RFC 2986 §4.2: CertificationRequest ::= SEQUENCE { CertificationRequestInfo, AlgorithmIdentifier, BIT STRING }.
    fn read(request: &'a [u8]) -> Result<Self, CsrRefusal> {
        let (whole, rest) = Tlv::first(request).ok_or(CsrRefusal::Malformed)?;
        if !rest.is_empty() {
            return Err(CsrRefusal::TrailingBytes);
        }
        if !whole.is_well_formed(MAX_DEPTH) {
            return Err(CsrRefusal::Malformed);
        }
        let version = version(whole).ok_or(CsrRefusal::Malformed)?;
        // RFC 2986 §4.1: v1(0) is the only one.
        if version != [0] {
            return Err(CsrRefusal::Version);
        }
        Self::read_sequence(request).map_err(|_| CsrRefusal::Malformed)
    }

    fn read_sequence(request: &'a [u8]) -> der::Result<Self> {
        let mut reader = SliceReader::new(request)?;
        let (signed, algorithm, signature) = reader.sequence(|request| {
            let signed = request.tlv_bytes()?;
            let algorithm = request.tlv_bytes()?;
            let signature = BitStringRef::decode(request)?;
            Ok((signed, algorithm, signature))
        })?;
        Ok(Self {
            signed,
            spki: read_spki(signed)?,
            algorithm,
            signature: signature.as_bytes().ok_or_else(|| Tag::BitString.value_error())?,
        })
    }
}

/// The content of the first INTEGER in CertificationRequestInfo.
fn version(request: Tlv<'_>) -> Option<&[u8]> {
    let info = request.inner().next()??;
    let version = info.inner().next()??;
    (version.tag == 0x02).then_some(version.content)
}

/// RFC 2986 §4.1: CertificationRequestInfo ::= SEQUENCE { version 0, Name, SubjectPublicKeyInfo, [0] Attributes }.
fn read_spki(info: &[u8]) -> der::Result<&[u8]> {
    SliceReader::new(info)?.sequence(|info| {
        let _version = info.tlv_bytes()?;
        let subject = info.tlv_bytes()?;
        let spki = info.tlv_bytes()?;
        // The attributes may be empty, and devices leave them out altogether then, which the RFC has no place for; OpenSSL
        // takes such requests.
        let attributes = if info.is_finished() {
            &[0xa0]
        } else {
            info.tlv_bytes()?
        };
        match (subject.first(), attributes.first()) {
            (Some(0x30), Some(0xa0)) => Ok(spki),
            _ => Err(Tag::Sequence.value_error()),
        }
    })
}
