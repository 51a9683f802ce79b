//! Identity providers of a customer, and sign-in by them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use gangway_protocol::id::{CeremonyId, IdentityProviderId, OrganisationId};
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use gangway_protocol::single_sign_on::{
    Identity, IdentityProvider, IdentityProviderRequest, IdentityProviderTrial, IdentityProviderUpdate,
    SignInOffers, SingleSignOn, SingleSignOnEnd, SingleSignOnPurpose, SingleSignOnReply, SingleSignOnRequest,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::idempotency::IdempotencyKey;
use super::problem::RequestError;
use super::request::{JsonBody, Paged, PathId, whole_body};
use super::sign_ins::browser_of;
use crate::authority::{Caller, Error, Result, cookie, identify};
use crate::limits::ClientAddress;
use crate::single_sign_on::finish::Finished;
use crate::single_sign_on::{begin, finish, identities, logout, providers};
use crate::state::Gangway;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(list_identity_providers, add_identity_provider))
        .routes(routes!(change_identity_provider, remove_identity_provider))
        .routes(routes!(try_identity_provider))
        .routes(routes!(show_sign_in_offers))
        .routes(routes!(begin_single_sign_on))
        .routes(routes!(finish_single_sign_on))
        .routes(routes!(end_by_provider))
        .routes(routes!(list_identities))
        .routes(routes!(unlink_identity))
}

/// OpenID Connect providers of a customer, oldest first.
#[utoipa::path(get, path = path::IDENTITY_PROVIDERS, tag = "organisations", params(("id" = OrganisationId, Path), PageQuery),
    responses((status = 200, body = Page<IdentityProvider>), (status = 403), (status = 404)))]
async fn list_identity_providers(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<OrganisationId>,
    paged: Paged,
) -> Result<Json<Page<IdentityProvider>>> {
    let mut all = providers::list(&gangway, &caller, &id).await?;
    all.retain(|provider| provider.id.as_str() > paged.after());
    Ok(Json(paged.page(all, |provider| provider.id.to_string())))
}

/// Adds a provider to a customer. Its client secret is stored sealed, and in no reply.
#[utoipa::path(post, path = path::IDENTITY_PROVIDERS, tag = "organisations", request_body = IdentityProviderRequest,
    params(("id" = OrganisationId, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "Drawn at random, 16 to 128 characters")),
    responses((status = 200, body = IdentityProvider), (status = 403), (status = 404), (status = 409), (status = 422)))]
async fn add_identity_provider(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    PathId(id): PathId<OrganisationId>,
    JsonBody(request): JsonBody<IdentityProviderRequest>,
) -> Result<Json<IdentityProvider>> {
    providers::add(&gangway, &caller, key, id, request)
        .await
        .map(Json)
}

/// Changes a provider. Other roles count from each person's next sign-in on.
#[utoipa::path(patch, path = path::IDENTITY_PROVIDER, tag = "organisations",
    params(("id" = OrganisationId, Path), ("provider" = IdentityProviderId, Path)), request_body = IdentityProviderUpdate,
    responses((status = 200, body = IdentityProvider), (status = 403), (status = 404), (status = 422)))]
async fn change_identity_provider(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, provider)): PathId<(OrganisationId, IdentityProviderId)>,
    JsonBody(update): JsonBody<IdentityProviderUpdate>,
) -> Result<Json<IdentityProvider>> {
    providers::change(&gangway, &caller, id, provider, update)
        .await
        .map(Json)
}

/// Removes a provider. Its people are signed out, and what its claims gave ends.
#[utoipa::path(delete, path = path::IDENTITY_PROVIDER, tag = "organisations",
    params(("id" = OrganisationId, Path), ("provider" = IdentityProviderId, Path)),
    responses((status = 204), (status = 403), (status = 404), (status = 409)))]
async fn remove_identity_provider(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, provider)): PathId<(OrganisationId, IdentityProviderId)>,
) -> Result<StatusCode> {
    providers::remove(&gangway, &gangway.relay, &caller, id, provider).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Looks whether a provider answers as it should.
#[utoipa::path(post, path = path::IDENTITY_PROVIDER_TRIAL, tag = "organisations",
    params(("id" = OrganisationId, Path), ("provider" = IdentityProviderId, Path)),
    responses((status = 200, body = IdentityProviderTrial), (status = 403), (status = 404), (status = 503)))]
async fn try_identity_provider(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId((id, provider)): PathId<(OrganisationId, IdentityProviderId)>,
) -> Result<Json<IdentityProviderTrial>> {
    providers::test(&gangway, &gangway.providers, &caller, id, provider)
        .await
        .map(Json)
}

/// Who vouches for people of an organisation. An organisation that there is not answers as one without a provider.
#[utoipa::path(get, path = path::SIGN_IN_OFFERS, tag = "sign-in", security(()), params(("id" = OrganisationId, Path)),
    responses((status = 200, body = SignInOffers), (status = 404)))]
async fn show_sign_in_offers(
    State(gangway): State<Arc<Gangway>>,
    PathId(id): PathId<OrganisationId>,
) -> Result<Json<SignInOffers>> {
    providers::offers(&gangway, &id).await.map(Json)
}

/// Begins a sign-in by a provider, a fresh proof, or a link. The reply says where the browser goes, and sets a cookie that the second
/// step has to show.
#[utoipa::path(post, path = path::SINGLE_SIGN_ONS, tag = "sign-in", security(()), request_body = SingleSignOnRequest,
    responses((status = 200, body = SingleSignOn), (status = 401), (status = 403), (status = 422), (status = 429), (status = 503)))]
async fn begin_single_sign_on(
    State(gangway): State<Arc<Gangway>>,
    address: ClientAddress,
    headers: HeaderMap,
    JsonBody(request): JsonBody<SingleSignOnRequest>,
) -> Result<Response> {
    address.may_try_to_sign_in(&gangway)?;
    let caller = match request.purpose {
        SingleSignOnPurpose::SignIn => None,
        SingleSignOnPurpose::StepUp | SingleSignOnPurpose::Link => {
            Some(identify::caller(&gangway.db, gangway.clock.now(), &headers, address).await?)
        }
    };
    let (begun, secret) = begin::begin(&gangway, &gangway.providers, caller.as_ref(), &request).await?;
    let cookie = cookie::set_binding(&secret).ok_or_else(not_a_header)?;
    Ok(([(header::SET_COOKIE, cookie)], Json(begun)).into_response())
}

/// Finishes it, in the browser that began it.
#[utoipa::path(post, path = path::SINGLE_SIGN_ON, tag = "sign-in", security(()),
    params(("ceremony" = CeremonyId, Path)), request_body = SingleSignOnReply,
    responses((status = 200, body = SingleSignOnEnd), (status = 401), (status = 403), (status = 404), (status = 409),
        (status = 422), (status = 503)))]
async fn finish_single_sign_on(
    State(gangway): State<Arc<Gangway>>,
    address: ClientAddress,
    headers: HeaderMap,
    PathId(ceremony): PathId<CeremonyId>,
    JsonBody(reply): JsonBody<SingleSignOnReply>,
) -> Result<Response> {
    let binding = cookie::binding(&headers);
    let browser = browser_of(&headers, address);
    let Finished {
        purpose,
        account,
        secret,
    } = finish::finish(
        &gangway,
        &gangway.providers,
        &gangway.relay,
        ceremony,
        &reply,
        binding,
        browser,
    )
    .await?;
    let mut response = Json(SingleSignOnEnd { purpose, account }).into_response();
    let own = secret
        .map(|secret| cookie::set(&secret).ok_or_else(not_a_header))
        .transpose()?;
    for cookie in own.into_iter().chain(cookie::clear_binding()) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// A provider says that a session there has ended (OpenID Connect Back-Channel Logout 1.0). The body is the form `logout_token=…`.
#[utoipa::path(post, path = path::BACK_CHANNEL_LOGOUT, tag = "sign-in", security(()),
    params(("provider" = IdentityProviderId, Path)),
    responses((status = 200), (status = 400), (status = 404), (status = 503)))]
async fn end_by_provider(
    State(gangway): State<Arc<Gangway>>,
    PathId(provider): PathId<IdentityProviderId>,
    request: Request,
) -> Result<Response, RequestError> {
    let body = whole_body(request).await?;
    // Without one it is a token that does not count: a provider that there is not is told first.
    let token = form_urlencoded::parse(&body)
        .find(|(name, _)| name == "logout_token")
        .map(|(_, token)| token.into_owned())
        .unwrap_or_default();
    logout::end(&gangway, &gangway.providers, &gangway.relay, &provider, &token)
        .await
        .map_err(|error| match error {
            // §2.8: a token that does not count is a bad request.
            Error::ProviderRefused(why) => Error::Malformed(why.into_owned()),
            other => other,
        })?;
    let never = HeaderValue::from_static("no-store");
    Ok((StatusCode::OK, [(header::CACHE_CONTROL, never)]).into_response())
}

/// Identities at providers that are linked to the account.
#[utoipa::path(get, path = path::IDENTITIES, tag = "account", params(PageQuery),
    responses((status = 200, body = Page<Identity>), (status = 403), (status = 422)))]
async fn list_identities(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    paged: Paged,
) -> Result<Json<Page<Identity>>> {
    let rows = identities::list(&gangway, &caller, paged.after(), paged.fetch()).await?;
    Ok(Json(paged.page(rows, |row| row.provider.id.to_string())))
}

/// Ends such a link; what the provider gave goes with it.
#[utoipa::path(delete, path = path::IDENTITY, tag = "account", params(("provider" = IdentityProviderId, Path)),
    responses((status = 204), (status = 403), (status = 404)))]
async fn unlink_identity(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(provider): PathId<IdentityProviderId>,
) -> Result<StatusCode> {
    identities::unlink(&gangway, &gangway.relay, &caller, provider).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn not_a_header() -> Error {
    Error::internal("a cookie is no header value")
}
