//! Answers of the API that travel in the document: the server keeps what it asked while it drew the page, the browser draws
//! the same page from them. Each stands in a `<script>` that no browser runs, under the path that was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use gangway_client::{ApiRequest, ApiResponse, Transport};
use http::Method;

/// A transport that answers a question it knows at once, and passes on all others.
#[derive(Clone)]
pub(crate) struct Answers {
    beyond: Arc<dyn Transport>,
    known: Arc<Mutex<BTreeMap<String, ApiResponse>>>,
    /// Whether new answers are kept: while a page is drawn on the server.
    keeps: bool,
}

impl Transport for Answers {
    fn send(&self, request: ApiRequest) -> gangway_client::Reply {
        if request.method != Method::GET {
            return self.beyond.send(request);
        }
        if let Some(known) = self.lock().get(&request.path).cloned() {
            return Box::pin(std::future::ready(Ok(known)));
        }
        if !self.keeps {
            return self.beyond.send(request);
        }
        let (path, keeper) = (request.path.clone(), self.clone());
        let reply = self.beyond.send(request);
        Box::pin(async move {
            let response = reply.await?;
            keeper.lock().insert(path, response.clone());
            Ok(response)
        })
    }
}

impl Answers {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, ApiResponse>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(feature = "ssr")]
impl Answers {
    /// Keeps what `beyond` answers.
    pub(crate) fn keeping(beyond: Arc<dyn Transport>) -> Self {
        Self {
            beyond,
            known: Arc::default(),
            keeps: true,
        }
    }

    /// What has been kept, for the document's head.
    pub(crate) fn scripts(&self) -> String {
        use std::fmt::Write as _;

        use crate::view::html::escape;

        let mut html = String::new();
        for (path, response) in self.lock().iter() {
            let Ok(body) = std::str::from_utf8(&response.body) else {
                continue;
            };
            html.push_str("<script type=\"application/json\" data-answer=\"");
            escape(path, &mut html);
            let _ = write!(html, "\" data-status=\"{}\"", response.status);
            if let Some(secs) = response.retry_after_secs {
                let _ = write!(html, " data-retry=\"{secs}\"");
            }
            // In JSON a `<` stands only in strings, where it may be written so; in HTML it could end the script.
            let _ = write!(html, ">{}</script>", body.replace('<', "\\u003c"));
        }
        html
    }
}

#[cfg(feature = "hydrate")]
impl Answers {
    /// Takes the answers out of the document. `beyond` answers everything else.
    pub(crate) fn of_document(beyond: Arc<dyn Transport>) -> Self {
        use wasm_bindgen::JsCast as _;
        let mut known = BTreeMap::new();
        let scripts = crate::browser::page::document()
            .and_then(|document| document.query_selector_all("script[data-answer]").ok());
        for place in 0..scripts.as_ref().map_or(0, web_sys::NodeList::length) {
            let script = scripts.as_ref().and_then(|scripts| scripts.item(place));
            let Some(script) = script.and_then(|script| script.dyn_into::<web_sys::Element>().ok()) else {
                continue;
            };
            let number = |name: &str| script.get_attribute(name).and_then(|text| text.parse().ok());
            let status = number("data-status").and_then(|status| u16::try_from(status).ok());
            if let (Some(path), Some(status)) = (script.get_attribute("data-answer"), status) {
                let response = ApiResponse {
                    status,
                    retry_after_secs: number("data-retry"),
                    body: script.text_content().unwrap_or_default().into_bytes(),
                };
                known.insert(path, response);
            }
        }
        Self {
            beyond,
            known: Arc::new(Mutex::new(known)),
            keeps: false,
        }
    }

    /// The page is drawn: whoever asks from now on wants to know what is true now.
    pub(crate) fn forget(&self) {
        self.lock().clear();
    }
}
