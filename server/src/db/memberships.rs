//! Who is a member of which organisation, and as what.

use gangway_protocol::id::{AccountId, OrganisationId};
use gangway_protocol::organisation::{Member, Role};
use gangway_protocol::time::UnixMillis;

use super::accounts::AccountKind;
use super::{Conn, DbError, parsed, query};

/// Makes an account a member; one that is a member already gets the new role. Beside a claim it is what was given by hand.
///
/// # Errors
/// What the database says.
pub async fn set(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    account: &AccountId,
    role: Role,
    now: UnixMillis,
) -> Result<(), DbError> {
    query(
        "INSERT INTO memberships (organisation, account, role, created_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (organisation, account) DO UPDATE SET role = excluded.role,
                 by_hand = CASE WHEN memberships.claimed_by IS NULL THEN NULL ELSE excluded.role END",
    )
    .bind(organisation.as_str())
    .bind(account.as_str())
    .bind(role.as_str())
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// The role of an account's membership in this very organisation, and since when it is suspended.
///
/// # Errors
/// What the database says.
pub async fn find(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    account: &AccountId,
) -> Result<Option<(Role, Option<UnixMillis>)>, DbError> {
    let row: Option<(String, Option<i64>)> =
        query("SELECT role, suspended_at FROM memberships WHERE organisation = $1 AND account = $2")
            .bind(organisation.as_str())
            .bind(account.as_str())
            .fetch_optional(conn)
            .await?;
    row.map(|(role, suspended_at)| Ok((role_of(&role)?, suspended_at.map(UnixMillis))))
        .transpose()
}

/// At most `limit` direct members of an organisation behind `after`.
///
/// # Errors
/// What the database says.
pub async fn of_organisation(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    after: &str,
    limit: i64,
) -> Result<Vec<Member>, DbError> {
    let rows: Vec<(String, String, String, Option<i64>)> = query(
        "SELECT m.account, a.name, m.role, m.suspended_at FROM memberships m JOIN accounts a ON a.id = m.account
         WHERE m.organisation = $1 AND m.account > $2 ORDER BY m.account LIMIT $3",
    )
    .bind(organisation.as_str())
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(account, name, role, suspended_at)| {
            Ok(Member {
                account: parsed(&account, "memberships.account")?,
                name,
                role: role_of(&role)?,
                suspended_at: suspended_at.map(UnixMillis),
            })
        })
        .collect()
}

/// The organisations that an account is a direct member of and not suspended in, at most `limit`.
///
/// # Errors
/// What the database says.
pub async fn of_account(
    conn: &mut Conn<'_>,
    account: &AccountId,
    limit: i64,
) -> Result<Vec<(OrganisationId, Role)>, DbError> {
    let rows: Vec<(String, String)> = query(
        "SELECT organisation, role FROM memberships WHERE account = $1 AND suspended_at IS NULL
             ORDER BY organisation LIMIT $2",
    )
    .bind(account.as_str())
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(organisation, role)| {
            Ok((
                parsed(&organisation, "memberships.organisation")?,
                role_of(&role)?,
            ))
        })
        .collect()
}

/// The oldest service account among an organisation's direct members.
///
/// # Errors
/// What the database says.
pub async fn first_service(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    role: Role,
) -> Result<Option<AccountId>, DbError> {
    let row: Option<(String,)> = query(
        "SELECT m.account FROM memberships m JOIN accounts a ON a.id = m.account
         WHERE m.organisation = $1 AND a.kind = 'service' AND m.role = $2 ORDER BY m.account LIMIT 1",
    )
    .bind(organisation.as_str())
    .bind(role.as_str())
    .fetch_optional(conn)
    .await?;
    row.map(|(account,)| parsed(&account, "memberships.account"))
        .transpose()
}

/// How many persons own an organisation, by a membership in it or above it.
///
/// # Errors
/// What the database says.
pub async fn owners(conn: &mut Conn<'_>, organisation: &OrganisationId) -> Result<u64, DbError> {
    let (count,): (i64,) = query(
        "WITH RECURSIVE above (id, parent) AS (
            SELECT id, parent FROM organisations WHERE id = $1
            UNION ALL
            SELECT o.id, o.parent FROM organisations o JOIN above ON o.id = above.parent
        )
        SELECT COUNT(*) FROM above JOIN memberships m ON m.organisation = above.id
            JOIN accounts a ON a.id = m.account
        WHERE m.role = $2 AND a.kind = $3 AND m.suspended_at IS NULL",
    )
    .bind(organisation.as_str())
    .bind(Role::Owner.as_str())
    .bind(AccountKind::Person.as_str())
    .fetch_one(conn)
    .await?;
    Ok(count.unsigned_abs())
}

/// Suspends a membership, or lets it count again.
///
/// # Errors
/// What the database says.
pub async fn set_suspended(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    account: &AccountId,
    at: Option<UnixMillis>,
) -> Result<(), DbError> {
    query("UPDATE memberships SET suspended_at = $3 WHERE organisation = $1 AND account = $2")
        .bind(organisation.as_str())
        .bind(account.as_str())
        .bind(at.map(|at| at.0))
        .execute(conn)
        .await?;
    Ok(())
}

/// Ends a membership.
///
/// # Errors
/// What the database says.
pub async fn delete(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    account: &AccountId,
) -> Result<(), DbError> {
    query("DELETE FROM memberships WHERE organisation = $1 AND account = $2")
        .bind(organisation.as_str())
        .bind(account.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) fn role_of(name: &str) -> Result<Role, DbError> {
    Role::from_name(name).ok_or(DbError::Corrupt("memberships.role"))
}
