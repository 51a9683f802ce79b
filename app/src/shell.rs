//! The document around a page, as the server sends it: language and theme are right in the first paint, and no script stands
//! in it, so that the content security policy needs no exception.

use crate::view::html::{escape, to_html};
use crate::view::{View, view};
use crate::visit::{Theme, Visit};

/// The whole document. `answers` and `body` are HTML; `part` is the code that the page needs besides that of all pages.
pub(crate) fn document(visit: &Visit, part: Option<&str>, title: &str, answers: &str, body: &str) -> String {
    let Visit { language, theme, .. } = visit;
    let mut escaped_title = String::new();
    escape(title, &mut escaped_title);
    let theme = theme.map_or(String::new(), |theme| format!(" data-theme=\"{}\"", theme.name()));
    let head = to_html(head(visit, part));
    format!(
        "<!DOCTYPE html><html lang=\"{}\"{theme} data-assets=\"{}\"><head><meta charset=\"utf-8\"><title>{escaped_title}</title>\
         {head}{answers}</head><body>{body}</body></html>",
        language.tag(),
        visit.assets,
    )
}

fn head(
    Visit {
        theme,
        assets,
        files_of,
        ..
    }: &Visit,
    part: Option<&str>,
) -> View {
    let file = |name: &str| format!("{assets}/{name}");
    // The browser's own bars take the colour of the page: both where nobody chose.
    let bars = [(Theme::Light, "#fcfbf8"), (Theme::Dark, "#0e1514")]
        .into_iter()
        .filter(|(of, _)| theme.is_none_or(|theme| theme == *of))
        .map(|(of, colour)| {
            let media = theme
                .is_none()
                .then(|| format!("(prefers-color-scheme: {})", of.name()));
            view! { <meta name="theme-color" content=colour media=media /> }
        })
        .collect::<View>();
    let parts = part.map(files_of).unwrap_or_default();
    // Everything at once, instead of one after the other as each file names the next.
    let code = std::iter::once("gangway-app_bg.wasm".to_owned())
        .chain(parts)
        .map(|name| view! { <link rel="preload" r#as="fetch" type="application/wasm" crossorigin="anonymous" href=file(&name) /> })
        .collect::<View>();
    view! {
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        {bars}
        <link rel="stylesheet" href=file("app.css") />
        <link rel="icon" type="image/svg+xml" href=file("favicon.svg") />
        <link rel="apple-touch-icon" href=file("icon-180.png") />
        <link rel="modulepreload" href=file("gangway-app.js") />
        <link rel="modulepreload" href=file("__wasm_split.js") />
        {code}
        <script type="module" src=file("start.js")></script>
    }
}
