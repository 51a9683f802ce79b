//! Approvals by what their signer is about.

use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::{DeviceId, SignerId};
use gangway_protocol::signer::SignerKind;
use gangway_protocol::time::UnixMillis;

use super::{ApprovalRecord, Row, columns};
use crate::db::{Conn, DbError, query, row};

/// The newest approval of a device with this key that was not withdrawn, and what its signer is.
///
/// # Errors
/// What the database says.
pub async fn newest_of_key(
    conn: &mut Conn<'_>,
    device: &DeviceId,
    spki: &Sha256Hex,
) -> Result<Option<(ApprovalRecord, SignerKind)>, DbError> {
    let row: Option<SignedRow> = query(concat!(
        "SELECT ",
        columns!(),
        ", (SELECT kind FROM signers WHERE id = approvals.signer) AS signer_kind
         FROM approvals WHERE device = $1 AND spki_sha256 = $2 AND stage <> 'withdrawn'
         ORDER BY approved_at DESC, claim DESC LIMIT 1"
    ))
    .bind(device.as_str())
    .bind(spki.to_string())
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        let kind = serde_json::from_str(&row.signer_kind).map_err(|_| DbError::Corrupt("signers.kind"))?;
        Ok((ApprovalRecord::try_from(row.approval)?, kind))
    })
    .transpose()
}

row! {
    struct SignedRow {
        signer_kind: String,
        #[rest]
        approval: Row,
    }
}

/// The approvals of a device with this key for which a signer elsewhere is being asked, or was and its reply is lost.
///
/// # Errors
/// What the database says.
pub async fn being_signed(
    conn: &mut Conn<'_>,
    device: &DeviceId,
    spki: &Sha256Hex,
) -> Result<Vec<ApprovalRecord>, DbError> {
    let rows: Vec<Row> = query(concat!(
        "SELECT ",
        columns!(),
        " FROM approvals WHERE device = $1 AND spki_sha256 = $2 AND stage IN ('signing', 'reply_lost')"
    ))
    .bind(device.as_str())
    .bind(spki.to_string())
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(ApprovalRecord::try_from).collect()
}

/// The approval of a device with this key for which `signer` was asked last.
///
/// # Errors
/// What the database says.
pub async fn asked_of(
    conn: &mut Conn<'_>,
    device: &DeviceId,
    spki: &Sha256Hex,
    signer: &SignerId,
) -> Result<Option<ApprovalRecord>, DbError> {
    let row: Option<Row> = query(concat!(
        "SELECT ",
        columns!(),
        " FROM approvals WHERE device = $1 AND spki_sha256 = $2 AND signer = $3
         ORDER BY stage IN ('signing', 'reply_lost') DESC, approved_at DESC, claim DESC LIMIT 1"
    ))
    .bind(device.as_str())
    .bind(spki.to_string())
    .bind(signer.as_str())
    .fetch_optional(conn)
    .await?;
    row.map(ApprovalRecord::try_from).transpose()
}

/// At most `limit` approvals whose signer has not been heard of since `before`.
///
/// # Errors
/// What the database says.
pub async fn unanswered(
    conn: &mut Conn<'_>,
    before: UnixMillis,
    limit: u32,
) -> Result<Vec<ApprovalRecord>, DbError> {
    let rows: Vec<Row> = query(concat!(
        "SELECT ",
        columns!(),
        " FROM approvals WHERE stage = 'signing' AND stage_since < $1 ORDER BY stage_since LIMIT $2"
    ))
    .bind(before.0)
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(ApprovalRecord::try_from).collect()
}
