//! Requests name the host that they are for, once and properly (RFC 9112 §3.2): who answers others invites confusion between
//! this server and the proxies before it.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::uri::Authority;
use http::{HeaderValue, Version, header};
use url::Host;

use crate::authority::Error;

/// Layer: refuses requests without a host, with several, and with one that is none.
pub async fn refuse_malformed_hosts(request: Request, next: Next) -> Response {
    match problem(&request) {
        None => next.run(request).await,
        Some(problem) => Error::Malformed(problem.to_owned()).into_response(),
    }
}

fn problem<B>(request: &http::Request<B>) -> Option<&'static str> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (_, Some(_)) => Some("the request has more than one Host header"),
        (Some(host), None) if !is_host(host) => Some("the Host header is not a host with an optional port"),
        // HTTP/1.0 knows no Host header; HTTP/2 has `:authority` in its place (RFC 9113 §8.3.1).
        (None, _) if request.version() == Version::HTTP_11 => Some("the request has no Host header"),
        (None, _) if request.version() == Version::HTTP_2 && request.uri().authority().is_none() => {
            Some("the request names no host")
        }
        _ => None,
    }
}

/// `uri-host [ ":" port ]` (RFC 9110 §7.2). Ours has a name: the empty host of RFC 9112 §3.2.3 is for targets without one.
fn is_host(value: &HeaderValue) -> bool {
    let Ok(authority) = Authority::try_from(value.as_bytes()) else {
        return false;
    };
    let (text, host) = (authority.as_str(), authority.host());
    let is_port = |port: &str| port.is_empty() || port.parse::<u16>().is_ok();
    let rest_is_port = match text.strip_prefix(host) {
        Some("") => true,
        Some(rest) => rest.strip_prefix(':').is_some_and(is_port),
        // What precedes the host is a name and a password.
        None => false,
    };
    rest_is_port && Host::parse(host).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_fine(host: &[u8]) -> bool {
        HeaderValue::from_bytes(host).is_ok_and(|value| is_host(&value))
    }

    #[test]
    fn hosts_with_and_without_ports_are_fine() {
        for host in [
            "localhost",
            "panel.example:8443",
            "panel.example:",
            "192.0.2.1:80",
            "[2001:db8::1]:8080",
            "under_score.example",
        ] {
            assert!(is_fine(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for host in [
            "",
            ":8080",
            "panel example",
            "panel.example:http",
            "panel.example:70000",
            "panel.example/",
            "me@panel.example",
            "panel.example, other.example",
            "[2001:db8::1",
            "https://panel.example",
        ] {
            assert!(!is_fine(host.as_bytes()), "{host}");
        }
        assert!(!is_fine(b"panel\xff"));
    }
}
