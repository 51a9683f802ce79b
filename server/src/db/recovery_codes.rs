//! Recovery codes of accounts.

use gangway_protocol::id::AccountId;
use gangway_protocol::time::UnixMillis;

use super::SecretHash;
use super::{Conn, DbError, parsed, query};

/// Gives an account these codes and no others.
///
/// # Errors
/// What the database says.
pub async fn replace(
    conn: &mut Conn<'_>,
    account: &AccountId,
    codes: &[SecretHash],
    now: UnixMillis,
) -> Result<(), DbError> {
    query("DELETE FROM recovery_codes WHERE account = $1")
        .bind(account.as_str())
        .execute(conn)
        .await?;
    for code in codes {
        query("INSERT INTO recovery_codes (code_hash, account, created_at) VALUES ($1, $2, $3)")
            .bind(code.as_str())
            .bind(account.as_str())
            .bind(now.0)
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// Uses a code up; gives whose it was, `None` when it is unknown or was used before.
///
/// # Errors
/// What the database says.
pub async fn take(
    conn: &mut Conn<'_>,
    code: &SecretHash,
    now: UnixMillis,
) -> Result<Option<AccountId>, DbError> {
    let row: Option<(String,)> = query(
        "UPDATE recovery_codes SET used_at = $2 WHERE code_hash = $1 AND used_at IS NULL RETURNING account",
    )
    .bind(code.as_str())
    .bind(now.0)
    .fetch_optional(conn)
    .await?;
    row.map(|(account,)| parsed(&account, "recovery_codes.account"))
        .transpose()
}

/// How many unused codes an account has.
///
/// # Errors
/// What the database says.
pub async fn count(conn: &mut Conn<'_>, account: &AccountId) -> Result<u32, DbError> {
    let (count,): (i64,) =
        query("SELECT COUNT(*) FROM recovery_codes WHERE account = $1 AND used_at IS NULL")
            .bind(account.as_str())
            .fetch_one(conn)
            .await?;
    u32::try_from(count).map_err(|_| DbError::Corrupt("recovery_codes"))
}
