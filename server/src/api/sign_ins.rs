//! Registration, sign-in and step-up: the ceremonies with a passkey that give the browser a cookie.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use gangway_protocol::account::{Account, Ceremony, CeremonyReply, RegistrationRequest};
use gangway_protocol::id::CeremonyId;
use gangway_protocol::path;
use gangway_protocol::secret::SecretString;
use http::{HeaderMap, header};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::request::{JsonBody, PathId};
use crate::authority::Caller;
use crate::authority::cookie;
use crate::authority::{Error, Result};
use crate::limits::ClientAddress;
use crate::people::sign_in::Browser;
use crate::people::{browser, registration, sign_in};
use crate::state::Gangway;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(start_registration))
        .routes(routes!(finish_registration))
        .routes(routes!(start_sign_in))
        .routes(routes!(finish_sign_in))
        .routes(routes!(start_step_up))
        .routes(routes!(finish_step_up))
}

/// An account, and the cookie of the browser that is signed in to it from now on.
struct SignedIn(Account, SecretString);

impl IntoResponse for SignedIn {
    fn into_response(self) -> Response {
        let Self(account, secret) = self;
        match cookie::set(&secret) {
            Some(cookie) => ([(header::SET_COOKIE, cookie)], Json(account)).into_response(),
            None => Error::internal("a cookie is no header value").into_response(),
        }
    }
}

/// Starts a registration by a one-time link.
#[utoipa::path(post, path = path::REGISTRATIONS, tag = "sign-in", security(()),
    request_body = RegistrationRequest,
    responses((status = 200, body = Ceremony), (status = 404), (status = 422), (status = 429)))]
async fn start_registration(
    State(gangway): State<Arc<Gangway>>,
    address: ClientAddress,
    JsonBody(request): JsonBody<RegistrationRequest>,
) -> Result<Json<Ceremony>> {
    address.may_try_to_sign_in(&gangway)?;
    registration::start(&gangway, &gangway.passkeys, request)
        .await
        .map(Json)
}

/// Finishes a registration; signs in.
#[utoipa::path(post, path = path::REGISTRATION, tag = "sign-in", security(()),
    params(("ceremony" = CeremonyId, Path)), request_body = CeremonyReply,
    responses((status = 200, body = Account), (status = 403), (status = 404), (status = 422)))]
async fn finish_registration(
    State(gangway): State<Arc<Gangway>>,
    address: ClientAddress,
    headers: HeaderMap,
    PathId(ceremony): PathId<CeremonyId>,
    JsonBody(reply): JsonBody<CeremonyReply>,
) -> Result<SignedIn> {
    let browser = browser_of(&headers, address);
    let (account, secret) = registration::finish(
        &gangway,
        &gangway.passkeys,
        &gangway.relay,
        ceremony,
        &reply.credential,
        reply.passkey_name.unwrap_or_else(|| browser.name.clone()),
        browser,
    )
    .await?;
    Ok(SignedIn(account, secret))
}

/// Starts a sign-in with whichever passkey the authenticator finds; nobody has to be named.
#[utoipa::path(post, path = path::SIGN_INS, tag = "sign-in", security(()),
    responses((status = 200, body = Ceremony), (status = 429)))]
async fn start_sign_in(
    State(gangway): State<Arc<Gangway>>,
    address: ClientAddress,
) -> Result<Json<Ceremony>> {
    address.may_try_to_sign_in(&gangway)?;
    sign_in::start(&gangway, &gangway.passkeys).await.map(Json)
}

/// Finishes a sign-in.
#[utoipa::path(post, path = path::SIGN_IN, tag = "sign-in", security(()),
    params(("ceremony" = CeremonyId, Path)), request_body = CeremonyReply,
    responses((status = 200, body = Account), (status = 403), (status = 404)))]
async fn finish_sign_in(
    State(gangway): State<Arc<Gangway>>,
    address: ClientAddress,
    headers: HeaderMap,
    PathId(ceremony): PathId<CeremonyId>,
    JsonBody(reply): JsonBody<CeremonyReply>,
) -> Result<SignedIn> {
    let browser = browser_of(&headers, address);
    let (account, secret) =
        sign_in::finish(&gangway, &gangway.passkeys, ceremony, &reply.credential, browser).await?;
    Ok(SignedIn(account, secret))
}

/// Starts proving a passkey again, before something that asks for a fresh proof.
#[utoipa::path(post, path = path::STEP_UPS, tag = "account",
    responses((status = 200, body = Ceremony), (status = 403)))]
async fn start_step_up(State(gangway): State<Arc<Gangway>>, caller: Caller) -> Result<Json<Ceremony>> {
    sign_in::start_step_up(&gangway, &gangway.passkeys, &caller)
        .await
        .map(Json)
}

/// Finishes it; the browser gets another cookie.
#[utoipa::path(post, path = path::STEP_UP, tag = "account",
    params(("ceremony" = CeremonyId, Path)), request_body = CeremonyReply,
    responses((status = 200, body = Account), (status = 403), (status = 404)))]
async fn finish_step_up(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(ceremony): PathId<CeremonyId>,
    JsonBody(reply): JsonBody<CeremonyReply>,
) -> Result<SignedIn> {
    let (account, secret) =
        sign_in::finish_step_up(&gangway, &gangway.passkeys, &caller, ceremony, &reply.credential).await?;
    Ok(SignedIn(account, secret))
}

pub(super) fn browser_of(headers: &HeaderMap, address: ClientAddress) -> Browser {
    Browser {
        name: browser::name(headers),
        address,
        former: cookie::secret(headers),
    }
}
