//! What a device's request asks for, looked at before a corporate CA sees it. We vouch for the request with our credential, and many a
//! CA copies what stands in it: it may have one common name, and ask for nothing that would make it a CA or somebody's host.

use gangway_protocol::certificate::{Csr, CsrRefusal};
use x509_cert::attr::Attribute;
use x509_cert::der::asn1::{Ia5StringRef, ObjectIdentifier, PrintableStringRef, Utf8StringRef};
use x509_cert::der::{self, Any, Decode as _, Encode as _, Reader as _, SliceReader};
use x509_cert::ext::Extensions;
use x509_cert::name::Name;

use crate::asked::check_extensions;
use crate::plgd_client::UnfitRequest;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
/// PKCS#9, RFC 2985 §5.4.2.
const EXTENSION_REQUEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14");

/// What stands in a request beside its key.
struct Requested {
    subject: Name,
    attributes: Vec<Attribute>,
}

/// Whether it may be passed on.
pub(super) fn check(csr: &Csr) -> Result<(), UnfitRequest> {
    let requested = read(csr)?;
    common_name_of(&requested.subject)?;
    for attribute in &requested.attributes {
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
    common_name_of(&read(csr)?.subject)
}

/// DER of its subject.
pub(super) fn subject(csr: &Csr) -> Result<Vec<u8>, UnfitRequest> {
    read(csr)?.subject.to_der().map_err(|_| malformed())
}

fn common_name_of(subject: &Name) -> Result<Option<String>, UnfitRequest> {
    let mut names = subject
        .0
        .iter()
        .flat_map(|relative| relative.0.iter())
        .filter(|attribute| attribute.oid == COMMON_NAME);
    let Some(name) = names.next() else {
        return Ok(None);
    };
    if names.next().is_some() {
        return Err(UnfitRequest::SeveralNames);
    }
    let text = text(&name.value).ok_or_else(malformed)?;
    Ok(Some(text).filter(|text| !text.is_empty()))
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

fn text(value: &Any) -> Option<String> {
    let utf8 = || {
        value
            .decode_as::<Utf8StringRef<'_>>()
            .map(|text| text.as_str().to_owned())
    };
    let printable = || {
        value
            .decode_as::<PrintableStringRef<'_>>()
            .map(|text| text.as_str().to_owned())
    };
    let ia5 = || {
        value
            .decode_as::<Ia5StringRef<'_>>()
            .map(|text| text.as_str().to_owned())
    };
    utf8().or_else(|_| printable()).or_else(|_| ia5()).ok()
}

fn malformed() -> UnfitRequest {
    UnfitRequest::Csr(CsrRefusal::Malformed)
}
