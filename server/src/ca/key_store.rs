//! Encryption at rest of the issuers' private keys: ChaCha20-Poly1305 under one key that is not in the database.
//!
//! The key-encryption key comes from the configuration or from a file beside the database that only its owner can
//! read. Whoever steals the database, or a backup of it alone, has no issuer's key.

use std::io::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::config::{EncryptionKey, KEY_LEN, KeyReaders};
use crate::ownership;
use crate::rng::Random;

/// Name of the key file in the data directory.
pub const KEY_FILE: &str = "ca.key";
// 24 bytes: long enough that random nonces never meet.
const NONCE_LEN: usize = 24;
const VERSION: &str = "v1.";

/// Seals and opens issuers' keys.
pub struct KeyStore {
    cipher: XChaCha20Poly1305,
}

/// Why keys cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum KeyStoreError {
    /// The file is not 32 bytes of base64.
    #[error(
        "the CA's encryption key ({0}) is not 32 bytes in base64; make one with `openssl rand -base64 32`"
    )]
    NotAKey(String),
    /// There is no file, and there are keys that were sealed.
    #[error(
        "there is no {0}, which opens the CA's private keys: put it back, give it as `ca_key`, or name the folder that holds it with --data-dir"
    )]
    Missing(String),
    /// Others can read the file.
    #[error(
        "{0} can be read by others; run `chmod 600` on it and consider its key known. Where the file system gives files to a group \
         or has no permissions, `ca_key_readers` says who may read it"
    )]
    Exposed(String),
    /// The file cannot be read or made.
    #[error("cannot use the CA's key file {path}: {source}")]
    File {
        /// Its path.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is another key's seal, or it was changed.
    #[error(
        "the CA's private keys do not open with this encryption key; \
         give the one they were sealed with (`ca_key`, or `ca.key` in the data directory)"
    )]
    DoesNotOpen,
}

impl KeyStore {
    /// A key store with this key.
    #[must_use]
    pub fn new(key: &EncryptionKey) -> Self {
        Self {
            cipher: XChaCha20Poly1305::new(key.expose().into()),
        }
    }

    /// A key store for a CA that has no keys yet: with the key in `data_dir`, which is made when there is none.
    ///
    /// # Errors
    /// As [`Self::from_data_dir`].
    pub fn founded_in(
        data_dir: &Path,
        readers: KeyReaders,
        random: &dyn Random,
    ) -> Result<Self, KeyStoreError> {
        match Self::from_data_dir(data_dir, readers) {
            Err(KeyStoreError::Missing(shown)) => {
                let made = make(&data_dir.join(KEY_FILE), random);
                made.map_err(|source| KeyStoreError::File { path: shown, source })?;
                Self::from_data_dir(data_dir, readers)
            }
            found => found,
        }
    }

    /// A key store with the key in `data_dir`.
    ///
    /// # Errors
    /// When the file is missing, unreadable, readable by others than `readers`, or not a key.
    pub fn from_data_dir(data_dir: &Path, readers: KeyReaders) -> Result<Self, KeyStoreError> {
        let path = data_dir.join(KEY_FILE);
        let shown = path.display().to_string();
        let failed = |source| KeyStoreError::File {
            path: shown.clone(),
            source,
        };
        if !path.try_exists().map_err(failed)? {
            return Err(KeyStoreError::Missing(shown));
        }
        if others_can_read(&path, readers).map_err(failed)? {
            return Err(KeyStoreError::Exposed(shown));
        }
        let text = Zeroizing::new(std::fs::read_to_string(&path).map_err(failed)?);
        let key = EncryptionKey::from_base64(&text).map_err(|_| KeyStoreError::NotAKey(shown))?;
        Ok(Self::new(&key))
    }

    /// Seals `secret`; `context` (the issuer's id) must be given again to open it.
    ///
    /// # Errors
    /// When the secret is longer than the cipher can take, which no key is.
    pub fn seal(&self, secret: &[u8], context: &str, random: &dyn Random) -> Result<String, KeyStoreError> {
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce);
        let payload = Payload {
            msg: secret,
            aad: context.as_bytes(),
        };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| KeyStoreError::DoesNotOpen)?;
        Ok(format!(
            "{VERSION}{}",
            STANDARD.encode([nonce.as_slice(), &sealed].concat())
        ))
    }

    /// Opens what [`Self::seal`] made.
    ///
    /// # Errors
    /// When it was sealed with another key or for another context, or was changed.
    pub fn open(&self, sealed: &str, context: &str) -> Result<Zeroizing<Vec<u8>>, KeyStoreError> {
        let opened = || {
            let bytes = STANDARD.decode(sealed.strip_prefix(VERSION)?).ok()?;
            let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
            let payload = Payload {
                msg: sealed,
                aad: context.as_bytes(),
            };
            self.cipher.decrypt(&XNonce::from(*nonce), payload).ok()
        };
        opened().map(Zeroizing::new).ok_or(KeyStoreError::DoesNotOpen)
    }
}

impl std::fmt::Debug for KeyStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyStore(…)")
    }
}

fn make(path: &Path, random: &dyn Random) -> std::io::Result<()> {
    let mut key = Zeroizing::new([0; KEY_LEN]);
    random.fill(key.as_mut());
    let text = Zeroizing::new(format!("{}\n", STANDARD.encode(key.as_slice())));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    ownership::follow_folder(path)?;
    file.write_all(text.as_bytes())?;
    // The database will hold keys that only this file opens: it has to be on the disk before they are.
    file.sync_all()
}

#[cfg(unix)]
fn others_can_read(path: &Path, readers: KeyReaders) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(readers.exceeded_by(std::fs::metadata(path)?.permissions().mode()))
}

#[cfg(not(unix))]
fn others_can_read(_path: &Path, _readers: KeyReaders) -> std::io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SystemRandom;

    fn given_key_store() -> KeyStore {
        KeyStore::new(
            &EncryptionKey::from_base64(&STANDARD.encode([7; KEY_LEN])).expect("32 bytes are a key"),
        )
    }

    fn sealed_by(key_store: &KeyStore) -> String {
        key_store
            .seal(b"secret", "iss_1", &SystemRandom)
            .expect("a key store seals")
    }

    /// Threat model: ENR-17.
    #[test]
    fn a_sealed_key_opens_only_with_its_key_and_context() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let key_store = KeyStore::founded_in(dir.path(), KeyReaders::Owner, &SystemRandom)
            .expect("an empty folder gets a key");
        let sealed = sealed_by(&key_store);
        let opened_by =
            |key_store: &KeyStore| key_store.open(&sealed, "iss_1").expect("the same key opens it");
        assert_eq!(opened_by(&key_store).as_slice(), b"secret");
        assert!(key_store.open(&sealed, "iss_2").is_err());
        let again = KeyStore::from_data_dir(dir.path(), KeyReaders::Owner).expect("the key is there");
        assert_eq!(opened_by(&again).as_slice(), b"secret");
        assert!(matches!(
            given_key_store().open(&sealed, "iss_1"),
            Err(KeyStoreError::DoesNotOpen)
        ));
    }

    #[test]
    fn a_changed_seal_does_not_open() {
        let key_store = given_key_store();
        let sealed = sealed_by(&key_store);
        let body = sealed.strip_prefix(VERSION).expect("the version comes first");
        let mut bytes = STANDARD.decode(body).expect("the rest is base64");
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            assert!(
                key_store
                    .open(&format!("{VERSION}{}", STANDARD.encode(&bytes)), "iss_1")
                    .is_err()
            );
            bytes[at] ^= 1;
        }
    }

    /// Threat model: ENR-17.
    #[cfg(unix)]
    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("a temporary folder");
        assert!(matches!(
            KeyStore::from_data_dir(dir.path(), KeyReaders::Owner),
            Err(KeyStoreError::Missing(_))
        ));
        KeyStore::founded_in(dir.path(), KeyReaders::Owner, &SystemRandom)
            .expect("an empty folder gets a key");
        let path = dir.path().join(KEY_FILE);
        assert_eq!(
            std::fs::metadata(&path)
                .expect("the key is there")
                .permissions()
                .mode()
                & 0o777,
            0o600
        );
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("the file is ours");
        let error =
            KeyStore::from_data_dir(dir.path(), KeyReaders::Owner).expect_err("the group can read it");
        assert!(matches!(error, KeyStoreError::Exposed(_)));
        let to_group = KeyStore::from_data_dir(dir.path(), KeyReaders::Group);
        assert!(to_group.is_ok(), "as fsGroup leaves it, if the operator says so");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).expect("the file is ours");
        assert!(KeyStore::from_data_dir(dir.path(), KeyReaders::Group).is_err());
        assert!(KeyStore::from_data_dir(dir.path(), KeyReaders::Everybody).is_ok());
    }
}
