//! Bearer tokens: made for a person who proves a passkey, and revoked.

use gangway_protocol::account::{Token, TokenRequest, TokenScope};
use gangway_protocol::audit::Action;
use gangway_protocol::id::TokenId;
use gangway_protocol::path;
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;

use super::ending;
use crate::authority::fit_name;
use crate::authority::secret::SecretKind;
use crate::authority::{Caller, Right};
use crate::authority::{Error, Result};
use crate::context::Context;
use crate::db::SecretHash;
use crate::db::audit::{Entry, Scope};
use crate::db::tokens::NewToken;
use crate::db::{accounts, audit, organisations, tokens, write};
use crate::once::Once;
use crate::relay::Relay;

/// Most tokens of one account: one for each of many programs. The expired ones count until they are revoked.
const MAX_TOKENS: u64 = 100;
/// A token is renewed at least once a year, so that a forgotten one ends.
pub const MAX_VALID_DAYS: u32 = 366;

/// Makes a token, with its secret. Under the same `key` it is made once, and the same comes back.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::Invalid`]; [`Error::Forbidden`] when it would do more than its maker may;
/// [`Error::Conflict`] when there are too many already.
pub async fn create(
    context: &Context,
    caller: &Caller,
    key: Option<SecretString>,
    request: &TokenRequest,
) -> Result<Token> {
    let now = context.clock.now();
    // threat model, ENR-10: an approval by token rests on the assertion under which the token was made.
    // A token outlives the place at the provider by which its maker came in.
    caller.require_own_sign_in()?;
    let assertion = caller.require_fresh_person(now)?;
    check(context, caller, request).await?;
    let once = Once::of(key, &caller.account, &(path::TOKENS, request), &*context.random)?;
    let secret = SecretKind::Token.mint(&*context.random);
    let new = NewToken {
        id: TokenId::new(now, context.random.for_id()),
        account: caller.account.clone(),
        organisation: request.organisation.clone(),
        name: fit_name("name", &request.name)?,
        scopes: distinct(&request.scopes),
        created_at: now,
        expires_at: now.plus(i64::from(request.valid_days) * UnixMillis::DAY),
        assertion: Some(assertion),
    };
    let caller = caller.clone();
    write!(context.db, |tx| -> Result<Token> {
        if let Some(once) = &once
            && let Some(token) = once.begin(tx, now).await?
        {
            return Ok(token);
        }
        accounts::lock(tx, &new.account).await?;
        // The role may have changed since it was looked at; from here on it stays.
        let own = organisations::role_at(tx, &new.organisation, &new.account).await?;
        let covered = |scope: &TokenScope| own.is_some_and(|own| scope.is_given_by(own));
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
            last_used_from: None,
            secret: Some(secret),
        };
        if let Some(once) = &once {
            once.end(tx, &token).await?;
        }
        let entry = Entry {
            scope: Scope::Organisation(&new.organisation),
            at: now,
            actor: caller.actor(),
            action: Action::TokenCreated,
            subject: new.id.as_str(),
            detail: &new.name,
        };
        audit::append(tx, &entry).await?;
        Ok(token)
    })
}

/// Revokes a token.
///
/// # Errors
/// [`Error::NotFound`] for one of somebody else, too.
pub async fn revoke(context: &Context, relay: &Relay, caller: &Caller, id: TokenId) -> Result<()> {
    caller.require_own_sign_in()?;
    let (now, member) = (context.clock.now(), caller.clone());
    write!(context.db, |tx| -> Result<()> {
        let organisation = tokens::delete(tx, &member.account, &id)
            .await?
            .ok_or(Error::NotFound)?;
        let entry = Entry {
            scope: Scope::Organisation(&organisation),
            at: now,
            actor: member.actor(),
            action: Action::TokenRevoked,
            subject: id.as_str(),
            detail: "",
        };
        Ok(audit::append(tx, &entry).await?)
    })?;
    ending::look_again(context, relay, &caller.account).await;
    Ok(())
}

/// A token may do what its maker may do, and no more.
async fn check(context: &Context, caller: &Caller, request: &TokenRequest) -> Result<()> {
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
            TokenScope::FleetRead => Right::SeeFleet,
            TokenScope::FleetWrite => Right::Operate,
            TokenScope::OrganisationRead => Right::SeeInvitations,
            TokenScope::OrganisationWrite => Right::Administer,
            TokenScope::AuditRead => Right::ReadAudit,
        };
        caller.require(&context.db, &request.organisation, right).await?;
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
