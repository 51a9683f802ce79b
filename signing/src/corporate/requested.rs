//! What a device's request asks for, looked at before a corporate CA sees it. We vouch for the request with our credential, and many a
//! CA copies what stands in it: it may have one common name, and ask for nothing that would make it a CA or somebody's host.

use gangway_protocol::certificate::{Csr, CsrRefusal};
use x509_cert::attr::Attribute;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{self, Decode as _, Encode as _, Reader as _, SliceReader};
use x509_cert::ext::Extensions;
use x509_cert::name::Name;

use crate::asked::check_extensions;
use crate::plgd_client::UnfitRequest;
use crate::subject::{self, UnfitSubject};

/// PKCS#9, RFC 2985 §5.4.2.
const EXTENSION_REQUEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14");

/// What stands in a request beside its key.
struct Requested {
    subject: Name,
    attributes: Vec<Attribute>,
}

/// Whether it may be passed on.
pub(super) fn check(csr: &Csr) -> Result<(), UnfitRequest> {
    common_name(csr)?;
    for attribute in &read(csr)?.attributes {
        if attribute.oid != EXTENSION_REQUEST {
            continue;
        }
        for value in attribute.values.iter() {
            let asked = value.to_der().and_then(|der| Extensions::from_der(&der));
            check_extensions(&asked.map_err(|_| malformed())?)?;
        }
    }
    Ok(())
}

/// The common name that it asks for.
pub(super) fn common_name(csr: &Csr) -> Result<Option<String>, UnfitRequest> {
    let name = subject::common_name(csr).map_err(|unfit| match unfit {
        UnfitSubject::Several => UnfitRequest::SeveralNames,
        UnfitSubject::Unreadable => malformed(),
    })?;
    Ok(name.filter(|name| !name.is_empty()))
}

/// DER of its subject.
pub(super) fn subject(csr: &Csr) -> Result<Vec<u8>, UnfitRequest> {
    read(csr)?.subject.to_der().map_err(|_| malformed())
}

/// RFC 2986 §4. The attributes may be absent, against it, as OpenSSL and some devices write requests.
fn read(csr: &Csr) -> Result<Requested, UnfitRequest> {
    read_der(csr.der()).map_err(|_| malformed())
}

fn read_der(request: &[u8]) -> der::Result<Requested> {
    SliceReader::new(request)?.sequence(|request| {
        let requested = request.sequence(|info| {
            let _version = info.tlv_bytes()?;
            let subject = Name::decode(info)?;
            let _key = info.tlv_bytes()?;
            let mut attributes = Vec::new();
            if !info.is_finished() {
                let header = der::Header::decode(info)?;
                info.read_nested(header.length, |inner| {
                    while !inner.is_finished() {
                        attributes.push(Attribute::decode(inner)?);
                    }
                    Ok(())
                })?;
            }
            Ok(Requested { subject, attributes })
        })?;
        while !request.is_finished() {
            request.tlv_bytes()?;
        }
        Ok(requested)
    })
}

fn malformed() -> UnfitRequest {
    UnfitRequest::Csr(CsrRefusal::Malformed)
}
