//! TLS with rustls and ring: public roots and the CA file, verified at a time that a lost clock cannot put into the past.
//! There is no way around the verification. When only the dates fail, the error says so.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use gangway_protocol::certificate::file::{self, FileError};
use gangway_protocol::certificate::tls::{HandshakeFault, ServerVerifier, Validity};
use gangway_protocol::time::UnixMillis;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::time_provider::TimeProvider;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, OtherError, RootCertStore,
    SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::{Identified, TransportError};
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
    verifier: Arc<dyn ServerCertVerifier>,
    trusted_time: Arc<TrustedTime>,
    /// What of the CA file was left out.
    pub(super) skipped: Vec<FileError>,
}

impl Verification {
    /// A connection in which this device identifies itself too. The server is verified against `trust_anchors` (PEM) alone where
    /// some are given.
    pub(super) fn identified(
        &self,
        identified: Identified,
        trust_anchors: Option<&str>,
        alpn: Option<&[u8]>,
    ) -> Result<Arc<ClientConfig>, TransportError> {
        let verifier = match trust_anchors {
            None => Arc::clone(&self.verifier),
            Some(pem) => {
                explaining(RootCertStore::empty(), pem.as_bytes())
                    .map_err(|reason| {
                        TransportError::Tls(format!("the trust anchors that came with the address: {reason}"))
                    })?
                    .0
            }
        };
        let versions: &[&'static rustls::SupportedProtocolVersion] = if identified.only_tls12 {
            &[&rustls::version::TLS12]
        } else {
            rustls::DEFAULT_VERSIONS
        };
        let mut config =
            client(&self.trusted_time, versions, verifier)?.with_client_cert_resolver(identified.resolver());
        config.alpn_protocols = alpn.map(<[u8]>::to_vec).into_iter().collect();
        Ok(Arc::new(config))
    }
}

/// Verification against the roots of `trust`, and those of `ca_file`.
pub(super) fn verification(
    trust: Trust,
    ca_file: Option<&Path>,
    trusted_time: Arc<TrustedTime>,
) -> Result<Verification, TransportError> {
    let roots = match trust {
        Trust::Public => RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        },
        Trust::System => system_roots()?,
    };
    let (verifier, skipped) = match ca_file {
        None => (
            verifier(roots, Vec::new()).map_err(TransportError::Tls)?,
            Vec::new(),
        ),
        Some(path) => {
            let failed = |reason: String| TransportError::CaFile {
                path: path.to_owned(),
                reason,
            };
            let bytes = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
            explaining(roots, &bytes).map_err(failed)?
        }
    };
    let config = client(&trusted_time, rustls::DEFAULT_VERSIONS, Arc::clone(&verifier))?;
    Ok(Verification {
        config: Arc::new(config.with_no_client_auth()),
        verifier,
        trusted_time,
        skipped,
    })
}

/// Verification against `roots` and those of a file, with what of it was left out.
fn explaining(
    mut roots: RootCertStore,
    file: &[u8],
) -> Result<(Arc<dyn ServerCertVerifier>, Vec<FileError>), String> {
    let own = file::trust_anchors(file, |der| {
        let added = roots.add(CertificateDer::from(der));
        added.map_err(|error| error.to_string())
    })
    .map_err(|error| error.to_string())?;
    let pinned = own.certificates.into_iter();
    let pinned = pinned.map(|certificate| CertificateDer::from(certificate.der));
    Ok((verifier(roots, pinned.collect())?, own.skipped))
}

fn verifier(
    roots: RootCertStore,
    pinned: Vec<CertificateDer<'static>>,
) -> Result<Arc<dyn ServerCertVerifier>, String> {
    let verifier = ServerVerifier::new(roots, pinned, provider()).map_err(|error| error.to_string())?;
    Ok(Arc::new(Explaining(verifier)))
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A configuration in which it is open yet how this device identifies itself.
fn client(
    trusted_time: &Arc<TrustedTime>,
    versions: &[&'static rustls::SupportedProtocolVersion],
    verifier: Arc<dyn ServerCertVerifier>,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>, TransportError> {
    let time: Arc<dyn TimeProvider> = Arc::<TrustedTime>::clone(trusted_time);
    Ok(ClientConfig::builder_with_details(provider(), time)
        .with_protocol_versions(versions)
        .map_err(|error| TransportError::Tls(error.to_string()))?
        // "Dangerous" is any verifier of one's own; this one asks webpki first.
        .dangerous()
        .with_custom_certificate_verifier(verifier))
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

/// Until when the server's certificate is valid.
pub(super) fn peer_expires_at(connection: &ClientConnection) -> Option<UnixMillis> {
    Validity::of(connection.peer_certificates()?.first()?).map(|validity| validity.not_after)
}

/// A TLS error in words.
pub(super) fn describe(error: &rustls::Error) -> TransportError {
    if let rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(inner))) = error
        && let Some(WrongDates(dates)) = inner.downcast_ref()
    {
        return dates.clone();
    }
    match HandshakeFault::of(error) {
        HandshakeFault::MarkedAsCa(_) => TransportError::MarkedAsCa,
        HandshakeFault::OtherIssuerKey => TransportError::OtherIssuerKey,
        HandshakeFault::NotTls => TransportError::NotTls,
        other => TransportError::Tls(other.to_string()),
    }
}

/// A verifier with one more question when it refuses: would it have accepted at another time?
#[derive(Debug)]
struct Explaining(ServerVerifier);

/// It would.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct WrongDates(TransportError);

impl ServerCertVerifier for Explaining {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verify = |at| {
            self.0
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, at)
        };
        let refusal = match verify(now) {
            Err(refusal) => refusal,
            verified => return verified,
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
        match Validity::of(end_entity) {
            Some(validity) if for_a_date && verify(within(validity)).is_ok() => {
                let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
                let dates = TransportError::Dates {
                    not_before: validity.not_before.to_the_minute(),
                    not_after: validity.not_after.to_the_minute(),
                    now: UnixMillis(now.saturating_mul(UnixMillis::SECOND)).to_the_minute(),
                };
                Err(CertificateError::Other(OtherError(Arc::new(WrongDates(dates)))).into())
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
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// The middle of the validity: an intermediate that lives longer is valid then, too.
fn within(validity: Validity) -> UnixTime {
    let middle = validity.not_before.as_secs() / 2 + validity.not_after.as_secs() / 2;
    let secs = u64::try_from(middle).unwrap_or(0);
    UnixTime::since_unix_epoch(std::time::Duration::from_secs(secs))
}
