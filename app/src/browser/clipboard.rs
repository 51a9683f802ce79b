//! Copying text, and handing text over as a file.

use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlAnchorElement;

use super::page;

/// Puts text into the clipboard; false when the browser does not allow it.
pub(crate) async fn copy(text: &str) -> bool {
    let Some(window) = page::window() else {
        return false;
    };
    JsFuture::from(window.navigator().clipboard().write_text(text))
        .await
        .is_ok()
}

/// Hands text over as a file of this name. A `data:` address: nothing to keep alive, and downloads of it need no permission.
pub(crate) fn download(name: &str, text: &str) {
    let link = page::document()
        .and_then(|document| document.create_element("a").ok())
        .and_then(|element| element.dyn_into::<HtmlAnchorElement>().ok());
    if let Some(link) = link {
        let encoded = String::from(js_sys::encode_uri_component(text));
        link.set_href(&format!("data:text/plain;charset=utf-8,{encoded}"));
        link.set_download(name);
        link.click();
    }
}
