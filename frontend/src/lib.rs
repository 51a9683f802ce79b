//! The browser's entry: links the islands of `app`, and brings those in the document to life.

#![recursion_limit = "512"]

use app::provide_page;
use wasm_bindgen::prelude::wasm_bindgen;

/// Called once by Leptos' loader, before it hands over the islands one after the other.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
    provide_page();
}
