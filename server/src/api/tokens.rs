//! Bearer tokens of the signed-in account.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use gangway_protocol::account::{Token, TokenRequest, TokenScope};
use gangway_protocol::id::TokenId;
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use gangway_protocol::time::UnixMillis;
use http::{HeaderMap, StatusCode};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::request::{JsonBody, Paged, PathId};
use crate::api::idempotency::Once;
use crate::authority::fit_name;
use crate::authority::secret::SecretKind;
use crate::authority::{Caller, Right};
use crate::authority::{Error, Result};
use crate::db::SecretHash;
use crate::db::audit::{Entry, Scope};
use crate::db::tokens::NewToken;
use crate::db::{accounts, audit, organisations, tokens, write};
use crate::people::ending;
use crate::state::Gangway;

/// Most tokens of one account: one for each of many programs. The expired ones count until they are revoked.
const MAX_TOKENS: u64 = 100;
/// A token is renewed at least once a year, so that a forgotten one ends.
pub(super) const MAX_VALID_DAYS: u32 = 366;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(list_tokens, create_token))
        .routes(routes!(revoke_token))
}

/// The account's tokens, without their secrets.
#[utoipa::path(get, path = path::TOKENS, tag = "account", params(PageQuery),
    responses((status = 200, body = Page<Token>), (status = 403), (status = 422)))]
async fn list_tokens(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    paged: Paged,
) -> Result<Json<Page<Token>>> {
    caller.require_person()?;
    let mut reader = gangway.db.reader().await?;
    let rows = tokens::of_account(&mut reader.conn(), &caller.account, paged.after(), paged.fetch()).await?;
    Ok(Json(paged.page(rows, |row| row.id.to_string())))
}

/// Makes a token; the reply holds its secret, this once.
#[utoipa::path(post, path = path::TOKENS, tag = "account", request_body = TokenRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Drawn at random, 16 to 128 characters")),
    responses((status = 200, body = Token), (status = 403), (status = 404), (status = 409), (status = 422)))]
async fn create_token(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(request): JsonBody<TokenRequest>,
) -> Result<Json<Token>> {
    let now = gangway.clock.now();
    // threat model, ENR-10: an approval by token rests on the assertion under which the token was made.
    let assertion = caller.require_fresh_person(now)?;
    check(&gangway, &caller, &request).await?;
    let once = Once::of(
        &headers,
        &caller.account,
        &(path::TOKENS, &request),
        &*gangway.random,
    )?;
    let secret = SecretKind::Token.mint(&*gangway.random);
    let new = NewToken {
        id: TokenId::new(now, gangway.random.for_id()),
        account: caller.account.clone(),
        organisation: request.organisation.clone(),
        name: fit_name("name", &request.name)?,
        scopes: distinct(&request.scopes),
        created_at: now,
        expires_at: now.plus(i64::from(request.valid_days) * UnixMillis::DAY),
        assertion: Some(assertion),
    };
    write!(gangway.db, |tx| -> Result<Token> {
        if let Some(once) = &once
            && let Some(token) = once.begin(tx, now).await?
        {
            return Ok(token);
        }
        accounts::lock(tx, &new.account).await?;
        // The role may have changed since it was looked at; from here on it stays.
        let own = organisations::role_at(tx, &new.organisation, &new.account).await?;
        let covered = |scope: &TokenScope| own.is_some_and(|own| ending::covers(own, *scope));
        if !new.scopes.iter().all(covered) {
            return Err(Error::Forbidden(
                "your role in this organisation does not allow this: ask one of its admins",
            ));
        }
        if tokens::count(tx, &new.account).await? >= MAX_TOKENS {
            return Err(Error::Conflict(format!(
                "an account has at most {MAX_TOKENS} tokens: revoke one that is not needed"
            )));
        }
        tokens::insert(tx, &SecretHash::of(&secret), &new).await?;
        let token = Token {
            id: new.id.clone(),
            name: new.name.clone(),
            scopes: new.scopes.clone(),
            organisation: new.organisation.clone(),
            created_at: new.created_at,
            expires_at: new.expires_at,
            last_used_at: None,
            secret: Some(secret),
        };
        if let Some(once) = &once {
            once.end(tx, &token).await?;
        }
        let entry = Entry {
            scope: Scope::Organisation(&new.organisation),
            at: now,
            actor: caller.actor(),
            action: "token.created",
            subject: new.id.as_str(),
            detail: &new.name,
        };
        audit::append(tx, &entry).await?;
        Ok(token)
    })
    .map(Json)
}

/// Revokes a token.
#[utoipa::path(delete, path = path::TOKEN, tag = "account", params(("id" = TokenId, Path)),
    responses((status = 204), (status = 403), (status = 404)))]
async fn revoke_token(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(id): PathId<TokenId>,
) -> Result<StatusCode> {
    caller.require_person()?;
    let (now, account) = (gangway.clock.now(), caller.account.clone());
    write!(gangway.db, |tx| -> Result<()> {
        let organisation = tokens::delete(tx, &caller.account, &id)
            .await?
            .ok_or(Error::NotFound)?;
        let entry = Entry {
            scope: Scope::Organisation(&organisation),
            at: now,
            actor: caller.actor(),
            action: "token.revoked",
            subject: id.as_str(),
            detail: "",
        };
        Ok(audit::append(tx, &entry).await?)
    })?;
    ending::look_again(&gangway, &gangway.relay, &account).await;
    Ok(StatusCode::NO_CONTENT)
}

/// A token may do what its maker may do, and no more.
async fn check(gangway: &Gangway, caller: &Caller, request: &TokenRequest) -> Result<()> {
    if !(1..=MAX_VALID_DAYS).contains(&request.valid_days) {
        return Err(Error::invalid(
            "valid_days",
            format!("valid_days is 1 to {MAX_VALID_DAYS}"),
        ));
    }
    if request.scopes.is_empty() {
        return Err(Error::invalid("scopes", "scopes is empty: name at least one"));
    }
    for scope in &request.scopes {
        let right = match scope {
            TokenScope::Enrol => Right::Enrol,
            TokenScope::Read => Right::SeeFleet,
        };
        caller.require(&gangway.db, &request.organisation, right).await?;
    }
    Ok(())
}

fn distinct(scopes: &[TokenScope]) -> Vec<TokenScope> {
    let mut distinct: Vec<TokenScope> = Vec::new();
    for scope in scopes {
        if !distinct.contains(scope) {
            distinct.push(*scope);
        }
    }
    distinct
}
