//! Keys of issuers: made, read from PKCS#8, and signing. Nothing here stores or prints them.

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use x509_cert::der::asn1::{BitString, Null, ObjectIdentifier};
use x509_cert::der::{Any, Decode as _, Header, Reader as _, SliceReader};
use x509_cert::spki::{AlgorithmIdentifierOwned, AlgorithmIdentifierRef, SubjectPublicKeyInfoOwned};
use zeroize::Zeroizing;

use super::oid;

/// The private key of an issuer.
pub struct IssuerKey {
    pair: Pair,
    random: SystemRandom,
}

enum Pair {
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Neither P-256, P-384, Ed25519 nor RSA in PKCS#8.
    #[error(
        "the private key is not an unencrypted P-256, P-384, Ed25519 or RSA key in PKCS#8; \
         `openssl pkcs8 -topk8 -nocrypt -in key.pem` converts one"
    )]
    Unreadable,
    /// An RSA key that the library does not sign with.
    #[error(
        "the RSA key cannot be used for signing ({0}): it must have 2048 to 4096 bits, a multiple of 512, and the public exponent 65537 or a larger one"
    )]
    Rsa(ring::error::KeyRejected),
    /// The operation failed inside the cryptographic library.
    #[error("the cryptographic library refused to {0}")]
    Refused(&'static str),
}

impl IssuerKey {
    /// A new P-256 key and its PKCS#8 encoding, for whoever stores it.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn generate() -> Result<(Self, Zeroizing<Vec<u8>>), KeyError> {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random)
            .map_err(|_| KeyError::Refused("make a key"))?;
        let pkcs8 = Zeroizing::new(document.as_ref().to_vec());
        Ok((Self::from_pkcs8(&pkcs8)?, pkcs8))
    }

    /// Reads a key from PKCS#8 in DER.
    ///
    /// # Errors
    /// When it is not a key of a kind that may issue.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let random = SystemRandom::new();
        let ecdsa = |algorithm| EcdsaKeyPair::from_pkcs8(algorithm, der, &random).ok();
        let pair = None
            .or_else(|| ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING).map(Pair::P256))
            .or_else(|| ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING).map(Pair::P384))
            .or_else(|| {
                Ed25519KeyPair::from_pkcs8_maybe_unchecked(der)
                    .ok()
                    .map(Pair::Ed25519)
            })
            .map_or_else(|| rsa(der), Ok)?;
        Ok(Self { pair, random })
    }

    /// The signature over `message`, as a certificate or CRL carries it.
    ///
    /// # Errors
    /// When the library cannot sign (no randomness).
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let refused = |_| KeyError::Refused("sign");
        match &self.pair {
            Pair::P256(pair) | Pair::P384(pair) => Ok(pair
                .sign(&self.random, message)
                .map_err(refused)?
                .as_ref()
                .to_vec()),
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &self.random, message, &mut signature)
                    .map_err(refused)?;
                Ok(signature)
            }
        }
    }

    /// The algorithm identifier of [`Self::sign`].
    #[must_use]
    pub fn algorithm(&self) -> AlgorithmIdentifierOwned {
        // RFC 5758 §3.2, RFC 8410 §3: no parameters. RFC 4055 §5: NULL.
        let (oid, parameters) = match self.pair {
            Pair::P256(_) => (oid::ECDSA_SHA256, None),
            Pair::P384(_) => (oid::ECDSA_SHA384, None),
            Pair::Ed25519(_) => (oid::ED25519, None),
            Pair::Rsa(_) => (oid::RSA_SHA256, Some(Any::from(Null))),
        };
        AlgorithmIdentifierOwned { oid, parameters }
    }

    /// The public key, as certificates carry it.
    ///
    /// # Errors
    /// When its encoding exceeds what DER can hold, which no key of these kinds does.
    pub fn public_key(&self) -> Result<SubjectPublicKeyInfoOwned, x509_cert::der::Error> {
        // RFC 5480 §2.1.1: the curve is the parameter.
        let (oid, parameters, bits) = match &self.pair {
            Pair::P256(pair) => (oid::EC_PUBLIC_KEY, curve(oid::P256)?, pair.public_key().as_ref()),
            Pair::P384(pair) => (oid::EC_PUBLIC_KEY, curve(oid::P384)?, pair.public_key().as_ref()),
            Pair::Ed25519(pair) => (oid::ED25519, None, pair.public_key().as_ref()),
            Pair::Rsa(pair) => (oid::RSA_ENCRYPTION, Some(Any::from(Null)), pair.public().as_ref()),
        };
        Ok(SubjectPublicKeyInfoOwned {
            algorithm: AlgorithmIdentifierOwned { oid, parameters },
            subject_public_key: BitString::from_bytes(bits)?,
        })
    }
}

fn rsa(pkcs8: &[u8]) -> Result<Pair, KeyError> {
    // PrivateKeyInfo ::= SEQUENCE { version, AlgorithmIdentifier, … } (RFC 5958 §2).
    let kind = SliceReader::new(pkcs8).and_then(|mut reader| {
        let info = reader.tlv_bytes()?;
        let mut info = SliceReader::new(info)?;
        Header::decode(&mut info)?;
        u8::decode(&mut info)?;
        AlgorithmIdentifierRef::decode(&mut info)
    });
    let is_rsa = kind.is_ok_and(|kind| kind.oid == oid::RSA_ENCRYPTION);
    match RsaKeyPair::from_pkcs8(pkcs8) {
        Ok(pair) => Ok(Pair::Rsa(pair)),
        Err(rejected) if is_rsa => Err(KeyError::Rsa(rejected)),
        Err(_) => Err(KeyError::Unreadable),
    }
}

fn curve(oid: ObjectIdentifier) -> Result<Option<Any>, x509_cert::der::Error> {
    Any::encode_from(&oid).map(Some)
}

impl std::fmt::Debug for IssuerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IssuerKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_reads_back_as_the_same_key() {
        let (key, pkcs8) = IssuerKey::generate().expect("a key");
        let again = IssuerKey::from_pkcs8(&pkcs8).expect("what it wrote itself");
        let public = |key: &IssuerKey| key.public_key().expect("every key has a public half");
        assert_eq!(public(&key), public(&again));
        assert!(matches!(again.pair, Pair::P256(_)));
    }

    #[test]
    fn what_is_no_key_is_refused_with_the_remedy() {
        let error = IssuerKey::from_pkcs8(b"not a key").expect_err("it is none");
        assert!(error.to_string().contains("openssl pkcs8"));
    }
}
