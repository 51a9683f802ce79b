//! Organisations, their tree, and who holds which role in it.

use gangway_protocol::id::{AccountId, OrganisationId};
use gangway_protocol::organisation::Role;

use super::{Conn, DbError, on};

/// The greatest role that `account` holds at `organisation` or above it.
///
/// # Errors
/// What the database says.
pub async fn role_at(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    account: &AccountId,
) -> Result<Option<Role>, DbError> {
    let roles: Vec<(String,)> = on!(conn, |c| sqlx::query_as(
        "WITH RECURSIVE above (id, parent) AS (
            SELECT id, parent FROM organisations WHERE id = $1
            UNION ALL
            SELECT o.id, o.parent FROM organisations o JOIN above ON o.id = above.parent
        )
        SELECT m.role FROM memberships m JOIN above ON above.id = m.organisation WHERE m.account = $2"
    )
    .bind(organisation.as_str())
    .bind(account.as_str())
    .fetch_all(c)
    .await)?;
    Ok(roles.iter().filter_map(|(role,)| Role::from_name(role)).max())
}

/// Whether `organisation` is `root` or lies below it.
///
/// # Errors
/// What the database says.
pub async fn is_within(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    root: &OrganisationId,
) -> Result<bool, DbError> {
    let found: Option<(i64,)> = on!(conn, |c| sqlx::query_as(
        "WITH RECURSIVE above (id, parent) AS (
            SELECT id, parent FROM organisations WHERE id = $1
            UNION ALL
            SELECT o.id, o.parent FROM organisations o JOIN above ON o.id = above.parent
        )
        SELECT COUNT(*) FROM above WHERE id = $2 HAVING COUNT(*) > 0"
    )
    .bind(organisation.as_str())
    .bind(root.as_str())
    .fetch_optional(c)
    .await)?;
    Ok(found.is_some())
}
