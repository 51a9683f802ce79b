//! A key that nobody keeps (W3C Web Cryptography Level 2, §23): it cannot be taken out of the browser, and goes with the page.

use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, SubtleCrypto};

use super::page;
use super::signature::object;

/// A key for ECDSA on P-256.
pub(super) struct Key {
    subtle: SubtleCrypto,
    private: CryptoKey,
    /// SubjectPublicKeyInfo, DER.
    pub(super) spki: Vec<u8>,
}

impl Key {
    /// Makes one. `None` where the browser has no such thing.
    pub(super) async fn generate() -> Option<Self> {
        let subtle = page::window()?.crypto().ok()?.subtle();
        let algorithm = object(&[("name", "ECDSA"), ("namedCurve", "P-256")]);
        let usages = Array::of2(&"sign".into(), &"verify".into());
        let pair = subtle.generate_key_with_object(&algorithm, false, &usages).ok()?;
        let pair = JsFuture::from(pair).await.ok()?;
        let key = |name: &str| -> Option<CryptoKey> {
            Some(
                Reflect::get(&pair, &JsValue::from_str(name))
                    .ok()?
                    .unchecked_into(),
            )
        };
        let exported = subtle.export_key("spki", &key("publicKey")?).ok()?;
        let spki = Uint8Array::new(&JsFuture::from(exported).await.ok()?).to_vec();
        Some(Self {
            private: key("privateKey")?,
            subtle,
            spki,
        })
    }

    /// r and s of a signature with SHA-256.
    pub(super) async fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let algorithm = object(&[("name", "ECDSA"), ("hash", "SHA-256")]);
        let message = Uint8Array::from(message);
        let signature = self
            .subtle
            .sign_with_object_and_buffer_source(&algorithm, &self.private, &message)
            .ok()?;
        Some(Uint8Array::new(&JsFuture::from(signature).await.ok()?).to_vec())
    }
}
