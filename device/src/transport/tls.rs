//! TLS with rustls and ring: public roots and the CA file, verified at a time that a lost clock cannot put into the past.
//! There is no way around the verification. When only the dates fail, the error says so.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use gangway_protocol::certificate::file::{self, FileError, TrustAnchors};
use gangway_protocol::time::UnixMillis;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::server::ParsedCertificate;
use rustls::time_provider::TimeProvider;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, OtherError, RootCertStore,
    SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;

use super::TransportError;
use crate::clock::{Clock, latest};
use crate::config::Trust;

/// How far one server can move the time at once. Certificates of public authorities are renewed a month before their end:
/// after one wrong word they still verify.
const MAX_STEP: i64 = 30 * UnixMillis::DAY;

/// The latest of system time, build time and last good time.
pub(crate) struct TrustedTime {
    clock: Arc<dyn Clock>,
    /// Unix milliseconds; 0 where nothing is known.
    last_good: AtomicI64,
}

impl TrustedTime {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            last_good: AtomicI64::new(0),
        }
    }

    /// The present, as far as this device knows.
    pub(crate) fn now(&self) -> UnixMillis {
        latest(
            self.clock.now(),
            Some(UnixMillis(self.last_good.load(Ordering::Relaxed))),
        )
    }

    /// A verified server, whose certificate is valid until `expires_at`, said that it is `time`. One such word moves the time
    /// on by [`MAX_STEP`] at most, and at most half the way to the end of that certificate: however wrong the server's clock
    /// is, the server is believed again when its clock is set. A lost clock comes to the present in several sessions.
    pub(crate) fn learn(&self, time: UnixMillis, expires_at: Option<UnixMillis>) -> Option<UnixMillis> {
        let known = self.now();
        let halfway = known.plus(expires_at?.since(known).max(0) / 2);
        let bounded = time.min(halfway).min(known.plus(MAX_STEP));
        self.last_good.fetch_max(bounded.0, Ordering::Relaxed);
        Some(bounded)
    }

    /// What was learnt before a restart.
    pub(crate) fn remember(&self, time: UnixMillis) {
        self.last_good.fetch_max(time.0, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for TrustedTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TrustedTime({:?})", self.now())
    }
}

impl TimeProvider for TrustedTime {
    fn current_time(&self) -> Option<UnixTime> {
        let secs = u64::try_from(self.now().as_secs()).ok()?;
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(secs)))
    }
}

/// How servers are verified.
pub(super) struct Verification {
    pub(super) config: Arc<ClientConfig>,
    /// What of the CA file was left out.
    pub(super) skipped: Vec<FileError>,
}

/// Verification against the roots of `trust`, and those of `ca_file`.
pub(super) fn verification(
    trust: Trust,
    ca_file: Option<&Path>,
    trusted_time: Arc<TrustedTime>,
) -> Result<Verification, TransportError> {
    let mut roots = match trust {
        Trust::Public => RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        },
        Trust::System => system_roots()?,
    };
    let mut own = TrustAnchors::default();
    if let Some(path) = ca_file {
        let failed = |reason: String| TransportError::CaFile {
            path: path.to_owned(),
            reason,
        };
        let bytes = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
        own = file::trust_anchors(&bytes, |der| {
            let added = roots.add(CertificateDer::from(der));
            added.map_err(|error| error.to_string())
        })
        .map_err(|error| failed(error.to_string()))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let unusable = |error: &dyn std::error::Error| TransportError::Tls(error.to_string());
    let webpki = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .map_err(|error| unusable(&error))?;
    let pinned = own.certificates.into_iter();
    let verifier = Explaining {
        webpki,
        pinned: pinned
            .map(|certificate| CertificateDer::from(certificate.der))
            .collect(),
    };
    let config = ClientConfig::builder_with_details(provider, trusted_time)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?
        // "Dangerous" is any verifier of one's own; this one asks webpki first.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Verification {
        config: Arc::new(config),
        skipped: own.skipped,
    })
}

/// What the operating system trusts. Certificates in it that cannot be read are passed over, as all programs do; a store
/// in which none can be read is told.
fn system_roots() -> Result<RootCertStore, TransportError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _ignored) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let reason = found.errors.first().map_or_else(
            || "it holds no certificate (on Debian the package ca-certificates brings them)".to_owned(),
            ToString::to_string,
        );
        return Err(TransportError::SystemTrust(reason));
    }
    Ok(roots)
}

/// Until when the server's certificate is valid, in unix seconds.
pub(super) fn peer_expires_at(connection: &ClientConnection) -> Option<i64> {
    validity(connection.peer_certificates()?.first()?).map(|(_, not_after)| not_after.timestamp())
}

/// A TLS error in words.
pub(super) fn describe(error: &rustls::Error) -> TransportError {
    use rustls::Error::InvalidCertificate;
    let text = match error {
        InvalidCertificate(CertificateError::Other(OtherError(inner))) => {
            if let Some(Finding(finding)) = inner.downcast_ref() {
                return finding.clone();
            }
            inner.to_string()
        }
        InvalidCertificate(CertificateError::UnknownIssuer) => {
            "its certificate comes from an issuer that this device does not know".to_owned()
        }
        InvalidCertificate(CertificateError::NotValidForNameContext { expected, .. }) => {
            format!("its certificate is not for {}", expected.to_str())
        }
        other => other.to_string(),
    };
    TransportError::Tls(text)
}

/// webpki's verifier, with two more questions when it refuses. Would it have accepted at another time? Is the
/// certificate marked as a CA, and itself one of the CA file?
#[derive(Debug)]
struct Explaining {
    webpki: Arc<WebPkiServerVerifier>,
    /// The certificates of the CA file.
    pinned: Vec<CertificateDer<'static>>,
}

/// The answer to one of them.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Finding(TransportError);

impl From<Finding> for rustls::Error {
    fn from(finding: Finding) -> Self {
        Self::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(finding))))
    }
}

impl Explaining {
    fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<(), rustls::Error> {
        let verdict =
            self.webpki
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match (verdict, X509Certificate::from_der(end_entity)) {
            // webpki refuses a server's certificate that is marked as a CA, even where that very certificate is trusted;
            // OpenSSL and browsers take it then. Whoever trusts a CA trusts it for every name: this gives away nothing.
            (Err(_), Ok((_, certificate))) if certificate.is_ca() => {
                if !self.pinned.contains(end_entity) {
                    return Err(Finding(TransportError::MarkedAsCa).into());
                }
                verify_pinned(&certificate, now)?;
                rustls::client::verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)
            }
            (verdict, _) => verdict.map(|_| ()),
        }
    }
}

/// What remains to be asked of a certificate that is trusted itself: its dates and its use.
fn verify_pinned(certificate: &X509Certificate<'_>, now: UnixTime) -> Result<(), CertificateError> {
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if now < certificate.validity().not_before.timestamp() {
        return Err(CertificateError::NotValidYet);
    }
    if now > certificate.validity().not_after.timestamp() {
        return Err(CertificateError::Expired);
    }
    match certificate.extended_key_usage() {
        Ok(None) => Ok(()),
        Ok(Some(usage)) if usage.value.server_auth || usage.value.any => Ok(()),
        Ok(Some(_)) => Err(CertificateError::InvalidPurpose),
        Err(_) => Err(CertificateError::BadEncoding),
    }
}

impl ServerCertVerifier for Explaining {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verify = |at| self.verify(end_entity, intermediates, server_name, ocsp_response, at);
        let Err(refusal) = verify(now) else {
            return Ok(ServerCertVerified::assertion());
        };
        let for_a_date = matches!(
            refusal,
            rustls::Error::InvalidCertificate(
                CertificateError::Expired
                    | CertificateError::ExpiredContext { .. }
                    | CertificateError::NotValidYet
                    | CertificateError::NotValidYetContext { .. }
            )
        );
        match validity(end_entity) {
            Some((not_before, not_after)) if for_a_date && verify(within(not_before, not_after)).is_ok() => {
                let dates = TransportError::Dates {
                    not_before: not_before.to_string(),
                    not_after: not_after.to_string(),
                    now: shown(now),
                };
                Err(Finding(dates).into())
            }
            _ => Err(refusal),
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

fn validity(certificate: &CertificateDer<'_>) -> Option<(ASN1Time, ASN1Time)> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    Some((
        certificate.validity().not_before,
        certificate.validity().not_after,
    ))
}

/// The middle of the validity: an intermediate that lives longer is valid then, too.
fn within(not_before: ASN1Time, not_after: ASN1Time) -> UnixTime {
    let middle = not_before.timestamp() / 2 + not_after.timestamp() / 2;
    let secs = u64::try_from(middle).unwrap_or(0);
    UnixTime::since_unix_epoch(std::time::Duration::from_secs(secs))
}

fn shown(now: UnixTime) -> String {
    let secs = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    ASN1Time::from_timestamp(secs)
        .map_or_else(|_| format!("{secs} seconds after 1970"), |time| time.to_string())
}
