//! Certificates for clients of plgd's signing API: recorded, listed, revoked. The rules are `crate::plgd`'s.

mod search;

pub use search::{Filter, Whose, matching};

use std::collections::BTreeSet;

use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::{AccountId, IssuerId, OrganisationId};
use gangway_protocol::time::UnixMillis;
use uuid::Uuid;

use super::certificates::Revoked;
use super::{Conn, DbError, issuers, parsed, query, row};

/// A certificate as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlgdRecord {
    /// Digest of its DER.
    pub sha256: Sha256Hex,
    /// Which of our issuers signed it.
    pub issuer: IssuerId,
    /// Serial number, hex.
    pub serial: String,
    /// The organisation.
    pub organisation: OrganisationId,
    /// Who asked for it.
    pub account: AccountId,
    /// plgd's name for common name and key together.
    pub record: Uuid,
    /// The common name.
    pub common_name: String,
    /// The OCF device that it is about; `None`: it is about the account.
    pub device_id: Option<Uuid>,
    /// plgd's name for the key.
    pub public_key: Uuid,
    /// The key.
    pub spki_sha256: Sha256Hex,
    /// PEM.
    pub leaf: String,
    /// Start of validity.
    pub not_before: UnixMillis,
    /// End of validity.
    pub not_after: UnixMillis,
    /// When common name and key were first signed together.
    pub created_at: UnixMillis,
    /// When it was issued.
    pub issued_at: UnixMillis,
}

/// Records a certificate.
///
/// # Errors
/// [`DbError::Unique`] when another one stands for the same name and key, or for the same device.
pub async fn insert(conn: &mut Conn<'_>, new: &PlgdRecord) -> Result<(), DbError> {
    query(
        "INSERT INTO plgd_certificates (sha256, issuer, serial, organisation, account, record, common_name, device_id,
                 public_key, spki_sha256, leaf, not_before, not_after, created_at, issued_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(new.sha256.to_string())
    .bind(new.issuer.as_str())
    .bind(&new.serial)
    .bind(new.organisation.as_str())
    .bind(new.account.as_str())
    .bind(new.record.to_string())
    .bind(&new.common_name)
    .bind(new.device_id.map(|id| id.to_string()))
    .bind(new.public_key.to_string())
    .bind(new.spki_sha256.to_string())
    .bind(&new.leaf)
    .bind(new.not_before.0)
    .bind(new.not_after.0)
    .bind(new.created_at.0)
    .bind(new.issued_at.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// What stands for a common name with its key.
///
/// # Errors
/// What the database says.
pub async fn standing(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    record: Uuid,
) -> Result<Option<PlgdRecord>, DbError> {
    let row: Option<Row> = query(concat!(
        "SELECT ",
        columns!(),
        " FROM plgd_certificates WHERE organisation = $1 AND record = $2 AND revoked_at IS NULL"
    ))
    .bind(organisation.as_str())
    .bind(record.to_string())
    .fetch_optional(conn)
    .await?;
    row.map(PlgdRecord::try_from).transpose()
}

/// What stands for an OCF device, whoever asked for it.
///
/// # Errors
/// What the database says.
pub async fn standing_of_device(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    device: Uuid,
) -> Result<Option<PlgdRecord>, DbError> {
    let row: Option<Row> = query(concat!(
        "SELECT ",
        columns!(),
        " FROM plgd_certificates WHERE organisation = $1 AND device_id = $2 AND revoked_at IS NULL"
    ))
    .bind(organisation.as_str())
    .bind(device.to_string())
    .fetch_optional(conn)
    .await?;
    row.map(PlgdRecord::try_from).transpose()
}

/// Revokes one certificate; false when it was revoked before. The caller tells its issuer, with [`tell_issuers`].
///
/// # Errors
/// What the database says.
pub async fn revoke(conn: &mut Conn<'_>, sha256: &Sha256Hex, revoked: Revoked) -> Result<bool, DbError> {
    let changed = query(
        "UPDATE plgd_certificates SET revoked_at = $2, revocation_reason = $3
         WHERE sha256 = $1 AND revoked_at IS NULL",
    )
    .bind(sha256.to_string())
    .bind(revoked.at.0)
    .bind(revoked.reason.as_str())
    .execute(conn)
    .await?;
    Ok(changed > 0)
}

/// Tells the issuers of revoked certificates that their lists have news, each once and in one order.
///
/// # Errors
/// What the database says.
pub async fn tell_issuers(
    conn: &mut Conn<'_>,
    issuers_of: impl IntoIterator<Item = IssuerId>,
) -> Result<(), DbError> {
    let once: BTreeSet<IssuerId> = issuers_of.into_iter().collect();
    for issuer in once {
        issuers::touch(conn, &issuer).await?;
    }
    Ok(())
}

/// The organisations in which certificates that are about an account itself stand.
///
/// # Errors
/// What the database says.
pub async fn organisations_of_person(
    conn: &mut Conn<'_>,
    account: &AccountId,
) -> Result<Vec<OrganisationId>, DbError> {
    let rows: Vec<(String,)> = query(
        "SELECT DISTINCT organisation FROM plgd_certificates
         WHERE account = $1 AND revoked_at IS NULL AND device_id IS NULL ORDER BY organisation",
    )
    .bind(account.as_str())
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(id,)| parsed(&id, "plgd_certificates.organisation"))
        .collect()
}

/// Revokes what is about an account itself in an organisation. Returns how many. Those of devices stand: they are the
/// devices'.
///
/// # Errors
/// What the database says.
pub async fn revoke_of_person(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    account: &AccountId,
    revoked: Revoked,
) -> Result<usize, DbError> {
    let rows: Vec<(String,)> = query(
        "UPDATE plgd_certificates SET revoked_at = $3, revocation_reason = $4
         WHERE account = $1 AND organisation = $2 AND revoked_at IS NULL AND device_id IS NULL RETURNING issuer",
    )
    .bind(account.as_str())
    .bind(organisation.as_str())
    .bind(revoked.at.0)
    .bind(revoked.reason.as_str())
    .fetch_all(conn)
    .await?;
    let count = rows.len();
    let ids: Result<BTreeSet<IssuerId>, DbError> = rows
        .into_iter()
        .map(|(id,)| parsed(&id, "plgd_certificates.issuer"))
        .collect();
    tell_issuers(conn, ids?).await?;
    Ok(count)
}

macro_rules! columns {
    () => {
        "sha256, issuer, serial, organisation, account, record, common_name, device_id, public_key, spki_sha256, leaf, \
         not_before, not_after, created_at, issued_at"
    };
}
use columns;

row! {
    struct Row {
        sha256: String,
        issuer: String,
        serial: String,
        organisation: String,
        account: String,
        record: String,
        common_name: String,
        device_id: Option<String>,
        public_key: String,
        spki_sha256: String,
        leaf: String,
        not_before: i64,
        not_after: i64,
        created_at: i64,
        issued_at: i64,
    }
}

impl TryFrom<Row> for PlgdRecord {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        Ok(Self {
            sha256: parsed(&row.sha256, "plgd_certificates.sha256")?,
            issuer: parsed(&row.issuer, "plgd_certificates.issuer")?,
            serial: row.serial,
            organisation: parsed(&row.organisation, "plgd_certificates.organisation")?,
            account: parsed(&row.account, "plgd_certificates.account")?,
            record: parsed(&row.record, "plgd_certificates.record")?,
            common_name: row.common_name,
            device_id: row
                .device_id
                .map(|id| parsed(&id, "plgd_certificates.device_id"))
                .transpose()?,
            public_key: parsed(&row.public_key, "plgd_certificates.public_key")?,
            spki_sha256: parsed(&row.spki_sha256, "plgd_certificates.spki_sha256")?,
            leaf: row.leaf,
            not_before: UnixMillis(row.not_before),
            not_after: UnixMillis(row.not_after),
            created_at: UnixMillis(row.created_at),
            issued_at: UnixMillis(row.issued_at),
        })
    }
}
