//! The panel's pages: the only place of the server that knows Leptos.
//!
//! 1. Who visits is asked first, once, and provided to the whole page ([`visit`]).
//! 2. Leptos renders the page. What it shows it asks the API through a function within the process: the API's own router, GET
//!    only, with the visitor's cookie and address, so that authorisation and errors are the same as from outside
//!    (decision 0003).
//! 3. What the API set as cookies goes out with the page, and so does a policy with the nonce of Leptos' own scripts.
//!
//! Forms that work without any script stand beside the pages ([`forms`]).

mod forms;
mod visit;

use std::sync::{Arc, LazyLock};

use app::{App, AskedClient, Parts, Shell, SignerOrigins, Visitor};
use axum::Router;
use axum::extract::{FromRef, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use futures_util::future::join_all;
use gangway_client::Api;
use gangway_protocol::page::{MAX_PAGE_LIMIT, PageQuery};
use gangway_protocol::path::{self, form, page};
use gangway_protocol::signer::{Signer, SignerKind};
use http::{Extensions, HeaderMap, HeaderValue, StatusCode, Version, header};
use leptos::prelude::*;
use leptos_axum::{
    AxumRouteListing, LeptosRoutes as _, ResponseOptions,
    generate_route_list_with_exclusions_and_ssg_and_context,
};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

use crate::api::csrf::refuse_foreign_changes;
use crate::assets;
use crate::authority::Error;
use crate::state::Gangway;
use visit::{PageCaller, PageContext};

/// What the crate `frontend` is called in the files that it became.
const OUTPUT: &str = "frontend";

/// What the panel answers from.
#[derive(Clone)]
struct Panel {
    gangway: Arc<Gangway>,
    api: Router,
    options: LeptosOptions,
}

impl FromRef<Panel> for LeptosOptions {
    fn from_ref(panel: &Panel) -> Self {
        panel.options.clone()
    }
}

/// The pages and their forms. What no other route answers is a page too: the panel says itself that nothing is there.
pub fn router(gangway: Arc<Gangway>, api: Router) -> Router<Arc<Gangway>> {
    let options = LeptosOptions::builder()
        .output_name(OUTPUT)
        .site_pkg_dir(assets::folder().trim_start_matches('/'))
        .build();
    let panel = Panel {
        gangway: Arc::clone(&gangway),
        api,
        options,
    };
    let shell = {
        let options = panel.options.clone();
        move || view! { <Shell options=options.clone() /> }
    };
    let anything_else = leptos_axum::render_app_async_with_context(provide_page, shell.clone());
    let pages = Router::new()
        .leptos_routes_with_context(&panel, page_routes(), provide_page, shell)
        .fallback_service(get(anything_else).fallback(async || Error::NotFound))
        .layer(from_fn_with_state(panel.clone(), ask_first))
        .layer(
            CompressionLayer::new()
                .quality(CompressionLevel::Fastest)
                .compress_when(may_be_compressed),
        );
    let forms = Router::new()
        .route(form::APPEARANCE, post(forms::set_appearance))
        .route(form::SIGN_OUT, post(forms::sign_out))
        .route(form::PROFILE, post(forms::rename_account))
        .layer(from_fn_with_state(gangway, refuse_foreign_changes));
    pages.merge(forms).with_state(panel)
}

/// The addresses of the pages, as the application names them.
fn page_routes() -> Vec<AxumRouteListing> {
    static ROUTES: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| {
        let (routes, _) = generate_route_list_with_exclusions_and_ssg_and_context(App, None, || {
            PageContext::of_nobody().provide();
        });
        routes
    });
    ROUTES.clone()
}

/// Most bytes of a content security policy that name signers.
const MAX_ORIGINS_LEN: usize = 3_000;

/// What a page finds as context: who visits, which API to ask, where its files are.
fn provide_page() {
    let context = use_context::<http::request::Parts>()
        .and_then(|parts| parts.extensions.get::<PageContext>().cloned())
        .unwrap_or_else(PageContext::of_nobody);
    let mut connect = context.signers.origins.clone();
    connect.extend(context.client.client().map(|client| client.origin().to_owned()));
    context.provide();
    let (Some(nonce), Some(response)) = (leptos::nonce::use_nonce(), use_context::<ResponseOptions>()) else {
        return;
    };
    if let Ok(policy) = HeaderValue::from_str(&content_security_policy(&nonce, &connect)) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}

/// threat model, WEB-1: scripts only from here or with the nonce of this document, WebAssembly, nothing from third parties, no
/// framing. ENR-27: the pages that ask signers may connect to those of their visitor's organisations. ENR-31: the page for plgd
/// clients may connect to the one in its address too.
fn content_security_policy(nonce: &str, others: &[String]) -> String {
    let connect = [&["'self'".to_owned()], others].concat().join(" ");
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
         connect-src {connect}; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}

/// Layer of the pages: asks who visits before anything is drawn, and says how the document may be kept.
async fn ask_first(State(panel): State<Panel>, mut request: Request, next: Next) -> Response {
    // What is not read by a person gets a problem.
    if request.uri().path().starts_with(path::CA) {
        return Error::NotFound.into_response();
    }
    let has_query = request.uri().query().is_some();
    let caller = PageCaller::of(&panel, &request);
    let api = Api::new(Arc::new(caller.reading()));
    let visitor = Visitor::ask(&api).await;
    let signers = match request.uri().path().trim_end_matches('/') {
        page::LINK | page::ORGANISATION_SIGNERS | page::PLGD_CLIENT => {
            signer_origins(&api, &visitor, panel.gangway.config.plgd_api).await
        }
        _ => SignerOrigins::default(),
    };
    let client = match request.uri().path().trim_end_matches('/') {
        page::PLGD_CLIENT if visitor.enrols_into().next().is_some() => {
            AskedClient::of(request.uri().query(), &panel.gangway.config.origin())
        }
        _ => AskedClient::default(),
    };
    // A page is HTML for everybody. leptos_axum redirects only who asks for that.
    request
        .headers_mut()
        .insert(header::ACCEPT, HeaderValue::from_static("text/html"));
    request.extensions_mut().insert(PageContext {
        visit: caller.visit(&panel),
        visitor,
        api,
        parts: parts(),
        signers,
        client,
    });
    let mut response = next.run(request).await;
    caller.hand_over_cookies(response.headers_mut());
    let headers = response.headers_mut();
    // A page shows what one visitor may see: no shared cache keeps it, and the browser asks again whenever it is opened anew.
    // `no-store` would also forbid going back to it at once.
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    headers.insert(
        header::VARY,
        HeaderValue::from_static("cookie, accept-language, accept-encoding"),
    );
    if has_query || response.status() == StatusCode::NOT_FOUND {
        response.extensions_mut().insert(RepeatsAddress);
    }
    response
}

/// Where the signers of the organisations are into which the visitor may enrol devices.
async fn signer_origins(api: &Api, visitor: &Visitor, signs_for_plgd: bool) -> SignerOrigins {
    let page = PageQuery {
        limit: Some(MAX_PAGE_LIMIT),
        after: None,
    };
    let asked = visitor
        .enrols_into()
        .map(|organisation| api.signers(organisation, &page));
    let signers: Vec<Signer> = join_all(asked)
        .await
        .into_iter()
        .flatten()
        .flat_map(|page| page.items)
        // What was stored passed the same check; nothing else gets into a policy.
        .filter(|signer| !signer.disabled && signer.kind.check().is_ok())
        .collect();
    let has_hub = signers
        .iter()
        .any(|signer| matches!(signer.kind, SignerKind::PlgdHub(_)));
    let mut origins: Vec<String> = signers.iter().flat_map(|signer| signer.kind.origins()).collect();
    origins.sort_unstable();
    origins.dedup();
    // The policy is a header, and what stands between here and the browser takes few kilobytes of them. The page knows which
    // origins it has, and says so where one is missing.
    let mut room = MAX_ORIGINS_LEN;
    origins.retain(|origin| {
        let fits = room.checked_sub(origin.len() + 1);
        room = fits.unwrap_or(room);
        fits.is_some()
    });
    SignerOrigins {
        origins,
        has_hub,
        signs_for_plgd,
    }
}

/// A document that may repeat what stands in its address.
#[derive(Clone, Copy)]
struct RepeatsAddress;

/// threat model, WEB-1: a document that repeats its address is not compressed, or its length would tell a guesser something about
/// the rest of it (BREACH).
fn may_be_compressed(_: StatusCode, _: Version, _: &HeaderMap, extensions: &Extensions) -> bool {
    extensions.get::<RepeatsAddress>().is_none()
}

fn parts() -> Parts {
    static PARTS: LazyLock<Parts> = LazyLock::new(|| Parts {
        folder: assets::folder(),
        files: Arc::new(assets::parts()),
    });
    PARTS.clone()
}
