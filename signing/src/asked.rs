//! What a request asks to have beside a name, looked at before an authority sees it that would copy it into the certificate.

use x509_cert::der::Decode as _;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::ext::Extensions;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage};

use crate::plgd_client::UnfitRequest;

const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
/// serverAuth, clientAuth, and the identity of OCF.
const PURPOSES: [ObjectIdentifier; 3] = [
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1"),
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2"),
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.44924.1.6"),
];
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");

/// RFC 5280 §4.2.1. A name of a host, of a person or of a policy would be believed, since the authority vouches for it.
pub(crate) fn check_extensions(asked: &Extensions) -> Result<(), UnfitRequest> {
    for extension in asked {
        let value = extension.extn_value.as_bytes();
        match extension.extn_id {
            BASIC_CONSTRAINTS => {
                let read = BasicConstraints::from_der(value).map_err(|_| malformed())?;
                if read.ca {
                    return Err(UnfitRequest::Authority);
                }
            }
            KEY_USAGE => {
                let read = KeyUsage::from_der(value).map_err(|_| malformed())?;
                if read.key_cert_sign() || read.crl_sign() {
                    return Err(UnfitRequest::Authority);
                }
            }
            // OCSPSigning would make it speak for the authority, any purpose for everybody.
            EXTENDED_KEY_USAGE => {
                let ExtendedKeyUsage(purposes) =
                    ExtendedKeyUsage::from_der(value).map_err(|_| malformed())?;
                if let Some(other) = purposes.iter().find(|purpose| !PURPOSES.contains(purpose)) {
                    return Err(UnfitRequest::Purpose {
                        oid: other.to_string(),
                    });
                }
            }
            SUBJECT_KEY_IDENTIFIER => {}
            other => {
                return Err(UnfitRequest::Extension {
                    oid: other.to_string(),
                });
            }
        }
    }
    Ok(())
}

fn malformed() -> UnfitRequest {
    UnfitRequest::Csr(gangway_protocol::certificate::CsrRefusal::Malformed)
}
