//! A visit: what its request says, and the API as the visitor would reach it from outside.

use std::sync::{Arc, Mutex, PoisonError};

use app::{AskedClient, Parts, SignerOrigins, Visit, Visitor};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use gangway_client::{Api, ApiRequest, ApiResponse, InProcess, Transport, TransportError};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use http_body_util::BodyExt as _;
use leptos::prelude::provide_context;
use tower::ServiceExt as _;

use super::Panel;
use crate::limits::ClientAddress;

/// What every page finds as context.
#[derive(Clone)]
pub(super) struct PageContext {
    pub(super) visit: Visit,
    pub(super) visitor: Visitor,
    pub(super) api: Api,
    pub(super) parts: Parts,
    pub(super) signers: SignerOrigins,
    pub(super) client: AskedClient,
}

impl PageContext {
    /// For the moment in which the application is only asked which pages it has: nothing is drawn.
    pub(super) fn of_nobody() -> Self {
        let nobody = InProcess::new(async |_| Err(unreachable("nobody visits")));
        Self {
            visit: Visit::new(None, None, String::new(), gangway_protocol::time::UnixMillis(0)),
            visitor: Visitor::nobody(),
            api: Api::new(Arc::new(nobody)),
            parts: super::parts(),
            signers: SignerOrigins::default(),
            client: AskedClient::default(),
        }
    }

    pub(super) fn provide(self) {
        provide_context(self.visit);
        provide_context(self.visitor);
        provide_context(self.api);
        provide_context(self.parts);
        provide_context(self.signers);
        provide_context(self.client);
        app::provide_page();
    }
}

/// Who asks for a page, as the API will see it.
#[derive(Clone)]
pub(super) struct PageCaller {
    api: Router,
    /// What tells the caller and where it comes from.
    headers: HeaderMap,
    address: Option<ClientAddress>,
    /// Cookies that the API sets meanwhile: they go out with the page.
    cookies: Arc<Mutex<Vec<HeaderValue>>>,
}

/// What of a page's request the API gets to see.
const HANDED_ON: [HeaderName; 4] = [
    header::COOKIE,
    header::ACCEPT_LANGUAGE,
    header::ORIGIN,
    HeaderName::from_static("sec-fetch-site"),
];

impl PageCaller {
    pub(super) fn of(panel: &Panel, request: &Request) -> Self {
        let headers = HANDED_ON
            .into_iter()
            .filter_map(|name| Some((name.clone(), request.headers().get(name)?.clone())))
            .collect();
        Self {
            api: panel.api.clone(),
            headers,
            address: request.extensions().get::<ClientAddress>().copied(),
            cookies: Arc::default(),
        }
    }

    pub(super) fn visit(&self, panel: &Panel) -> Visit {
        let text = |name: HeaderName| self.headers.get(name).and_then(|value| value.to_str().ok());
        Visit::new(
            text(header::COOKIE),
            text(header::ACCEPT_LANGUAGE),
            panel.gangway.config.origin().to_owned(),
            panel.gangway.clock.now(),
        )
    }

    /// The API for a page that is being drawn: it only reads.
    pub(super) fn reading(&self) -> impl Transport + use<> {
        let caller = self.clone();
        InProcess::new(move |request: ApiRequest| {
            let caller = caller.clone();
            async move {
                if request.method != Method::GET {
                    return Err(unreachable("a page that is being drawn only reads"));
                }
                caller.send(request).await
            }
        })
    }

    /// The API for a form, which changes something.
    pub(super) fn changing(&self) -> impl Transport + use<> {
        let caller = self.clone();
        InProcess::new(move |request: ApiRequest| {
            let caller = caller.clone();
            async move { caller.send(request).await }
        })
    }

    /// Adds the cookies that the API has set.
    pub(super) fn hand_over_cookies(&self, headers: &mut HeaderMap) {
        for cookie in self
            .cookies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .drain(..)
        {
            headers.append(header::SET_COOKIE, cookie);
        }
    }

    async fn send(self, request: ApiRequest) -> Result<ApiResponse, TransportError> {
        let mut inner = Request::new(request.body.map_or_else(Body::empty, Body::from));
        *inner.method_mut() = request.method;
        *inner.uri_mut() = request
            .path
            .parse()
            .map_err(|_| unreachable("the path is not one of the API"))?;
        *inner.headers_mut() = self.headers.clone();
        if inner.method() != Method::GET {
            inner
                .headers_mut()
                .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(address) = self.address {
            inner.extensions_mut().insert(address);
        }
        let response = self
            .api
            .oneshot(inner)
            .await
            .unwrap_or_else(|never| match never {});
        let (head, body) = response.into_parts();
        self.cookies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(head.headers.get_all(header::SET_COOKIE).iter().cloned());
        let retry_after = head
            .headers
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok());
        Ok(ApiResponse {
            status: head.status.as_u16(),
            date: None,
            retry_after_secs: retry_after.and_then(|secs| secs.parse().ok()),
            body: body
                .collect()
                .await
                .map_err(|_| unreachable("the answer broke off"))?
                .to_bytes()
                .to_vec(),
        })
    }
}

fn unreachable(detail: &str) -> TransportError {
    TransportError::Unreachable {
        detail: detail.to_owned(),
    }
}
