//! The device key: made here, used here, never sent. What leaves is its public half, signatures and a CSR.

use std::fmt;
use std::str::FromStr;

use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::secret::SecretString;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PublicKeyData as _, SigningKey as _};

/// Longest common name: `ub-common-name` of RFC 5280 appendix A.1.
const MAX_COMMON_NAME_LEN: usize = 64;

/// The device's key pair.
pub struct DeviceKey {
    pair: KeyPair,
}

impl DeviceKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// The kind cannot be made here (RSA: ring signs with it and does not make it), or the system gave no randomness.
    pub fn generate(kind: KeyType) -> Result<Self, KeyError> {
        let algorithm = match kind {
            KeyType::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            KeyType::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            KeyType::Ed25519 => &rcgen::PKCS_ED25519,
            KeyType::Rsa => return Err(KeyError::RsaIsBrought),
        };
        let pair = KeyPair::generate_for(algorithm).map_err(|_| KeyError::NotMade)?;
        Ok(Self { pair })
    }

    /// Reads a PKCS#8 key in PEM: one made here, or one that was brought (the only way to an RSA key).
    ///
    /// # Errors
    /// It is not such a key, or of a kind that protocol.md §3 does not know.
    pub fn from_pem(pem: &SecretString) -> Result<Self, KeyError> {
        let pair = KeyPair::from_pem(pem.expose()).map_err(|_| KeyError::Unreadable)?;
        let known = [
            &rcgen::PKCS_ECDSA_P256_SHA256,
            &rcgen::PKCS_ECDSA_P384_SHA384,
            &rcgen::PKCS_ED25519,
            &rcgen::PKCS_RSA_SHA256,
        ];
        if known.contains(&pair.algorithm()) {
            Ok(Self { pair })
        } else {
            Err(KeyError::Unreadable)
        }
    }

    /// The private key as PKCS#8 in PEM, for the state directory and nothing else.
    pub(crate) fn to_pem(&self) -> SecretString {
        SecretString::new(self.pair.serialize_pem())
    }

    /// DER of the SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki(&self) -> Vec<u8> {
        self.pair.subject_public_key_info()
    }

    /// Digest of the SubjectPublicKeyInfo: the name under which this key is known.
    #[must_use]
    pub fn id(&self) -> Sha256Hex {
        Sha256Hex::of(&self.spki())
    }

    /// Signs as protocol.md §3 asks: ECDSA as ASN.1 DER with SHA-256 (P-256) or SHA-384 (P-384), Ed25519 plain,
    /// RSA PKCS#1 v1.5 with SHA-256.
    ///
    /// # Errors
    /// The system gave no randomness.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.pair.sign(message).map_err(|_| KeyError::NotSigned)
    }

    /// A CSR for this key, with `name` as its common name. Signers with a policy of their own take the key alone.
    ///
    /// # Errors
    /// The system gave no randomness.
    pub fn csr(&self, name: &str) -> Result<Csr, KeyError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        let common_name: String = name.chars().take(MAX_COMMON_NAME_LEN).collect();
        params.distinguished_name.push(DnType::CommonName, common_name);
        let request = params
            .serialize_request(&self.pair)
            .map_err(|_| KeyError::NotSigned)?;
        let pem = request.pem().map_err(|_| KeyError::NotSigned)?;
        Ok(Csr {
            pem,
            der: request.der().to_vec(),
        })
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceKey({})", self.id())
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
    /// RSA, brought as `key.pem`.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
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
    #[error("nothing could be signed: the system gave no randomness")]
    NotSigned,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_makes_a_csr_that_it_signed_itself_and_survives_its_file() {
        for kind in [KeyType::P256, KeyType::P384, KeyType::Ed25519] {
            let key = DeviceKey::generate(kind).expect("a key");
            let again = DeviceKey::from_pem(&key.to_pem()).expect("the same key");
            assert_eq!(again.id(), key.id());
            let csr = again.csr("thermometer-7").expect("a CSR");
            use x509_parser::prelude::FromDer as _;
            let (rest, parsed) =
                x509_parser::certification_request::X509CertificationRequest::from_der(&csr.der)
                    .expect("PKCS#10");
            assert!(rest.is_empty());
            parsed.verify_signature().expect("its own signature");
            assert_eq!(parsed.certification_request_info.subject_pki.raw, key.spki());
            assert_eq!(
                parsed.certification_request_info.subject.to_string(),
                "CN=thermometer-7"
            );
        }
    }

    #[test]
    fn a_key_never_prints_itself() {
        let key = DeviceKey::generate(KeyType::P256).expect("a key");
        assert_eq!(format!("{key:?}"), format!("DeviceKey({})", key.id()));
        assert_eq!(format!("{:?}", key.to_pem()), "SecretString(…)");
    }

    #[test]
    fn rsa_keys_are_brought() {
        assert_eq!(
            DeviceKey::generate(KeyType::Rsa).map(|key| key.id()),
            Err(KeyError::RsaIsBrought)
        );
        let Ok(output) = std::process::Command::new("openssl")
            .args([
                "genpkey",
                "-quiet",
                "-algorithm",
                "RSA",
                "-pkeyopt",
                "rsa_keygen_bits:2048",
            ])
            .output()
        else {
            return;
        };
        let pem = String::from_utf8(output.stdout).expect("PEM");
        let key = DeviceKey::from_pem(&SecretString::new(pem)).expect("an RSA key");
        assert!(key.csr("rsa").is_ok());
    }
}
