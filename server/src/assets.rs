//! The panel's static files, embedded in the binary as the build left them: compressed beforehand, named by their content.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::body::Body;
use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use rust_embed::RustEmbed;

/// `dist/` as Trunk leaves it; empty in a build of the server alone.
#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../dist"]
#[include = "pkg/*"]
#[include = "build-id"]
#[include = "parts"]
struct Dist;

/// The path of the router.
pub const ASSETS: &str = "/pkg/{build}/{file}";
/// What the paths of assets begin with.
pub const PREFIX: &str = "/pkg/";

/// The folder of the present build's files, e.g. `/pkg/0123456789ab`.
#[must_use]
pub fn folder() -> &'static str {
    static FOLDER: LazyLock<String> = LazyLock::new(|| format!("/pkg/{}", build()));
    &FOLDER
}

fn build() -> String {
    Dist::get("build-id")
        .and_then(|file| String::from_utf8(file.data.into_owned()).ok())
        .map_or_else(|| "none".to_owned(), |text| text.trim().to_owned())
}

/// For each lazy island the files that have its code, as the build listed them: lines `ISLAND FILE…`.
#[must_use]
pub fn parts() -> BTreeMap<String, Vec<String>> {
    let text = Dist::get("parts")
        .and_then(|file| String::from_utf8(file.data.into_owned()).ok())
        .unwrap_or_default();
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(island, files)| {
            (
                island.to_owned(),
                files.split_whitespace().map(str::to_owned).collect(),
            )
        })
        .collect()
}

/// What tells a page of a former build that its files are gone, and so has to be there under that build's name too.
const WATCH: &str = "watch.js";

/// A file of the panel. The folder is the build's name, so that what is under it never changes; a page of another build, open
/// in a browser across an upgrade, gets 404 and is loaded anew.
pub async fn get_asset(Path((build_asked, file)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let is_of_this_build = folder().strip_prefix("/pkg/") == Some(build_asked.as_str());
    if !is_of_this_build && file != WATCH {
        return StatusCode::NOT_FOUND.into_response();
    }
    let Some((encoding, bytes)) = pick(&file, &headers) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind = mime_guess::from_path(&file)
        .first_raw()
        .unwrap_or("application/octet-stream");
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static(if is_of_this_build {
            "public, max-age=31536000, immutable"
        } else {
            "no-store"
        }),
    );
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

/// The smallest form that the browser takes: brotli, gzip, or as it is.
fn pick(file: &str, request: &HeaderMap) -> Option<(Option<&'static str>, Bytes)> {
    let read = |suffix: &str| {
        Dist::get(&format!("pkg/{file}{suffix}")).map(|found| match found.data {
            std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            std::borrow::Cow::Owned(bytes) => Bytes::from(bytes),
        })
    };
    for (encoding, suffix) in [("br", ".br"), ("gzip", ".gz")] {
        if takes(request, encoding)
            && let Some(bytes) = read(suffix)
        {
            return Some((Some(encoding), bytes));
        }
    }
    read("").map(|bytes| (None, bytes))
}

/// Whether a request's `Accept-Encoding` (RFC 9110 §12.5.3) names this one.
#[must_use]
pub fn takes(request: &HeaderMap, encoding: &str) -> bool {
    let accepted = request
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    accepted.split(',').any(|item| {
        let mut parts = item.split(';');
        let refused = |parameter: &str| {
            parameter
                .trim()
                .strip_prefix("q=")
                .is_some_and(|q| q.parse() == Ok(0.0))
        };
        parts
            .next()
            .is_some_and(|name| name.trim().eq_ignore_ascii_case(encoding))
            && !parts.any(refused)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_names_the_build() {
        assert!(folder().starts_with("/pkg/"));
        assert!(!folder().ends_with('/'));
    }

    #[tokio::test]
    async fn unknown_builds_and_files_are_not_found() {
        let ask =
            |build: &str, file: &str| get_asset(Path((build.to_owned(), file.to_owned())), HeaderMap::new());
        assert_eq!(ask("another", "app.css").await.status(), StatusCode::NOT_FOUND);
        let watch = ask("another", WATCH).await;
        assert_eq!(watch.status(), StatusCode::OK);
        assert_eq!(watch.headers()[header::CACHE_CONTROL], "no-store");
        assert_eq!(
            ask(&build(), "../Cargo.toml").await.status(),
            StatusCode::NOT_FOUND
        );
    }
}
