//! Which files the code of an island lies in.

use std::collections::BTreeMap;
use std::sync::Arc;

use leptos::prelude::*;
use leptos_meta::Link;

/// Where the panel's files are, and which of them the lazy islands need. The server provides it to every page.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The folder of the present build's files, e.g. `/pkg/0123456789ab`.
    pub folder: &'static str,
    /// For each lazy island the names of its files, as the build wrote them down.
    pub files: Arc<BTreeMap<String, Vec<String>>>,
}

/// Has the browser fetch the code of a lazy island together with everything else, instead of after the main module.
#[component]
pub(crate) fn Preload(
    /// The island's function, in snake case.
    island: &'static str,
) -> impl IntoView {
    let Parts { folder, files } = expect_context();
    files
        .get(island)
        .into_iter()
        .flatten()
        .map(|file| {
            view! { <Link rel="preload" href=format!("{folder}/{file}") as_="fetch" type_="application/wasm" crossorigin="anonymous" /> }
        })
        .collect_view()
}
