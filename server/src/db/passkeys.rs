//! Passkeys of accounts.

use gangway_protocol::account::Passkey;
use gangway_protocol::id::{AccountId, PasskeyId};
use gangway_protocol::time::UnixMillis;

use super::{Conn, DbError, parsed, query, row};

/// A passkey to be kept.
#[derive(Clone, Debug)]
pub struct NewPasskey {
    /// Its id.
    pub id: PasskeyId,
    /// Whose it is.
    pub account: AccountId,
    /// The authenticator's id for it, base64url.
    pub credential_id: String,
    /// What verifies it, as JSON.
    pub credential: String,
    /// Its name.
    pub name: String,
}

/// A passkey with what verifies it.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its id.
    pub id: PasskeyId,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub account: AccountId,
    /// That account's name.
    pub account_name: String,
    /// That account's user handle.
    pub user_handle: String,
    /// What verifies it, as JSON.
    pub credential: String,
}

/// Keeps a passkey.
///
/// # Errors
/// [`DbError::Unique`] when any account has it already; otherwise what the database says.
pub async fn insert(conn: &mut Conn<'_>, passkey: &NewPasskey, now: UnixMillis) -> Result<(), DbError> {
    query(
        "INSERT INTO passkeys (id, account, credential_id, credential, name, created_at)
             VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(passkey.id.as_str())
    .bind(passkey.account.as_str())
    .bind(&passkey.credential_id)
    .bind(&passkey.credential)
    .bind(&passkey.name)
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// The passkey of this credential id, whoever's it is.
///
/// # Errors
/// What the database says.
pub async fn by_credential_id(conn: &mut Conn<'_>, credential_id: &str) -> Result<Option<Kept>, DbError> {
    let row: Option<KeptRow> = query(
        "SELECT p.id, p.name, p.account, p.credential, a.name AS account_name, a.user_handle
         FROM passkeys p JOIN accounts a ON a.id = p.account WHERE p.credential_id = $1",
    )
    .bind(credential_id)
    .fetch_optional(conn)
    .await?;
    row.map(Kept::try_from).transpose()
}

/// What verifies each of an account's passkeys, as JSON.
///
/// # Errors
/// What the database says.
pub async fn credentials(conn: &mut Conn<'_>, account: &AccountId) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String,)> = query("SELECT credential FROM passkeys WHERE account = $1 ORDER BY id")
        .bind(account.as_str())
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(|(credential,)| credential).collect())
}

/// Writes down a use, unless another one came between: `credential` replaces `former` alone.
///
/// # Errors
/// What the database says.
pub async fn note_use(
    conn: &mut Conn<'_>,
    id: &PasskeyId,
    former: &str,
    credential: &str,
    now: UnixMillis,
) -> Result<bool, DbError> {
    let rows =
        query("UPDATE passkeys SET credential = $3, last_used_at = $4 WHERE id = $1 AND credential = $2")
            .bind(id.as_str())
            .bind(former)
            .bind(credential)
            .bind(now.0)
            .execute(conn)
            .await?;
    Ok(rows > 0)
}

/// At most `limit` passkeys of an account behind `after`.
///
/// # Errors
/// What the database says.
pub async fn of_account(
    conn: &mut Conn<'_>,
    account: &AccountId,
    after: &str,
    limit: i64,
) -> Result<Vec<Passkey>, DbError> {
    let rows: Vec<PasskeyRow> = query(
        "SELECT id, name, created_at, last_used_at FROM passkeys
         WHERE account = $1 AND id > $2 ORDER BY id LIMIT $3",
    )
    .bind(account.as_str())
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Passkey::try_from).collect()
}

/// How many passkeys an account has.
///
/// # Errors
/// What the database says.
pub async fn count(conn: &mut Conn<'_>, account: &AccountId) -> Result<u32, DbError> {
    let (count,): (i64,) = query("SELECT COUNT(*) FROM passkeys WHERE account = $1")
        .bind(account.as_str())
        .fetch_one(conn)
        .await?;
    u32::try_from(count).map_err(|_| DbError::Corrupt("passkeys"))
}

/// Gives a passkey of an account another name; `None` where the account has no such passkey.
///
/// # Errors
/// What the database says.
pub async fn rename(
    conn: &mut Conn<'_>,
    account: &AccountId,
    id: &PasskeyId,
    name: &str,
) -> Result<Option<Passkey>, DbError> {
    let row: Option<PasskeyRow> = query(
        "UPDATE passkeys SET name = $3 WHERE id = $1 AND account = $2
         RETURNING id, name, created_at, last_used_at",
    )
    .bind(id.as_str())
    .bind(account.as_str())
    .bind(name)
    .fetch_optional(conn)
    .await?;
    row.map(Passkey::try_from).transpose()
}

/// Removes a passkey of an account; gives its name, `None` where the account has no such passkey.
///
/// # Errors
/// What the database says.
pub async fn delete(
    conn: &mut Conn<'_>,
    account: &AccountId,
    id: &PasskeyId,
) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = query("DELETE FROM passkeys WHERE id = $1 AND account = $2 RETURNING name")
        .bind(id.as_str())
        .bind(account.as_str())
        .fetch_optional(conn)
        .await?;
    Ok(row.map(|(name,)| name))
}

row! {
    struct KeptRow {
        id: String,
        name: String,
        account: String,
        account_name: String,
        user_handle: String,
        credential: String,
    }
}

impl TryFrom<KeptRow> for Kept {
    type Error = DbError;

    fn try_from(row: KeptRow) -> Result<Self, DbError> {
        Ok(Self {
            id: parsed(&row.id, "passkeys.id")?,
            name: row.name,
            account: parsed(&row.account, "passkeys.account")?,
            account_name: row.account_name,
            user_handle: row.user_handle,
            credential: row.credential,
        })
    }
}

row! {
    struct PasskeyRow {
        id: String,
        name: String,
        created_at: i64,
        last_used_at: Option<i64>,
    }
}

impl TryFrom<PasskeyRow> for Passkey {
    type Error = DbError;

    fn try_from(row: PasskeyRow) -> Result<Self, DbError> {
        Ok(Self {
            id: parsed(&row.id, "passkeys.id")?,
            name: row.name,
            created_at: UnixMillis(row.created_at),
            last_used_at: row.last_used_at.map(UnixMillis),
        })
    }
}
