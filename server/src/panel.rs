//! Server-side rendering of the panel: the only place of the server that knows Leptos.
//!
//! A page asks the API through a function within the process: the API's own router, GET only, with the visitor's cookie and
//! address, so that authorisation and errors are the same as from outside (decision 0003). What the API sets as cookies goes
//! out with the page.

use std::sync::{Arc, Mutex, PoisonError};

use app::{Files, Rendered, Visit};
use axum::Router;
use axum::body::Body;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use gangway_client::{ApiRequest, ApiResponse, InProcess, TransportError};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use crate::assets;
use crate::limits::ClientAddress;

/// Cookies that the API sets while a page is drawn: they go out with the page.
type Cookies = Arc<Mutex<Vec<HeaderValue>>>;

/// threat model, WEB-1: scripts only from here, WebAssembly, nothing from third parties, no framing.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Answers a request for a page.
pub async fn render_page(api: Router, request: Request<Body>) -> Response {
    let (parts, _) = request.into_parts();
    let text = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let visit = Visit::from_headers(text(header::COOKIE), text(header::ACCEPT_LANGUAGE));
    let files = Files {
        folder: assets::folder(),
        files_of: assets::files_of,
    };
    let address = parts.uri.path_and_query().map_or("/", |address| address.as_str());
    let cookies = Cookies::default();
    let transport = visitors_transport(api, &parts, Arc::clone(&cookies));
    let rendered = app::render(visit, files, Arc::new(transport), address).await;
    let mut response = respond(rendered);
    let headers: &mut HeaderMap = response.headers_mut();
    for cookie in cookies.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
        headers.append(header::SET_COOKIE, cookie);
    }
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(CONTENT_SECURITY_POLICY),
    );
    // A page shows what one visitor may see: nobody else's cache keeps it.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn respond(
    Rendered {
        status,
        redirect,
        html,
    }: Rendered,
) -> Response {
    match redirect {
        Some(path) => Redirect::to(path).into_response(),
        None => (StatusCode::from_u16(status).unwrap_or(StatusCode::OK), Html(html)).into_response(),
    }
}

/// The API as the visitor would reach it from outside, reading only.
fn visitors_transport(
    api: Router,
    parts: &Parts,
    cookies: Cookies,
) -> impl gangway_client::Transport + use<> {
    let cookie = parts.headers.get(header::COOKIE).cloned();
    let address = parts.extensions.get::<ClientAddress>().copied();
    InProcess::new(move |request: ApiRequest| {
        let (api, cookie, cookies) = (api.clone(), cookie.clone(), Arc::clone(&cookies));
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
                cookies
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(cookie.clone());
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
