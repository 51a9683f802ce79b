//! What holds in organisations: name and policy of one, and all that an account reaches.

use std::collections::BTreeMap;

use gangway_protocol::id::{AccountId, DeviceId, OrganisationId};
use gangway_protocol::organisation::{Policy, Role};

use super::{Conn, DbError, parsed, query};

/// An organisation's name and rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Its name.
    pub name: String,
    /// Its policy.
    pub policy: Policy,
}

/// Name and rules of an organisation.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn<'_>, organisation: &OrganisationId) -> Result<Option<Rules>, DbError> {
    let row: Option<(String, String)> = query("SELECT name, policy FROM organisations WHERE id = $1")
        .bind(organisation.as_str())
        .fetch_optional(conn)
        .await?;
    row.map(|(name, policy)| {
        let policy = policy_of(&policy)?;
        Ok(Rules { name, policy })
    })
    .transpose()
}

/// The customer of a device, which its certificates name: it stays when the device is moved. And its organisation's policy.
///
/// # Errors
/// What the database says.
pub async fn of_device(
    conn: &mut Conn<'_>,
    device: &DeviceId,
) -> Result<Option<(OrganisationId, Policy)>, DbError> {
    let row: Option<(String, String)> = query(
        "SELECT COALESCE(o.root, o.id), o.policy FROM devices d JOIN organisations o ON o.id = d.organisation WHERE d.id = $1",
    )
    .bind(device.as_str())
    .fetch_optional(conn)
    .await?;
    row.map(|(id, policy)| Ok((parsed(&id, "organisations.root")?, policy_of(&policy)?)))
        .transpose()
}

/// A policy as its column holds it.
pub(super) fn policy_of(text: &str) -> Result<Policy, DbError> {
    serde_json::from_str(text).map_err(|_| DbError::Corrupt("organisations.policy"))
}

/// Every organisation in which an account holds a role, there or above, with each of these.
///
/// # Errors
/// What the database says.
pub async fn reach(
    conn: &mut Conn<'_>,
    account: &AccountId,
) -> Result<BTreeMap<OrganisationId, Vec<Role>>, DbError> {
    let rows: Vec<(String, String)> = query(
        "WITH RECURSIVE reach (id, role) AS (
            SELECT organisation, role FROM memberships WHERE account = $1 AND suspended_at IS NULL
            UNION
            SELECT o.id, r.role FROM organisations o JOIN reach r ON o.parent = r.id
        )
        SELECT id, role FROM reach",
    )
    .bind(account.as_str())
    .fetch_all(conn)
    .await?;
    let mut reach = BTreeMap::new();
    for (id, role) in rows {
        let id = parsed(&id, "memberships.organisation")?;
        let role = Role::from_name(&role).ok_or(DbError::Corrupt("memberships.role"))?;
        reach.entry(id).or_insert_with(Vec::new).push(role);
    }
    Ok(reach)
}

/// The name of an account.
///
/// # Errors
/// What the database says.
pub async fn account_name(conn: &mut Conn<'_>, account: &AccountId) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = query("SELECT name FROM accounts WHERE id = $1")
        .bind(account.as_str())
        .fetch_optional(conn)
        .await?;
    Ok(row.map(|(name,)| name))
}
