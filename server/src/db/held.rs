//! Held certificates: signed by our CA, unknown to our records, waiting for an operator to readmit them.

use gangway_protocol::certificate::HeldCertificate;
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::time::UnixMillis;

use super::{Conn, DbError, parsed, query, row};

/// Notes a held certificate with its PEM. True when it is the first time.
///
/// # Errors
/// What the database says.
pub async fn hold(conn: &mut Conn<'_>, held: &HeldCertificate, leaf: &str) -> Result<bool, DbError> {
    let added = query(
            "INSERT INTO held_certificates (sha256, organisation, device, leaf, subject, first_seen_at, not_after)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (sha256) DO NOTHING"
        )
        .bind(held.sha256.to_string())
        .bind(held.organisation.as_str())
        .bind(held.device.as_str())
        .bind(leaf)
        .bind(&held.subject)
        .bind(held.first_seen_at.0)
        .bind(held.not_after.0).execute(conn).await?;
    Ok(added > 0)
}

/// A held certificate with its PEM.
///
/// # Errors
/// What the database says.
pub async fn find(
    conn: &mut Conn<'_>,
    sha256: &Sha256Hex,
) -> Result<Option<(HeldCertificate, String)>, DbError> {
    let row: Option<Row> = query(
        "SELECT sha256, organisation, device, leaf, subject, first_seen_at, not_after FROM held_certificates
         WHERE sha256 = $1 AND readmitted_at IS NULL",
    )
    .bind(sha256.to_string())
    .fetch_optional(conn)
    .await?;
    row.map(|mut row| {
        let leaf = std::mem::take(&mut row.leaf);
        Ok((HeldCertificate::try_from(row)?, leaf))
    })
    .transpose()
}

/// At most `limit` held certificates of an organisation, newest first, behind `after`.
///
/// # Errors
/// What the database says.
pub async fn page(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    after: Option<(UnixMillis, Sha256Hex)>,
    limit: u32,
) -> Result<Vec<HeldCertificate>, DbError> {
    let (at, sha256) = after.map_or((i64::MAX, String::new()), |(at, sha256)| {
        (at.0, sha256.to_string())
    });
    let rows: Vec<Row> = query(
        "SELECT sha256, organisation, device, leaf, subject, first_seen_at, not_after FROM held_certificates
         WHERE organisation = $1 AND (first_seen_at, sha256) < ($2, $3) AND readmitted_at IS NULL
         ORDER BY first_seen_at DESC, sha256 DESC LIMIT $4",
    )
    .bind(organisation.as_str())
    .bind(at)
    .bind(sha256)
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(HeldCertificate::try_from).collect()
}

/// At most `limit` held certificates of all organisations, the oldest first: for the operator on the server itself.
///
/// # Errors
/// What the database says.
pub async fn everywhere(conn: &mut Conn<'_>, limit: u32) -> Result<Vec<HeldCertificate>, DbError> {
    let rows: Vec<Row> = query(
        "SELECT sha256, organisation, device, leaf, subject, first_seen_at, not_after FROM held_certificates
         WHERE readmitted_at IS NULL ORDER BY first_seen_at, sha256 LIMIT $1",
    )
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(HeldCertificate::try_from).collect()
}

/// The devices whose held certificates were readmitted since an instant, whichever process did it.
///
/// # Errors
/// What the database says.
pub async fn readmitted_since(conn: &mut Conn<'_>, since: UnixMillis) -> Result<Vec<DeviceId>, DbError> {
    let rows: Vec<(String,)> = query("SELECT device FROM held_certificates WHERE readmitted_at >= $1")
        .bind(since.0)
        .fetch_all(conn)
        .await?;
    rows.into_iter()
        .map(|(device,)| parsed(&device, "held_certificates.device"))
        .collect()
}

/// Marks a held certificate as readmitted. False when it was before.
///
/// # Errors
/// What the database says.
pub async fn readmit(conn: &mut Conn<'_>, sha256: &Sha256Hex, at: UnixMillis) -> Result<bool, DbError> {
    let marked =
        query("UPDATE held_certificates SET readmitted_at = $2 WHERE sha256 = $1 AND readmitted_at IS NULL")
            .bind(sha256.to_string())
            .bind(at.0)
            .execute(conn)
            .await?;
    Ok(marked > 0)
}

row! {
    struct Row {
        sha256: String,
        organisation: String,
        device: String,
        leaf: String,
        subject: String,
        first_seen_at: i64,
        not_after: i64,
    }
}

impl TryFrom<Row> for HeldCertificate {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        Ok(Self {
            sha256: parsed(&row.sha256, "held_certificates.sha256")?,
            subject: row.subject,
            organisation: parsed(&row.organisation, "held_certificates.organisation")?,
            device: parsed(&row.device, "held_certificates.device")?,
            first_seen_at: UnixMillis(row.first_seen_at),
            not_after: UnixMillis(row.not_after),
        })
    }
}
