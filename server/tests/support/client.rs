//! The typed client over the router, as a browser or with a token.

use std::sync::Arc;

use axum::body::Body;
use gangway_client::{Api, ApiRequest, ApiResponse, InProcess, TransportError};
use http::{HeaderName, Request, header};
use http_body_util::BodyExt as _;

use super::Server;

/// The client of whoever these headers identify.
pub(crate) fn client(server: &Server, authorization: Option<(HeaderName, String)>) -> Api {
    let router = server.router.clone();
    Api::new(Arc::new(InProcess::new(move |request: ApiRequest| {
        let (router, authorization) = (router.clone(), authorization.clone());
        async move { send(router, request, authorization).await }
    })))
}

async fn send(
    router: axum::Router,
    request: ApiRequest,
    authorization: Option<(HeaderName, String)>,
) -> Result<ApiResponse, TransportError> {
    let mut builder = Request::builder()
        .method(request.method)
        .uri(request.path)
        .header("sec-fetch-site", "same-origin");
    if let Some((name, value)) = authorization {
        builder = builder.header(name, value);
    }
    if let Some(key) = request.idempotency_key {
        builder = builder.header("idempotency-key", key);
    }
    let body = match request.body {
        Some(body) => {
            builder = builder.header(header::CONTENT_TYPE, "application/json");
            Body::from(body)
        }
        None => Body::empty(),
    };
    let response = super::send_to(router, builder.body(body).expect("a request")).await;
    let retry_after_secs = response
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let status = response.status().as_u16();
    let body = response
        .into_body()
        .collect()
        .await
        .expect("a whole body")
        .to_bytes()
        .to_vec();
    Ok(ApiResponse {
        status,
        date: None,
        retry_after_secs,
        body,
    })
}
