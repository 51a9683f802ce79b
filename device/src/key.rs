//! The device key: made here, used here, never sent. What leaves is its public half, signatures and a CSR.
//!
//! [`DeviceKey`] is what the machines need of a key, [`KeyProvider`] is where keys come from. A key in a file is one
//! implementation ([`FileKey`]), a key in a token (TPM, smart card, HSM) another, behind the feature `pkcs11`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::secret::SecretString;
use rcgen::{CertificateParams, DistinguishedName, DnType, PublicKeyData};
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::SubjectPublicKeyInfo;

mod file;
#[cfg(feature = "pkcs11")]
mod token;

pub use file::{FileKey, FileKeys};
#[cfg(feature = "pkcs11")]
pub use token::{Token, TokenKeys};

/// Longest common name: `ub-common-name` of RFC 5280 appendix A.1.
const MAX_COMMON_NAME_LEN: usize = 64;

/// A device's key pair, of which this software sees the public half and signatures.
pub trait DeviceKey: Send + Sync + fmt::Debug {
    /// What kind of key it is; that decides how it signs.
    fn kind(&self) -> KeyType;

    /// DER of the SubjectPublicKeyInfo.
    fn spki(&self) -> Vec<u8>;

    /// Signs as protocol.md §3 asks: ECDSA as ASN.1 DER with SHA-256 (P-256) or SHA-384 (P-384), Ed25519 plain,
    /// RSA PKCS#1 v1.5 with SHA-256. May block, if [`Self::is_slow`] says so.
    ///
    /// # Errors
    /// The system gave no randomness, or the token is not there or refuses.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError>;

    /// Whether signing takes so long (a TPM: a tenth of a second and more) that other tasks must not wait for it.
    fn is_slow(&self) -> bool {
        false
    }

    /// Digest of the SubjectPublicKeyInfo: the name under which this key is known.
    fn id(&self) -> Sha256Hex {
        Sha256Hex::of(&self.spki())
    }

    /// A CSR for this key, with `name` as its common name. Signers with a policy of their own take the key alone.
    ///
    /// # Errors
    /// As [`Self::sign`].
    fn csr(&self, name: &str) -> Result<Csr, KeyError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        let common_name: String = name.chars().take(MAX_COMMON_NAME_LEN).collect();
        params.distinguished_name.push(DnType::CommonName, common_name);
        let signer = Signer::new(self)?;
        let made = params.serialize_request(&signer);
        let refused = || signer.refusal().unwrap_or(KeyError::NotSigned);
        let request = made.map_err(|_| refused())?;
        let pem = request.pem().map_err(|_| KeyError::NotSigned)?;
        Ok(Csr {
            pem,
            der: request.der().to_vec(),
        })
    }
}

/// Where keys are made and found again.
pub trait KeyProvider: Send + Sync + fmt::Debug {
    /// The name of the file in the state directory that holds what [`Self::make`] noted.
    fn note_name(&self) -> &'static str;

    /// Makes a new key.
    ///
    /// # Errors
    /// The kind cannot be made here, the system gave no randomness, or the token is not there or refuses.
    fn make(&self, kind: KeyType) -> Result<MadeKey, KeyError>;

    /// The key of a note: one that [`Self::make`] gave, or one that a person put there.
    ///
    /// # Errors
    /// [`KeyError::Unreadable`]: the note is none. Others: the key that it names cannot be used at present.
    fn open(&self, note: &SecretString) -> Result<Arc<dyn DeviceKey>, KeyError>;
}

/// A new key, with what it takes to find it again: the private key itself, or its place in a token.
#[derive(Debug)]
pub struct MadeKey {
    /// The key.
    pub key: Arc<dyn DeviceKey>,
    /// For the state directory and nothing else.
    pub note: SecretString,
}

/// A key as rcgen wants it.
struct Signer<'a, K: ?Sized> {
    key: &'a K,
    bits: Vec<u8>,
    /// rcgen's error says less than ours.
    refusal: std::cell::RefCell<Option<KeyError>>,
}

impl<'a, K: DeviceKey + ?Sized> Signer<'a, K> {
    fn new(key: &'a K) -> Result<Self, KeyError> {
        let spki = key.spki();
        let (_, parsed) = SubjectPublicKeyInfo::from_der(&spki).map_err(|_| KeyError::Unreadable)?;
        Ok(Self {
            key,
            bits: parsed.subject_public_key.data.to_vec(),
            refusal: std::cell::RefCell::default(),
        })
    }

    fn refusal(&self) -> Option<KeyError> {
        self.refusal.borrow_mut().take()
    }
}

impl<K: DeviceKey + ?Sized> PublicKeyData for Signer<'_, K> {
    fn der_bytes(&self) -> &[u8] {
        &self.bits
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        self.key.kind().algorithm()
    }
}

impl<K: DeviceKey + ?Sized> rcgen::SigningKey for Signer<'_, K> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.key.sign(message).map_err(|error| {
            self.refusal.borrow_mut().replace(error);
            rcgen::Error::RemoteKeyError
        })
    }
}

/// A certificate signing request (PKCS#10, RFC 2986).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Csr {
    /// As it is sent.
    pub pem: String,
    /// As it is hashed.
    pub der: Vec<u8>,
}

/// Kinds of device key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyType {
    /// ECDSA on NIST P-256.
    #[default]
    P256,
    /// ECDSA on NIST P-384.
    P384,
    /// Ed25519.
    Ed25519,
    /// RSA: brought as `key.pem`, or made in a token.
    Rsa,
}

impl KeyType {
    /// All of them, as named on the command line.
    pub const NAMES: [(&'static str, Self); 4] = [
        ("p256", Self::P256),
        ("p384", Self::P384),
        ("ed25519", Self::Ed25519),
        ("rsa", Self::Rsa),
    ];
}

impl KeyType {
    /// How a key of this kind signs.
    fn algorithm(self) -> &'static rcgen::SignatureAlgorithm {
        match self {
            Self::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            Self::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            Self::Ed25519 => &rcgen::PKCS_ED25519,
            Self::Rsa => &rcgen::PKCS_RSA_SHA256,
        }
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P256 => "p256",
            Self::P384 => "p384",
            Self::Ed25519 => "ed25519",
            Self::Rsa => "rsa",
        })
    }
}

impl FromStr for KeyType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::NAMES.iter().find(|(name, _)| *name == text);
        found
            .map(|(_, kind)| *kind)
            .ok_or_else(|| "choose p256, p384, ed25519 or rsa".to_owned())
    }
}

/// Why there is no usable key or signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// RSA keys are not made here.
    #[error(
        "this software signs with RSA keys but does not make them; put one into the state directory as key.pem, for \
         example with: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out key.pem"
    )]
    RsaIsBrought,
    /// Generation failed.
    #[error("no key could be made: the system gave no randomness")]
    NotMade,
    /// The file is not a key.
    #[error(
        "not a private key that can be used here: PKCS#8 in PEM, of P-256, P-384, Ed25519 or RSA of at least 2048 bits"
    )]
    Unreadable,
    /// Signing failed.
    #[error("the system gave no randomness")]
    NotSigned,
    /// A token.
    #[error("the token cannot be used: {0}")]
    Token(String),
    /// A token that gives keys away.
    #[error(
        "the token made a key that can be read out of it, which it was told not to; the key was removed. Use a token that \
         keeps its keys, or a key file"
    )]
    Exportable,
    /// A kind that the token is not asked for.
    #[error("keys of the kind {0} are not made in tokens; choose p256, p384 or rsa")]
    NotInToken(KeyType),
}
