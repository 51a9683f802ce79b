//! Server-side rendering of the panel: the only place of the server that knows Leptos.
//!
//! A page asks the API through a function within the process: the API's own router, GET only, with the visitor's cookie and
//! address, so that authorisation and errors are the same as from outside (decision 0003). What the API sets as cookies goes
//! out with the page.

use std::sync::Arc;

use app::{PageStatus, Visit};
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use gangway_client::{Api, ApiRequest, ApiResponse, InProcess, TransportError};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use leptos::nonce::use_nonce;
use leptos::prelude::{expect_context, provide_context};
use leptos_axum::ResponseOptions;
use tower::ServiceExt as _;

use crate::api::extract::ClientAddress;
use crate::assets;

/// Answers a request for a page.
pub async fn render_page(api: Router, request: Request<Body>) -> Response {
    // Ok the first time; later it stands already.
    any_spawner::Executor::init_tokio().ok();
    let render = leptos_axum::render_app_async_with_context(move || provide_visit(&api), app::shell);
    render(request).await
}

/// What a page finds in its context, and the headers that depend on it.
fn provide_visit(api: &Router) {
    let parts: Parts = expect_context();
    let response: ResponseOptions = expect_context();
    let text = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
    provide_context(Visit::from_headers(
        text(header::COOKIE),
        text(header::ACCEPT_LANGUAGE),
        assets::folder().to_owned(),
    ));
    provide_context(Api::new(Arc::new(visitors_transport(
        api.clone(),
        &parts,
        response.clone(),
    ))));

    let status = response.clone();
    provide_context(PageStatus(Arc::new(move |code| {
        if let Ok(code) = StatusCode::from_u16(code) {
            status.set_status(code);
        }
    })));
    if let Some(policy) = use_nonce().and_then(|nonce| content_security_policy(&nonce)) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
    // A page shows what one visitor may see: nobody else's cache keeps it.
    response.insert_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

/// security.md, Web: scripts only from here or with this response's nonce, WebAssembly, nothing from third parties, no framing.
fn content_security_policy(nonce: &str) -> Option<HeaderValue> {
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).ok()
}

/// The API as the visitor would reach it from outside, reading only.
fn visitors_transport(
    api: Router,
    parts: &Parts,
    page: ResponseOptions,
) -> impl gangway_client::Transport + use<> {
    let cookie = parts.headers.get(header::COOKIE).cloned();
    let address = parts.extensions.get::<ClientAddress>().copied();
    InProcess::new(move |request: ApiRequest| {
        let (api, cookie, page) = (api.clone(), cookie.clone(), page.clone());
        async move {
            if request.method != Method::GET {
                return Err(unreachable("a page that is being rendered only reads"));
            }
            let mut inner = Request::new(Body::empty());
            *inner.uri_mut() = request
                .path
                .parse()
                .map_err(|_| unreachable("the path is not one of the API"))?;
            if let Some(cookie) = cookie {
                inner.headers_mut().insert(header::COOKIE, cookie);
            }
            if let Some(address) = address {
                inner.extensions_mut().insert(address);
            }
            let response = api.oneshot(inner).await.unwrap_or_else(|never| match never {});
            let (head, body) = response.into_parts();
            for cookie in head.headers.get_all(header::SET_COOKIE) {
                page.append_header(header::SET_COOKIE, cookie.clone());
            }
            let retry_after = head
                .headers
                .get(header::RETRY_AFTER)
                .and_then(|value| value.to_str().ok());
            Ok(ApiResponse {
                status: head.status.as_u16(),
                retry_after_secs: retry_after.and_then(|secs| secs.parse().ok()),
                body: body
                    .collect()
                    .await
                    .map_err(|_| unreachable("the answer broke off"))?
                    .to_bytes()
                    .to_vec(),
            })
        }
    })
}

fn unreachable(detail: &str) -> TransportError {
    TransportError::Unreachable {
        detail: detail.to_owned(),
    }
}
