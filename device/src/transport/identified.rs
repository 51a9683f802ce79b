//! The certificate by which this device identifies itself in TLS (RFC 8446 §4.4.2): its own, with the key wherever that is kept,
//! or that of a provisioning claim.

use std::sync::Arc;

use gangway_protocol::certificate::split_chain;
use gangway_protocol::secret::SecretString;
use rustls::client::ResolvesClientCert;
use rustls::sign::{CertifiedKey, Signer, SigningKey, SingleCertAndKey};
use rustls::{SignatureAlgorithm, SignatureScheme};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::TransportError;
use crate::key::{DeviceKey, KeyType};

/// A certificate and what signs for it.
#[derive(Debug)]
pub(crate) struct Identified {
    certified: CertifiedKey,
    /// The key signs in no way that TLS 1.3 takes.
    pub(super) only_tls12: bool,
    /// Signing takes so long that other tasks must not wait for it.
    pub(super) is_slow: bool,
}

impl Identified {
    /// By a claim: certificate and private key in PEM.
    pub(crate) fn by_claim(certificate: &str, key: &SecretString) -> Result<Self, TransportError> {
        let unusable = |reason: &dyn std::fmt::Display| TransportError::Identity(reason.to_string());
        let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes())
            .map_err(|_| unusable(&"its private key is not in PEM"))?;
        let key = rustls::crypto::ring::sign::any_supported_type(&key).map_err(|error| unusable(&error))?;
        Ok(Self {
            certified: CertifiedKey::new(chain(certificate)?, key),
            only_tls12: false,
            is_slow: false,
        })
    }

    /// By the device's own certificate: its chain in PEM, leaf first.
    pub(crate) fn by_key(pem: &str, key: Arc<dyn DeviceKey>) -> Result<Self, TransportError> {
        // A device key of RSA signs by PKCS#1 v1.5 alone, which TLS 1.3 does not take (RFC 8446 §4.2.3).
        let only_tls12 = key.kind() == KeyType::Rsa;
        Ok(Self {
            is_slow: key.is_slow(),
            certified: CertifiedKey::new(chain(pem)?, Arc::new(RustlsKey(key))),
            only_tls12,
        })
    }

    pub(super) fn resolver(self) -> Arc<dyn ResolvesClientCert> {
        Arc::new(SingleCertAndKey::from(self.certified))
    }
}

fn chain(pem: &str) -> Result<Vec<CertificateDer<'static>>, TransportError> {
    let blocks = split_chain(pem).map_err(|error| TransportError::Identity(error.to_string()))?;
    Ok(blocks.into_iter().map(CertificateDer::from).collect())
}

/// The device key as rustls wants it.
#[derive(Debug)]
struct RustlsKey(Arc<dyn DeviceKey>);

impl RustlsKey {
    fn scheme(&self) -> SignatureScheme {
        match self.0.kind() {
            KeyType::P256 => SignatureScheme::ECDSA_NISTP256_SHA256,
            KeyType::P384 => SignatureScheme::ECDSA_NISTP384_SHA384,
            KeyType::Ed25519 => SignatureScheme::ED25519,
            KeyType::Rsa => SignatureScheme::RSA_PKCS1_SHA256,
        }
    }
}

impl SigningKey for RustlsKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let chosen = || -> Box<dyn Signer> { Box::new(Self(Arc::clone(&self.0))) };
        offered.contains(&self.scheme()).then(chosen)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        match self.0.kind() {
            KeyType::P256 | KeyType::P384 => SignatureAlgorithm::ECDSA,
            KeyType::Ed25519 => SignatureAlgorithm::ED25519,
            KeyType::Rsa => SignatureAlgorithm::RSA,
        }
    }
}

impl Signer for RustlsKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        self.0
            .sign(message)
            .map_err(|error| rustls::Error::General(error.to_string()))
    }

    fn scheme(&self) -> SignatureScheme {
        Self::scheme(self)
    }
}
