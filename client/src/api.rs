//! The API, typed: one method for each endpoint of `gangway_protocol::path`, by resource. This file holds what all of them
//! share: encode, send, tell success from failure, decode.

mod account;
mod audit;
mod bulk_jobs;
mod certificates;
mod devices;
mod enrolments;
mod feeds;
pub mod idempotency;
mod organisations;
mod permits;
mod registrations;
mod saved_views;
mod signers;
mod single_sign_on;
mod webhooks;

use std::sync::Arc;

use gangway_protocol::json;
use gangway_signing as signing;
use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::ApiError;
use crate::query::with_query;
use crate::transport::{ApiRequest, ApiResponse, MAX_RESPONSE_LEN, Transport, TransportError};
use idempotency::IdempotencyKey;

/// The typed client. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    transport: Arc<dyn Transport>,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Api(…)")
    }
}

impl Api {
    /// A client that sends through `transport`.
    #[must_use]
    pub fn new(transport: Arc<dyn Transport>) -> Self {
        Self { transport }
    }

    async fn get<R: DeserializeOwned>(&self, path: &str) -> Result<R, ApiError> {
        read(&self.send(Method::GET, path, None, None).await?)
    }

    async fn list<R: DeserializeOwned>(&self, path: &str, query: &impl Serialize) -> Result<R, ApiError> {
        self.get(&with_query(path, query)).await
    }

    /// `GET` of what is not JSON.
    async fn get_bytes(&self, path: &str) -> Result<Vec<u8>, ApiError> {
        Ok(self.send(Method::GET, path, None, None).await?.body)
    }

    async fn post<R: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<R, ApiError> {
        read(&self.send(Method::POST, path, Some(encode(body)?), None).await?)
    }

    /// `POST` to an endpoint that does something and takes nothing.
    async fn act<R: DeserializeOwned>(&self, path: &str) -> Result<R, ApiError> {
        read(&self.send(Method::POST, path, None, None).await?)
    }

    /// `POST` that makes something new each time it is taken for the first time.
    async fn create<R: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        key: &IdempotencyKey,
    ) -> Result<R, ApiError> {
        read(
            &self
                .send(
                    Method::POST,
                    path,
                    Some(encode(body)?),
                    Some(key.as_str().to_owned()),
                )
                .await?,
        )
    }

    async fn patch<R: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<R, ApiError> {
        read(&self.send(Method::PATCH, path, Some(encode(body)?), None).await?)
    }

    async fn put<R: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<R, ApiError> {
        read(&self.send(Method::PUT, path, Some(encode(body)?), None).await?)
    }

    /// `PUT` of what is said by the path alone.
    async fn set<R: DeserializeOwned>(&self, path: &str) -> Result<R, ApiError> {
        read(&self.send(Method::PUT, path, None, None).await?)
    }

    async fn delete<R: DeserializeOwned>(&self, path: &str) -> Result<R, ApiError> {
        read(&self.send(Method::DELETE, path, None, None).await?)
    }

    /// Sends a request of which only success matters.
    async fn quiet(&self, method: Method, path: &str, body: Option<Vec<u8>>) -> Result<(), ApiError> {
        self.send(method, path, body, None).await.map(drop)
    }

    /// Sends a request that a signing back end made for our own API; any response is an answer.
    async fn forward(&self, request: signing::Request) -> Result<signing::Response, TransportError> {
        let (head, body) = request.into_parts();
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let response = self
            .transport
            .send(ApiRequest {
                method: head.method,
                path: path.to_owned(),
                body: Some(body).filter(|body| !body.is_empty()),
                idempotency_key: None,
            })
            .await?;
        let mut answer = signing::Response::new(response.body);
        if let Some(date) = response.date.and_then(|date| date.try_into().ok()) {
            answer.headers_mut().insert(http::header::DATE, date);
        }
        *answer.status_mut() =
            http::StatusCode::from_u16(response.status).unwrap_or(http::StatusCode::BAD_GATEWAY);
        Ok(answer)
    }

    /// Sends what a signer, or a sign-in for one, wants to be sent: to our own API, or once and as it is to the authority in its
    /// URI.
    ///
    /// # Errors
    /// When no response came.
    pub async fn carry(&self, sending: signing::Sending) -> Result<signing::Response, TransportError> {
        match sending.target {
            signing::Target::Panel => self.forward(sending.request).await,
            signing::Target::Elsewhere => self.transport.send_elsewhere(sending.request).await,
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
        idempotency_key: Option<String>,
    ) -> Result<ApiResponse, ApiError> {
        let response = self
            .transport
            .send(ApiRequest {
                method,
                path: path.to_owned(),
                body,
                idempotency_key,
            })
            .await?;
        if response.body.len() > MAX_RESPONSE_LEN {
            return Err(ApiError::Malformed {
                detail: format!("{} bytes", response.body.len()),
            });
        }
        match response.status {
            200..=299 => Ok(response),
            _ => Err(ApiError::of(&response)),
        }
    }
}

fn encode(body: &impl Serialize) -> Result<Vec<u8>, ApiError> {
    serde_json::to_vec(body).map_err(malformed)
}

fn read<R: DeserializeOwned>(response: &ApiResponse) -> Result<R, ApiError> {
    json::read(&response.body).map_err(malformed)
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that map_err wants")]
fn malformed(error: serde_json::Error) -> ApiError {
    ApiError::Malformed {
        detail: error.to_string(),
    }
}
