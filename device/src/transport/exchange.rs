//! One HTTP/1.1 exchange on a connected stream that may end in raw bytes: CONNECT to a proxy (RFC 9110 §9.3.6), and the
//! opening of a WebSocket (RFC 6455 §4.1). hyper reads the answer, so that heads are taken as proxies and servers write
//! them: lines that end in a bare line feed, a `Connection` of several words.

use std::future::poll_fn;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::http::{Request, response};
use hyper_util::rt::TokioIo;

use super::TransportError;
use super::stream::BoxedStream;

/// Longest head of an answer. Proxies add a handful of headers; a page about an error is not read.
const MAX_HEAD_LEN: usize = 16 * 1024;

/// What came of an exchange.
pub(super) struct Exchange {
    /// Status and headers.
    pub(super) head: response::Parts,
    /// The stream, where the answer turned it over to another protocol.
    pub(super) opened: Option<BoxedStream>,
    /// What the other side sent already after its head.
    pub(super) ahead: Bytes,
}

/// Sends `request` and waits for the head of the answer.
pub(super) async fn exchange(
    stream: BoxedStream,
    request: Request<Empty<Bytes>>,
) -> Result<Exchange, TransportError> {
    let is_connect = request.method() == hyper::Method::CONNECT;
    let (mut sender, mut connection) = http1::Builder::new()
        .max_buf_size(MAX_HEAD_LEN)
        // Header names in the capitals that everybody else writes; some proxies compare letter by letter.
        .title_case_headers(true)
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_spaces_after_header_name_in_responses(true)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(&error))?;
    let asking = sender.send_request(request);
    tokio::pin!(asking);
    let mut is_over = false;
    let answer = loop {
        tokio::select! {
            biased;
            answer = &mut asking => break answer.map_err(|error| broken(&error))?,
            ended = poll_fn(|cx| connection.poll_without_shutdown(cx)), if !is_over => {
                ended.map_err(|error| broken(&error))?;
                is_over = true;
            }
        }
    };
    let (head, _body) = answer.into_parts();
    let opens = if is_connect {
        head.status.is_success()
    } else {
        head.status == hyper::StatusCode::SWITCHING_PROTOCOLS
    };
    if !opens {
        return Ok(Exchange {
            head,
            opened: None,
            ahead: Bytes::new(),
        });
    }
    if !is_over {
        poll_fn(|cx| connection.poll_without_shutdown(cx))
            .await
            .map_err(|error| broken(&error))?;
    }
    let parts = connection.into_parts();
    Ok(Exchange {
        head,
        opened: Some(parts.io.into_inner()),
        ahead: parts.read_buf,
    })
}

/// Whether one of the comma-separated words of the headers `name` is `word`, whatever its case.
pub(super) fn says(head: &response::Parts, name: hyper::http::HeaderName, word: &str) -> bool {
    head.headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|said| said.trim().eq_ignore_ascii_case(word))
}

fn broken(error: &hyper::Error) -> TransportError {
    if error.is_parse() {
        return TransportError::Handshake("the answer is not HTTP".to_owned());
    }
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<std::io::Error>());
    cause.map_or_else(|| TransportError::Io(error.to_string()), TransportError::from_io)
}
