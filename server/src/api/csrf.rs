//! Requests that change something and come by cookie must come from our own pages.
//!
//! A browser sends cookies along with what a foreign page makes it send. It also says where that came from, in headers
//! that no page can forge: `Sec-Fetch-Site` (Fetch Metadata Request Headers §2.3) and `Origin` (RFC 6454 §7, Fetch §3.2).
//! OWASP's cheat sheet on cross-site request forgery names this check as a defence by itself; `SameSite=Lax` stands
//! beside it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, header};

use crate::authority::Error;
use crate::config::Config;
use crate::state::Gangway;

/// Where a browser says that a request comes from.
pub const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Layer: refuses changes that a foreign page may have caused.
pub async fn refuse_foreign_changes(
    State(gangway): State<Arc<Gangway>>,
    request: Request,
    next: Next,
) -> Response {
    // RFC 9110 §9.2.1: safe methods change nothing; ours keep to that.
    if request.method().is_safe() || may_change(request.headers(), &gangway.config) {
        return next.run(request).await;
    }
    Error::Forbidden("this came from another site: open Gangway at its own address and try again")
        .into_response()
}

/// Whether a WebSocket upgrade by cookie comes from one of our pages. Browsers always send `Origin` with it (RFC 6455 §4.1).
#[must_use]
pub fn has_own_origin(headers: &HeaderMap, config: &Config) -> bool {
    headers
        .get(header::ORIGIN)
        .is_some_and(|origin| origin.as_bytes() == config.origin().as_bytes())
}

/// Whether a request that changes something is one of our pages, or of somebody whom no page can make ask.
#[must_use]
pub fn may_change(headers: &HeaderMap, config: &Config) -> bool {
    // No page can add this header without our consent (CORS, which only plgd's API gives, and there for this header), and a
    // token beats a cookie.
    if headers.contains_key(header::AUTHORIZATION) {
        return true;
    }
    match headers.get(SEC_FETCH_SITE) {
        Some(site) => site.as_bytes() == b"same-origin",
        None if headers.contains_key(header::ORIGIN) => has_own_origin(headers, config),
        // Neither header: not a browser of this decade. Without a cookie there is nothing that could be ridden on.
        None => !headers.contains_key(header::COOKIE),
    }
}
