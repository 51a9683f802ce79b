//! A key in a file: PKCS#8 in PEM, readable by its owner alone.

use std::fmt;
use std::sync::Arc;

use gangway_protocol::secret::SecretString;
use rcgen::{KeyPair, PublicKeyData as _, SigningKey as _};

use super::{DeviceKey, KeyError, KeyProvider, KeyType, MadeKey};

/// Kinds that a file may hold.
const KINDS: [KeyType; 4] = [KeyType::P256, KeyType::P384, KeyType::Ed25519, KeyType::Rsa];

/// A key pair in the memory of this process.
pub struct FileKey {
    pair: KeyPair,
    kind: KeyType,
}

impl FileKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// The kind cannot be made here (RSA: ring signs with it and does not make it), or the system gave no randomness.
    pub fn generate(kind: KeyType) -> Result<Self, KeyError> {
        if kind == KeyType::Rsa {
            return Err(KeyError::RsaIsBrought);
        }
        let pair = KeyPair::generate_for(kind.algorithm()).map_err(|_| KeyError::NotMade)?;
        Ok(Self { pair, kind })
    }

    /// Reads a PKCS#8 key in PEM: one made here, or one that was brought (the only way to an RSA key).
    ///
    /// # Errors
    /// It is not such a key, or of a kind that protocol.md §5 does not know.
    pub fn from_pem(pem: &SecretString) -> Result<Self, KeyError> {
        let pair = KeyPair::from_pem(pem.expose()).map_err(|_| KeyError::Unreadable)?;
        let kind = KINDS
            .into_iter()
            .find(|kind| pair.algorithm() == kind.algorithm());
        let kind = kind.ok_or(KeyError::Unreadable)?;
        Ok(Self { pair, kind })
    }

    /// The private key as PKCS#8 in PEM, for the state directory and nothing else.
    pub(crate) fn to_pem(&self) -> SecretString {
        SecretString::new(self.pair.serialize_pem())
    }
}

impl DeviceKey for FileKey {
    fn kind(&self) -> KeyType {
        self.kind
    }

    fn spki(&self) -> Vec<u8> {
        self.pair.subject_public_key_info()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.pair.sign(message).map_err(|_| KeyError::NotSigned)
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileKey({})", self.id())
    }
}

/// Keys in `key.pem` of the state directory.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileKeys;

impl KeyProvider for FileKeys {
    fn note_name(&self) -> &'static str {
        "key.pem"
    }

    fn make(&self, kind: KeyType) -> Result<MadeKey, KeyError> {
        let key = FileKey::generate(kind)?;
        Ok(MadeKey {
            note: key.to_pem(),
            key: Arc::new(key),
        })
    }

    fn open(&self, note: &SecretString) -> Result<Arc<dyn DeviceKey>, KeyError> {
        Ok(Arc::new(FileKey::from_pem(note)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_makes_a_csr_that_it_signed_itself_and_survives_its_file() {
        for kind in [KeyType::P256, KeyType::P384, KeyType::Ed25519] {
            let key = FileKey::generate(kind).expect("a key");
            let again = FileKey::from_pem(&key.to_pem()).expect("the same key");
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
        let key = FileKey::generate(KeyType::P256).expect("a key");
        assert_eq!(format!("{key:?}"), format!("FileKey({})", key.id()));
        assert_eq!(format!("{:?}", key.to_pem()), "SecretString(…)");
    }

    #[test]
    fn rsa_keys_are_brought() {
        assert_eq!(
            FileKey::generate(KeyType::Rsa).map(|key| key.id()),
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
        let key = FileKey::from_pem(&SecretString::new(pem)).expect("an RSA key");
        assert!(key.csr("rsa").is_ok());
    }
}
