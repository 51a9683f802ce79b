//! Revocation of certificates. Every function here that revokes also tells the issuers that their lists have news.

use gangway_protocol::certificate::RevocationReason;
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::{DeviceId, IssuerId, OrganisationId};
use gangway_protocol::time::UnixMillis;

use super::{Conn, DbError};
use crate::db::query::texts;
use crate::db::{Query, issuers, parsed, query, query_of_each};

/// Why, and from when on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// Now.
    pub at: UnixMillis,
    /// Why.
    pub reason: RevocationReason,
}

/// A revoked certificate, as a list names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokedSerial {
    /// Serial number, hex.
    pub serial: String,
    /// When.
    pub at: UnixMillis,
    /// Why.
    pub reason: RevocationReason,
}

/// Revokes every certificate of these devices; one on hold is revoked for good. Returns how many.
///
/// # Errors
/// What the database says.
pub async fn revoke_of_devices(
    conn: &mut Conn<'_>,
    devices: &[DeviceId],
    revoked: Revoked,
) -> Result<usize, DbError> {
    let issuers: Vec<(Option<String>,)> = query_of_each(
        "UPDATE certificates SET revoked_at = $2, revocation_reason = $3
         WHERE device IN (SELECT value FROM json_each($1))
             AND (revoked_at IS NULL OR revocation_reason = 'certificate_hold') RETURNING issuer",
        "UPDATE certificates SET revoked_at = $2, revocation_reason = $3
         WHERE device = ANY($1)
             AND (revoked_at IS NULL OR revocation_reason = 'certificate_hold') RETURNING issuer",
    )
    .bind(texts(devices))
    .bind(revoked.at.0)
    .bind(revoked.reason.as_str())
    .fetch_all(conn)
    .await?;
    touch(conn, issuers).await
}

/// Revokes every certificate of a key in an organisation. Returns how many.
///
/// # Errors
/// What the database says.
pub async fn revoke_of_key(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    spki: &Sha256Hex,
    revoked: Revoked,
) -> Result<usize, DbError> {
    let sql = "UPDATE certificates SET revoked_at = $3, revocation_reason = $4
         WHERE organisation = $1 AND spki_sha256 = $2
             AND (revoked_at IS NULL OR revocation_reason = 'certificate_hold')
         RETURNING issuer";
    let issuers: Vec<(Option<String>,)> = by_key(sql, organisation, spki, revoked).fetch_all(conn).await?;
    touch(conn, issuers).await
}

/// Revokes one certificate; false when it was revoked before.
///
/// # Errors
/// What the database says.
pub async fn revoke_one(conn: &mut Conn<'_>, sha256: &Sha256Hex, revoked: Revoked) -> Result<bool, DbError> {
    let issuers: Vec<(Option<String>,)> = query(
        "UPDATE certificates SET revoked_at = $2, revocation_reason = $3
         WHERE sha256 = $1 AND (revoked_at IS NULL OR revocation_reason = 'certificate_hold') RETURNING issuer"
    )
    .bind(sha256.to_string())
    .bind(revoked.at.0)
    .bind(revoked.reason.as_str())
    .fetch_all(conn)
    .await?;
    Ok(touch(conn, issuers).await? > 0)
}

/// Puts every certificate of a device on hold. Returns how many.
///
/// # Errors
/// What the database says.
pub async fn hold_of_device(
    conn: &mut Conn<'_>,
    device: &DeviceId,
    at: UnixMillis,
) -> Result<usize, DbError> {
    let issuers: Vec<(Option<String>,)> = query(
        "UPDATE certificates SET revoked_at = $2, revocation_reason = 'certificate_hold'
         WHERE device = $1 AND revoked_at IS NULL RETURNING issuer",
    )
    .bind(device.as_str())
    .bind(at.0)
    .fetch_all(conn)
    .await?;
    touch(conn, issuers).await
}

/// Takes every certificate of a device off hold. Returns how many.
///
/// # Errors
/// What the database says.
pub async fn release_of_device(conn: &mut Conn<'_>, device: &DeviceId) -> Result<usize, DbError> {
    let issuers: Vec<(Option<String>,)> = query(
        "UPDATE certificates SET revoked_at = NULL, revocation_reason = NULL
         WHERE device = $1 AND revocation_reason = 'certificate_hold' RETURNING issuer",
    )
    .bind(device.as_str())
    .fetch_all(conn)
    .await?;
    touch(conn, issuers).await
}

/// What the first proof of a certificate puts on the lists.
#[derive(Clone, Copy, Debug)]
pub struct Displaced<'a> {
    /// The key that was proved.
    pub spki: &'a Sha256Hex,
    /// Devices of other organisations that have this key as well; they are locked. What was issued to them for it and no
    /// session has proved ends.
    pub rivals: &'a [DeviceId],
    /// The device, where its superseded certificates are to be named too.
    pub superseded_of: Option<&'a DeviceId>,
}

/// Revokes what a first proof displaces. Returns the rivals that lost something.
///
/// # Errors
/// What the database says.
pub async fn revoke_displaced(
    conn: &mut Conn<'_>,
    displaced: Displaced<'_>,
    at: UnixMillis,
) -> Result<Vec<DeviceId>, DbError> {
    let superseded = RevocationReason::Superseded.as_str();
    let mut changed: Vec<(Option<String>,)> = Vec::new();
    if let Some(device) = displaced.superseded_of {
        let own = query(REVOKE_SUPERSEDED)
            .bind(device.as_str())
            .bind(at.0)
            .bind(superseded);
        changed.extend(own.fetch_all::<(Option<String>,)>(conn).await?);
    }
    let mut losers = Vec::new();
    for rival in displaced.rivals {
        let lost = query(REVOKE_UNPROVEN_OF_KEY)
            .bind(rival.as_str())
            .bind(displaced.spki.to_string())
            .bind(at.0)
            .bind(superseded);
        let lost: Vec<(Option<String>,)> = lost.fetch_all(conn).await?;
        if !lost.is_empty() {
            losers.push(rival.clone());
        }
        changed.extend(lost);
    }
    touch(conn, changed).await?;
    Ok(losers)
}

pub(in crate::db) const REVOKE_SUPERSEDED: &str = "UPDATE certificates
    SET revoked_at = $2, revocation_reason = $3
    WHERE device = $1 AND superseded_at IS NOT NULL AND grace_until IS NULL AND revoked_at IS NULL
    RETURNING issuer";

pub(in crate::db) const REVOKE_UNPROVEN_OF_KEY: &str = "UPDATE certificates
    SET revoked_at = $3, revocation_reason = $4
    WHERE device = $1 AND spki_sha256 = $2 AND proven_at IS NULL AND revoked_at IS NULL
    RETURNING issuer";

/// The revoked certificates of an issuer, of devices and of plgd's clients, that a list made now has to name: those that expired before `expired_before`
/// have been on one for long enough (RFC 5280 §3.3: until one regularly scheduled list beyond the expiry).
///
/// # Errors
/// What the database says.
pub async fn revoked(
    conn: &mut Conn<'_>,
    issuer: &IssuerId,
    expired_before: UnixMillis,
) -> Result<Vec<RevokedSerial>, DbError> {
    let rows: Vec<(String, i64, Option<String>)> = query(
        "SELECT serial, revoked_at, revocation_reason FROM certificates
         WHERE issuer = $1 AND revoked_at IS NOT NULL AND not_after >= $2
         UNION ALL
         SELECT serial, revoked_at, revocation_reason FROM plgd_certificates
         WHERE issuer = $1 AND revoked_at IS NOT NULL AND not_after >= $2
         ORDER BY revoked_at, serial",
    )
    .bind(issuer.as_str())
    .bind(expired_before.0)
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(serial, at, reason)| RevokedSerial {
            serial,
            at: UnixMillis(at),
            reason: reason
                .as_deref()
                .map_or(RevocationReason::Unspecified, RevocationReason::from_name),
        })
        .collect())
}

/// A revocation by key: `$1` the organisation, `$2` the key, `$3` the instant, `$4` the reason.
fn by_key(sql: &'static str, organisation: &OrganisationId, spki: &Sha256Hex, revoked: Revoked) -> Query {
    query(sql)
        .bind(organisation.as_str())
        .bind(spki.to_string())
        .bind(revoked.at.0)
        .bind(revoked.reason.as_str())
}

/// Tells the issuers of changed certificates, each once; what others have signed is on none of our lists. Returns how many
/// certificates changed.
async fn touch(conn: &mut Conn<'_>, changed: Vec<(Option<String>,)>) -> Result<usize, DbError> {
    let count = changed.len();
    let mut ids: Vec<String> = changed.into_iter().filter_map(|(id,)| id).collect();
    // In one order, so that two transactions that touch several issuers cannot wait for each other.
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        let id = parsed(&id, "certificates.issuer")?;
        issuers::touch(conn, &id).await?;
    }
    Ok(count)
}
