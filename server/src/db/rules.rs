//! What holds in organisations: name and policy of one, and all that an account reaches.

use std::collections::{BTreeMap, HashSet};

use gangway_protocol::id::{AccountId, DeviceId, OrganisationId};
use gangway_protocol::organisation::{Policy, Role};

use super::fleet::Fleets;
use super::organisations::tree;
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

/// Every organisation in which an account holds a role, there or above, with each of these. Where single sign-on is required, a
/// sign-in `by_passkey` has an owner's alone; so has a token, except a service's.
///
/// # Errors
/// What the database says.
pub async fn reach(
    conn: &mut Conn<'_>,
    account: &AccountId,
    by_passkey: bool,
) -> Result<BTreeMap<OrganisationId, Vec<Role>>, DbError> {
    let rows: Vec<(String, String)> = query(
        "WITH RECURSIVE reach (id, role) AS (
            SELECT m.organisation, m.role FROM memberships m JOIN organisations o ON o.id = m.organisation
            WHERE m.account = $1 AND m.suspended_at IS NULL
                AND (NOT $2 OR m.role = 'owner' OR NOT o.single_sign_on
                     OR EXISTS (SELECT 1 FROM accounts a WHERE a.id = $1 AND a.kind = 'service'))
            UNION
            SELECT o.id, r.role FROM organisations o JOIN reach r ON o.parent = r.id
        )
        SELECT id, role FROM reach",
    )
    .bind(account.as_str())
    .bind(by_passkey)
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

/// The fleets that an account may see: customers by a role at their root, and organisations by roles below. See [`reach`] for
/// `by_passkey`.
///
/// # Errors
/// What the database says.
pub async fn fleets(conn: &mut Conn<'_>, account: &AccountId, by_passkey: bool) -> Result<Fleets, DbError> {
    let rows: Vec<(String, String, bool)> = query(
        "WITH RECURSIVE seen (id, customer, is_customer) AS (
            SELECT o.id, COALESCE(o.root, o.id), o.parent IS NULL FROM memberships m JOIN organisations o ON o.id = m.organisation
            WHERE m.account = $1 AND m.suspended_at IS NULL AND m.role <> 'installer'
                AND (NOT $2 OR m.role = 'owner' OR NOT o.single_sign_on
                     OR EXISTS (SELECT 1 FROM accounts a WHERE a.id = $1 AND a.kind = 'service'))
            UNION
            SELECT o.id, s.customer, FALSE FROM organisations o JOIN seen s ON o.parent = s.id WHERE NOT s.is_customer
        )
        SELECT id, customer, is_customer FROM seen ORDER BY id",
    )
    .bind(account.as_str())
    .bind(by_passkey)
    .fetch_all(conn)
    .await?;
    let mut fleets = Fleets::default();
    let mut parts = Vec::new();
    for (id, customer, is_customer) in rows {
        let id: OrganisationId = parsed(&id, "memberships.organisation")?;
        if is_customer {
            fleets.customers.push(id);
        } else {
            parts.push((id, customer));
        }
    }
    // Whoever sees all of a customer may have a role below as well.
    let whole: HashSet<&str> = fleets.customers.iter().map(OrganisationId::as_str).collect();
    parts.retain(|(_, customer)| !whole.contains(customer.as_str()));
    fleets.organisations = parts.into_iter().map(|(id, _)| id).collect();
    Ok(fleets)
}

/// The fleets of an organisation and everything below it.
///
/// # Errors
/// What the database says.
pub async fn fleets_below(conn: &mut Conn<'_>, organisation: &OrganisationId) -> Result<Fleets, DbError> {
    let place = tree::find(conn, organisation).await?.ok_or(DbError::Missing)?;
    Ok(if place.parent.is_none() {
        Fleets {
            customers: vec![place.id],
            organisations: Vec::new(),
        }
    } else {
        Fleets {
            customers: Vec::new(),
            organisations: tree::subtree(conn, organisation).await?,
        }
    })
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
