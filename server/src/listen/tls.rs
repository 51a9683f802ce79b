//! TLS from certificate files that are read again when they change, so that a renewed certificate needs no restart.

mod fault;
mod key_kind;

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use gangway_protocol::certificate::file::{self, FileError, KeyFormat};
use gangway_protocol::time::UnixMillis;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::config::TlsFiles;

use super::Shutdown;
use super::handshake::{PROTOCOLS, TlsHandshake};
pub use fault::CertificateFault;

/// How often the files are looked at. Two calls of stat(2); certificates are renewed days before they expire.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// The TLS side of a listener whose certificate stands in files.
pub struct Tls {
    files: TlsFiles,
    handshake: Arc<TlsHandshake>,
    loaded: RwLock<Loaded>,
}

struct Loaded {
    /// The server's own certificate.
    own: CertificateDer<'static>,
    stamps: Stamps,
}

/// When certificate and key were last changed.
type Stamps = [Option<SystemTime>; 2];

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{file} cannot be used: {error}")]
    Unreadable {
        /// Its path.
        file: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{file} cannot be used: {error}")]
    Contents {
        /// Its path.
        file: String,
        /// What is wrong with it.
        error: FileError,
    },
    /// The first certificate has another key.
    #[error(
        "the private key does not belong to the first certificate of the file; the server's own certificate has to come \
         first, those that issued it after it"
    )]
    NotItsKey,
    /// The certificate has a key of a kind that is not spoken.
    #[error(
        "TLS cannot be spoken with the key of the certificate, which is {0}: make a key with `openssl genpkey -algorithm EC \
         -pkeyopt ec_paramgen_curve:P-256 -out key.pem`, and a certificate for it (P-384, Ed25519 and RSA with 2048 to 4096 \
         bits serve too)"
    )]
    Kind(String),
    /// The key is of another kind than that of the certificate, or damaged.
    #[error(
        "the private key is not one that TLS can be spoken with (P-256, P-384, Ed25519, RSA with 2048 to 4096 bits), and so not \
         the certificate's, which is"
    )]
    OtherKind,
    /// Anything else.
    #[error("the certificate and the key cannot be used together: {0}")]
    Pair(#[from] rustls::Error),
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// When they are not there, not PEM, or do not fit each other.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let stamps = stamps(&files);
        let (config, own) = read(&files)?;
        Ok(Self {
            files,
            handshake: Arc::new(TlsHandshake::new(config)),
            loaded: RwLock::new(Loaded { own, stamps }),
        })
    }

    /// What browsers and devices that come to `host` hold against the certificate at this time.
    #[must_use]
    pub fn faults(&self, host: &str, now: UnixMillis) -> Vec<CertificateFault> {
        let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
        fault::faults(&loaded.own, host, now)
    }

    /// What shakes hands with the certificate as it stands.
    #[must_use]
    pub fn handshake(&self) -> Arc<TlsHandshake> {
        Arc::clone(&self.handshake)
    }

    /// Reads the files again if one of them has changed. What cannot be used is logged, and the former certificate stays.
    pub fn reload_if_changed(&self) {
        let stamps = stamps(&self.files);
        if self.loaded.read().unwrap_or_else(PoisonError::into_inner).stamps == stamps {
            return;
        }
        let read = read(&self.files);
        let mut loaded = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        loaded.stamps = stamps;
        match read {
            Ok((config, own)) => {
                loaded.own = own;
                self.handshake.go_on_with(config);
                tracing::info!("the TLS certificate was read again");
            }
            Err(error) => {
                tracing::error!(%error, "the changed TLS certificate cannot be used; the former one stays");
            }
        }
    }

    /// Looks at the files now and then, until the shutdown begins, and says what browsers and devices that come to `host` hold
    /// against the certificate: at the beginning, and when that changes. A certificate that has expired is served all the
    /// same, since whoever renews it may need this server.
    pub async fn watch(&self, shutdown: &Shutdown, host: &str, clock: &dyn Clock) {
        let mut told = Vec::new();
        loop {
            let faults = self.faults(host, clock.now());
            if faults != told {
                for fault in &faults {
                    tracing::warn!("browsers and devices refuse this server's TLS certificate: {fault}");
                }
                told = faults;
            }
            tokio::select! {
                () = shutdown.begun() => return,
                () = tokio::time::sleep(LOOK_EVERY) => self.reload_if_changed(),
            }
        }
    }
}

fn stamps(files: &TlsFiles) -> Stamps {
    [&files.certificate, &files.key].map(|file| std::fs::metadata(file).and_then(|data| data.modified()).ok())
}

fn read(files: &TlsFiles) -> Result<(Arc<ServerConfig>, CertificateDer<'static>), TlsError> {
    let chain: Vec<_> = contents(&files.certificate, file::certificates)?
        .into_iter()
        .map(|certificate| CertificateDer::from(certificate.der))
        .collect();
    let own = chain.first().cloned().unwrap_or_else(|| Vec::new().into());
    let key = contents(&files.key, file::private_key)?;
    let der = key.der.to_vec();
    let key = match key.format {
        KeyFormat::Pkcs8 => PrivateKeyDer::Pkcs8(der.into()),
        KeyFormat::Pkcs1 => PrivateKeyDer::Pkcs1(der.into()),
        KeyFormat::Sec1 => PrivateKeyDer::Sec1(der.into()),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => TlsError::NotItsKey,
            // So ring says of every key that it does not know.
            rustls::Error::General(_) => {
                key_kind::unusable_key(&own).map_or(TlsError::OtherKind, TlsError::Kind)
            }
            other => TlsError::Pair(other),
        })?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok((Arc::new(config), own))
}

/// What `read` finds in the file at `path`.
fn contents<T>(path: &Path, read: impl FnOnce(&[u8]) -> Result<T, FileError>) -> Result<T, TlsError> {
    let shown = || path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| TlsError::Unreadable { file: shown(), error })?;
    let bytes = Zeroizing::new(bytes);
    read(&bytes).map_err(|error| TlsError::Contents { file: shown(), error })
}
