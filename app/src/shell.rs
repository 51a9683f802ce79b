//! The document around a page, as the server sends it: language and theme are right in the first paint, and no script stands
//! in it, so that the content security policy needs no exception.

use crate::pages::Part;
use crate::view::html::to_html;
use crate::view::{View, view};
use crate::visit::{Theme, Visit};

/// Where the panel's files are, so that the document can have all of them fetched at once.
#[derive(Clone, Copy, Debug)]
pub struct Files {
    /// Their folder, e.g. `/pkg/0123456789ab`, without a slash at its end.
    pub folder: &'static str,
    /// The files in it that a part of the panel's code consists of, by its name.
    pub files_of: fn(&str) -> Vec<String>,
}

/// The whole document. `answers` and `body` are HTML; `part` has the code of the page.
pub(crate) fn document(
    Visit { language, theme }: Visit,
    files: Files,
    part: Part,
    title: String,
    answers: &str,
    body: &str,
) -> String {
    let language = language.tag();
    let head = to_html(head(theme, files, part, title));
    let theme = theme.map_or(String::new(), |theme| format!(" data-theme=\"{}\"", theme.name()));
    format!(
        "<!DOCTYPE html><html lang=\"{language}\"{theme}><head>{head}{answers}</head><body>{body}</body></html>"
    )
}

fn head(theme: Option<Theme>, Files { folder, files_of }: Files, part: Part, title: String) -> View {
    let file = |name: &str| format!("{folder}/{name}");
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
    let parts = part.name().map(files_of).unwrap_or_default();
    // Everything at once, instead of one after the other as each file names the next.
    let code = std::iter::once("gangway-app_bg.wasm".to_owned())
        .chain(parts)
        .map(|name| view! { <link rel="preload" r#as="fetch" type="application/wasm" crossorigin="anonymous" href=file(&name) /> })
        .collect::<View>();
    view! {
        <meta charset="utf-8" />
        <title>{title}</title>
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
