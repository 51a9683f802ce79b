//! Accounts: persons, who sign in, and services, which only hold tokens.

use gangway_protocol::id::AccountId;
use gangway_protocol::time::UnixMillis;

use uuid::Uuid;

use super::{Conn, Db, DbError, parsed, query, query_of_each, write};

/// Accounts that one transaction works on, so that others are not kept waiting.
const CHUNK: i64 = 500;

/// What an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountKind {
    /// Somebody with passkeys.
    Person,
    /// Something with tokens.
    Service,
}

impl AccountKind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Service => "service",
        }
    }
}

/// An account to be made.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Its id.
    pub id: AccountId,
    /// The WebAuthn user handle, as text.
    pub user_handle: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: AccountKind,
}

/// Makes an account.
///
/// # Errors
/// What the database says.
pub async fn insert(conn: &mut Conn<'_>, account: &NewAccount, now: UnixMillis) -> Result<(), DbError> {
    query(
        "INSERT INTO accounts (id, user_handle, name, kind, created_at, owner_uuid) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(account.id.as_str())
    .bind(&account.user_handle)
    .bind(&account.name)
    .bind(account.kind.as_str())
    .bind(now.0)
    .bind(owner_uuid(&account.id).to_string())
    .execute(conn)
    .await?;
    Ok(())
}

/// The UUID by which OCF knows an account: plgd makes it so of whatever names an owner and is no UUID itself, which no id of
/// ours is.
#[must_use]
pub fn owner_uuid(account: &AccountId) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, account.as_str().as_bytes())
}

/// Whether OCF knows any account of this server by this UUID.
///
/// # Errors
/// What the database says.
pub async fn any_owner(conn: &mut Conn<'_>, uuid: Uuid) -> Result<bool, DbError> {
    let found: Option<(String,)> = query("SELECT id FROM accounts WHERE owner_uuid = $1")
        .bind(uuid.to_string())
        .fetch_optional(conn)
        .await?;
    Ok(found.is_some())
}

/// Writes down the UUIDs of accounts that an earlier version made.
///
/// # Errors
/// What the database says.
pub async fn note_owner_uuids(db: &Db) -> Result<(), DbError> {
    loop {
        let found = without_owner_uuid(&mut db.reader().await?.conn(), CHUNK).await?;
        if found.is_empty() {
            return Ok(());
        }
        write!(db, |tx| {
            for account in &found {
                query("UPDATE accounts SET owner_uuid = $2 WHERE id = $1")
                    .bind(account.as_str())
                    .bind(owner_uuid(account).to_string())
                    .execute(tx)
                    .await?;
            }
            Ok(())
        })?;
    }
}

async fn without_owner_uuid(conn: &mut Conn<'_>, limit: i64) -> Result<Vec<AccountId>, DbError> {
    let rows: Vec<(String,)> = query("SELECT id FROM accounts WHERE owner_uuid IS NULL ORDER BY id LIMIT $1")
        .bind(limit)
        .fetch_all(conn)
        .await?;
    rows.into_iter().map(|(id,)| parsed(&id, "accounts.id")).collect()
}

/// Whether any person has an account: set-up is over.
///
/// # Errors
/// What the database says.
pub async fn any_person(conn: &mut Conn<'_>) -> Result<bool, DbError> {
    let found: Option<(String,)> = query("SELECT id FROM accounts WHERE kind = 'person' LIMIT 1")
        .fetch_optional(conn)
        .await?;
    Ok(found.is_some())
}

/// Name and user handle of an account.
///
/// # Errors
/// [`DbError::Missing`] where there is none.
pub async fn name_and_handle(conn: &mut Conn<'_>, id: &AccountId) -> Result<(String, String), DbError> {
    query("SELECT name, user_handle FROM accounts WHERE id = $1")
        .bind(id.as_str())
        .fetch_one(conn)
        .await
}

/// The persons of this name, at most `limit` of them: names are not unique.
///
/// # Errors
/// What the database says.
pub async fn persons_named(
    conn: &mut Conn<'_>,
    name: &str,
    limit: i64,
) -> Result<Vec<(AccountId, UnixMillis)>, DbError> {
    let rows: Vec<(String, i64)> = query(
        "SELECT id, created_at FROM accounts WHERE kind = 'person' AND (name = $1 OR id = $1) ORDER BY id LIMIT $2"
    )
    .bind(name)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(id, created_at)| Ok((parsed(&id, "accounts.id")?, UnixMillis(created_at))))
        .collect()
}

/// Gives an account another name.
///
/// # Errors
/// What the database says.
pub async fn rename(conn: &mut Conn<'_>, id: &AccountId, name: &str) -> Result<(), DbError> {
    query("UPDATE accounts SET name = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(name)
        .execute(conn)
        .await?;
    Ok(())
}

/// Makes transactions whose rule spans several rows of an account queue up: the row stays locked until the commit.
///
/// # Errors
/// What the database says.
pub async fn lock(conn: &mut Conn<'_>, id: &AccountId) -> Result<(), DbError> {
    let _: Option<(String,)> = query_of_each(
        "SELECT id FROM accounts WHERE id = $1",
        "SELECT id FROM accounts WHERE id = $1 FOR NO KEY UPDATE",
    )
    .bind(id.as_str())
    .fetch_optional(conn)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `uuid.uuid5(uuid.NAMESPACE_URL, …)` of Python makes of the id.
    #[test]
    fn an_account_has_the_uuid_that_plgd_computes() {
        let account: AccountId = "acc_00000000010000000000000000".parse().expect("an id");
        assert_eq!(
            owner_uuid(&account).to_string(),
            "8e868b5c-bf9b-5ba1-89e8-a32ae7b86b7d"
        );
    }
}
