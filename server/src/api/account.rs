//! The signed-in account: its name, its memberships, its recovery codes, and the browsers that are signed in to it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use gangway_protocol::account::{Account, JoinRequest, RecoveryCodes, Rename, SignIn};
use gangway_protocol::id::SignInId;
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use http::{StatusCode, header};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::request::{JsonBody, Paged, PathId};
use crate::authority::Caller;
use crate::authority::cookie;
use crate::authority::{Error, Result};
use crate::db::sign_ins;
use crate::people::{accounts, joining, recovery, sign_in};
use crate::state::Gangway;

/// How the browser that asks names its own sign-in.
const CURRENT: &str = "current";

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(show_account, rename_account))
        .routes(routes!(join_organisation))
        .routes(routes!(renew_recovery_codes))
        .routes(routes!(list_sign_ins))
        .routes(routes!(end_sign_in))
}

/// The account that asks.
#[utoipa::path(get, path = path::ACCOUNT, tag = "account", responses((status = 200, body = Account)))]
async fn show_account(State(gangway): State<Arc<Gangway>>, caller: Caller) -> Result<Json<Account>> {
    sign_in::account_of(&gangway, &caller).await.map(Json)
}

/// Gives the account another name.
#[utoipa::path(patch, path = path::ACCOUNT, tag = "account", request_body = Rename,
    responses((status = 200, body = Account), (status = 403), (status = 422)))]
async fn rename_account(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    JsonBody(request): JsonBody<Rename>,
) -> Result<Json<Account>> {
    accounts::rename(&gangway, &caller, &request.name).await.map(Json)
}

/// Joins an organisation by an invitation, or becomes a customer by a link for one, which is used up.
#[utoipa::path(post, path = path::ACCOUNT_MEMBERSHIPS, tag = "account", request_body = JoinRequest,
    responses((status = 200, body = Account), (status = 403), (status = 404), (status = 409), (status = 422), (status = 429)))]
async fn join_organisation(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    JsonBody(request): JsonBody<JoinRequest>,
) -> Result<Json<Account>> {
    caller.address.may_try_to_sign_in(&gangway)?;
    joining::join(&gangway, &caller, &request).await?;
    sign_in::account_of(&gangway, &caller).await.map(Json)
}

/// Makes fresh recovery codes; the former ones no longer work. They are shown this once.
#[utoipa::path(post, path = path::RECOVERY_CODES, tag = "account",
    responses((status = 200, body = RecoveryCodes), (status = 403)))]
async fn renew_recovery_codes(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
) -> Result<Json<RecoveryCodes>> {
    recovery::renew(&gangway, &caller).await.map(Json)
}

/// The browsers that are signed in to the account.
#[utoipa::path(get, path = path::ACCOUNT_SIGN_INS, tag = "account", params(PageQuery),
    responses((status = 200, body = Page<SignIn>), (status = 403), (status = 422)))]
async fn list_sign_ins(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    paged: Paged,
) -> Result<Json<Page<SignIn>>> {
    let current = caller.require_person()?;
    let now = gangway.clock.now();
    let mut reader = gangway.db.reader().await?;
    let conn = &mut reader.conn();
    let rows = sign_ins::of_account(
        conn,
        &caller.account,
        current,
        caller.credential.vouched(),
        now,
        paged.after(),
        paged.fetch(),
    )
    .await?;
    Ok(Json(paged.page(rows, |row| row.id.to_string())))
}

/// Signs a browser out; `current` is the one that asks.
#[utoipa::path(delete, path = path::ACCOUNT_SIGN_IN, tag = "account",
    params(("id" = String, Path, description = "The sign-in's id, or `current`")),
    responses((status = 204), (status = 403), (status = 404)))]
async fn end_sign_in(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<String>,
) -> Result<Response> {
    let current = caller.require_person()?;
    let id: SignInId = if id == CURRENT {
        current.clone()
    } else {
        id.parse().map_err(|_| Error::NotFound)?
    };
    let own = id == *current;
    accounts::end_sign_in(&gangway, &gangway.relay, &caller, id).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    if own && let Some(cookie) = cookie::clear() {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}
