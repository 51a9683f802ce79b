//! Devices that go from one organisation to another: every row that names both, and where they have been.

use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::time::UnixMillis;

use super::{Conn, DbError, parsed, query};

/// Moves a device that is locked, with its keys, certificates, approvals and measurement feed.
///
/// # Errors
/// [`DbError::Unique`] where one of its keys is another device's in the new organisation.
pub async fn move_device(
    conn: &mut Conn<'_>,
    id: &DeviceId,
    from: &OrganisationId,
    to: &OrganisationId,
    at: UnixMillis,
) -> Result<(), DbError> {
    for statement in [
        "UPDATE device_keys SET organisation = $2 WHERE device = $1",
        "UPDATE certificates SET organisation = $2 WHERE device = $1",
        "UPDATE approvals SET organisation = $2 WHERE device = $1",
        "UPDATE held_certificates SET organisation = $2 WHERE device = $1 AND readmitted_at IS NULL",
        "UPDATE feeds SET organisation = $2 WHERE device = $1",
        "UPDATE presence SET organisation = $2 WHERE device = $1",
        "UPDATE devices SET organisation = $2 WHERE id = $1",
        "DELETE FROM former_homes WHERE device = $1 AND organisation = $2",
    ] {
        query(statement)
            .bind(id.as_str())
            .bind(to.as_str())
            .execute(conn)
            .await?;
    }
    query(
        "INSERT INTO former_homes (device, organisation, moved_at) VALUES ($1, $2, $3)
             ON CONFLICT (device, organisation) DO UPDATE SET moved_at = excluded.moved_at",
    )
    .bind(id.as_str())
    .bind(from.as_str())
    .bind(at.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Where a device has been before.
///
/// # Errors
/// What the database says.
pub async fn former_homes(conn: &mut Conn<'_>, id: &DeviceId) -> Result<Vec<OrganisationId>, DbError> {
    let rows: Vec<(String,)> =
        query("SELECT organisation FROM former_homes WHERE device = $1 ORDER BY organisation")
            .bind(id.as_str())
            .fetch_all(conn)
            .await?;
    rows.into_iter()
        .map(|(id,)| parsed(&id, "former_homes.organisation"))
        .collect()
}
