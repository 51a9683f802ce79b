//! Certificates that clients present: in the TLS handshake, or to a proxy that ends TLS and passes them on (RFC 9440).
//!
//! The handshake shows that a client holds the key of its certificate, and whoever configures the listener says which certificates
//! are looked at at all. How such a certificate stands is asked of our own records with each request.

use std::fmt;
use std::sync::Arc;

use data_encoding::BASE64;
use http::{HeaderMap, HeaderName};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme,
};

use super::handshake::PROTOCOLS;

/// RFC 9440 §2.2.
const CLIENT_CERT: HeaderName = HeaderName::from_static("client-cert");

/// Says which certificates are looked at: those that this server's CA has signed and that have not run out.
pub type Screen = dyn Fn(&[u8]) -> Result<(), CertificateError> + Send + Sync;

/// Of a listener that looks at no certificates of clients.
#[must_use]
pub fn no_client_certificates() -> Arc<Screen> {
    Arc::new(|_| Err(CertificateError::UnknownIssuer))
}

/// The certificate of the client of a request, whose key it holds. DER.
#[derive(Clone, Debug)]
pub struct ClientCertificate(pub Arc<[u8]>);

/// The certificate that a proxy passes on. `None` when there is none, or it cannot be read.
pub(super) fn from_proxy(headers: &HeaderMap, screen: &Screen) -> Option<ClientCertificate> {
    // RFC 9440 §2.2: a byte sequence of structured fields, between colons.
    let mut all = headers.get_all(CLIENT_CERT).iter();
    // Two: the proxy adds to what clients send, and it cannot be told which is whose.
    let only = all.next().filter(|_| all.next().is_none())?;
    let text = only.to_str().ok()?.trim();
    let text = text.strip_prefix(':')?.strip_suffix(':')?;
    let der = BASE64.decode(text.as_bytes()).ok()?;
    screen(&der).ok()?;
    Some(ClientCertificate(der.into()))
}

/// A configuration that asks for client certificates, and goes on without one.
///
/// # Errors
/// When chain and key do not belong together.
pub fn taking_client_certificates(
    chain: Vec<Vec<u8>>,
    key: Vec<u8>,
    screen: Arc<Screen>,
) -> Result<Arc<ServerConfig>, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = chain.into_iter().map(CertificateDer::from).collect();
    let verifier = Verifier {
        provider: Arc::clone(&provider),
        screen,
    };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_single_cert(chain, PrivateKeyDer::Pkcs8(key.into()))?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(Arc::new(config))
}

struct Verifier {
    provider: Arc<CryptoProvider>,
    screen: Arc<Screen>,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(…)")
    }
}

impl ClientCertVerifier for Verifier {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// None: a client with several certificates chooses by itself.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        (self.screen)(end_entity)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
