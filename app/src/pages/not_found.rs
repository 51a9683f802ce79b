//! The page for addresses that lead nowhere.

use gangway_protocol::path::page as paths;
use leptos::prelude::*;
use leptos_meta::Title;

use crate::components::flag::Flag;
use crate::visit::language;

/// The page.
#[component]
pub(crate) fn NotFoundPage() -> impl IntoView {
    view! {
        <main id="main" class="narrow" tabindex="-1">
            <NothingHere />
        </main>
    }
}

/// What stands in place of something that is not there. The document goes out with status 404.
#[component]
pub(crate) fn NothingHere() -> impl IntoView {
    let t = language();
    #[cfg(feature = "ssr")]
    expect_context::<leptos_axum::ResponseOptions>().set_status(http::StatusCode::NOT_FOUND);
    view! {
        <Title text=t.not_found_title() />
        <div class="blank">
            // N over C: the code's signal of distress.
            <div class="distress"><Flag letter='N' /> <Flag letter='C' /></div>
            <h1>{t.not_found_title()}</h1>
            <p>{t.not_found_text()}</p>
            <a class="button" href=paths::HOME>{t.to_start()}</a>
        </div>
    }
}
