//! From an HTTP request to a socket of the relay (`protocol.md`, common rules).
//!
//! 1. The request has to ask for a WebSocket properly and with an acceptable `Origin`: otherwise it is refused over HTTP.
//! 2. Everything else, above all who it is, is answered on the WebSocket: browsers cannot read a refused upgrade.
//!    ([`claimant`] for those who sign in.)
//! 3. The raw stream leaves hyper and goes to the reactor; nothing of the request or the router stays behind.

mod claimant;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header;

use gangway_protocol::enrolment::ENROLMENT_SUBPROTOCOL;
use gangway_protocol::path;
use gangway_protocol::session::SESSION_SUBPROTOCOL;

use super::driver::Opening;
use super::handshake::Handshake;
use super::reactor::{Command, Wire};
use crate::api::extract::ClientAddress;
use crate::api::problem::{ApiError, ApiResult};
use crate::auth::csrf;
use crate::listen;
use crate::state::Gangway;

/// How long a client may take to read the answer to its upgrade.
const UPGRADE_TIMEOUT: Duration = Duration::from_secs(10);

/// The WebSocket endpoints.
pub fn router() -> Router<Arc<Gangway>> {
    Router::new()
        .route(path::ENROLMENT_SOCKET, get(open_enrolment))
        .route(path::CLAIM_SOCKET, get(claimant::open_claim))
        .route(path::SESSION_SOCKET, get(open_session))
}

async fn open_enrolment(
    State(gangway): State<Arc<Gangway>>,
    ClientAddress(address): ClientAddress,
    request: Request,
) -> ApiResult<Response> {
    let handshake = handshake(&gangway, &request, ENROLMENT_SUBPROTOCOL)?;
    let address = Some(address);
    Ok(upgrade(&gangway, request, handshake, Opening::Device { address }))
}

async fn open_session(
    State(gangway): State<Arc<Gangway>>,
    ClientAddress(address): ClientAddress,
    request: Request,
) -> ApiResult<Response> {
    let handshake = handshake(&gangway, &request, SESSION_SUBPROTOCOL)?;
    let address = Some(address);
    Ok(upgrade(
        &gangway,
        request,
        handshake,
        Opening::Session { address },
    ))
}

const FOREIGN_ORIGIN: ApiError =
    ApiError::Forbidden("this came from another site: open Gangway at its own address and try again");

/// Devices and programs send no `Origin`; a browser's has to be ours.
fn handshake(gangway: &Gangway, request: &Request, protocol: &'static str) -> ApiResult<Handshake> {
    let headers = request.headers();
    if headers.contains_key(header::ORIGIN) && !csrf::has_own_origin(headers, &gangway.config) {
        return Err(FOREIGN_ORIGIN);
    }
    Handshake::read(request.method(), headers, protocol)
}

/// Answers the request, and hands its stream to the reactor as soon as hyper lets go of it.
fn upgrade(gangway: &Arc<Gangway>, request: Request, handshake: Handshake, opening: Opening) -> Response {
    let upgraded = hyper::upgrade::on(request);
    let relay = gangway.clone();
    gangway.relay.upgrades.spawn(async move {
        match tokio::time::timeout(UPGRADE_TIMEOUT, upgraded).await {
            Ok(Ok(upgraded)) => {
                let Ok((stream, ahead)) = listen::take_stream(upgraded) else {
                    return tracing::error!("a connection was upgraded that the accept loop did not make");
                };
                match Wire::new(stream) {
                    Ok(wire) => relay.relay.inbox.push(Command::Open { wire, ahead, opening }),
                    Err(error) => tracing::debug!(%error, "an upgraded connection is gone"),
                }
            }
            Ok(Err(error)) => tracing::debug!(%error, "an upgrade did not come about"),
            Err(_) => tracing::debug!("a client did not read the answer to its upgrade"),
        }
    });
    handshake.response().into_response()
}
