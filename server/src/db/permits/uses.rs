//! Which keys came by a permit. A key counts once; the count never passes what the permit allows, because the row that counts is
//! changed under that condition.

use gangway_protocol::device::{DeviceState, DeviceSummary};
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::{DeviceId, PermitId};
use gangway_protocol::time::UnixMillis;

use crate::db::{Conn, DbError, parsed, query, row};

/// The device whose key has come by a permit before.
///
/// # Errors
/// What the database says.
pub async fn who_came(
    conn: &mut Conn<'_>,
    permit: &PermitId,
    spki: &Sha256Hex,
) -> Result<Option<DeviceId>, DbError> {
    let found: Option<(String,)> =
        query("SELECT device FROM permit_uses WHERE permit = $1 AND spki_sha256 = $2")
            .bind(permit.as_str())
            .bind(spki.to_string())
            .fetch_optional(conn)
            .await?;
    found
        .map(|(device,)| parsed(&device, "permit_uses.device"))
        .transpose()
}

/// Counts a key, unless it was counted before. False when the permit lets nobody else in: it was revoked, its time is over, or it has
/// been used as often as it may be.
///
/// # Errors
/// What the database says.
pub async fn spend(
    conn: &mut Conn<'_>,
    permit: &PermitId,
    spki: &Sha256Hex,
    device: &DeviceId,
    now: UnixMillis,
) -> Result<bool, DbError> {
    // The row of the permit first: two keys at once wait for each other here, and the second sees what the first has counted.
    let stands = query(
        "UPDATE permits SET last_used_at = $2 WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)",
    )
    .bind(permit.as_str())
    .bind(now.0)
    .execute(conn)
    .await?;
    if stands == 0 {
        return Ok(false);
    }
    let first = query(
        "INSERT INTO permit_uses (permit, spki_sha256, device, at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (permit, spki_sha256) DO NOTHING",
    )
    .bind(permit.as_str())
    .bind(spki.to_string())
    .bind(device.as_str())
    .bind(now.0)
    .execute(conn)
    .await?;
    if first == 0 {
        return Ok(true);
    }
    let counted =
        query("UPDATE permits SET uses = uses + 1 WHERE id = $1 AND (max_uses IS NULL OR uses < max_uses)")
            .bind(permit.as_str())
            .execute(conn)
            .await?;
    Ok(counted > 0)
}

/// At most `limit` devices that came by a permit, in the order of their ids, behind `after`.
///
/// # Errors
/// What the database says.
pub async fn devices(
    conn: &mut Conn<'_>,
    permit: &PermitId,
    after: &str,
    limit: i64,
) -> Result<Vec<DeviceSummary>, DbError> {
    let rows: Vec<Row> = query(
        "SELECT d.id, d.name, d.state, d.state_since FROM permit_uses u JOIN devices d ON d.id = u.device
         WHERE u.permit = $1 AND u.device > $2 ORDER BY u.device LIMIT $3",
    )
    .bind(permit.as_str())
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let state = DeviceState::from_name(&row.state, UnixMillis(row.state_since));
            Ok(DeviceSummary {
                id: parsed(&row.id, "permit_uses.device")?,
                name: row.name,
                state: state.ok_or(DbError::Corrupt("devices.state"))?,
            })
        })
        .collect()
}

row! {
    struct Row {
        id: String,
        name: String,
        state: String,
        state_since: i64,
    }
}
