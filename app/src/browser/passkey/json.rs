//! WebAuthn's JSON forms by hand (WebAuthn Level 3 §5.1.7 to §5.1.9), where the browser's own do not work: extensions that
//! keep passkeys put objects of their own in place of the browser's, and those often have no `toJSON` that can be called.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use js_sys::{Array, ArrayBuffer, Function, JsString, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};

/// Options of a ceremony in the form that `navigator.credentials` takes: what is base64url in JSON becomes bytes.
pub(super) fn options(json: &JsValue) -> Option<JsValue> {
    let options = Object::assign(&Object::new(), json.dyn_ref::<Object>()?);
    decode(&options, "challenge")?;
    if let Some(user) = field(&options, "user") {
        let user = Object::assign(&Object::new(), user.dyn_ref::<Object>()?);
        decode(&user, "id")?;
        super::set(&options, "user", &user);
    }
    for list in ["excludeCredentials", "allowCredentials"] {
        let Some(credentials) = field(&options, list) else {
            continue;
        };
        let decoded = Array::new();
        for credential in credentials.dyn_ref::<Array>()?.iter() {
            let credential = Object::assign(&Object::new(), credential.dyn_ref::<Object>()?);
            decode(&credential, "id")?;
            decoded.push(&credential);
        }
        super::set(&options, list, &decoded);
    }
    Some(options.into())
}

/// `RegistrationResponseJSON` or `AuthenticationResponseJSON` from the fields of a credential; `None` when one is missing that
/// the server needs.
pub(super) fn response(credential: &JsValue) -> Option<JsValue> {
    let response = field(credential, "response")?;
    let told = Object::new();
    let tell = |name: &str| {
        let text = field(&response, name).and_then(|value| encoded(&value));
        text.map(|text| super::set(&told, name, &text.into())).is_some()
    };
    let is_whole = tell("clientDataJSON")
        && if tell("attestationObject") {
            true
        } else {
            tell("userHandle");
            tell("authenticatorData") && tell("signature")
        };
    if !is_whole {
        return None;
    }
    if let Some(transports) = called(&response, "getTransports") {
        super::set(&told, "transports", &transports);
    }
    let raw_id = encoded(&field(credential, "rawId").or_else(|| field(credential, "id"))?)?.into();
    let extensions = called(credential, "getClientExtensionResults");
    let whole = Object::new();
    super::set(&whole, "id", &raw_id);
    super::set(&whole, "rawId", &raw_id);
    super::set(&whole, "type", &"public-key".into());
    super::set(&whole, "response", &told);
    super::set(
        &whole,
        "clientExtensionResults",
        &extensions.unwrap_or_else(|| Object::new().into()),
    );
    if let Some(attachment) = field(credential, "authenticatorAttachment").filter(JsValue::is_string) {
        super::set(&whole, "authenticatorAttachment", &attachment);
    }
    Some(whole.into())
}

/// A field that is there and holds something.
pub(super) fn field(object: &JsValue, name: &str) -> Option<JsValue> {
    let value = Reflect::get(object, &name.into()).ok()?;
    (!value.is_undefined() && !value.is_null()).then_some(value)
}

/// What a method gives; nothing where there is none or it throws.
fn called(object: &JsValue, method: &str) -> Option<JsValue> {
    field(object, method)?.dyn_ref::<Function>()?.call0(object).ok()
}

/// Bytes as base64url. Some objects hold it already.
fn encoded(value: &JsValue) -> Option<String> {
    if let Some(text) = value.dyn_ref::<JsString>() {
        return Some(text.into());
    }
    let is_binary = value.is_instance_of::<ArrayBuffer>() || ArrayBuffer::is_view(value);
    is_binary.then(|| URL_SAFE_NO_PAD.encode(Uint8Array::new(value).to_vec()))
}

fn decode(object: &Object, name: &str) -> Option<()> {
    let text = field(object, name)?.as_string()?;
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    super::set(object, name, &Uint8Array::from(bytes.as_slice()));
    Some(())
}
