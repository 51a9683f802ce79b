//! Approvals by what their signer is about.

use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::{ClaimId, DeviceId};
use gangway_protocol::signer::SignerKind;
use gangway_protocol::time::UnixMillis;

use super::{ApprovalRecord, Row, columns};
use crate::db::{Conn, DbError, query, row};

/// The newest approval of a device with this key that was not withdrawn, what its signer is, and whether that is switched off.
///
/// # Errors
/// What the database says.
pub async fn newest_of_key(
    conn: &mut Conn<'_>,
    device: &DeviceId,
    spki: &Sha256Hex,
) -> Result<Option<(ApprovalRecord, ChosenSigner)>, DbError> {
    let row: Option<SignedRow> = query(concat!(
        "SELECT a.*, s.kind AS signer_kind, s.disabled_at AS signer_disabled_at FROM (SELECT ",
        columns!(),
        " FROM approvals WHERE device = $1 AND spki_sha256 = $2 AND stage <> 'withdrawn'
          ORDER BY approved_at DESC, claim DESC LIMIT 1) a JOIN signers s ON s.id = a.signer"
    ))
    .bind(device.as_str())
    .bind(spki.to_string())
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        let kind = serde_json::from_str(&row.signer_kind).map_err(|_| DbError::Corrupt("signers.kind"))?;
        let signer = ChosenSigner {
            kind,
            disabled: row.signer_disabled_at.is_some(),
        };
        Ok((ApprovalRecord::try_from(row.approval)?, signer))
    })
    .transpose()
}

/// What an approval's signer is.
#[derive(Clone, Debug)]
pub struct ChosenSigner {
    /// Its kind.
    pub kind: SignerKind,
    /// It signs nothing for the time being.
    pub disabled: bool,
}

row! {
    struct SignedRow {
        signer_kind: String,
        signer_disabled_at: Option<i64>,
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

/// Counts a certificate that is going to be recorded for an approval. False when `most` have been.
///
/// # Errors
/// What the database says.
pub async fn count_recorded(conn: &mut Conn<'_>, claim: &ClaimId, most: i64) -> Result<bool, DbError> {
    let counted = query("UPDATE approvals SET recorded = recorded + 1 WHERE claim = $1 AND recorded < $2")
        .bind(claim.as_str())
        .bind(most)
        .execute(conn)
        .await?;
    Ok(counted > 0)
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
