//! What the server's own command line is in an organisation: its service account, and the tokens it makes for programs.
//!
//! 1. The token is confined to the organisation that was named, else to the first one; where there is none, one is made, and
//!    set-up will give it its name and owner.
//! 2. It belongs to that organisation's service account, which is made with the first token.

use gangway_protocol::account::TokenScope;
use gangway_protocol::audit::Action;
use gangway_protocol::id::{AccountId, OrganisationId, SignerId, TokenId};
use gangway_protocol::organisation::Role;
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;

use super::customers;
use crate::authority::secret::SecretKind;
use crate::authority::{Means, Member};
use crate::clock::Clock;
use crate::db::SecretHash;
use crate::db::accounts::{AccountKind, NewAccount};
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::tokens::NewToken;
use crate::db::{Conn, Db, DbError, accounts, audit, memberships, organisations, rules, tokens, write};
use crate::rng::Random;

/// The name of an organisation that was made for a token, until set-up names it.
pub const UNNAMED_ORGANISATION: &str = "My organisation";
const SERVICE_ACCOUNT: &str = "Command line";
/// Roles of service accounts, the least first: a token belongs to the first that gives all of its scopes, so that no token has a
/// greater role than it was made for.
const SERVICE_ROLES: [Role; 2] = [Role::Operator, Role::Admin];

/// A token that the command line asks for.
#[derive(Clone, Debug)]
pub struct TokenOrder {
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<TokenScope>,
    /// The organisation it is confined to; the first one when absent.
    pub organisation: Option<OrganisationId>,
    /// For how many days it works.
    pub valid_days: u32,
}

/// Makes a token.
///
/// # Errors
/// [`DbError::Missing`] when the named organisation does not exist; otherwise what the database says.
pub async fn create_token(
    db: &Db,
    clock: &dyn Clock,
    random: &dyn Random,
    order: TokenOrder,
) -> Result<SecretString, DbError> {
    let now = clock.now();
    let secret = SecretKind::Token.mint(random);
    let hash = SecretHash::of(&secret);
    let fresh = Fresh::new(now, random);
    let id = TokenId::new(now, random.for_id());
    write!(db, |tx| {
        let organisation = named_or_first(tx, order.organisation, &fresh, now).await?;
        let gives_all = |role: &Role| order.scopes.iter().all(|scope| scope.is_given_by(*role));
        let role = SERVICE_ROLES
            .into_iter()
            .find(gives_all)
            .ok_or(DbError::Missing)?;
        let account = service_account(tx, &organisation, role, &fresh, now).await?;
        let token = NewToken {
            id,
            account,
            organisation,
            name: order.name,
            scopes: order.scopes,
            created_at: now,
            expires_at: now.plus(i64::from(order.valid_days) * UnixMillis::DAY),
            assertion: None,
        };
        tokens::insert(tx, &hash, &token).await?;
        let entry = Entry {
            scope: Scope::Organisation(&token.organisation),
            at: now,
            actor: Actor::Server,
            action: Action::TokenCreated,
            subject: token.id.as_str(),
            detail: &token.name,
        };
        audit::append(tx, &entry).await
    })?;
    Ok(secret)
}

/// Revokes a token that could not be shown to anybody.
///
/// # Errors
/// What the database says.
pub async fn revoke_unseen(db: &Db, clock: &dyn Clock, secret: &SecretString) -> Result<(), DbError> {
    let (now, hash) = (clock.now(), SecretHash::of(secret));
    write!(db, |tx| {
        let token = tokens::by_secret(tx, &hash, now).await?.ok_or(DbError::Missing)?;
        tokens::delete(tx, &token.account, &token.id).await?;
        let entry = Entry {
            scope: Scope::Organisation(&token.organisation),
            at: now,
            actor: Actor::Server,
            action: Action::TokenRevoked,
            subject: token.id.as_str(),
            detail: "it could not be shown",
        };
        audit::append(tx, &entry).await
    })
}

/// The command line as a member of an organisation, of the first one where none is named, which is made when there is none.
///
/// # Errors
/// [`DbError::Missing`] when the named organisation does not exist; otherwise what the database says.
pub async fn command_line_of(
    db: &Db,
    clock: &dyn Clock,
    random: &dyn Random,
    organisation: Option<OrganisationId>,
) -> Result<(OrganisationId, Member), DbError> {
    let now = clock.now();
    let fresh = Fresh::new(now, random);
    let organisation = write!(db, |tx| { named_or_first(tx, organisation, &fresh, now).await })?;
    let member = command_line(db, clock, random, &organisation).await?;
    Ok((organisation, member))
}

/// The command line as a member of an organisation: what its operator does there is recorded under this name.
///
/// # Errors
/// What the database says.
pub async fn command_line(
    db: &Db,
    clock: &dyn Clock,
    random: &dyn Random,
    organisation: &OrganisationId,
) -> Result<Member, DbError> {
    let now = clock.now();
    let fresh = Fresh::new(now, random);
    let organisation = organisation.clone();
    let account = write!(db, |tx| {
        service_account(tx, &organisation, Role::Operator, &fresh, now).await
    })?;
    Ok(Member {
        account,
        name: SERVICE_ACCOUNT.to_owned(),
        means: Means::Own,
    })
}

/// The organisation that was named, else the first one, which is made where there is none.
///
/// # Errors
/// [`DbError::Missing`] when the named one does not exist.
pub async fn named_or_first(
    tx: &mut Conn<'_>,
    named: Option<OrganisationId>,
    fresh: &Fresh,
    now: UnixMillis,
) -> Result<OrganisationId, DbError> {
    match named {
        Some(organisation) => {
            rules::find(tx, &organisation).await?.ok_or(DbError::Missing)?;
            Ok(organisation)
        }
        None => first_organisation(tx, fresh, now).await,
    }
}

/// Ids that are used where something has to be made.
#[derive(Clone, Debug)]
pub struct Fresh {
    organisation: OrganisationId,
    signer: SignerId,
    account: AccountId,
    user_handle: String,
}

impl Fresh {
    /// Draws them.
    pub fn new(now: UnixMillis, random: &dyn Random) -> Self {
        Self {
            organisation: OrganisationId::new(now, random.for_id()),
            signer: SignerId::new(now, random.for_id()),
            account: AccountId::new(now, random.for_id()),
            user_handle: super::user_handle(random).to_string(),
        }
    }
}

async fn first_organisation(
    tx: &mut Conn<'_>,
    fresh: &Fresh,
    now: UnixMillis,
) -> Result<OrganisationId, DbError> {
    if let Some(organisation) = organisations::customers::first(tx).await? {
        return Ok(organisation);
    }
    let Fresh {
        organisation, signer, ..
    } = fresh;
    customers::make(tx, organisation, signer, UNNAMED_ORGANISATION, None, now).await?;
    Ok(organisation.clone())
}

async fn service_account(
    tx: &mut Conn<'_>,
    organisation: &OrganisationId,
    role: Role,
    fresh: &Fresh,
    now: UnixMillis,
) -> Result<AccountId, DbError> {
    // Two command lines at once shall not make two accounts.
    organisations::bump_revision(tx, organisation).await?;
    if let Some(account) = memberships::first_service(tx, organisation, role).await? {
        return Ok(account);
    }
    let account = NewAccount {
        id: fresh.account.clone(),
        user_handle: fresh.user_handle.clone(),
        name: SERVICE_ACCOUNT.to_owned(),
        kind: AccountKind::Service,
    };
    accounts::insert(tx, &account, now).await?;
    memberships::set(tx, organisation, &account.id, role, now).await?;
    Ok(account.id)
}
