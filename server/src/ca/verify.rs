//! Signatures of others, verified with `ring`: on CSRs, on certificates, on what devices say in a session.

use gangway_protocol::certificate::{KeyKind, PublicKey, SignatureAlgorithm, SignatureCheck};
use ring::agreement::{self, ECDH_P256, ECDH_P384, EphemeralPrivateKey, agree_ephemeral};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, UnparsedPublicKey,
    VerificationAlgorithm,
};
use x509_cert::Certificate;
use x509_cert::der::Encode as _;
use x509_cert::der::asn1::ObjectIdentifier;

use super::oid;

/// Whether the signature is good. An algorithm that does not fit the key verifies nothing.
#[must_use]
pub fn holds(check: SignatureCheck<'_>) -> bool {
    ring_algorithm(check.key.kind(), check.algorithm).is_some_and(|algorithm| {
        UnparsedPublicKey::new(algorithm, check.key.bits())
            .verify(check.message, check.signature)
            .is_ok()
    })
}

/// Whether `signature` over `message` is by `key`, with the algorithm that `docs/protocol.md` §3 prescribes for the
/// key's kind: session proofs and endorsements.
#[must_use]
pub fn said_by(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    holds(SignatureCheck {
        algorithm: key.kind().session_algorithm(),
        key,
        message,
        signature,
    })
}

/// Whether the point of a key lies on its NIST curve. Verifying a signature looks at that as well; a key that comes without one has to be
/// looked at by itself. Keys of other kinds were judged when they were read.
#[must_use]
pub fn is_on_curve(key: &PublicKey) -> bool {
    let curve = match key.kind() {
        KeyKind::P256 => &ECDH_P256,
        KeyKind::P384 => &ECDH_P384,
        KeyKind::Ed25519 | KeyKind::Rsa { .. } => return true,
    };
    // ring offers the check as a part of an agreement, whose secret nobody needs.
    EphemeralPrivateKey::generate(curve, &SystemRandom::new())
        .and_then(|own| agree_ephemeral(own, &agreement::UnparsedPublicKey::new(curve, key.bits()), |_| ()))
        .is_ok()
}

/// Whether `issuer`'s name and key stand behind `certificate`.
#[must_use]
pub fn is_issued_by(certificate: &Certificate, issuer: &Certificate) -> bool {
    // RFC 5280 §4.1.1.2: both algorithm fields MUST be the same.
    certificate.tbs_certificate.issuer == issuer.tbs_certificate.subject
        && certificate.signature_algorithm == certificate.tbs_certificate.signature
        && signature_check(certificate, issuer).unwrap_or(false)
}

fn signature_check(certificate: &Certificate, issuer: &Certificate) -> Option<bool> {
    let spki = issuer.tbs_certificate.subject_public_key_info.to_der().ok()?;
    let key = PublicKey::from_spki(&spki).ok()?;
    let algorithm = certificate_algorithm(certificate.signature_algorithm.oid)?;
    let message = certificate.tbs_certificate.to_der().ok()?;
    Some(holds(SignatureCheck {
        algorithm,
        key: &key,
        message: &message,
        signature: certificate.signature.raw_bytes(),
    }))
}

fn certificate_algorithm(algorithm: ObjectIdentifier) -> Option<SignatureAlgorithm> {
    Some(match algorithm {
        oid::ECDSA_SHA256 => SignatureAlgorithm::EcdsaSha256,
        oid::ECDSA_SHA384 => SignatureAlgorithm::EcdsaSha384,
        oid::ED25519 => SignatureAlgorithm::Ed25519,
        oid::RSA_SHA256 => SignatureAlgorithm::RsaSha256,
        oid::RSA_SHA384 => SignatureAlgorithm::RsaSha384,
        oid::RSA_SHA512 => SignatureAlgorithm::RsaSha512,
        _ => return None,
    })
}

fn ring_algorithm(key: KeyKind, algorithm: SignatureAlgorithm) -> Option<&'static dyn VerificationAlgorithm> {
    use SignatureAlgorithm as By;

    Some(match (key, algorithm) {
        (KeyKind::P256, By::EcdsaSha256) => &ECDSA_P256_SHA256_ASN1,
        (KeyKind::P256, By::EcdsaSha384) => &ECDSA_P256_SHA384_ASN1,
        (KeyKind::P384, By::EcdsaSha256) => &ECDSA_P384_SHA256_ASN1,
        (KeyKind::P384, By::EcdsaSha384) => &ECDSA_P384_SHA384_ASN1,
        (KeyKind::Ed25519, By::Ed25519) => &ED25519,
        (KeyKind::Rsa { .. }, By::RsaSha256) => &RSA_PKCS1_2048_8192_SHA256,
        (KeyKind::Rsa { .. }, By::RsaSha384) => &RSA_PKCS1_2048_8192_SHA384,
        (KeyKind::Rsa { .. }, By::RsaSha512) => &RSA_PKCS1_2048_8192_SHA512,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ca::key::IssuerKey;

    fn new_key() -> IssuerKey {
        let (key, _) = IssuerKey::generate().expect("a key");
        key
    }

    fn public(key: &IssuerKey) -> PublicKey {
        let spki = key.public_key().expect("every key has a public half");
        let der = spki.to_der().expect("it encodes");
        PublicKey::from_spki(&der).expect("issuers' keys are of a kind that is accepted")
    }

    #[test]
    fn a_signature_holds_for_its_message_and_key_only() {
        let (key, other) = (new_key(), new_key());
        let signature = key.sign(b"message").expect("a signature");
        assert!(said_by(&public(&key), b"message", &signature));
        assert!(!said_by(&public(&key), b"massage", &signature));
        assert!(!said_by(&public(&other), b"message", &signature));
    }

    /// Threat model: PRE-10.
    #[test]
    fn a_point_beside_its_curve_is_none() {
        let key = public(&new_key());
        assert!(is_on_curve(&key));
        let mut spki = key.spki_der().to_vec();
        *spki.last_mut().expect("it has bytes") ^= 1;
        let beside = PublicKey::from_spki(&spki).expect("reading does not look at the point");
        assert!(!is_on_curve(&beside));
    }

    #[test]
    fn an_algorithm_that_does_not_fit_the_key_verifies_nothing() {
        let key = new_key();
        let signature = key.sign(b"message").expect("a signature");
        let check = SignatureCheck {
            algorithm: SignatureAlgorithm::RsaSha256,
            key: &public(&key),
            message: b"message",
            signature: &signature,
        };
        assert!(!holds(check));
    }
}
