//! What browsers and devices hold against a certificate that this server can speak TLS with all the same.

use std::net::IpAddr;

use gangway_protocol::certificate::tls::Validity;
use gangway_protocol::time::UnixMillis;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::der::oid::AssociatedOid as _;
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
            GeneralName::IpAddress(address) => {
                ip_address(address.as_bytes()).map(|address| address.to_string())
            }
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

/// RFC 5280 §4.2.1.6: four octets or sixteen.
fn ip_address(octets: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_for_an_address_is_not_said_to_have_no_name() {
        let certificate =
            rcgen::generate_simple_self_signed(vec!["192.0.2.7".to_owned(), "2001:db8::7".to_owned()])
                .expect("a certificate")
                .cert;
        assert_eq!(names(certificate.der()), "192.0.2.7, 2001:db8::7");
    }
}
