//! The document around the application, as the server sends it: language and theme are right in the first paint.

use leptos::attr::custom::custom_attribute;
use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::MetaTags;

use crate::app::panel;
use crate::visit::{Theme, Visit};

/// The whole document. The server provides [`Visit`], [`PageStatus`](crate::PageStatus) and the API client as context before.
#[must_use]
pub fn shell() -> impl IntoView {
    let Visit {
        language,
        theme,
        assets,
    } = expect_context();
    let script = format!("{assets}/gangway-app.js");
    let wasm = format!("{assets}/gangway-app_bg.wasm");
    // The browser's own bars take the colour of the page: both where nobody chose.
    let bars =
        |theme: Option<Theme>| {
            [(Theme::Light, "#fcfbf8"), (Theme::Dark, "#0e1514")]
            .into_iter()
            .filter(|(of, _)| theme.is_none_or(|theme| theme == *of))
            .map(|(of, colour)| {
                let media = theme.is_none().then(|| format!("(prefers-color-scheme: {})", of.name()));
                view! { <meta name="theme-color" content={colour} {..custom_attribute("media", media)} /> }
            })
            .collect_view()
        };
    view! {
        <!DOCTYPE html>
        <html lang=language.tag() data-theme=theme.map(Theme::name) data-assets=assets.clone()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                {bars(theme)}
                <link rel="stylesheet" href=format!("{assets}/app.css") />
                <link rel="icon" type="image/svg+xml" href=format!("{assets}/favicon.svg") />
                <link rel="apple-touch-icon" href=format!("{assets}/icon-180.png") />
                <link rel="modulepreload" href=script.clone() />
                <link rel="preload" r#as="fetch" r#type="application/wasm" crossorigin="anonymous" href=wasm />
                <script type="module" nonce=use_nonce()>
                    {format!("import start,{{hydrate}}from\"{script}\";await start();hydrate()")}
                </script>
                <MetaTags />
            </head>
            <body>
                {panel()}
            </body>
        </html>
    }
}
