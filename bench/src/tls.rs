//! A certificate for a server under test, and what its clients trust.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

/// See the module's description.
#[derive(Clone)]
pub(crate) struct Tls {
    /// The server's chain, PEM.
    pub(crate) certificate: PathBuf,
    /// The server's key, PEM.
    pub(crate) key: PathBuf,
    /// What the clients connect with.
    pub(crate) connector: TlsConnector,
}

impl Tls {
    /// Writes a fresh certificate for `localhost` and its key into `folder`.
    pub(crate) fn make(folder: &Path) -> anyhow::Result<Self> {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
        let (certificate, key) = (folder.join("tls.pem"), folder.join("tls.key"));
        std::fs::write(&certificate, made.cert.pem())?;
        std::fs::write(&key, made.signing_key.serialize_pem())?;
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        // Whole handshakes: devices that come back after hours have no ticket either.
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Self {
            certificate,
            key,
            connector: TlsConnector::from(Arc::new(config)),
        })
    }
}
