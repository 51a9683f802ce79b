//! How keys look in a token, against how they look everywhere else: generation templates, public keys, signatures, and the
//! URI by which one is found again. No library in sight but for its types.

use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType as Family, ObjectHandle};
use cryptoki::session::Session;
use rcgen::PublicKeyData;
use x509_cert::der::asn1::{ObjectIdentifier, OctetStringRef, SequenceOf, UintRef};
use x509_cert::der::{Decode as _, Encode as _};

use super::{KeyError, KeyType, LABEL, refused};

/// RFC 5480 §2.1.1.1: secp256r1.
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
/// RFC 5480 §2.1.1.1: secp384r1.
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
/// Every TPM 2.0 makes RSA keys of this length; few make longer ones.
const RSA_BITS: std::ffi::c_ulong = 2048;
/// 65537.
const RSA_EXPONENT: [u8; 3] = [1, 0, 1];

/// How a key of this kind is made: the mechanism, and what the public half's template says of it.
pub(super) fn generation(kind: KeyType) -> Result<(Mechanism<'static>, Vec<Attribute>), KeyError> {
    let curve = |oid: ObjectIdentifier| {
        let parameters = oid.to_der().map_err(|_| KeyError::NotInToken(kind))?;
        Ok((Mechanism::EccKeyPairGen, vec![Attribute::EcParams(parameters)]))
    };
    match kind {
        KeyType::P256 => curve(P256),
        KeyType::P384 => curve(P384),
        KeyType::Rsa => Ok((
            Mechanism::RsaPkcsKeyPairGen,
            vec![
                Attribute::ModulusBits(RSA_BITS.into()),
                Attribute::PublicExponent(RSA_EXPONENT.to_vec()),
            ],
        )),
        KeyType::Ed25519 => Err(KeyError::NotInToken(kind)),
    }
}

/// Kind and SubjectPublicKeyInfo (DER) of a public key object.
pub(super) fn public_key(session: &Session, object: ObjectHandle) -> Result<(KeyType, Vec<u8>), KeyError> {
    let read = |wanted: &[AttributeType]| {
        session
            .get_attributes(object, wanted)
            .map_err(|error| refused(&error))
    };
    let family = read(&[AttributeType::KeyType])?;
    if family.contains(&Attribute::KeyType(Family::RSA)) {
        let (mut modulus, mut exponent) = (Vec::new(), Vec::new());
        for attribute in read(&[AttributeType::Modulus, AttributeType::PublicExponent])? {
            match attribute {
                Attribute::Modulus(bytes) => modulus = bytes,
                Attribute::PublicExponent(bytes) => exponent = bytes,
                _ => {}
            }
        }
        return Ok((
            KeyType::Rsa,
            spki(KeyType::Rsa, two_integers(&modulus, &exponent)?),
        ));
    }
    let (mut curve, mut point) = (Vec::new(), Vec::new());
    for attribute in read(&[AttributeType::EcParams, AttributeType::EcPoint])? {
        match attribute {
            Attribute::EcParams(bytes) => curve = bytes,
            Attribute::EcPoint(bytes) => point = bytes,
            _ => {}
        }
    }
    let kind = match ObjectIdentifier::from_der(&curve) {
        Ok(P256) => KeyType::P256,
        Ok(P384) => KeyType::P384,
        _ => {
            return Err(KeyError::Token(
                "its key is of a kind that is not used here".to_owned(),
            ));
        }
    };
    // PKCS#11 2.40 §2.3.3: CKA_EC_POINT is the "DER-encoding of ANSI X9.62 ECPoint value", an OCTET STRING.
    let point = OctetStringRef::from_der(&point).map_err(|_| unreadable())?;
    Ok((kind, spki(kind, point.as_bytes().to_vec())))
}

/// ECDSA in ASN.1 DER (RFC 3279 §2.2.3) from the token's form, r and s of equal length (PKCS#11 2.40 §2.3.1).
pub(super) fn der_of_ecdsa(raw: &[u8]) -> Result<Vec<u8>, KeyError> {
    let (r, s) = raw.split_at(raw.len() / 2);
    two_integers(r, s)
}

/// The URI (RFC 7512) of the key with this id in the token of this label.
pub(super) fn uri(token: &str, id: &[u8]) -> String {
    let escaped = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("%{byte:02x}"))
            .collect::<String>()
    };
    format!(
        "pkcs11:token={};id={};object={LABEL}\n",
        escaped(token.as_bytes()),
        escaped(id)
    )
}

/// The id in such a URI.
pub(super) fn id(uri: &str) -> Option<Vec<u8>> {
    let attributes = uri.trim().strip_prefix("pkcs11:")?;
    let id = attributes.split(';').find_map(|part| part.strip_prefix("id="))?;
    let hex = id.strip_prefix('%')?.replace('%', "");
    let id = data_encoding::HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).ok()?;
    (!id.is_empty()).then_some(id)
}

fn spki(kind: KeyType, bits: Vec<u8>) -> Vec<u8> {
    struct Bits(KeyType, Vec<u8>);
    impl PublicKeyData for Bits {
        fn der_bytes(&self) -> &[u8] {
            &self.1
        }

        fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
            self.0.algorithm()
        }
    }
    Bits(kind, bits).subject_public_key_info()
}

/// SEQUENCE of two INTEGERs: an ECDSA signature, and an RSA public key (RFC 8017 appendix A.1.1).
fn two_integers(first: &[u8], second: &[u8]) -> Result<Vec<u8>, KeyError> {
    let mut sequence = SequenceOf::<UintRef<'_>, 2>::new();
    for bytes in [first, second] {
        let integer = UintRef::new(bytes).map_err(|_| unreadable())?;
        sequence.add(integer).map_err(|_| unreadable())?;
    }
    sequence.to_der().map_err(|_| unreadable())
}

fn unreadable() -> KeyError {
    KeyError::Token("it gave something that is neither a key nor a signature".to_owned())
}
