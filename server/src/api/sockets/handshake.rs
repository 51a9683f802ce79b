//! The opening handshake of RFC 6455 §4.2, from headers to headers: nothing is read, written or decided about who it is. What
//! the WebSocket asks for is checked and answered by tungstenite; the sub-protocol is ours.

use axum::body::Body;
use data_encoding::BASE64;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Request, Response};
use tungstenite::handshake::server::create_response;

use crate::authority::Error;

/// What a client says of the WebSocket (RFC 6455 §4.2.1).
const ASKED: [HeaderName; 4] = [
    header::CONNECTION,
    header::UPGRADE,
    header::SEC_WEBSOCKET_VERSION,
    header::SEC_WEBSOCKET_KEY,
];

/// A request that asks for a WebSocket properly, and the answer that opens it. No extension is taken up.
#[derive(Debug)]
pub(crate) struct Handshake(Response<()>);

impl Handshake {
    /// Reads a request; `protocol` is the sub-protocol of its path.
    ///
    /// # Errors
    /// What is missing (RFC 6455 §4.2.1), as an answer over HTTP: there is no WebSocket to say it on.
    pub(crate) fn read<B>(request: &Request<B>, protocol: &'static str) -> Result<Self, Error> {
        let no_handshake = || {
            Error::Malformed(
                "this address speaks WebSocket (RFC 6455), version 13: open it with a WebSocket client"
                    .to_owned(),
            )
        };
        let key = request.headers().get(header::SEC_WEBSOCKET_KEY);
        // RFC 6455 §4.2.1, 5: base64 of 16 bytes.
        if !key.is_some_and(|key| BASE64.decode(key.as_bytes()).is_ok_and(|nonce| nonce.len() == 16)) {
            return Err(no_handshake());
        }
        let mut response = create_response(&asked(request)).map_err(|_| no_handshake())?;
        if !offers(request.headers(), protocol) {
            return Err(Error::Malformed(format!(
                "this address speaks the sub-protocol {protocol}, which the request does not offer"
            )));
        }
        let headers = response.headers_mut();
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
        Ok(Self(response))
    }

    /// The answer that opens the WebSocket (RFC 6455 §4.2.2).
    pub(crate) fn response(self) -> Response<Body> {
        self.0.map(|()| Body::empty())
    }
}

/// What tungstenite looks at. It reads the first line of each header; proxies may send several (RFC 9110 §5.3).
fn asked<B>(request: &Request<B>) -> Request<()> {
    let mut asked = Request::new(());
    *asked.method_mut() = request.method().clone();
    *asked.version_mut() = request.version();
    for name in ASKED {
        let lines: Vec<&[u8]> = request
            .headers()
            .get_all(&name)
            .iter()
            .map(HeaderValue::as_bytes)
            .collect();
        if !lines.is_empty()
            && let Ok(line) = HeaderValue::from_bytes(&lines.join(&b", "[..]))
        {
            asked.headers_mut().insert(name, line);
        }
    }
    asked
}

/// Whether the client offers this sub-protocol among others.
fn offers(headers: &HeaderMap, protocol: &str) -> bool {
    let lines = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL);
    let mut texts = lines.iter().filter_map(|line| line.to_str().ok());
    texts.any(|text| text.split(',').any(|one| one.trim() == protocol))
}

#[cfg(test)]
mod tests {
    use http::{Method, StatusCode};

    use super::*;

    const PROTOCOL: &str = "gangway.enrolment.v1";

    fn request() -> Request<()> {
        let request = Request::builder()
            .header(header::CONNECTION, "keep-alive, Upgrade")
            .header(header::UPGRADE, "WebSocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ==")
            .header(header::SEC_WEBSOCKET_PROTOCOL, "other, gangway.enrolment.v1");
        request.body(()).expect("a request")
    }

    #[test]
    fn the_example_of_the_rfc_is_answered_as_there() {
        let response = Handshake::read(&request(), PROTOCOL)
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
    fn a_header_may_come_in_several_lines() {
        let mut request = request();
        let headers = request.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("keep-alive"));
        headers.append(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("other"));
        headers.append(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
        assert!(Handshake::read(&request, PROTOCOL).is_ok());
    }

    #[test]
    fn whatever_is_missing_is_refused_over_http() {
        let names = request();
        for name in names.headers().keys() {
            let mut request = request();
            request.headers_mut().remove(name);
            assert!(Handshake::read(&request, PROTOCOL).is_err(), "{name}");
        }
        let mut post = request();
        *post.method_mut() = Method::POST;
        assert!(Handshake::read(&post, PROTOCOL).is_err());
        assert!(Handshake::read(&request(), "gangway.claim.v1").is_err());
        let mut short = request();
        short
            .headers_mut()
            .insert(header::SEC_WEBSOCKET_KEY, HeaderValue::from_static("c2hvcnQ="));
        assert!(Handshake::read(&short, PROTOCOL).is_err());
    }
}
