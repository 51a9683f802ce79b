//! The document around every page: language and theme are right in the first paint.

use leptos::hydration::HydrationScripts;
use leptos::prelude::*;
use leptos_meta::MetaTags;

use crate::app::App;
use crate::parts::Parts;
use crate::preference::Theme;
use crate::visit::{Visit, language};

/// The whole document.
#[component]
pub fn Shell(
    /// How the panel's files are called.
    options: LeptosOptions,
) -> impl IntoView {
    let t = language();
    let theme = expect_context::<Visit>().theme;
    let Parts { folder, .. } = expect_context();
    let file = |name: &str| format!("{folder}/{name}");
    // The browser's own bars take the colour of the page: both where nobody chose.
    let bars = [(Theme::Light, "#fcfbf8"), (Theme::Dark, "#0e1514")]
        .into_iter()
        .filter(|(of, _)| theme.is_none_or(|theme| theme == *of))
        .map(|(of, colour)| {
            let media = theme
                .is_none()
                .then(|| format!("(prefers-color-scheme: {})", of.name()));
            // Leptos knows no `media` for `<meta>`.
            view! { <meta name="theme-color" content=colour /> }.attr("media", media)
        })
        .collect_view();
    view! {
        <!DOCTYPE html>
        <html lang=t.tag() data-theme=theme.map(Theme::name)>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="description" content=t.description() />
                <meta name="color-scheme" content="light dark" />
                {bars}
                <link rel="stylesheet" href=file("app.css") />
                <link rel="icon" type="image/svg+xml" href=file("favicon.svg") />
                <link rel="apple-touch-icon" href=file("icon-180.png") />
                <link rel="modulepreload" href=file("__wasm_split.js") />
                // Before the loader: what goes wrong with that is told by this.
                <script src=file("watch.js")></script>
                <HydrationScripts options islands=true />
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}
