//! Signatures of other CAs on certificates: every algorithm that devices can verify, which are those of `ring`.

use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, UnparsedPublicKey,
    VerificationAlgorithm,
};
use x509_cert::Certificate;
use x509_cert::der::asn1::{ObjectIdentifier, UintRef};
use x509_cert::der::{Any, Decode as _, Encode as _, Reader as _, SliceReader};
use x509_cert::spki::{AlgorithmIdentifierOwned, AlgorithmIdentifierRef, SubjectPublicKeyInfoOwned};

use super::Unfit;
use crate::ca::oid;

/// id-RSASSA-PSS (RFC 4055 §3.1).
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
/// ecdsa-with-SHA512 (RFC 5758 §3.2).
const ECDSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");
/// id-sha256, id-sha384, id-sha512 (RFC 4055 §2.1), and how many bytes they have.
const HASHES: [(&str, usize, &dyn VerificationAlgorithm); 3] = [
    ("2.16.840.1.101.3.4.2.1", 32, &RSA_PSS_2048_8192_SHA256),
    ("2.16.840.1.101.3.4.2.2", 48, &RSA_PSS_2048_8192_SHA384),
    ("2.16.840.1.101.3.4.2.3", 64, &RSA_PSS_2048_8192_SHA512),
];
/// Moduli that ring verifies with, in bits.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Whether `key` signed `certificate`, whose to-be-signed bytes are `signed`.
pub(super) fn check(
    certificate: &Certificate,
    signed: &[u8],
    key: &SubjectPublicKeyInfoOwned,
) -> Result<(), Unfit> {
    let algorithm = algorithm(&certificate.signature_algorithm, key)?;
    UnparsedPublicKey::new(algorithm, key.subject_public_key.raw_bytes())
        .verify(signed, certificate.signature.raw_bytes())
        .map_err(|_| Unfit::BadSignature)
}

fn algorithm(
    signature: &AlgorithmIdentifierOwned,
    key: &SubjectPublicKeyInfoOwned,
) -> Result<&'static dyn VerificationAlgorithm, Unfit> {
    match signature.oid {
        oid::RSA_SHA256 => rsa(key, &RSA_PKCS1_2048_8192_SHA256),
        oid::RSA_SHA384 => rsa(key, &RSA_PKCS1_2048_8192_SHA384),
        oid::RSA_SHA512 => rsa(key, &RSA_PKCS1_2048_8192_SHA512),
        RSA_PSS => rsa(key, pss(signature.parameters.as_ref())?),
        oid::ED25519 => Ok(&ED25519),
        oid::ECDSA_SHA256 | oid::ECDSA_SHA384 | ECDSA_SHA512 => ecdsa(signature.oid, key),
        other => Err(named(other)),
    }
}

fn ecdsa(
    signature: ObjectIdentifier,
    key: &SubjectPublicKeyInfoOwned,
) -> Result<&'static dyn VerificationAlgorithm, Unfit> {
    let curve = key
        .algorithm
        .parameters
        .as_ref()
        .and_then(|curve| curve.decode_as().ok());
    Ok(match (signature, curve) {
        (oid::ECDSA_SHA256, Some(oid::P256)) => &ECDSA_P256_SHA256_ASN1,
        (oid::ECDSA_SHA384, Some(oid::P256)) => &ECDSA_P256_SHA384_ASN1,
        (oid::ECDSA_SHA256, Some(oid::P384)) => &ECDSA_P384_SHA256_ASN1,
        (oid::ECDSA_SHA384, Some(oid::P384)) => &ECDSA_P384_SHA384_ASN1,
        (_, Some(oid::P256 | oid::P384)) => return Err(Unfit::Unverifiable("ECDSA with SHA-512".to_owned())),
        (_, Some(curve)) => return Err(Unfit::Unverifiable(format!("ECDSA on {}", curve_name(curve)))),
        (_, None) => return Err(Unfit::Unverifiable("ECDSA on a curve without a name".to_owned())),
    })
}

fn curve_name(curve: ObjectIdentifier) -> String {
    match curve.to_string().as_str() {
        "1.3.132.0.35" => "P-521".to_owned(),
        "1.3.132.0.10" => "secp256k1".to_owned(),
        other => format!("the curve {other}"),
    }
}

fn rsa(
    key: &SubjectPublicKeyInfoOwned,
    algorithm: &'static dyn VerificationAlgorithm,
) -> Result<&'static dyn VerificationAlgorithm, Unfit> {
    // RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } (RFC 8017 §A.1.1).
    let modulus = SliceReader::new(key.subject_public_key.raw_bytes())?.sequence(|numbers| {
        let modulus = UintRef::decode(numbers)?;
        UintRef::decode(numbers)?;
        Ok(modulus)
    })?;
    let bytes = modulus.as_bytes();
    let zeros = bytes.first().map_or(0, |first| first.leading_zeros());
    let bits = (bytes.len() * 8).saturating_sub(usize::try_from(zeros).unwrap_or(0));
    if RSA_BITS.contains(&bits) {
        Ok(algorithm)
    } else {
        Err(Unfit::Unverifiable(format!("an RSA key of {bits} bits")))
    }
}

/// RFC 4055 §3.1: RSASSA-PSS-params. ring wants a salt as long as the hash, which is what the RFC recommends.
fn pss(parameters: Option<&Any>) -> Result<&'static dyn VerificationAlgorithm, Unfit> {
    let mut hash = None;
    let mut salt_len = 20_u32;
    let der = parameters.map(Any::to_der).transpose()?.unwrap_or_default();
    SliceReader::new(&der)?.sequence(|fields| {
        while !fields.is_finished() {
            let field = fields.tlv_bytes()?;
            let content = SliceReader::new(field)?;
            match field.first() {
                Some(0xa0) => hash = Some(explicit::<AlgorithmIdentifierRef<'_>>(content)?.oid),
                Some(0xa2) => salt_len = explicit(content)?,
                _ => {}
            }
        }
        Ok(())
    })?;
    let hash = hash.ok_or(Unfit::Weak("RSA-PSS and SHA-1"))?.to_string();
    let (_, len, algorithm) = HASHES
        .iter()
        .find(|(oid, ..)| *oid == hash)
        .ok_or_else(|| Unfit::Unverifiable(format!("RSA-PSS with the hash {hash}")))?;
    if usize::try_from(salt_len) == Ok(*len) {
        Ok(*algorithm)
    } else {
        Err(Unfit::Unverifiable(format!(
            "RSA-PSS with a salt of {salt_len} bytes instead of {len}"
        )))
    }
}

/// What an explicitly tagged field holds.
fn explicit<'a, T: x509_cert::der::Decode<'a>>(mut field: SliceReader<'a>) -> x509_cert::der::Result<T> {
    x509_cert::der::Header::decode(&mut field)?;
    T::decode(&mut field)
}

fn named(algorithm: ObjectIdentifier) -> Unfit {
    let algorithm = algorithm.to_string();
    match algorithm.as_str() {
        "1.2.840.113549.1.1.2" | "1.2.840.113549.1.1.3" | "1.2.840.113549.1.1.4" => {
            Unfit::Weak("RSA and MD2, MD4 or MD5")
        }
        "1.2.840.113549.1.1.5" | "1.3.14.3.2.29" => Unfit::Weak("RSA and SHA-1"),
        "1.2.840.113549.1.1.14" => Unfit::Weak("RSA and SHA-224"),
        "1.2.840.10045.4.1" => Unfit::Weak("ECDSA and SHA-1"),
        "1.2.840.10045.4.3.1" => Unfit::Weak("ECDSA and SHA-224"),
        "1.2.840.10040.4.3" | "2.16.840.1.101.3.4.3.2" => Unfit::Weak("DSA"),
        "1.3.101.113" => Unfit::Unverifiable("Ed448".to_owned()),
        other => Unfit::Unverifiable(format!("the algorithm {other}")),
    }
}
