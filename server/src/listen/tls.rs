//! TLS from certificate files that are read again when they change, so that a renewed certificate needs no restart.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use gangway_protocol::certificate::file::{self, FileError, KeyFormat};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use zeroize::Zeroizing;

use crate::config::TlsFiles;

use super::Shutdown;

/// How often the files are looked at. Two calls of stat(2); certificates are renewed days before they expire.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// The TLS side of a listener.
pub struct Tls {
    files: TlsFiles,
    loaded: RwLock<Loaded>,
}

struct Loaded {
    config: Arc<ServerConfig>,
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
    /// The certificate or the key is of an unknown kind.
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
        let config = read(&files)?;
        Ok(Self {
            files,
            loaded: RwLock::new(Loaded { config, stamps }),
        })
    }

    /// Shakes hands on a new connection.
    pub(super) async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        let config = self
            .loaded
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .config
            .clone();
        TlsAcceptor::from(config).accept(stream).await
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
            Ok(config) => {
                loaded.config = config;
                tracing::info!("the TLS certificate was read again");
            }
            Err(error) => {
                tracing::error!(%error, "the changed TLS certificate cannot be used; the former one stays");
            }
        }
    }

    /// Looks at the files now and then, until the shutdown begins.
    pub async fn watch(&self, shutdown: &Shutdown) {
        loop {
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

fn read(files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = contents(&files.certificate, file::certificates)?
        .into_iter()
        .map(|certificate| CertificateDer::from(certificate.der))
        .collect();
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
            other => TlsError::Pair(other),
        })?;
    // HTTP/2 first: pages fetch many small things. WebSockets come over HTTP/1.1 connections of their own.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// What `read` finds in the file at `path`.
fn contents<T>(path: &Path, read: impl FnOnce(&[u8]) -> Result<T, FileError>) -> Result<T, TlsError> {
    let shown = || path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| TlsError::Unreadable { file: shown(), error })?;
    let bytes = Zeroizing::new(bytes);
    read(&bytes).map_err(|error| TlsError::Contents { file: shown(), error })
}
