//! Organisations, and who holds which role in their tree.

pub mod customers;
pub mod tree;

use gangway_protocol::id::{AccountId, OrganisationId};
use gangway_protocol::organisation::{Organisation, Policy, Role};
use gangway_protocol::time::UnixMillis;

use super::locks::Lock;
use super::rules::policy_of;
use super::{Conn, DbError, Query, parsed, query, row};

/// Gives an organisation another name.
///
/// # Errors
/// What the database says.
pub async fn rename(conn: &mut Conn<'_>, id: &OrganisationId, name: &str) -> Result<(), DbError> {
    query("UPDATE organisations SET name = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(name)
        .execute(conn)
        .await?;
    Ok(())
}

/// Makes transactions whose rule spans several rows of an organisation (last owner, quotas) queue up: call it first.
///
/// # Errors
/// What the database says.
pub async fn bump_revision(conn: &mut Conn<'_>, id: &OrganisationId) -> Result<(), DbError> {
    conn.locking(Lock::Organisation(id.as_str()));
    query("UPDATE organisations SET revision = revision + 1 WHERE id = $1")
        .bind(id.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

/// As [`bump_revision`], of several in the order in which every transaction takes them.
///
/// # Errors
/// What the database says.
pub async fn bump_revisions(conn: &mut Conn<'_>, ids: &[&OrganisationId]) -> Result<(), DbError> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        bump_revision(conn, id).await?;
    }
    Ok(())
}

/// At most `limit` of the organisations in which an account holds a role, directly or from above, behind `after`; only
/// those within `root` where one is given. A parent that the account holds no role in is not named.
///
/// # Errors
/// What the database says.
pub async fn of_account(
    conn: &mut Conn<'_>,
    account: &AccountId,
    root: Option<&OrganisationId>,
    after: &str,
    limit: i64,
) -> Result<Vec<Organisation>, DbError> {
    let query = match root {
        None => query(OF_ACCOUNT).bind(account.as_str()),
        Some(root) => query(OF_ACCOUNT_WITHIN)
            .bind(account.as_str())
            .bind(root.as_str()),
    };
    let rows: Vec<OrganisationRow> = query.bind(after).bind(limit).fetch_all(conn).await?;
    rows.into_iter().map(Organisation::try_from).collect()
}

// The ranks are those of `Role`'s order; a greater role from above beats a lesser one below.
macro_rules! held {
    () => {
        "WITH RECURSIVE held (id, rank) AS (
            SELECT organisation, CAST(CASE role WHEN 'viewer' THEN 0 WHEN 'installer' THEN 1 WHEN 'operator' THEN 2
                                                WHEN 'admin' THEN 3 WHEN 'owner' THEN 4 END AS BIGINT)
            FROM memberships WHERE account = $1 AND suspended_at IS NULL
            UNION
            SELECT o.id, held.rank FROM organisations o JOIN held ON o.parent = held.id
        )"
    };
}
const OF_ACCOUNT: &str = concat!(
    held!(),
    "SELECT o.id, CASE WHEN o.parent IN (SELECT held.id FROM held) THEN o.parent END AS parent, o.name, o.policy,
         o.archived_at, MAX(held.rank) AS rank
     FROM held JOIN organisations o ON o.id = held.id
     WHERE o.id > $2 GROUP BY o.id, o.parent, o.name, o.policy, o.archived_at ORDER BY o.id LIMIT $3"
);
const OF_ACCOUNT_WITHIN: &str = concat!(
    held!(),
    ", within (id) AS (
         SELECT id FROM organisations WHERE id = $2
         UNION
         SELECT o.id FROM organisations o JOIN within ON o.parent = within.id
     )
     SELECT o.id, CASE WHEN o.parent IN (SELECT held.id FROM held JOIN within ON within.id = held.id)
                       THEN o.parent END AS parent, o.name, o.policy, o.archived_at, MAX(held.rank) AS rank
     FROM held JOIN organisations o ON o.id = held.id
     WHERE o.id > $3 AND o.id IN (SELECT id FROM within)
     GROUP BY o.id, o.parent, o.name, o.policy, o.archived_at ORDER BY o.id LIMIT $4"
);

/// The greatest role that `account` holds at `organisation` or above it.
///
/// # Errors
/// What the database says.
pub async fn role_at(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    account: &AccountId,
) -> Result<Option<Role>, DbError> {
    Ok(roles_at(conn, organisation, account).await?.into_iter().max())
}

/// Every role that `account` holds at `organisation` or above it. A lesser one may give what the greatest does not.
///
/// # Errors
/// What the database says.
pub async fn roles_at(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    account: &AccountId,
) -> Result<Vec<Role>, DbError> {
    let asked = query(role_above!())
        .bind(organisation.as_str())
        .bind(account.as_str());
    roles_of(conn, asked).await
}

/// As [`roles_at`], if `organisation` is `root` or lies below it; otherwise none.
///
/// # Errors
/// What the database says.
pub async fn roles_within(
    conn: &mut Conn<'_>,
    root: &OrganisationId,
    organisation: &OrganisationId,
    account: &AccountId,
) -> Result<Vec<Role>, DbError> {
    let asked = query(concat!(
        role_above!(),
        " AND EXISTS (SELECT 1 FROM above WHERE above.id = $3)"
    ))
    .bind(organisation.as_str())
    .bind(account.as_str())
    .bind(root.as_str());
    roles_of(conn, asked).await
}

/// As [`roles_at`], of those that count for somebody who signed in by a passkey: where single sign-on is required, an owner's
/// (threat model, SSO-9).
///
/// # Errors
/// What the database says.
pub async fn roles_by_passkey(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    account: &AccountId,
) -> Result<Vec<Role>, DbError> {
    let asked = query(concat!(role_above!(), " AND ", counts_by_passkey!()))
        .bind(organisation.as_str())
        .bind(account.as_str());
    roles_of(conn, asked).await
}

/// As [`roles_within`], of those that count for a token: a person's rests on a passkey, a service's on nothing else.
///
/// # Errors
/// What the database says.
pub async fn roles_by_token(
    conn: &mut Conn<'_>,
    root: &OrganisationId,
    organisation: &OrganisationId,
    account: &AccountId,
) -> Result<Vec<Role>, DbError> {
    let asked = query(concat!(
        role_above!(),
        " AND EXISTS (SELECT 1 FROM above WHERE above.id = $3) AND (",
        counts_by_passkey!(),
        " OR EXISTS (SELECT 1 FROM accounts a WHERE a.id = $2 AND a.kind = 'service'))"
    ))
    .bind(organisation.as_str())
    .bind(account.as_str())
    .bind(root.as_str());
    roles_of(conn, asked).await
}

async fn roles_of(conn: &mut Conn<'_>, asked: Query) -> Result<Vec<Role>, DbError> {
    let roles: Vec<(String,)> = asked.fetch_all(conn).await?;
    Ok(roles.iter().filter_map(|(role,)| Role::from_name(role)).collect())
}

/// The roles of account `$2` at organisation `$1` and above it.
macro_rules! role_above {
    () => {
        "WITH RECURSIVE above (id, parent) AS (
            SELECT id, parent FROM organisations WHERE id = $1
            UNION ALL
            SELECT o.id, o.parent FROM organisations o JOIN above ON o.id = above.parent
        )
        SELECT m.role FROM memberships m JOIN above ON above.id = m.organisation
            WHERE m.account = $2 AND m.suspended_at IS NULL"
    };
}
use role_above;

/// Whether a role `m.role` at organisation `$1` counts for somebody who signed in by a passkey.
macro_rules! counts_by_passkey {
    () => {
        "(m.role = 'owner' OR NOT EXISTS (SELECT 1 FROM organisations s WHERE s.id = $1 AND s.single_sign_on))"
    };
}
use counts_by_passkey;

row! {
    struct OrganisationRow {
        id: String,
        parent: Option<String>,
        name: String,
        policy: String,
        archived_at: Option<i64>,
        rank: i64,
    }
}

impl TryFrom<OrganisationRow> for Organisation {
    type Error = DbError;

    fn try_from(row: OrganisationRow) -> Result<Self, DbError> {
        const RANKS: [Role; 5] = [
            Role::Viewer,
            Role::Installer,
            Role::Operator,
            Role::Admin,
            Role::Owner,
        ];
        let role = usize::try_from(row.rank)
            .ok()
            .and_then(|rank| RANKS.get(rank).copied());
        Ok(Self {
            id: parsed(&row.id, "organisations.id")?,
            parent: row
                .parent
                .map(|id| parsed(&id, "organisations.parent"))
                .transpose()?,
            name: row.name,
            role: role.ok_or(DbError::Corrupt("memberships.role"))?,
            policy: policy_of(&row.policy)?,
            archived_at: row.archived_at.map(UnixMillis),
        })
    }
}

pub(super) fn policy_text(policy: &Policy) -> Result<String, DbError> {
    serde_json::to_string(policy).map_err(|_| DbError::Corrupt("organisations.policy"))
}
