//! Which servers native programs believe over TLS: webpki's verdict, but for certificates that are marked as a CA and
//! themselves trusted. Feature `tls`; browsers verify by themselves.

mod fault;

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{VerifierBuilderError, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::{self, Decode};
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage};

use crate::time::UnixMillis;

pub use fault::HandshakeFault;

/// id-kp-serverAuth and anyExtendedKeyUsage (RFC 5280 §4.2.1.12).
const SERVER_USES: [ObjectIdentifier; 2] = [
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1"),
    ObjectIdentifier::new_unwrap("2.5.29.37.0"),
];

/// webpki's verifier. It refuses a server's certificate that is marked as a CA, even where that very certificate is
/// trusted; OpenSSL and browsers take it then. Whoever trusts a CA trusts it for every name, so this gives away nothing.
#[derive(Debug)]
pub struct ServerVerifier {
    webpki: Arc<WebPkiServerVerifier>,
    pinned: Vec<CertificateDer<'static>>,
}

/// A server's certificate is marked as a CA and is not itself trusted: what [`CertificateError::Other`] holds then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is marked as a CA (basicConstraints CA:TRUE), as `openssl req -x509` makes it, and is not itself trusted"
)]
pub struct MarkedAsCa;

/// When a certificate is valid, both ends included (RFC 5280 §4.1.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first instant.
    pub not_before: UnixMillis,
    /// The last instant.
    pub not_after: UnixMillis,
}

impl ServerVerifier {
    /// Believes whom `roots` have signed, and `pinned`, which the caller has put among the roots too.
    ///
    /// # Errors
    /// When there are no roots.
    pub fn new(
        roots: RootCertStore,
        pinned: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, VerifierBuilderError> {
        let webpki = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
        Ok(Self { webpki, pinned })
    }
}

impl ServerCertVerifier for ServerVerifier {
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
        match (verdict, x509_cert::Certificate::from_der(end_entity)) {
            (Err(_), Ok(certificate)) if is_ca(&certificate) => {
                if !self.pinned.contains(end_entity) {
                    return Err(CertificateError::Other(OtherError(Arc::new(MarkedAsCa))).into());
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

impl Validity {
    /// That of a certificate in DER; `None` where it cannot be read.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Option<Self> {
        x509_cert::Certificate::from_der(certificate)
            .ok()
            .map(|certificate| Self::from(&certificate.tbs_certificate.validity))
    }
}

impl From<&x509_cert::time::Validity> for Validity {
    fn from(validity: &x509_cert::time::Validity) -> Self {
        Self {
            not_before: instant(validity.not_before),
            not_after: instant(validity.not_after),
        }
    }
}

fn instant(time: x509_cert::time::Time) -> UnixMillis {
    let millis = time.to_unix_duration().as_millis();
    UnixMillis(i64::try_from(millis).expect("years of four digits fit"))
}

/// What remains to be asked of a certificate that is trusted itself: its dates and its use.
fn verify_pinned(certificate: &x509_cert::Certificate, now: UnixTime) -> Result<(), CertificateError> {
    let validity = Validity::from(&certificate.tbs_certificate.validity);
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if now < validity.not_before.as_secs() {
        return Err(CertificateError::NotValidYet);
    }
    if now > validity.not_after.as_secs() {
        return Err(CertificateError::Expired);
    }
    match extension::<ExtendedKeyUsage>(certificate) {
        Ok(Some(ExtendedKeyUsage(uses))) if !uses.iter().any(|usage| SERVER_USES.contains(usage)) => {
            Err(CertificateError::InvalidPurpose)
        }
        Ok(_) => Ok(()),
        Err(_) => Err(CertificateError::BadEncoding),
    }
}

fn is_ca(certificate: &x509_cert::Certificate) -> bool {
    extension::<BasicConstraints>(certificate)
        .is_ok_and(|constraints| constraints.is_some_and(|constraints| constraints.ca))
}

fn extension<T: AssociatedOid + for<'a> Decode<'a>>(
    certificate: &x509_cert::Certificate,
) -> der::Result<Option<T>> {
    let extensions = certificate
        .tbs_certificate
        .extensions
        .as_deref()
        .unwrap_or_default();
    let found = extensions.iter().find(|extension| extension.extn_id == T::OID);
    found
        .map(|found| T::from_der(found.extn_value.as_bytes()))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair};

    const NAME: &str = "panel.example";
    /// 2030-01-01.
    const NOW: u64 = 1_893_456_000;
    const DAY: u64 = 86_400;

    fn marked_as_ca(usage: Vec<ExtendedKeyUsagePurpose>) -> CertificateDer<'static> {
        let mut params = CertificateParams::new([NAME.to_owned()]).expect("a name");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_before = rcgen::date_time_ymd(2029, 12, 15);
        params.not_after = rcgen::date_time_ymd(2030, 1, 15);
        params.extended_key_usages = usage;
        let key = KeyPair::generate().expect("a key");
        params.self_signed(&key).expect("a certificate").der().clone()
    }

    /// What a program that trusts `trusted` says to `served` under `name`.
    fn verdict(
        trusted: &CertificateDer<'static>,
        served: &CertificateDer<'_>,
        name: &str,
        now: u64,
    ) -> Result<(), rustls::Error> {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.clone()).expect("a root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = ServerVerifier::new(roots, vec![trusted.clone()], provider).expect("a verifier");
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now));
        verifier
            .verify_server_cert(served, &[], &name, &[], now)
            .map(drop)
    }

    #[test]
    fn a_certificate_marked_as_a_ca_serves_where_it_is_itself_trusted() {
        let certificate = marked_as_ca(Vec::new());
        assert_eq!(verdict(&certificate, &certificate, NAME, NOW), Ok(()));
        let serving = marked_as_ca(vec![ExtendedKeyUsagePurpose::ServerAuth]);
        assert_eq!(verdict(&serving, &serving, NAME, NOW), Ok(()));
    }

    #[test]
    fn its_name_its_dates_and_its_use_count_all_the_same() {
        let certificate = marked_as_ca(Vec::new());
        let refused = |certificate, name, now| match verdict(certificate, certificate, name, now) {
            Err(rustls::Error::InvalidCertificate(reason)) => reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            refused(&certificate, NAME, NOW - 20 * DAY),
            CertificateError::NotValidYet
        );
        assert_eq!(
            refused(&certificate, NAME, NOW + 20 * DAY),
            CertificateError::Expired
        );
        assert!(matches!(
            refused(&certificate, "other.example", NOW),
            CertificateError::NotValidForNameContext { .. }
        ));
        let client = marked_as_ca(vec![ExtendedKeyUsagePurpose::ClientAuth]);
        assert_eq!(refused(&client, NAME, NOW), CertificateError::InvalidPurpose);
    }

    #[test]
    fn another_certificate_marked_as_a_ca_is_refused_by_that_name() {
        let (trusted, served) = (marked_as_ca(Vec::new()), marked_as_ca(Vec::new()));
        match verdict(&trusted, &served, NAME, NOW) {
            Err(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(reason)))) => {
                assert_eq!(reason.downcast_ref(), Some(&MarkedAsCa));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_validity_of_a_certificate_is_read_from_its_der() {
        let validity = Validity::of(&marked_as_ca(Vec::new())).expect("a certificate");
        assert_eq!(validity.not_before.rfc3339(), "2029-12-15T00:00:00Z");
        assert_eq!(validity.not_after.rfc3339(), "2030-01-15T00:00:00Z");
        assert_eq!(Validity::of(b"no certificate"), None);
    }
}
