//! The opening handshake of RFC 6455 §4.2, from headers to headers: nothing is read, written or decided about who it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use crate::authority::Error;

/// RFC 6455 §1.3.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A request that asks for a WebSocket properly.
#[derive(Debug)]
pub(crate) struct Handshake {
    accept: HeaderValue,
    protocol: &'static str,
}

impl Handshake {
    /// Reads a request; `protocol` is the sub-protocol of its path.
    ///
    /// # Errors
    /// What is missing (RFC 6455 §4.2.1), as an answer over HTTP: there is no WebSocket to say it on.
    pub(crate) fn read(method: &Method, headers: &HeaderMap, protocol: &'static str) -> Result<Self, Error> {
        let key = headers.get(header::SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes);
        let key = key.filter(|key| STANDARD.decode(key).is_ok_and(|nonce| nonce.len() == 16));
        let asks = method == Method::GET
            && has_token(headers, header::CONNECTION, "upgrade")
            && has_token(headers, header::UPGRADE, "websocket")
            && has_token(headers, header::SEC_WEBSOCKET_VERSION, "13");
        let (true, Some(key)) = (asks, key) else {
            return Err(Error::Malformed(
                "this address speaks WebSocket (RFC 6455), version 13: open it with a WebSocket client"
                    .to_owned(),
            ));
        };
        if !has_token(headers, header::SEC_WEBSOCKET_PROTOCOL, protocol) {
            return Err(Error::Malformed(format!(
                "this address speaks the sub-protocol {protocol}, which the request does not offer"
            )));
        }
        Ok(Self {
            accept: accept(key),
            protocol,
        })
    }

    /// The answer that opens the WebSocket (RFC 6455 §4.2.2). No extension is taken up.
    pub(crate) fn response(self) -> http::Response<axum::body::Body> {
        let mut response = http::Response::new(axum::body::Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, self.accept);
        headers.insert(
            header::SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(self.protocol),
        );
        response
    }
}

/// RFC 6455 §4.2.2, 5.4. SHA-1 protects nothing here: it shows that the server understood.
#[expect(clippy::expect_used, reason = "base64 is visible ASCII")]
fn accept(key: &[u8]) -> HeaderValue {
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, &[key, GUID].concat());
    HeaderValue::try_from(STANDARD.encode(digest)).expect("base64 is a header value")
}

/// Whether one of the comma-separated values of a header is `token`, in any case.
fn has_token(headers: &HeaderMap, name: header::HeaderName, token: &str) -> bool {
    let values = headers.get_all(name);
    let mut texts = values.iter().filter_map(|value| value.to_str().ok());
    texts.any(|text| text.split(',').any(|one| one.trim().eq_ignore_ascii_case(token)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROTOCOL: &str = "gangway.enrolment.v1";

    fn headers() -> HeaderMap {
        let pairs = [
            (header::CONNECTION, "keep-alive, Upgrade"),
            (header::UPGRADE, "WebSocket"),
            (header::SEC_WEBSOCKET_VERSION, "13"),
            (header::SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ=="),
            (header::SEC_WEBSOCKET_PROTOCOL, "other, gangway.enrolment.v1"),
        ];
        pairs
            .into_iter()
            .map(|(name, value)| (name, HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn the_example_of_the_rfc_is_answered_as_there() {
        let response = Handshake::read(&Method::GET, &headers(), PROTOCOL)
            .expect("a good handshake")
            .response();
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(
            response.headers()[header::SEC_WEBSOCKET_ACCEPT],
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
        assert_eq!(response.headers()[header::SEC_WEBSOCKET_PROTOCOL], PROTOCOL);
    }

    #[test]
    fn whatever_is_missing_is_refused_over_http() {
        for name in headers().keys() {
            let mut headers = headers();
            headers.remove(name);
            assert!(
                Handshake::read(&Method::GET, &headers, PROTOCOL).is_err(),
                "{name}"
            );
        }
        assert!(Handshake::read(&Method::POST, &headers(), PROTOCOL).is_err());
        assert!(Handshake::read(&Method::GET, &headers(), "gangway.claim.v1").is_err());
        let mut short = headers();
        short.insert(header::SEC_WEBSOCKET_KEY, HeaderValue::from_static("c2hvcnQ="));
        assert!(Handshake::read(&Method::GET, &short, PROTOCOL).is_err());
    }
}
