//! Signed messages: what the built-in CA says besides certificates and revocation lists. They are signed data of CMS (RFC 5652) in
//! PEM, which `openssl cms -verify` reads, with the content inside and the signer's certificates beside it.
//!
//! What is signed are attributes, a SET in DER, so that no signature on a message is one on a certificate or a list, which are
//! SEQUENCEs.

use gangway_protocol::certificate::{KeyKind, PublicKey, split_chain};
use gangway_protocol::time::UnixMillis;
use ring::digest::{self, SHA256, SHA384, SHA512, digest};
use x509_cert::Certificate;
use x509_cert::der::asn1::{AnyRef, ObjectIdentifier, OctetString, OctetStringRef};
use x509_cert::der::pem::{self, LineEnding};
use x509_cert::der::{Any, Decode, Encode, Error as DerError, Reader as _, SliceReader, Tag, TagNumber};

use super::issuer::IssuerCertificate;
use super::key::IssuerKey;
use super::{CaError, moment, verify};

/// RFC 7468 §9.
const LABEL: &str = "CMS";
/// id-data (RFC 5652 §4).
const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
/// id-signedData (RFC 5652 §5.1).
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
/// id-contentType (RFC 5652 §11.1).
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
/// id-messageDigest (RFC 5652 §11.2).
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
/// id-signingTime (RFC 5652 §11.3).
const SIGNING_TIME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.5");
/// `[0]`, of which some parts of a message are implicitly.
const FIRST: Tag = Tag::ContextSpecific {
    constructed: true,
    number: TagNumber::N0,
};
/// Version 1 of signed data and of a signer named by issuer and serial number (RFC 5652 §5.1, §5.3).
const VERSION: u8 = 1;

/// Why something is no message of this server's CA.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// It cannot be read.
    #[error("this is no signed message as the built-in CA writes it: {0}")]
    Unreadable(#[from] DerError),
    /// It is PEM of something else, or none.
    #[error("this is no signed message: it has to begin with -----BEGIN {LABEL}-----")]
    NoPem,
    /// Its signature is not of one of the issuers.
    #[error("no issuer of this server has signed this message, or it was changed since")]
    NotSigned,
}

/// The digest that goes with signatures of such a key. RFC 8419 §3.1: SHA-512 with Ed25519.
fn digest_of(kind: KeyKind) -> (ObjectIdentifier, &'static digest::Algorithm) {
    match kind {
        KeyKind::P256 | KeyKind::Rsa { .. } => {
            (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1"), &SHA256)
        }
        KeyKind::P384 => (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2"), &SHA384),
        KeyKind::Ed25519 => (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3"), &SHA512),
    }
}

/// Signs `content`. `above`: PEM of the certificates between the issuer and its root.
///
/// # Errors
/// When the key refuses to sign, or a part does not fit DER.
pub(super) fn sign(
    content: &[u8],
    issuer: &IssuerCertificate,
    above: &str,
    key: &IssuerKey,
    now: UnixMillis,
) -> Result<String, CaError> {
    let public =
        public_key(issuer.certificate()).ok_or(CaError::Recorded("an issuer's key is of no known kind"))?;
    let (digest_oid, algorithm) = digest_of(public.kind());
    let mut attributes = [
        attribute(CONTENT_TYPE, &DATA)?,
        attribute(SIGNING_TIME, &moment::to_x509(now)?)?,
        attribute(
            MESSAGE_DIGEST,
            &OctetStringRef::new(digest(algorithm, content).as_ref())?,
        )?,
    ];
    // X.690 §11.6: a SET OF has one order in DER.
    attributes.sort_unstable();
    let attributes = attributes.concat();
    let signature = key.sign(&tlv(Tag::Set, &[&attributes])?)?;

    let tbs = &issuer.certificate().tbs_certificate;
    let digest_algorithm = tlv(Tag::Sequence, &[&digest_oid.to_der()?])?;
    let signer = tlv(
        Tag::Sequence,
        &[
            &VERSION.to_der()?,
            &tlv(
                Tag::Sequence,
                &[&tbs.issuer.to_der()?, &tbs.serial_number.to_der()?],
            )?,
            &digest_algorithm,
            &tlv(FIRST, &[&attributes])?,
            &key.algorithm().to_der()?,
            &OctetString::new(signature)?.to_der()?,
        ],
    )?;
    let mut certificates = vec![issuer.der().to_vec()];
    certificates.extend(split_chain(above).unwrap_or_default());
    certificates.sort_unstable();
    let content = tlv(FIRST, &[&OctetStringRef::new(content)?.to_der()?])?;
    let signed = tlv(
        Tag::Sequence,
        &[
            &VERSION.to_der()?,
            &tlv(Tag::Set, &[&digest_algorithm])?,
            &tlv(Tag::Sequence, &[&DATA.to_der()?, &content])?,
            &tlv(FIRST, &[&certificates.concat()])?,
            &tlv(Tag::Set, &[&signer])?,
        ],
    )?;
    let whole = tlv(Tag::Sequence, &[&SIGNED_DATA.to_der()?, &tlv(FIRST, &[&signed])?])?;
    let written = pem::encode_string(LABEL, LineEnding::LF, &whole);
    written.map_err(|_| CaError::Recorded("a message does not fit PEM"))
}

/// Certificates alone, as signed data without content or signer (RFC 5652 §5.2, EST's *certs-only*). The order stays as it is given, as
/// OpenSSL writes it too.
///
/// # Errors
/// When a part does not fit DER.
pub fn certificates_only(certificates: &[Vec<u8>]) -> Result<Vec<u8>, DerError> {
    let signed = tlv(
        Tag::Sequence,
        &[
            &VERSION.to_der()?,
            &tlv(Tag::Set, &[])?,
            &tlv(Tag::Sequence, &[&DATA.to_der()?])?,
            &tlv(FIRST, &[&certificates.concat()])?,
            &tlv(Tag::Set, &[])?,
        ],
    )?;
    tlv(Tag::Sequence, &[&SIGNED_DATA.to_der()?, &tlv(FIRST, &[&signed])?])
}

/// The content of a message, when one of these issuers has signed it. The certificates beside it are not believed.
///
/// # Errors
/// [`MessageError`].
pub fn open(text: &str, issuers: &[Certificate]) -> Result<Vec<u8>, MessageError> {
    let (label, der) = pem::decode_vec(text.as_bytes()).map_err(|_| MessageError::NoPem)?;
    if label != LABEL {
        return Err(MessageError::NoPem);
    }
    let Signed {
        content,
        attributes,
        signature,
    } = Signed::read(&der)?;
    let signed = tlv(Tag::Set, &[attributes])?;
    let held = issuers.iter().filter_map(public_key).any(|key| {
        let (_, algorithm) = digest_of(key.kind());
        states(attributes, digest(algorithm, content).as_ref()).unwrap_or(false)
            && verify::said_by(&key, &signed, signature)
    });
    held.then(|| content.to_vec()).ok_or(MessageError::NotSigned)
}

/// What of a message the signature is about.
struct Signed<'a> {
    content: &'a [u8],
    /// Inside of the SET.
    attributes: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Signed<'a> {
    fn read(der: &'a [u8]) -> Result<Self, DerError> {
        let mut whole = SliceReader::new(der)?;
        let mut message = inside(&mut whole, Tag::Sequence)?;
        whole.finish(())?;
        expect(&mut message, SIGNED_DATA)?;
        let mut signed = inside(&mut message, FIRST)?;
        let mut signed = inside(&mut signed, Tag::Sequence)?;
        u8::decode(&mut signed)?;
        value(&mut signed, Tag::Set)?;
        let mut encapsulated = inside(&mut signed, Tag::Sequence)?;
        expect(&mut encapsulated, DATA)?;
        let content = value(&mut inside(&mut encapsulated, FIRST)?, Tag::OctetString)?;
        value(&mut signed, FIRST)?;
        let mut signers = inside(&mut signed, Tag::Set)?;
        let mut signer = inside(&mut signers, Tag::Sequence)?;
        signers.finish(())?;
        u8::decode(&mut signer)?;
        value(&mut signer, Tag::Sequence)?;
        value(&mut signer, Tag::Sequence)?;
        let attributes = value(&mut signer, FIRST)?;
        value(&mut signer, Tag::Sequence)?;
        let signature = value(&mut signer, Tag::OctetString)?;
        Ok(Self {
            content,
            attributes,
            signature,
        })
    }
}

/// Whether the attributes say that this is the digest of the content, and that it is data.
fn states(attributes: &[u8], digest: &[u8]) -> Result<bool, DerError> {
    let mut attributes = SliceReader::new(attributes)?;
    let (mut is_data, mut is_digest) = (false, false);
    while !attributes.is_finished() {
        let mut attribute = inside(&mut attributes, Tag::Sequence)?;
        let name = ObjectIdentifier::decode(&mut attribute)?;
        let mut values = inside(&mut attribute, Tag::Set)?;
        match name {
            CONTENT_TYPE => is_data = ObjectIdentifier::decode(&mut values)? == DATA,
            MESSAGE_DIGEST => is_digest = value(&mut values, Tag::OctetString)? == digest,
            _ => {}
        }
    }
    Ok(is_data && is_digest)
}

fn public_key(certificate: &Certificate) -> Option<PublicKey> {
    let spki = certificate.tbs_certificate.subject_public_key_info.to_der();
    PublicKey::from_spki(&spki.ok()?).ok()
}

fn attribute(name: ObjectIdentifier, value: &impl Encode) -> Result<Vec<u8>, DerError> {
    tlv(
        Tag::Sequence,
        &[&name.to_der()?, &tlv(Tag::Set, &[&value.to_der()?])?],
    )
}

fn tlv(tag: Tag, parts: &[&[u8]]) -> Result<Vec<u8>, DerError> {
    Any::new(tag, parts.concat())?.to_der()
}

fn value<'a>(reader: &mut SliceReader<'a>, tag: Tag) -> Result<&'a [u8], DerError> {
    let any = AnyRef::decode(reader)?;
    x509_cert::der::Tagged::tag(&any).assert_eq(tag)?;
    Ok(any.value())
}

fn inside<'a>(reader: &mut SliceReader<'a>, tag: Tag) -> Result<SliceReader<'a>, DerError> {
    SliceReader::new(value(reader, tag)?)
}

fn expect(reader: &mut SliceReader<'_>, wanted: ObjectIdentifier) -> Result<(), DerError> {
    if ObjectIdentifier::decode(reader)? == wanted {
        Ok(())
    } else {
        Err(x509_cert::der::ErrorKind::OidUnknown { oid: wanted }.into())
    }
}
