//! Signatures of a JWK provisioner's key, as JWS has them: both numbers of ECDSA one behind the other (RFC 7518 §3.4), or Ed25519's
//! (RFC 8037 §3.1).

use gangway_signing::ProvisionerKey;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair,
};
use zeroize::Zeroizing;

/// The signature over `message`. `None` where the numbers are those of no key, or of two.
pub(super) fn sign(key: &ProvisionerKey, message: &[u8]) -> Option<Vec<u8>> {
    let d = Zeroizing::new(ProvisionerKey::bytes(key.d.expose())?);
    let x = ProvisionerKey::bytes(&key.x)?;
    match key.crv.as_str() {
        "P-256" => ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING, key, &d, &x, message),
        "P-384" => ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING, key, &d, &x, message),
        "Ed25519" => {
            let pair = Ed25519KeyPair::from_seed_and_public_key(&d, &x).ok()?;
            Some(pair.sign(message).as_ref().to_vec())
        }
        _ => None,
    }
}

fn ecdsa(
    algorithm: &'static EcdsaSigningAlgorithm,
    key: &ProvisionerKey,
    d: &[u8],
    x: &[u8],
    message: &[u8],
) -> Option<Vec<u8>> {
    let y = ProvisionerKey::bytes(key.y.as_deref()?)?;
    // SEC 1 §2.3.3: an uncompressed point.
    let point = [&[4], x, &y].concat();
    let random = SystemRandom::new();
    let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, d, &point, &random).ok()?;
    Some(pair.sign(&random, message).ok()?.as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use gangway_protocol::signer::SignerKind;
    use gangway_signing::CorporateCredential;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey, VerificationAlgorithm};
    use serde_json::{Value, json};

    use super::*;

    fn key(jwk: &Value) -> ProvisionerKey {
        let ca = json!({"kind": "step_ca", "url": "https://ca.example", "provisioner": "x"});
        let kind: SignerKind = serde_json::from_value(ca).expect("a kind");
        match CorporateCredential::read(&kind, jwk.to_string().as_bytes()) {
            Ok(CorporateCredential::StepCa(key)) => key,
            other => panic!("a key, not {other:?}"),
        }
    }

    /// Keys of RFC 7515 §A.3 and RFC 8037 §A.1.
    #[test]
    fn each_kind_of_key_signs_as_jws_has_it() {
        let p256 = json!({
            "kty": "EC", "kid": "a", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0", "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
        });
        let ed25519 = json!({
            "kty": "OKP", "kid": "b", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        });
        let cases: [(&Value, &dyn VerificationAlgorithm); 2] =
            [(&p256, &ECDSA_P256_SHA256_FIXED), (&ed25519, &ED25519)];
        for (jwk, algorithm) in cases {
            let key = key(jwk);
            let signature = sign(&key, b"a message").expect("a signature");
            assert_eq!(signature.len(), 64);
            let x = ProvisionerKey::bytes(&key.x).expect("base64url");
            let public = match &key.y {
                Some(y) => [vec![4], x, ProvisionerKey::bytes(y).expect("base64url")].concat(),
                None => x,
            };
            UnparsedPublicKey::new(algorithm, public)
                .verify(b"a message", &signature)
                .expect("a good one");
        }
    }

    #[test]
    fn the_halves_of_two_keys_sign_nothing() {
        let mixed = json!({
            "kty": "OKP", "kid": "b", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
        });
        assert_eq!(sign(&key(&mixed), b"a message"), None);
    }
}
