//! Bearer tokens.

use gangway_protocol::account::{Token, TokenScope};
use gangway_protocol::id::{AccountId, OrganisationId, TokenId};
use gangway_protocol::time::UnixMillis;

use super::SecretHash;
use super::{Conn, DbError, parsed, query, row};

/// A token to be kept.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Its id.
    pub id: TokenId,
    /// Whose it is.
    pub account: AccountId,
    /// Where it may do things.
    pub organisation: OrganisationId,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<TokenScope>,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it stops working.
    pub expires_at: UnixMillis,
    /// The passkey assertion under which it was made; `None` on the server's own command line.
    pub assertion: Option<String>,
}

/// A token that somebody showed.
#[derive(Clone, Debug)]
pub struct Bearer {
    /// The token.
    pub id: TokenId,
    /// Whose it is.
    pub account: AccountId,
    /// That account's name.
    pub account_name: String,
    /// Since when the account exists.
    pub account_since: UnixMillis,
    /// What it may do.
    pub scopes: Vec<TokenScope>,
    /// Where it may do it.
    pub organisation: OrganisationId,
    /// When it was last noted as used.
    pub last_used_at: Option<UnixMillis>,
}

/// Keeps a token.
///
/// # Errors
/// What the database says.
pub async fn insert(conn: &mut Conn<'_>, secret: &SecretHash, token: &NewToken) -> Result<(), DbError> {
    let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
    query(
        "INSERT INTO tokens
                (id, secret_hash, account, organisation, name, scopes, created_at, expires_at, assertion)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(token.id.as_str())
    .bind(secret.as_str())
    .bind(token.account.as_str())
    .bind(token.organisation.as_str())
    .bind(&token.name)
    .bind(scopes.join(" "))
    .bind(token.created_at.0)
    .bind(token.expires_at.0)
    .bind(token.assertion.as_deref())
    .execute(conn)
    .await?;
    Ok(())
}

/// The token of this secret, unless it has expired.
///
/// # Errors
/// What the database says.
pub async fn by_secret(
    conn: &mut Conn<'_>,
    secret: &SecretHash,
    now: UnixMillis,
) -> Result<Option<Bearer>, DbError> {
    let row: Option<BearerRow> = query(
        "SELECT t.id, t.account, t.organisation, t.scopes, t.last_used_at,
                a.name AS account_name, a.created_at AS account_since
         FROM tokens t JOIN accounts a ON a.id = t.account
         WHERE t.secret_hash = $1 AND t.expires_at > $2",
    )
    .bind(secret.as_str())
    .bind(now.0)
    .fetch_optional(conn)
    .await?;
    row.map(Bearer::try_from).transpose()
}

/// What a token may do; `None` when it has been revoked or has expired.
///
/// # Errors
/// What the database says.
pub async fn scopes_of(
    conn: &mut Conn<'_>,
    id: &TokenId,
    now: UnixMillis,
) -> Result<Option<Vec<TokenScope>>, DbError> {
    let row: Option<(String,)> = query("SELECT scopes FROM tokens WHERE id = $1 AND expires_at > $2")
        .bind(id.as_str())
        .bind(now.0)
        .fetch_optional(conn)
        .await?;
    Ok(row.map(|(names,)| scopes(&names)))
}

/// What a token that stands may do, and where: there and below.
///
/// # Errors
/// What the database says.
pub async fn standing(
    conn: &mut Conn<'_>,
    id: &TokenId,
    now: UnixMillis,
) -> Result<Option<(Vec<TokenScope>, OrganisationId)>, DbError> {
    let row: Option<(String, String)> =
        query("SELECT scopes, organisation FROM tokens WHERE id = $1 AND expires_at > $2")
            .bind(id.as_str())
            .bind(now.0)
            .fetch_optional(conn)
            .await?;
    row.map(|(names, organisation)| Ok((scopes(&names), parsed(&organisation, "tokens.organisation")?)))
        .transpose()
}

/// Writes down that a token was used, and from which address.
///
/// # Errors
/// What the database says.
pub async fn note_use(conn: &mut Conn<'_>, id: &TokenId, from: &str, now: UnixMillis) -> Result<(), DbError> {
    query("UPDATE tokens SET last_used_at = $2, last_used_from = $3 WHERE id = $1")
        .bind(id.as_str())
        .bind(now.0)
        .bind(from)
        .execute(conn)
        .await?;
    Ok(())
}

/// At most `limit` tokens of an account behind `after`, the expired ones among them.
///
/// # Errors
/// What the database says.
pub async fn of_account(
    conn: &mut Conn<'_>,
    account: &AccountId,
    after: &str,
    limit: i64,
) -> Result<Vec<Token>, DbError> {
    let rows: Vec<TokenRow> = query(
        "SELECT id, name, scopes, organisation, created_at, expires_at, last_used_at, last_used_from
         FROM tokens WHERE account = $1 AND id > $2 ORDER BY id LIMIT $3",
    )
    .bind(account.as_str())
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Token::try_from).collect()
}

/// The tokens of an account: where each may do what.
///
/// # Errors
/// What the database says.
pub async fn reach(
    conn: &mut Conn<'_>,
    account: &AccountId,
) -> Result<Vec<(TokenId, OrganisationId, Vec<TokenScope>)>, DbError> {
    let rows: Vec<(String, String, String)> =
        query("SELECT id, organisation, scopes FROM tokens WHERE account = $1 ORDER BY id")
            .bind(account.as_str())
            .fetch_all(conn)
            .await?;
    rows.into_iter()
        .map(|(id, organisation, names)| {
            Ok((
                parsed(&id, "tokens.id")?,
                parsed(&organisation, "tokens.organisation")?,
                scopes(&names),
            ))
        })
        .collect()
}

/// Leaves a token fewer scopes.
///
/// # Errors
/// What the database says.
pub async fn narrow(conn: &mut Conn<'_>, id: &TokenId, left: &[TokenScope]) -> Result<(), DbError> {
    let left: Vec<&str> = left.iter().map(|scope| scope.as_str()).collect();
    query("UPDATE tokens SET scopes = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(left.join(" "))
        .execute(conn)
        .await?;
    Ok(())
}

/// How many tokens an account has.
///
/// # Errors
/// What the database says.
pub async fn count(conn: &mut Conn<'_>, account: &AccountId) -> Result<u64, DbError> {
    let (count,): (i64,) = query("SELECT COUNT(*) FROM tokens WHERE account = $1")
        .bind(account.as_str())
        .fetch_one(conn)
        .await?;
    Ok(count.unsigned_abs())
}

/// Revokes a token of an account; gives the organisation it was confined to, `None` where the account has no such token.
///
/// # Errors
/// What the database says.
pub async fn delete(
    conn: &mut Conn<'_>,
    account: &AccountId,
    id: &TokenId,
) -> Result<Option<OrganisationId>, DbError> {
    let row: Option<(String,)> =
        query("DELETE FROM tokens WHERE id = $1 AND account = $2 RETURNING organisation")
            .bind(id.as_str())
            .bind(account.as_str())
            .fetch_optional(conn)
            .await?;
    row.map(|(organisation,)| parsed(&organisation, "tokens.organisation"))
        .transpose()
}

row! {
    struct BearerRow {
        id: String,
        account: String,
        organisation: String,
        scopes: String,
        last_used_at: Option<i64>,
        account_name: String,
        account_since: i64,
    }
}

impl TryFrom<BearerRow> for Bearer {
    type Error = DbError;

    fn try_from(row: BearerRow) -> Result<Self, DbError> {
        Ok(Self {
            id: parsed(&row.id, "tokens.id")?,
            account: parsed(&row.account, "tokens.account")?,
            account_name: row.account_name,
            account_since: UnixMillis(row.account_since),
            scopes: scopes(&row.scopes),
            organisation: parsed(&row.organisation, "tokens.organisation")?,
            last_used_at: row.last_used_at.map(UnixMillis),
        })
    }
}

row! {
    struct TokenRow {
        id: String,
        name: String,
        scopes: String,
        organisation: String,
        created_at: i64,
        expires_at: i64,
        last_used_at: Option<i64>,
        last_used_from: Option<String>,
    }
}

impl TryFrom<TokenRow> for Token {
    type Error = DbError;

    fn try_from(row: TokenRow) -> Result<Self, DbError> {
        Ok(Self {
            id: parsed(&row.id, "tokens.id")?,
            name: row.name,
            scopes: scopes(&row.scopes),
            organisation: parsed(&row.organisation, "tokens.organisation")?,
            created_at: UnixMillis(row.created_at),
            expires_at: UnixMillis(row.expires_at),
            last_used_at: row.last_used_at.map(UnixMillis),
            last_used_from: row.last_used_from,
            secret: None,
        })
    }
}

/// A scope that this version does not know gives nothing.
fn scopes(names: &str) -> Vec<TokenScope> {
    names
        .split_ascii_whitespace()
        .filter_map(TokenScope::from_name)
        .collect()
}
