//! Who is online: written in batches by the relay, into a narrow table that only it writes; and the exclusions that another
//! process has recorded.

use std::collections::HashMap;

use gangway_protocol::certificate::RevocationReason;
use gangway_protocol::device::{OfflineReason, Presence};
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::time::UnixMillis;

use super::fleet::ONLINE;
use super::many::execute_many;
use super::query::texts;
use super::{Conn, DbError, Value, parsed, query, query_of_each, row};

/// Sets the presence of these devices. Each occurs once.
///
/// # Errors
/// What the database says.
pub async fn put(conn: &mut Conn<'_>, changes: &[(DeviceId, Presence)]) -> Result<(), DbError> {
    let rows = changes.iter().map(|(device, presence)| columns(device, presence));
    execute_many(conn, PUT_ONE, PUT_ALL, rows.collect()).await
}

const PUT_ONE: &str =
    "UPDATE presence SET online_since = $2, last_seen_at = $3, offline_reason = $4, recency = $5
    WHERE device = $1";
const PUT_ALL: &str = "UPDATE presence SET online_since = v.online_since, last_seen_at = v.last_seen_at,
        offline_reason = v.offline_reason, recency = v.recency
    FROM UNNEST($1::TEXT[], $2::BIGINT[], $3::BIGINT[], $4::TEXT[], $5::BIGINT[])
        AS v (device, online_since, last_seen_at, offline_reason, recency)
    WHERE presence.device = v.device";

fn columns(device: &DeviceId, presence: &Presence) -> [Value; 5] {
    let (online_since, last_seen_at, reason, recency) = match presence {
        Presence::Online { since } => (Some(since.0), since.0, None, ONLINE + since.0),
        Presence::Offline { last_seen_at, reason } => {
            (None, last_seen_at.0, Some(reason.as_str()), last_seen_at.0)
        }
        Presence::Never => (None, 0, None, 0),
    };
    [
        device.as_str().into(),
        online_since.into(),
        last_seen_at.into(),
        reason.into(),
        recency.into(),
    ]
}

/// The organisations of these devices.
///
/// # Errors
/// What the database says.
pub async fn homes(
    conn: &mut Conn<'_>,
    devices: &[DeviceId],
) -> Result<HashMap<DeviceId, OrganisationId>, DbError> {
    let rows: Vec<(String, String)> = query_of_each(
        "SELECT device, organisation FROM presence WHERE device IN (SELECT value FROM json_each($1))",
        "SELECT device, organisation FROM presence WHERE device = ANY($1)",
    )
    .bind(texts(devices))
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(device, organisation)| {
            Ok((
                parsed(&device, "presence.device")?,
                parsed(&organisation, "presence.organisation")?,
            ))
        })
        .collect()
}

/// Sets offline whoever a dead process has left online. Nobody knows when it died: the last sign of life was the session's
/// beginning, or `alive_at` where that is later.
///
/// # Errors
/// What the database says.
pub async fn reset(conn: &mut Conn<'_>, alive_at: UnixMillis) -> Result<u64, DbError> {
    let sql = "UPDATE presence SET last_seen_at = CASE WHEN online_since > $1 THEN online_since ELSE $1 END, \
               recency = CASE WHEN online_since > $1 THEN online_since ELSE $1 END, \
               offline_reason = $2, online_since = NULL WHERE online_since IS NOT NULL";
    query(sql)
        .bind(alive_at.0)
        .bind(OfflineReason::ServerStopped.as_str())
        .execute(conn)
        .await
}

/// Notes that this server is alive, for [`reset`] after its death.
///
/// # Errors
/// What the database says.
pub async fn note_alive(conn: &mut Conn<'_>, now: UnixMillis) -> Result<(), DbError> {
    super::settings::put(conn, ALIVE_AT, &now.0.to_string()).await
}

/// When a server was last known to be alive.
///
/// # Errors
/// What the database says.
pub async fn alive_at(conn: &mut Conn<'_>) -> Result<UnixMillis, DbError> {
    let text = super::settings::get(conn, ALIVE_AT).await?;
    let millis = text.map_or(Ok(0), |text| text.parse());
    millis
        .map(UnixMillis)
        .map_err(|_| DbError::Corrupt("settings.alive_at"))
}

const ALIVE_AT: &str = "alive_at";

/// A certificate on which no session may run any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excluded {
    /// Its device.
    pub device: DeviceId,
    /// The certificate.
    pub certificate: Sha256Hex,
    /// Why.
    pub why: Why,
}

/// Why a certificate excludes its device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The device is suspended, or the certificate on hold.
    Suspended,
    /// The device is retired; its key is not revoked.
    Retired,
    /// The certificate is revoked.
    Revoked(RevocationReason),
}

row! {
    struct Row {
        device: String,
        sha256: String,
        revocation_reason: Option<String>,
        state: String,
        refused_at: Option<i64>,
    }
}

/// Certificates that were revoked or put on hold since an instant, whichever process did it. Suspending or retiring a
/// device does that to all of its certificates.
///
/// # Errors
/// What the database says.
pub async fn excluded_since(conn: &mut Conn<'_>, since: UnixMillis) -> Result<Vec<Excluded>, DbError> {
    let sql = "SELECT c.device, c.sha256, c.revocation_reason, d.state, k.refused_at FROM certificates c \
               JOIN devices d ON d.id = c.device \
               LEFT JOIN device_keys k ON k.organisation = c.organisation AND k.spki_sha256 = c.spki_sha256 \
               WHERE c.revoked_at IS NOT NULL AND c.revoked_at >= $1";
    let rows: Vec<Row> = query(sql).bind(since.0).fetch_all(conn).await?;
    rows.into_iter()
        .map(|row| {
            let reason = RevocationReason::from_name(row.revocation_reason.as_deref().unwrap_or_default());
            Ok(Excluded {
                device: parsed(&row.device, "certificates.device")?,
                certificate: parsed(&row.sha256, "certificates.sha256")?,
                // As a new session would be refused.
                why: match (row.state.as_str(), reason) {
                    ("suspended", _) | (_, RevocationReason::CertificateHold) => Why::Suspended,
                    ("retired", _) if row.refused_at.is_none() => Why::Retired,
                    _ => Why::Revoked(reason),
                },
            })
        })
        .collect()
}
