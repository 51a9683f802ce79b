//! Kinds of keys with which TLS cannot be spoken here.

use gangway_protocol::certificate::{KeyRefusal, PublicKey};
use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};

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
