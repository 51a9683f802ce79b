//! The document, as the server sends it.

use std::sync::Arc;

use futures_util::future::join_all;
use gangway_client::{Api, Transport};
use leptos::prelude::*;

use crate::address::Address;
use crate::answers::Answers;
use crate::app::panel;
use crate::head::Head;
use crate::pages::Page;
use crate::remote::Unanswered;
use crate::shell::{Files, document};
use crate::view::html::to_html;
use crate::visit::Visit;

/// A page asks, and what it draws from the answers may ask once more. Who asks more often has the browser ask the rest.
const MAX_PASSES: usize = 4;

/// A page with what HTTP says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The HTTP status.
    pub status: u16,
    /// Where to go instead, as a path of this site.
    pub redirect: Option<&'static str>,
    /// The whole document.
    pub html: String,
}

/// Draws the page at `address` (path and query) for a visit. What it shows it asks of `transport`.
pub async fn render(visit: Visit, files: Files, transport: Arc<dyn Transport>, address: &str) -> Rendered {
    let answers = Answers::keeping(transport);
    let mut passes = 0;
    loop {
        passes += 1;
        let (rendered, unanswered) = pass(visit, files, &answers, address);
        if unanswered.is_empty() || passes == MAX_PASSES {
            return rendered;
        }
        join_all(unanswered).await;
    }
}

fn pass(
    visit: Visit,
    files: Files,
    answers: &Answers,
    address: &str,
) -> (Rendered, Vec<crate::remote::Asking>) {
    let owner = Owner::new_root(None);
    let result = owner.with(|| {
        let unanswered = Unanswered::default();
        provide_context(unanswered.clone());
        provide_context(visit);
        provide_context(Api::new(Arc::new(answers.clone())));
        let head = Head::provide();
        let address = Address::new(address);
        let page = Page::at(address);
        let part = page.part();
        let body = to_html(panel(address, &page, part.code()));
        let rendered = Rendered {
            status: head.status(),
            redirect: head.redirect(),
            html: document(visit, files, part, head.title_text(), &answers.scripts(), &body),
        };
        let unanswered = unanswered.0.lock().map(|mut list| std::mem::take(&mut *list));
        (rendered, unanswered.unwrap_or_default())
    });
    owner.cleanup();
    result
}
