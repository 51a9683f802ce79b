//! The one thing about a foreign certificate that a claimant has to know: whose key it is for.

use super::pem::split_chain;
use super::tlv::Tlv;
use crate::encoding::Sha256Hex;

/// Digest of the SubjectPublicKeyInfo of a chain's first certificate (RFC 5280 §4.1); `None` when it cannot be read. Nothing
/// else of the certificate is looked at.
#[must_use]
pub fn leaf_key(chain: &str) -> Option<Sha256Hex> {
    const VERSION: u8 = 0xa0;
    let der = split_chain(chain).ok()?.into_iter().next()?;
    let (certificate, _) = Tlv::first(&der)?;
    let (to_be_signed, _) = Tlv::first(certificate.content)?;
    let mut fields = to_be_signed.inner().peekable();
    fields.next_if(|field| field.is_some_and(|field| field.tag == VERSION));
    // serialNumber, signature, issuer, validity, subject; then the key.
    let key = fields.nth(5)??;
    Some(Sha256Hex::of(key.whole))
}
