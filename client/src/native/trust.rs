//! Whom a native program trusts: the public authorities, or the certificates of a file instead of them.

use std::sync::Arc;

use gangway_protocol::certificate::file::{self, FileError, TrustAnchors};
use gangway_protocol::certificate::tls::ServerVerifier;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::NativeOptionsError;

/// Reads a file of certificates to trust. What in it cannot be used is listed in [`TrustAnchors::skipped`].
///
/// # Errors
/// When nothing in it can be used.
pub fn read_trust_anchors(file: &[u8]) -> Result<TrustAnchors, FileError> {
    file::trust_anchors(file, |der| {
        let added = RootCertStore::empty().add(CertificateDer::from(der));
        added.map_err(|error| error.to_string())
    })
}

/// A certificate that is shown, and its key.
pub(super) struct ClientIdentity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

pub(super) fn tls_config(anchors: Option<&TrustAnchors>) -> Result<ClientConfig, NativeOptionsError> {
    tls_config_as(anchors, None)
}

/// As [`tls_config`], showing a certificate where the server asks for one.
pub(super) fn tls_config_as(
    anchors: Option<&TrustAnchors>,
    identity: Option<ClientIdentity>,
) -> Result<ClientConfig, NativeOptionsError> {
    let mut roots = RootCertStore::empty();
    let pinned: Vec<CertificateDer<'static>> = anchors
        .iter()
        .flat_map(|anchors| &anchors.certificates)
        .map(|certificate| CertificateDer::from(certificate.der.clone()))
        .collect();
    match anchors {
        Some(_) => {
            roots.add_parsable_certificates(pinned.iter().cloned());
            if roots.is_empty() {
                return Err(NativeOptionsError::TrustAnchors);
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let unusable = |error: &dyn std::error::Error| NativeOptionsError::Tls(error.to_string());
    let verifier =
        ServerVerifier::new(roots, pinned, Arc::clone(&provider)).map_err(|error| unusable(&error))?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?
        // "Dangerous" is any verifier of one's own; this one asks webpki first.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    match identity {
        None => Ok(config.with_no_client_auth()),
        Some(ClientIdentity { chain, key }) => config
            .with_client_auth_cert(chain, key)
            .map_err(|error| NativeOptionsError::ClientCertificate(error.to_string())),
    }
}
