//! What a CSR asks to be called. Our own CA takes it over nowhere but in plgd's signing API, whose rules for names decide on it;
//! others may.

use gangway_protocol::certificate::Csr;
use x509_cert::der::asn1::{Ia5StringRef, ObjectIdentifier, PrintableStringRef, Utf8StringRef};
use x509_cert::der::{Any, Decode as _, Error, Reader as _, SliceReader};
use x509_cert::name::Name;

/// id-at-commonName (RFC 5280 §A.1).
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// Why a common name is none that can be taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitSubject {
    /// It is damaged, or in a character set of the last century.
    #[error("the subject of the certificate request cannot be read")]
    Unreadable,
    /// Verifiers would not agree which one counts.
    #[error("the subject of the certificate request has more than one common name")]
    Several,
}

/// The common name that a CSR asks for.
///
/// # Errors
/// When there are several, or it cannot be read.
pub fn common_name(csr: &Csr) -> Result<Option<String>, UnfitSubject> {
    let subject = subject(csr.der()).map_err(|_| UnfitSubject::Unreadable)?;
    let mut names = subject
        .0
        .iter()
        .flat_map(|relative| relative.0.iter())
        .filter(|attribute| attribute.oid == COMMON_NAME);
    let Some(name) = names.next() else {
        return Ok(None);
    };
    if names.next().is_some() {
        return Err(UnfitSubject::Several);
    }
    text(&name.value).map(Some).ok_or(UnfitSubject::Unreadable)
}

/// RFC 2986 §4: the subject is the second part of the request's first part. The attributes behind it, which ask for
/// extensions, are not looked at.
fn subject(request: &[u8]) -> Result<Name, Error> {
    SliceReader::new(request)?.sequence(|request| {
        let subject = request.sequence(|info| {
            let _version = info.tlv_bytes()?;
            let subject = Name::decode(info)?;
            while !info.is_finished() {
                info.tlv_bytes()?;
            }
            Ok(subject)
        })?;
        while !request.is_finished() {
            request.tlv_bytes()?;
        }
        Ok(subject)
    })
}

fn text(value: &Any) -> Option<String> {
    let utf8 = value
        .decode_as::<Utf8StringRef<'_>>()
        .map(|text| text.as_str().to_owned());
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
    utf8.or_else(|_| printable()).or_else(|_| ia5()).ok()
}
