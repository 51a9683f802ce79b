//! Where the browser takes over the page that the server has drawn.

use std::sync::Arc;

use gangway_client::{Api, Fetch};
use leptos::prelude::*;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::address::Address;
use crate::answers::Answers;
use crate::app::panel;
use crate::browser::{clock, page};
use crate::head::Head;
use crate::pages::Page;
use crate::view::hydration;
use crate::visit::{Language, Theme, Visit};

/// Takes over. Called once, by `public/start.js`.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    // Fails only where it stands already.
    let _ = any_spawner::Executor::init_wasm_bindgen();
    let Some(body) = page::document().and_then(|document| document.body()) else {
        return;
    };
    let answers = Answers::of_document(Arc::new(Fetch));
    leptos::task::spawn_local(async move {
        let owner = Owner::new();
        let page = owner.with(|| Page::at(Address::new(&page::address())));
        let draw = page.part().code().await;
        let transport = answers.clone();
        hydration::hydrate(&body, move || {
            provide_context(read_visit());
            provide_context(Api::new(Arc::new(transport.clone())));
            Head::provide();
            panel(Address::new(&page::address()), &page, draw)
        });
        answers.forget();
        // After the effects of the first drawing: whoever drives the page can tell that clicks arrive from here on.
        clock::sleep(0).await;
        if let Some(root) = page::root() {
            let _ = root.set_attribute("data-hydrated", "");
        }
    });
}

/// What the server wrote into the document about the visit.
fn read_visit() -> Visit {
    let root = page::root();
    let attribute = |name: &str| {
        root.as_ref()
            .and_then(|root| root.get_attribute(name))
            .unwrap_or_default()
    };
    Visit {
        language: Language::from_tag(&attribute("lang")).unwrap_or_default(),
        theme: Theme::from_name(&attribute("data-theme")),
    }
}
