//! The browser's transport: `fetch` with the page's own cookie. A request ends when its time is over or when nobody waits
//! for it any more, e.g. because the person typed on.

use std::cell::Cell;
use std::rc::Rc;

use gloo_net::http::{Headers, RequestBuilder};
use gloo_timers::callback::Timeout;
use send_wrapper::SendWrapper;
use web_sys::{AbortController, RequestCredentials};

use crate::transport::{ApiRequest, ApiResponse, REQUEST_TIMEOUT_SECS, Reply, Transport, TransportError};

/// Sends to the origin that served the page.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fetch;

impl Transport for Fetch {
    fn send(&self, request: ApiRequest) -> Reply {
        // JavaScript values stay on their one thread; the wrapper would panic elsewhere, and there is no elsewhere.
        Box::pin(SendWrapper::new(fetch(request)))
    }
}

async fn fetch(request: ApiRequest) -> Result<ApiResponse, TransportError> {
    let deadline = Deadline::start()?;
    exchange(request, &deadline).await.map_err(|error| {
        if deadline.passed.get() {
            TransportError::TimedOut {
                secs: REQUEST_TIMEOUT_SECS,
            }
        } else {
            unreachable(error)
        }
    })
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
}

impl Drop for Deadline {
    fn drop(&mut self) {
        // Does nothing to a request that has its response.
        self.controller.abort();
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that map_err wants")]
fn unreachable(error: gloo_net::Error) -> TransportError {
    TransportError::Unreachable {
        detail: error.to_string(),
    }
}
