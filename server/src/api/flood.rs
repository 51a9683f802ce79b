//! Requests cost from a budget of the address that they come from: rendering a page ten times as much as a refusal. Who has
//! spent it is told so and closed.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use gangway_protocol::path;
use http::{HeaderValue, header};

use crate::assets;
use crate::authority::Error;
use crate::limits::{AddressKey, ClientAddress, ReadingBody, RequestLimits, TooMany};
use crate::state::Gangway;

/// What a page costs, in requests of the API.
const PAGE: u64 = 10;

/// The place that a request's body will take while it is read.
#[derive(Clone)]
pub(super) struct BodyPlace {
    limits: RequestLimits,
    address: AddressKey,
}

impl BodyPlace {
    /// Takes it.
    pub(super) fn take(&self) -> Result<ReadingBody, TooMany> {
        self.limits.read_body(self.address)
    }
}

/// Pays for each request.
pub async fn refuse_floods(
    State(gangway): State<Arc<Gangway>>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(ClientAddress(address)) = request.extensions().get().copied() else {
        return next.run(request).await;
    };
    let (address, limits) = (AddressKey::from(address), gangway.requests.clone());
    if let Err(too_many) = limits.pay(address, cost(request.uri().path()), gangway.clock.monotonic()) {
        let mut refusal = Error::from(too_many).into_response();
        refusal
            .headers_mut()
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
        return refusal;
    }
    request.extensions_mut().insert(BodyPlace { limits, address });
    next.run(request).await
}

fn cost(requested: &str) -> u64 {
    let is_cheap = [
        "/api/",
        "/plgd/",
        "/thingspeak/",
        "/idprov/",
        "/.well-known/",
        path::CA,
        assets::PREFIX,
    ]
    .iter()
    .any(|prefix| requested.starts_with(prefix));
    if is_cheap || requested == path::LIVEZ || requested == path::READYZ {
        1
    } else {
        PAGE
    }
}
