//! Signatures checked by WebCrypto (W3C Web Cryptography Level 2, §22 to §29).

use gangway_protocol::certificate::{KeyKind, SignatureAlgorithm, SignatureCheck};
use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::CryptoKey;

use super::page;

/// Whether the signature is good. A browser that cannot tell counts as "no": nothing is let through unchecked.
pub(crate) async fn is_good(check: SignatureCheck<'_>) -> bool {
    verify(check).await.unwrap_or(false)
}

async fn verify(check: SignatureCheck<'_>) -> Option<bool> {
    let subtle = page::window()?.crypto().ok()?.subtle();
    let (import, verify) = algorithms(&check);
    let key = subtle
        .import_key_with_object(
            "spki",
            &Uint8Array::from(check.key.spki_der()),
            &import,
            false,
            &Array::of1(&"verify".into()),
        )
        .ok()?;
    let key: CryptoKey = JsFuture::from(key).await.ok()?.unchecked_into();
    let signature = match check.algorithm {
        SignatureAlgorithm::EcdsaSha256 | SignatureAlgorithm::EcdsaSha384 => check.ecdsa_p1363()?,
        _ => check.signature.to_vec(),
    };
    let verdict = subtle
        .verify_with_object_and_buffer_source_and_buffer_source(
            &verify,
            &key,
            &Uint8Array::from(signature.as_slice()),
            &Uint8Array::from(check.message),
        )
        .ok()?;
    JsFuture::from(verdict).await.ok()?.as_bool()
}

/// The algorithm as `importKey` and as `verify` want it.
fn algorithms(check: &SignatureCheck<'_>) -> (Object, Object) {
    let hash = match check.algorithm {
        SignatureAlgorithm::EcdsaSha256 | SignatureAlgorithm::RsaSha256 => "SHA-256",
        SignatureAlgorithm::EcdsaSha384 | SignatureAlgorithm::RsaSha384 => "SHA-384",
        SignatureAlgorithm::RsaSha512 | SignatureAlgorithm::Ed25519 => "SHA-512",
    };
    match check.key.kind() {
        KeyKind::P256 => (
            object(&[("name", "ECDSA"), ("namedCurve", "P-256")]),
            object(&[("name", "ECDSA"), ("hash", hash)]),
        ),
        KeyKind::P384 => (
            object(&[("name", "ECDSA"), ("namedCurve", "P-384")]),
            object(&[("name", "ECDSA"), ("hash", hash)]),
        ),
        KeyKind::Ed25519 => (object(&[("name", "Ed25519")]), object(&[("name", "Ed25519")])),
        KeyKind::Rsa { .. } => (
            object(&[("name", "RSASSA-PKCS1-v1_5"), ("hash", hash)]),
            object(&[("name", "RSASSA-PKCS1-v1_5")]),
        ),
    }
}

pub(super) fn object(pairs: &[(&str, &str)]) -> Object {
    let object = Object::new();
    for (key, value) in pairs {
        // Setting a plain property of a fresh object cannot fail.
        let _ = Reflect::set(&object, &JsValue::from_str(key), &JsValue::from_str(value));
    }
    object
}
