//! The browser's transport: `fetch` with the page's own cookie. A request ends when its time is over or when nobody waits
//! for it any more, e.g. because the person typed on.

use std::cell::Cell;
use std::rc::Rc;

use gloo_net::http::{Headers, RequestBuilder};
use gloo_timers::callback::Timeout;
use js_sys::Reflect;
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, ReadableStream, ReadableStreamDefaultReader, ReferrerPolicy, RequestCache,
    RequestCredentials, RequestInit, RequestMode, RequestRedirect,
};

use gangway_signing as signing;

use crate::transport::{
    ApiRequest, ApiResponse, ForeignReply, MAX_RESPONSE_LEN, REQUEST_TIMEOUT_SECS, Reply, Transport,
    TransportError,
};

/// Sends to the origin that served the page.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fetch;

impl Transport for Fetch {
    fn send(&self, request: ApiRequest) -> Reply {
        // JavaScript values stay on their one thread; the wrapper would panic elsewhere, and there is no elsewhere.
        Box::pin(SendWrapper::new(fetch(request)))
    }

    fn send_elsewhere(&self, request: signing::Request) -> ForeignReply {
        Box::pin(SendWrapper::new(fetch_elsewhere(request)))
    }
}

async fn fetch(request: ApiRequest) -> Result<ApiResponse, TransportError> {
    let deadline = Deadline::start()?;
    let outcome = exchange(request, &deadline).await;
    outcome.map_err(|error| deadline.explain(&error))
}

async fn fetch_elsewhere(request: signing::Request) -> Result<signing::Response, TransportError> {
    let deadline = Deadline::start()?;
    let outcome = exchange_elsewhere(request, &deadline).await;
    outcome.map_err(|error| deadline.explain(&error))
}

/// What a signer's request carries is all there is: nothing that the browser knows of this site or of that one.
async fn exchange_elsewhere(
    request: signing::Request,
    deadline: &Deadline,
) -> Result<signing::Response, gloo_net::Error> {
    let (head, body) = request.into_parts();
    let headers = Headers::new();
    for (name, value) in &head.headers {
        if let Ok(value) = value.to_str() {
            headers.set(name.as_str(), value);
        }
    }
    let init = RequestInit::new();
    init.set_method(head.method.as_str());
    init.set_headers(&headers.into_raw());
    init.set_mode(RequestMode::Cors);
    init.set_credentials(RequestCredentials::Omit);
    init.set_cache(RequestCache::NoStore);
    init.set_redirect(RequestRedirect::Error);
    init.set_referrer_policy(ReferrerPolicy::NoReferrer);
    init.set_signal(Some(&deadline.controller.signal()));
    if !body.is_empty() {
        init.set_body(&js_sys::Uint8Array::from(body.as_slice()));
    }
    // As it was signed: gloo-net's builder would write the query anew.
    let request = web_sys::Request::new_with_str_and_init(&head.uri.to_string(), &init);
    let request = request.map_err(|error| gloo_net::Error::GlooError(format!("{error:?}")))?;
    let response = gloo_net::http::Request::from(request).send().await?;
    let mut answer = signing::Response::new(read_bounded(response.body()).await?);
    *answer.status_mut() =
        http::StatusCode::from_u16(response.status()).unwrap_or(http::StatusCode::BAD_GATEWAY);
    for (name, value) in response.headers().entries() {
        if let (Ok(name), Ok(value)) = (http::HeaderName::try_from(name), value.try_into()) {
            answer.headers_mut().append(name, value);
        }
    }
    Ok(answer)
}

/// A body from somebody else, as far as it is taken: it is read piece by piece, so that nobody fills the page's memory.
async fn read_bounded(body: Option<ReadableStream>) -> Result<Vec<u8>, gloo_net::Error> {
    let failed = |error: JsValue| gloo_net::Error::GlooError(format!("{error:?}"));
    let mut read = Vec::new();
    let Some(body) = body else {
        return Ok(read);
    };
    let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
    loop {
        let piece = JsFuture::from(reader.read()).await.map_err(failed)?;
        let value = Reflect::get(&piece, &"value".into()).map_err(failed)?;
        if value.is_undefined() {
            return Ok(read);
        }
        let value = js_sys::Uint8Array::new(&value);
        read.extend(value.to_vec());
        if read.len() > MAX_RESPONSE_LEN {
            // What comes of it does not matter any more.
            let _ = reader.cancel();
            return Err(gloo_net::Error::GlooError("the answer is too long".to_owned()));
        }
    }
}

async fn exchange(request: ApiRequest, deadline: &Deadline) -> Result<ApiResponse, gloo_net::Error> {
    let headers = Headers::new();
    headers.set("accept", "application/json");
    if let Some(key) = &request.idempotency_key {
        headers.set("idempotency-key", key);
    }
    if request.body.is_some() {
        headers.set("content-type", "application/json");
    }
    let builder = RequestBuilder::new(&request.path)
        .method(request.method)
        .credentials(RequestCredentials::SameOrigin)
        .abort_signal(Some(&deadline.controller.signal()))
        .headers(headers);
    let response = match request.body {
        Some(body) => builder.body(js_sys::Uint8Array::from(body.as_slice()))?,
        None => builder.build()?,
    }
    .send()
    .await?;
    Ok(ApiResponse {
        status: response.status(),
        date: response.headers().get("date"),
        retry_after_secs: response
            .headers()
            .get("retry-after")
            .and_then(|text| text.parse().ok()),
        body: response.binary().await?,
    })
}

/// Aborts the request when its time is over, and when it is dropped before its end.
struct Deadline {
    controller: AbortController,
    passed: Rc<Cell<bool>>,
    _timer: Timeout,
}

impl Deadline {
    fn start() -> Result<Self, TransportError> {
        let controller = AbortController::new().map_err(|error| TransportError::Unreachable {
            detail: format!("{error:?}"),
        })?;
        let passed = Rc::new(Cell::new(false));
        let timer = Timeout::new(REQUEST_TIMEOUT_SECS * 1_000, {
            let (controller, passed) = (controller.clone(), Rc::clone(&passed));
            move || {
                passed.set(true);
                controller.abort();
            }
        });
        Ok(Self {
            controller,
            passed,
            _timer: timer,
        })
    }

    /// Why there is no response.
    fn explain(&self, error: &gloo_net::Error) -> TransportError {
        if self.passed.get() {
            return TransportError::TimedOut {
                secs: REQUEST_TIMEOUT_SECS,
            };
        }
        TransportError::Unreachable {
            detail: error.to_string(),
        }
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        // Does nothing to a request that has its response.
        self.controller.abort();
    }
}
