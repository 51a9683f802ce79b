//! A request for a key that is thrown away (PKCS#10, RFC 2986), for whoever has a way to sign with P-256.

use der::Encode as _;
use der::asn1::{BitString, UintRef};
use gangway_protocol::certificate::{Csr, UncheckedCsr};
use x509_cert::attr::Attributes;
use x509_cert::der;
use x509_cert::der::Decode as _;
use x509_cert::name::RdnSequence;
use x509_cert::request::{CertReq, CertReqInfo, Version};
use x509_cert::spki::{AlgorithmIdentifierOwned, ObjectIdentifier, SubjectPublicKeyInfoOwned};

/// ecdsa-with-SHA256 (RFC 5758 §3.2).
const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");

/// A request that has to be signed.
#[derive(Clone, Debug)]
pub struct ThrowAway {
    info: CertReqInfo,
    message: Vec<u8>,
}

impl ThrowAway {
    /// For this P-256 key (SubjectPublicKeyInfo, DER). `None` when it is none.
    #[must_use]
    pub fn new(spki: &[u8]) -> Option<Self> {
        let info = CertReqInfo {
            version: Version::V1,
            // No `uuid:…`: a hub takes that for a device.
            subject: "CN=gangway-trial".parse::<RdnSequence>().ok()?,
            public_key: SubjectPublicKeyInfoOwned::from_der(spki).ok()?,
            attributes: Attributes::new(),
        };
        let message = info.to_der().ok()?;
        Some(Self { info, message })
    }

    /// What is to be signed with ECDSA and SHA-256.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// The request with its signature: r and s of 32 octets each, as WebCrypto gives it. `None` when it is none.
    #[must_use]
    pub fn signed(self, signature: &[u8]) -> Option<Csr> {
        let (r, s) = signature.split_at_checked(32).filter(|(_, s)| s.len() == 32)?;
        let pair = [UintRef::new(r).ok()?, UintRef::new(s).ok()?];
        let request = CertReq {
            info: self.info,
            algorithm: AlgorithmIdentifierOwned {
                oid: ECDSA_WITH_SHA256,
                parameters: None,
            },
            signature: BitString::from_bytes(&pair.to_vec().to_der().ok()?).ok()?,
        };
        // Whoever signed it is us.
        UncheckedCsr::from_der(&request.to_der().ok()?)
            .ok()?
            .conclude(true)
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use gangway_protocol::certificate::KeyKind;
    use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SigningKey as _};

    use super::*;

    /// A signature of DER as WebCrypto has it.
    fn fixed(signature: &[u8]) -> Vec<u8> {
        let pair: Vec<UintRef<'_>> = Vec::from_der(signature).expect("two numbers");
        let mut octets = Vec::new();
        for number in pair {
            let bytes = number.as_bytes();
            octets.resize(octets.len() + 32 - bytes.len(), 0);
            octets.extend_from_slice(bytes);
        }
        octets
    }

    #[test]
    fn what_is_thrown_away_is_a_request_like_any_other() {
        // Some signatures have a number that is shorter than the others.
        for _ in 0..300 {
            let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
            let request = ThrowAway::new(&key.subject_public_key_info()).expect("a request");
            let signature = key.sign(request.message()).expect("a signature");
            let csr = request.signed(&fixed(&signature)).expect("a CSR");
            assert_eq!(csr.key().kind(), KeyKind::P256);
            UncheckedCsr::from_pem(&csr.to_pem())
                .expect("a CSR")
                .verify(|check| check.signature == signature.as_slice())
                .expect("the same signature");
        }
    }

    #[test]
    fn what_is_no_key_and_no_signature_is_refused() {
        assert!(ThrowAway::new(b"not a key").is_none());
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
        let request = ThrowAway::new(&key.subject_public_key_info()).expect("a request");
        assert!(request.signed(&[1; 63]).is_none());
    }
}
