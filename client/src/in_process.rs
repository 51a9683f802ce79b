//! The transport of a server that renders a page: requests go to a function within the process, which calls the router
//! with the visitor's own credentials.

use std::future::Future;

use crate::transport::{ApiRequest, ApiResponse, Reply, Transport, TransportError};

/// A function as a transport.
pub struct InProcess<F>(F);

impl<F, R> InProcess<F>
where
    F: Fn(ApiRequest) -> R + Send + Sync,
    R: Future<Output = Result<ApiResponse, TransportError>> + Send + 'static,
{
    /// Sends through `call`.
    pub fn new(call: F) -> Self {
        Self(call)
    }
}

impl<F, R> Transport for InProcess<F>
where
    F: Fn(ApiRequest) -> R + Send + Sync,
    R: Future<Output = Result<ApiResponse, TransportError>> + Send + 'static,
{
    fn send(&self, request: ApiRequest) -> Reply {
        Box::pin((self.0)(request))
    }
}
