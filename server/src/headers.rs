//! Headers that every response carries (threat model, WEB-1).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue, header};

use crate::state::Gangway;

/// Two years, as the preload lists ask (RFC 6797 §6.1.1).
const STRICT_TRANSPORT: &str = "max-age=63072000";
/// The same for all names below this one (§6.1.2).
const STRICT_TRANSPORT_BELOW: &str = "max-age=63072000; includeSubDomains";
/// For whatever is not a page; pages bring a policy of their own.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

const ALWAYS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(self), publickey-credentials-get=(self), publickey-credentials-create=(self), clipboard-write=(self), \
         geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// Adds them; what a handler has set itself stays.
pub async fn add_security_headers(
    State(gangway): State<Arc<Gangway>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(POLICY));
    // The API answers for one caller at one moment.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    if gangway.config.public_url.scheme() == "https" {
        let value = if gangway.config.hsts_subdomains {
            STRICT_TRANSPORT_BELOW
        } else {
            STRICT_TRANSPORT
        };
        headers
            .entry(header::STRICT_TRANSPORT_SECURITY)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}
