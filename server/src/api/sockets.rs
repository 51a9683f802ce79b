//! From an HTTP request to a socket of the relay (`protocol.md`, common rules).
//!
//! 1. The request has to ask for a WebSocket properly and with an acceptable `Origin`: otherwise it is refused over HTTP.
//! 2. Everything else, above all who it is, is answered on the WebSocket: browsers cannot read a refused upgrade.
//!    ([`claimant`] for those who sign in.)
//! 3. The relay takes the raw stream; nothing of the request or the router stays behind.

mod claimant;
mod handshake;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header;

use gangway_protocol::enrolment::ENROLMENT_SUBPROTOCOL;
use gangway_protocol::path;
use gangway_protocol::session::SESSION_SUBPROTOCOL;

use crate::api::csrf;
use crate::authority::{Error, Result};
use crate::limits::ClientAddress;
use crate::relay::Opening;
use crate::state::Gangway;
use handshake::Handshake;

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
) -> Result<Response> {
    let handshake = devices_handshake(&gangway, &request, ENROLMENT_SUBPROTOCOL)?;
    let address = Some(address);
    Ok(upgrade(&gangway, request, handshake, Opening::Device { address }))
}

async fn open_session(
    State(gangway): State<Arc<Gangway>>,
    ClientAddress(address): ClientAddress,
    request: Request,
) -> Result<Response> {
    let handshake = devices_handshake(&gangway, &request, SESSION_SUBPROTOCOL)?;
    let address = Some(address);
    Ok(upgrade(
        &gangway,
        request,
        handshake,
        Opening::Session { address },
    ))
}

const FOREIGN_ORIGIN: Error =
    Error::Forbidden("this came from another site: open Gangway at its own address and try again");

/// What WebSocket libraries send as `Origin` when nobody told them one: programs that are no pages have none (RFC 6454 §7.3).
const NO_PAGE: [&str; 2] = ["null", "file://"];

/// A device's socket rides on no cookie, so that its `Origin` protects nobody from a foreign page: it only keeps pages of other
/// sites from making their visitors pose as devices. One that the operator lists is as good as ours.
fn devices_handshake(gangway: &Gangway, request: &Request, protocol: &'static str) -> Result<Handshake> {
    let headers = request.headers();
    let is_acceptable = headers.get(header::ORIGIN).is_none_or(|origin| {
        let origin = origin.as_bytes();
        let listed = gangway.config.device_origins.iter().map(String::as_str);
        listed.chain(NO_PAGE).any(|known| known.as_bytes() == origin)
            || csrf::has_own_origin(headers, &gangway.config)
    });
    if !is_acceptable {
        return Err(FOREIGN_ORIGIN);
    }
    Handshake::read(request, protocol)
}

/// Programs send no `Origin`; a browser's has to be ours.
fn handshake(gangway: &Gangway, request: &Request, protocol: &'static str) -> Result<Handshake> {
    let headers = request.headers();
    if headers.contains_key(header::ORIGIN) && !csrf::has_own_origin(headers, &gangway.config) {
        return Err(FOREIGN_ORIGIN);
    }
    Handshake::read(request, protocol)
}

/// Answers the request, and hands its stream to the relay.
fn upgrade(gangway: &Gangway, request: Request, handshake: Handshake, opening: Opening) -> Response {
    gangway.relay.take_over(hyper::upgrade::on(request), opening);
    handshake.response().into_response()
}
