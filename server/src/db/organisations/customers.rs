//! Customers: the roots of the trees of organisations.

use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::Policy;
use gangway_protocol::time::UnixMillis;

use super::policy_text;
use crate::db::{Conn, DbError, parsed, query, row};

/// A customer, as its operator sees it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Customer {
    /// Its id, which is that of its root organisation.
    pub id: OrganisationId,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created_at: UnixMillis,
    /// Its organisations, itself among them.
    pub organisations: u64,
    /// Its devices but the retired ones.
    pub devices: u64,
    /// How many it may have; `None`: as many as it likes.
    pub device_quota: Option<u64>,
}

/// Makes a customer with the default policy. Give it its signers in the same transaction.
///
/// # Errors
/// What the database says.
pub async fn insert(
    conn: &mut Conn<'_>,
    id: &OrganisationId,
    name: &str,
    device_quota: Option<u32>,
    now: UnixMillis,
) -> Result<(), DbError> {
    query(
        "INSERT INTO organisations (id, name, policy, device_quota, created_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(id.as_str())
    .bind(name)
    .bind(policy_text(&Policy::default())?)
    .bind(device_quota.map(i64::from))
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// The oldest customer.
///
/// # Errors
/// What the database says.
pub async fn first(conn: &mut Conn<'_>) -> Result<Option<OrganisationId>, DbError> {
    let row: Option<(String,)> =
        query("SELECT id FROM organisations WHERE parent IS NULL ORDER BY id LIMIT 1")
            .fetch_optional(conn)
            .await?;
    row.map(|(id,)| parsed(&id, "organisations.id")).transpose()
}

/// When the customer was made that is the `nth` newest, from 1.
///
/// # Errors
/// What the database says.
pub async fn nth_newest(conn: &mut Conn<'_>, nth: u32) -> Result<Option<UnixMillis>, DbError> {
    let row: Option<(i64,)> = query(
        "SELECT created_at FROM organisations WHERE parent IS NULL ORDER BY created_at DESC LIMIT 1 OFFSET $1",
    )
    .bind(i64::from(nth) - 1)
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|(at,)| UnixMillis(at)))
}

/// The customer of an organisation and how many devices it may have, unless that is as many as it likes.
///
/// # Errors
/// What the database says.
pub async fn quota(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
) -> Result<Option<(OrganisationId, u64)>, DbError> {
    let row: Option<(String, i64)> = query(
        "SELECT c.id, c.device_quota FROM organisations o JOIN organisations c ON c.id = COALESCE(o.root, o.id)
         WHERE o.id = $1 AND c.device_quota IS NOT NULL",
    )
    .bind(organisation.as_str())
    .fetch_optional(conn)
    .await?;
    row.map(|(id, most)| Ok((parsed(&id, "organisations.id")?, most.unsigned_abs())))
        .transpose()
}

/// How many devices a customer has, retired ones not counted.
///
/// # Errors
/// What the database says.
pub async fn count_devices(conn: &mut Conn<'_>, customer: &OrganisationId) -> Result<u64, DbError> {
    let (count,): (i64,) = query(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM organisations o JOIN devices d ON d.organisation = o.id
         WHERE (o.id = $1 OR o.root = $1) AND d.state <> 'retired'",
    )
    .bind(customer.as_str())
    .fetch_one(conn)
    .await?;
    Ok(count.unsigned_abs())
}

/// Says how many devices a customer may have; `false`: there is no such customer.
///
/// # Errors
/// What the database says.
pub async fn set_device_quota(
    conn: &mut Conn<'_>,
    customer: &OrganisationId,
    quota: Option<u32>,
) -> Result<bool, DbError> {
    let rows = query("UPDATE organisations SET device_quota = $2 WHERE id = $1 AND parent IS NULL")
        .bind(customer.as_str())
        .bind(quota.map(i64::from))
        .execute(conn)
        .await?;
    Ok(rows > 0)
}

/// At most `limit` customers behind `after`, in the order of their ids.
///
/// # Errors
/// What the database says.
pub async fn list(conn: &mut Conn<'_>, after: &str, limit: i64) -> Result<Vec<Customer>, DbError> {
    let rows: Vec<CustomerRow> = query(
        "SELECT c.id, c.name, c.created_at, c.device_quota,
             (SELECT CAST(COUNT(*) AS BIGINT) FROM organisations o WHERE o.root = c.id) AS below,
             (SELECT CAST(COUNT(*) AS BIGINT) FROM organisations o JOIN devices d ON d.organisation = o.id
              WHERE (o.id = c.id OR o.root = c.id) AND d.state <> 'retired') AS devices
         FROM organisations c WHERE c.parent IS NULL AND c.id > $1 ORDER BY c.id LIMIT $2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Customer::try_from).collect()
}

row! {
    struct CustomerRow {
        id: String,
        name: String,
        created_at: i64,
        device_quota: Option<i64>,
        below: i64,
        devices: i64,
    }
}

impl TryFrom<CustomerRow> for Customer {
    type Error = DbError;

    fn try_from(row: CustomerRow) -> Result<Self, DbError> {
        Ok(Self {
            id: parsed(&row.id, "organisations.id")?,
            name: row.name,
            created_at: UnixMillis(row.created_at),
            organisations: row.below.unsigned_abs() + 1,
            devices: row.devices.unsigned_abs(),
            device_quota: row.device_quota.map(i64::unsigned_abs),
        })
    }
}
