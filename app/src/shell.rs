//! The document around a page, as the server sends it: language and theme are right in the first paint, and no script stands
//! in it, so that the content security policy needs no exception.

use crate::view::html::{escape, to_html};
use crate::view::view;
use crate::visit::{Theme, Visit};

/// The whole document. `answers` and `body` are HTML.
pub(crate) fn document(visit: &Visit, title: &str, answers: &str, body: &str) -> String {
    let Visit { language, theme, .. } = visit;
    let mut escaped_title = String::new();
    escape(title, &mut escaped_title);
    let theme = theme.map_or(String::new(), |theme| format!(" data-theme=\"{}\"", theme.name()));
    let head = to_html(head(visit));
    format!(
        "<!DOCTYPE html><html lang=\"{}\"{theme} data-assets=\"{}\"><head><meta charset=\"utf-8\"><title>{escaped_title}</title>\
         {head}{answers}</head><body>{body}</body></html>",
        language.tag(),
        visit.assets,
    )
}

fn head(Visit { theme, assets, .. }: &Visit) -> crate::view::View {
    let file = |name: &str| format!("{assets}/{name}");
    // The browser's own bars take the colour of the page: both where nobody chose.
    let bars = [(Theme::Light, "#fcfbf8"), (Theme::Dark, "#0e1514")]
        .into_iter()
        .filter(|(of, _)| theme.is_none_or(|theme| theme == *of))
        .map(|(of, colour)| {
            let media = theme.is_none().then(|| format!("(prefers-color-scheme: {})", of.name()));
            view! { <meta name="theme-color" content=colour media=media /> }
        })
        .collect::<crate::view::View>();
    view! {
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        {bars}
        <link rel="stylesheet" href=file("app.css") />
        <link rel="icon" type="image/svg+xml" href=file("favicon.svg") />
        <link rel="apple-touch-icon" href=file("icon-180.png") />
        <link rel="modulepreload" href=file("gangway-app.js") />
        <link rel="preload" r#as="fetch" type="application/wasm" crossorigin="anonymous" href=file("gangway-app_bg.wasm") />
        <script type="module" src=file("start.js")></script>
    }
}
