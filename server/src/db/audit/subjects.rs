//! What the entries of a page speak of, as it is called at present, and what confirmed them: one query for each kind.

use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::time::UnixMillis;

use crate::db::query::texts;
use crate::db::{Conn, DbError, parsed, query_of_each};

/// Something with a name, and the organisation in which that may be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub organisation: OrganisationId,
}

macro_rules! named {
    ($table:literal, $organisation:literal) => {
        query_of_each(
            concat!(
                "SELECT id, name, ",
                $organisation,
                " FROM ",
                $table,
                " WHERE id IN (SELECT value FROM json_each($1))"
            ),
            concat!(
                "SELECT id, name, ",
                $organisation,
                " FROM ",
                $table,
                " WHERE id = ANY($1)"
            ),
        )
    };
}

/// Devices of these ids.
///
/// # Errors
/// What the database says.
pub async fn devices_named(conn: &mut Conn<'_>, ids: &[&str]) -> Result<Vec<Named>, DbError> {
    let rows = named!("devices", "organisation")
        .bind(texts(ids))
        .fetch_all(conn)
        .await?;
    all_named(rows)
}

/// Organisations of these ids.
///
/// # Errors
/// What the database says.
pub async fn organisations_named(conn: &mut Conn<'_>, ids: &[&str]) -> Result<Vec<Named>, DbError> {
    let rows = named!("organisations", "id")
        .bind(texts(ids))
        .fetch_all(conn)
        .await?;
    all_named(rows)
}

/// Signers of these ids.
///
/// # Errors
/// What the database says.
pub async fn signers_named(conn: &mut Conn<'_>, ids: &[&str]) -> Result<Vec<Named>, DbError> {
    let rows = named!("signers", "organisation")
        .bind(texts(ids))
        .fetch_all(conn)
        .await?;
    all_named(rows)
}

/// Accounts of these ids, once for each organisation of which they are members.
///
/// # Errors
/// What the database says.
pub async fn members_named(conn: &mut Conn<'_>, ids: &[&str]) -> Result<Vec<Named>, DbError> {
    let rows = query_of_each(
        "SELECT a.id, a.name, m.organisation FROM accounts a JOIN memberships m ON m.account = a.id
         WHERE a.id IN (SELECT value FROM json_each($1))",
        "SELECT a.id, a.name, m.organisation FROM accounts a JOIN memberships m ON m.account = a.id WHERE a.id = ANY($1)",
    )
    .bind(texts(ids))
    .fetch_all(conn)
    .await?;
    all_named(rows)
}

fn all_named(rows: Vec<(String, String, String)>) -> Result<Vec<Named>, DbError> {
    rows.into_iter()
        .map(|(id, name, organisation)| {
            Ok(Named {
                id,
                name,
                organisation: parsed(&organisation, "organisation")?,
            })
        })
        .collect()
}

/// What an approval rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    /// The approved device.
    pub device: DeviceId,
    /// When it was approved, as the entry says.
    pub at: UnixMillis,
    /// The passkey assertion (JSON), or the id of the token that stood in its place.
    pub proof: String,
}

/// What the approvals of these devices rest on.
///
/// # Errors
/// What the database says.
pub async fn grounds(conn: &mut Conn<'_>, devices: &[&str]) -> Result<Vec<Ground>, DbError> {
    let rows: Vec<(String, i64, String)> = query_of_each(
        "SELECT device, approved_at, proof FROM approvals WHERE device IN (SELECT value FROM json_each($1))",
        "SELECT device, approved_at, proof FROM approvals WHERE device = ANY($1)",
    )
    .bind(texts(devices))
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(device, at, proof)| {
            Ok(Ground {
                device: parsed(&device, "approvals.device")?,
                at: UnixMillis(at),
                proof,
            })
        })
        .collect()
}

/// Credential id and name of the passkeys with these credential ids.
///
/// # Errors
/// What the database says.
pub async fn passkeys_named(
    conn: &mut Conn<'_>,
    credential_ids: &[&str],
) -> Result<Vec<(String, String)>, DbError> {
    query_of_each(
        "SELECT credential_id, name FROM passkeys WHERE credential_id IN (SELECT value FROM json_each($1))",
        "SELECT credential_id, name FROM passkeys WHERE credential_id = ANY($1)",
    )
    .bind(texts(credential_ids))
    .fetch_all(conn)
    .await
}
