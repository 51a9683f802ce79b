//! Whom a native program trusts: the public authorities, or the certificates of a file instead of them.

use std::sync::Arc;

use gangway_protocol::certificate::file::{self, FileError, TrustAnchors};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme,
};
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, oid::AssociatedOid};
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage};

use super::NativeOptionsError;

/// id-kp-serverAuth and anyExtendedKeyUsage (RFC 5280 §4.2.1.12).
const SERVER_USES: [&str; 2] = ["1.3.6.1.5.5.7.3.1", "2.5.29.37.0"];

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

pub(super) fn tls_config(anchors: Option<&TrustAnchors>) -> Result<ClientConfig, NativeOptionsError> {
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
    let webpki = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .map_err(|error| unusable(&error))?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?
        // "Dangerous" is any verifier of one's own; this one asks webpki first.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pinning { webpki, pinned }))
        .with_no_client_auth();
    Ok(config)
}

/// A server's certificate that is marked as a CA, and does not stand itself in the file of trusted ones.
#[derive(Debug, thiserror::Error)]
#[error(
    "it is marked as a CA (basicConstraints CA:TRUE), as `openssl req -x509` makes it: name this very certificate with \
     --ca-file, or make it with `-addext basicConstraints=critical,CA:FALSE`"
)]
pub(super) struct MarkedAsCa;

/// webpki's verifier. It refuses a server's certificate that is marked as a CA, even where that very certificate is
/// trusted; OpenSSL and browsers take it then. Whoever trusts a CA trusts it for every name, so this gives away nothing.
#[derive(Debug)]
struct Pinning {
    webpki: Arc<WebPkiServerVerifier>,
    pinned: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Pinning {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verdict =
            self.webpki
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match (verdict, Certificate::from_der(end_entity)) {
            (Err(_), Ok(certificate)) if is_ca(&certificate) => {
                if !self.pinned.contains(end_entity) {
                    let marked = CertificateError::Other(OtherError(Arc::new(MarkedAsCa)));
                    return Err(marked.into());
                }
                verify_pinned(&certificate, now)?;
                rustls::client::verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            (verdict, _) => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.webpki.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.webpki.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}

/// What remains to be asked of a certificate that is trusted itself: its dates and its use.
fn verify_pinned(certificate: &Certificate, now: UnixTime) -> Result<(), CertificateError> {
    let validity = &certificate.tbs_certificate.validity;
    if now.as_secs() < validity.not_before.to_unix_duration().as_secs() {
        return Err(CertificateError::NotValidYet);
    }
    if now.as_secs() > validity.not_after.to_unix_duration().as_secs() {
        return Err(CertificateError::Expired);
    }
    let uses = extension::<ExtendedKeyUsage>(certificate).map(|uses| uses.0);
    let serves = |uses: &Vec<_>| {
        uses.iter().any(|oid: &x509_cert::der::oid::ObjectIdentifier| {
            SERVER_USES.contains(&oid.to_string().as_str())
        })
    };
    if uses.as_ref().is_none_or(serves) {
        Ok(())
    } else {
        Err(CertificateError::InvalidPurpose)
    }
}

fn is_ca(certificate: &Certificate) -> bool {
    extension::<BasicConstraints>(certificate).is_some_and(|constraints| constraints.ca)
}

fn extension<T: AssociatedOid + for<'a> x509_cert::der::Decode<'a>>(certificate: &Certificate) -> Option<T> {
    let extensions = certificate.tbs_certificate.extensions.as_deref()?;
    let found = extensions.iter().find(|extension| extension.extn_id == T::OID)?;
    T::from_der(found.extn_value.as_bytes()).ok()
}
