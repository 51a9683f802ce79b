//! What browsers and devices hold against a certificate that this server can speak TLS with all the same, and why it cannot
//! with another.

use gangway_protocol::certificate::tls::Validity;
use gangway_protocol::certificate::{KeyRefusal, PublicKey};
use gangway_protocol::time::UnixMillis;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use x509_cert::Certificate;
use x509_cert::der::oid::AssociatedOid as _;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// Names that are shown; some certificates have a hundred.
const MAX_NAMES_SHOWN: usize = 5;

/// Why browsers and devices refuse a certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// Past its end.
    #[error("it expired at {0}: renew it; the files are read again when they change")]
    Expired(String),
    /// Before its start.
    #[error("it is not valid before {0}: is the clock of this machine right?")]
    NotYetValid(String),
    /// For other names.
    #[error("it is not for {host}, the name in public_url, but for {names}")]
    OtherName {
        /// The name that people and devices use.
        host: String,
        /// Those that it has.
        names: String,
    },
}

/// What is wrong with `certificate` at this time, for a server of this name.
pub(super) fn faults(certificate: &CertificateDer<'_>, host: &str, now: UnixMillis) -> Vec<CertificateFault> {
    let mut faults = Vec::new();
    if let Some(validity) = Validity::of(certificate) {
        if now > validity.not_after {
            faults.push(CertificateFault::Expired(validity.not_after.to_the_minute()));
        }
        if now < validity.not_before {
            faults.push(CertificateFault::NotYetValid(validity.not_before.to_the_minute()));
        }
    }
    if let (Ok(parsed), Ok(name)) = (
        ParsedCertificate::try_from(certificate),
        ServerName::try_from(host),
    ) && rustls::client::verify_server_name(&parsed, &name).is_err()
    {
        faults.push(CertificateFault::OtherName {
            host: host.to_owned(),
            names: names(certificate),
        });
    }
    faults
}

fn names(certificate: &[u8]) -> String {
    let alternatives = Certificate::from_der(certificate).ok().and_then(|certificate| {
        let extensions = certificate.tbs_certificate.extensions?;
        let found = extensions
            .into_iter()
            .find(|extension| extension.extn_id == SubjectAltName::OID)?;
        SubjectAltName::from_der(found.extn_value.as_bytes()).ok()
    });
    let names: Vec<String> = alternatives
        .into_iter()
        .flat_map(|names| names.0)
        .filter_map(|name| match name {
            GeneralName::DnsName(name) => Some(name.to_string()),
            _ => None,
        })
        .collect();
    let more = match names.len().saturating_sub(MAX_NAMES_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    match names.get(..MAX_NAMES_SHOWN.min(names.len())) {
        Some(shown @ [_, ..]) => shown.join(", ") + &more,
        // RFC 9525 §2: the common name is no place for it any more.
        _ => "no name at all (a common name without subjectAltName does not count)".to_owned(),
    }
}

/// What kind of key a certificate has, where that is one with which TLS cannot be spoken here.
pub(super) fn unusable_key(certificate: &CertificateDer<'_>) -> Option<String> {
    let key = Certificate::from_der(certificate)
        .and_then(|certificate| certificate.tbs_certificate.subject_public_key_info.to_der())
        .ok()?;
    match PublicKey::from_spki(&key) {
        Ok(_) => None,
        Err(KeyRefusal::Algorithm { oid } | KeyRefusal::Curve { oid }) => {
            Some(match oid.to_string().as_str() {
                "1.3.101.113" => "Ed448".to_owned(),
                "1.2.840.10040.4.1" => "DSA".to_owned(),
                "1.2.840.113549.1.1.10" => "RSA for PSS alone (id-RSASSA-PSS)".to_owned(),
                "1.3.132.0.35" => "P-521".to_owned(),
                "1.3.132.0.10" => "secp256k1".to_owned(),
                other => format!("unknown here ({other})"),
            })
        }
        Err(other) => Some(other.to_string()),
    }
}
