//! Passkeys: WebAuthn Level 3 with its JSON forms, which browsers have had since 2023 (Chrome 129, Firefox 119, Safari 18.4).
//!
//! The options come from the server and the reply goes back to it unread. Where the browser's own forms fail, or an
//! extension's object has none, they are made by hand ([`json`]).

mod json;

use gangway_protocol::json::Verbatim;
use js_sys::{Object, Promise, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::AbortSignal;

use crate::preference::Language;

/// Why there is no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PasskeyError {
    /// The browser has no passkeys, or not on this address.
    Unsupported,
    /// The person cancelled, or the time was over.
    Cancelled,
    /// The page took the request back, e.g. because another one begins.
    Aborted,
    /// The authenticator already has a passkey of this account.
    Exists,
    /// Anything else.
    Failed,
}

impl PasskeyError {
    /// What happened and what to do; nothing when nobody needs to know.
    pub(crate) fn words(self, t: Language) -> Option<&'static str> {
        match self {
            Self::Unsupported => Some(t.passkey_unsupported()),
            Self::Cancelled => Some(t.passkey_cancelled()),
            Self::Aborted => None,
            Self::Exists => Some(t.passkey_exists()),
            Self::Failed => Some(t.passkey_failed()),
        }
    }

    fn of(error: &JsValue) -> Self {
        let name = Reflect::get(error, &"name".into())
            .ok()
            .and_then(|name| name.as_string());
        match name.as_deref() {
            Some("NotAllowedError") => Self::Cancelled,
            Some("AbortError") => Self::Aborted,
            Some("InvalidStateError") => Self::Exists,
            Some("TypeError" | "NotSupportedError" | "SecurityError") => Self::Unsupported,
            _ => Self::Failed,
        }
    }
}

/// Makes a passkey by `PublicKeyCredentialCreationOptionsJSON`; gives `RegistrationResponseJSON`.
pub(crate) async fn create(options: &Verbatim) -> Result<Verbatim, PasskeyError> {
    let request = request(options, PublicKeyCredential::parse_creation_options)?;
    reply(create_credential(&request)).await
}

/// Proves a passkey by `PublicKeyCredentialRequestOptionsJSON`, in the browser's own dialog; gives `AuthenticationResponseJSON`.
pub(crate) async fn prove(options: &Verbatim) -> Result<Verbatim, PasskeyError> {
    let request = request(options, PublicKeyCredential::parse_request_options)?;
    reply(get_credential(&request)).await
}

/// Like [`prove`], but the browser offers the passkeys where it would fill in a name, and waits for as long as it takes.
pub(crate) async fn prove_by_autofill(
    options: &Verbatim,
    signal: &AbortSignal,
) -> Result<Verbatim, PasskeyError> {
    let request = request(options, PublicKeyCredential::parse_request_options)?;
    set(&request, "mediation", &"conditional".into());
    set(&request, "signal", signal);
    reply(get_credential(&request)).await
}

/// Whether the browser can offer passkeys where it would fill in a name.
pub(crate) async fn autofill_is_available() -> bool {
    let Ok(promise) = PublicKeyCredential::is_conditional_mediation_available() else {
        return false;
    };
    JsFuture::from(promise)
        .await
        .is_ok_and(|answer| answer.is_truthy())
}

/// What parses options: the browser's own function for one kind of ceremony.
type Parse = fn(&JsValue) -> Result<JsValue, JsValue>;

fn request(options: &Verbatim, parse: Parse) -> Result<Object, PasskeyError> {
    let options = js_sys::JSON::parse(options.text()).map_err(|_| PasskeyError::Failed)?;
    let parsed = parse(&options).or_else(|error| json::options(&options).ok_or(error));
    let request = Object::new();
    set(
        &request,
        "publicKey",
        &parsed.map_err(|error| PasskeyError::of(&error))?,
    );
    Ok(request)
}

async fn reply(promise: Result<Promise, JsValue>) -> Result<Verbatim, PasskeyError> {
    let promise = promise.map_err(|error| PasskeyError::of(&error))?;
    let credential = JsFuture::from(promise)
        .await
        .map_err(|error| PasskeyError::of(&error))?;
    own_form(&credential)
        .or_else(|| json::response(&credential))
        .and_then(|form| js_sys::JSON::stringify(&form).ok())
        .and_then(|json| Verbatim::from_text(json.into()).ok())
        .ok_or(PasskeyError::Failed)
}

/// The form that the credential gives of itself, if it is one.
fn own_form(credential: &JsValue) -> Option<JsValue> {
    let form = credential.unchecked_ref::<PublicKeyCredential>().to_json().ok()?;
    let data = json::field(&json::field(&form, "response")?, "clientDataJSON")?;
    data.is_string().then_some(form)
}

fn set(object: &Object, key: &str, value: &JsValue) {
    // Setting a plain property of a fresh object cannot fail.
    let _ = Reflect::set(object, &key.into(), value);
}

#[wasm_bindgen]
extern "C" {
    type PublicKeyCredential;
    #[wasm_bindgen(static_method_of = PublicKeyCredential, js_name = parseCreationOptionsFromJSON, catch)]
    fn parse_creation_options(options: &JsValue) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(static_method_of = PublicKeyCredential, js_name = parseRequestOptionsFromJSON, catch)]
    fn parse_request_options(options: &JsValue) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(static_method_of = PublicKeyCredential, js_name = isConditionalMediationAvailable, catch)]
    fn is_conditional_mediation_available() -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, js_name = toJSON, catch)]
    fn to_json(this: &PublicKeyCredential) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_namespace = ["navigator", "credentials"], js_name = create, catch)]
    fn create_credential(request: &Object) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = ["navigator", "credentials"], js_name = get, catch)]
    fn get_credential(request: &Object) -> Result<Promise, JsValue>;
}
