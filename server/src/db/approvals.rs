//! Approvals: decisions to enrol a device, and how far each has got. Stages only ever move by conditional updates.

mod ground;
mod signing;

pub use ground::{Ground, ground};
pub use signing::{being_signed, count_recorded, newest_of_key, unanswered};

use gangway_protocol::certificate::EnrolmentStage;
use gangway_protocol::device::{DeviceState, DeviceSummary};
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::{AccountId, ClaimId, DeviceId, OrganisationId, PermitId, SignerId};
use gangway_protocol::time::UnixMillis;

use super::devices::{self, Description};
use super::query::texts;
use super::together::execute_together;
use super::{Conn, DbError, Query, device_keys, parsed, query, query_of_each, row};

/// An approval as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalRecord {
    /// The claim it came from.
    pub claim: ClaimId,
    /// The organisation.
    pub organisation: OrganisationId,
    /// Its name, as the device was told.
    pub organisation_name: String,
    /// Who approved.
    pub account: AccountId,
    /// Their name, as the device was told.
    pub approver: String,
    /// The device.
    pub device: DeviceId,
    /// Who signs.
    pub signer: SignerId,
    /// The introduced CSR, PEM.
    pub csr: String,
    /// Digest of its key.
    pub spki_sha256: Sha256Hex,
    /// How far it has got.
    pub stage: EnrolmentStage,
    /// Since when.
    pub stage_since: UnixMillis,
    /// When a signer elsewhere was asked first.
    pub begun_at: Option<UnixMillis>,
    /// The certificate that came of it.
    pub certificate: Option<Sha256Hex>,
    /// When it was given.
    pub approved_at: UnixMillis,
    /// By which permit the device came; `None`: by its code.
    pub permit: Option<PermitId>,
}

/// What is kept beside an approval and never shown.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The passkey assertion (JSON), or the id of the token or permit that stood in its place.
    pub proof: String,
    /// The address of the device.
    pub device_address: Option<String>,
}

/// Records an approval.
///
/// # Errors
/// [`DbError::Unique`] when the claim has one.
pub async fn insert(
    conn: &mut Conn<'_>,
    approval: &ApprovalRecord,
    evidence: &Evidence,
) -> Result<(), DbError> {
    insertion(approval, evidence).execute(conn).await?;
    Ok(())
}

/// As [`insert`], with a new device that has the key.
///
/// # Errors
/// [`DbError::Unique`] when the claim has an approval, or the organisation knows the key, perhaps since a moment ago.
pub async fn insert_with_device(
    conn: &mut Conn<'_>,
    approval: &ApprovalRecord,
    evidence: &Evidence,
    description: &Description,
) -> Result<(), DbError> {
    let ApprovalRecord {
        device,
        organisation,
        spki_sha256,
        approved_at,
        ..
    } = approval;
    let statements = [
        devices::insertion(device, organisation, description, *approved_at)?,
        device_keys::insertion(organisation, spki_sha256, device, *approved_at),
        insertion(approval, evidence),
    ];
    execute_together(conn, statements).await?;
    Ok(())
}

fn insertion(approval: &ApprovalRecord, evidence: &Evidence) -> Query {
    query(
            "INSERT INTO approvals (claim, organisation, organisation_name, account, approver, proof, device, signer,
                 csr, spki_sha256, device_address, stage, stage_since, approved_at, permit)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $14)"
        )
        .bind(approval.claim.as_str())
        .bind(approval.organisation.as_str())
        .bind(&approval.organisation_name)
        .bind(approval.account.as_str())
        .bind(&approval.approver)
        .bind(&evidence.proof)
        .bind(approval.device.as_str())
        .bind(approval.signer.as_str())
        .bind(&approval.csr)
        .bind(approval.spki_sha256.to_string())
        .bind(&evidence.device_address)
        .bind(approval.stage.as_str())
        .bind(approval.approved_at.0)
        .bind(approval.permit.as_ref().map(ToString::to_string))
}

/// The approval of a claim, and its device in one line.
///
/// # Errors
/// What the database says.
pub async fn find_with_device(
    conn: &mut Conn<'_>,
    claim: &ClaimId,
) -> Result<Option<(ApprovalRecord, DeviceSummary)>, DbError> {
    let row: Option<ShownRow> = query(concat!(
        "SELECT a.*, d.name AS device_name, d.state AS device_state, d.state_since AS device_state_since FROM (SELECT ",
        columns!(),
        " FROM approvals WHERE claim = $1) a JOIN devices d ON d.id = a.device"
    ))
    .bind(claim.as_str())
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        let approval = ApprovalRecord::try_from(row.approval)?;
        let state = DeviceState::from_name(&row.device_state, UnixMillis(row.device_state_since));
        let device = DeviceSummary {
            id: approval.device.clone(),
            name: row.device_name,
            state: state.ok_or(DbError::Corrupt("devices.state"))?,
        };
        Ok((approval, device))
    })
    .transpose()
}

row! {
    struct ShownRow {
        device_name: String,
        device_state: String,
        device_state_since: i64,
        #[rest]
        approval: Row,
    }
}

/// The approval of a claim.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn<'_>, claim: &ClaimId) -> Result<Option<ApprovalRecord>, DbError> {
    let row: Option<Row> = query(concat!("SELECT ", columns!(), " FROM approvals WHERE claim = $1"))
        .bind(claim.as_str())
        .fetch_optional(conn)
        .await?;
    row.map(ApprovalRecord::try_from).transpose()
}

/// Whether an approval of this device is under way.
///
/// # Errors
/// What the database says.
pub async fn any_under_way(conn: &mut Conn<'_>, device: &DeviceId) -> Result<bool, DbError> {
    let found: Option<(String,)> = query(
        "SELECT claim FROM approvals
         WHERE device = $1 AND stage IN ('approved', 'consented', 'signing', 'reply_lost', 'issued', 'delivered') LIMIT 1",
    )
    .bind(device.as_str())
    .fetch_optional(conn)
    .await?;
    Ok(found.is_some())
}

/// Whether `account` has approved `device` at some time: an installer sees what it enrolled.
///
/// # Errors
/// What the database says.
pub async fn was_given_by(
    conn: &mut Conn<'_>,
    device: &DeviceId,
    account: &AccountId,
) -> Result<bool, DbError> {
    let found: Option<(String,)> =
        query("SELECT claim FROM approvals WHERE device = $1 AND account = $2 LIMIT 1")
            .bind(device.as_str())
            .bind(account.as_str())
            .fetch_optional(conn)
            .await?;
    Ok(found.is_some())
}

/// Moves an approval from the stage it is thought to be in. False when it is in another by now.
///
/// # Errors
/// What the database says.
pub async fn advance(
    conn: &mut Conn<'_>,
    claim: &ClaimId,
    from: EnrolmentStage,
    to: EnrolmentStage,
    at: UnixMillis,
) -> Result<bool, DbError> {
    let moved = query(
        "UPDATE approvals SET stage = $3, stage_since = $4,
             begun_at = CASE WHEN $3 = 'signing' THEN COALESCE(begun_at, $4) ELSE begun_at END
         WHERE claim = $1 AND stage = $2",
    )
    .bind(claim.as_str())
    .bind(from.as_str())
    .bind(to.as_str())
    .bind(at.0)
    .execute(conn)
    .await?;
    Ok(moved > 0)
}

/// Notes the certificate that came of an approval which is being signed. False when it was withdrawn meanwhile.
///
/// # Errors
/// What the database says.
pub async fn issue(
    conn: &mut Conn<'_>,
    claim: &ClaimId,
    certificate: &Sha256Hex,
    at: UnixMillis,
) -> Result<bool, DbError> {
    Ok(issuing(claim, certificate, at).execute(conn).await? > 0)
}

/// As [`issue`].
pub(super) fn issuing(claim: &ClaimId, certificate: &Sha256Hex, at: UnixMillis) -> Query {
    query(
        "UPDATE approvals SET certificate = $2,
                 stage_since = CASE WHEN stage IN ('consented', 'signing', 'reply_lost') THEN $3 ELSE stage_since END,
                 stage = CASE WHEN stage IN ('consented', 'signing', 'reply_lost') THEN 'issued' ELSE stage END
             WHERE claim = $1 AND stage IN ('consented', 'signing', 'reply_lost', 'issued', 'delivered', 'proven')",
    )
    .bind(claim.as_str())
    .bind(certificate.to_string())
    .bind(at.0)
}

/// Moves the approvals whose certificate was delivered or proven.
///
/// # Errors
/// What the database says.
pub async fn follow_certificate(
    conn: &mut Conn<'_>,
    certificate: &Sha256Hex,
    to: EnrolmentStage,
    at: UnixMillis,
) -> Result<(), DbError> {
    following(certificate, to, at).execute(conn).await?;
    Ok(())
}

/// As [`follow_certificate`].
pub(super) fn following(certificate: &Sha256Hex, to: EnrolmentStage, at: UnixMillis) -> Query {
    query(FOLLOW_CERTIFICATE)
        .bind(certificate.to_string())
        .bind(to.as_str())
        .bind(at.0)
}

// A device has few approvals, and an index leads to them; approvals have none by certificate.
pub(super) const FOLLOW_CERTIFICATE: &str = "UPDATE approvals SET stage = $2, stage_since = $3
    WHERE device = (SELECT device FROM certificates WHERE sha256 = $1) AND certificate = $1
        AND (stage = 'issued' OR (stage = 'delivered' AND $2 = 'proven'))";

/// Withdraws the approvals whose certificate was never proven.
///
/// # Errors
/// What the database says.
pub async fn withdraw_of_certificate(
    conn: &mut Conn<'_>,
    certificate: &Sha256Hex,
    at: UnixMillis,
) -> Result<(), DbError> {
    query(WITHDRAW_OF_CERTIFICATE)
        .bind(certificate.to_string())
        .bind(at.0)
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) const WITHDRAW_OF_CERTIFICATE: &str = "UPDATE approvals SET stage = 'withdrawn', stage_since = $2
    WHERE device = (SELECT device FROM certificates WHERE sha256 = $1) AND certificate = $1
        AND stage IN ('issued', 'delivered')";

/// Withdraws the approvals of a device whose certificate was revoked before it was proven.
///
/// # Errors
/// What the database says.
pub async fn withdraw_revoked(conn: &mut Conn<'_>, device: &DeviceId, at: UnixMillis) -> Result<(), DbError> {
    query(
            "UPDATE approvals SET stage = 'withdrawn', stage_since = $2
             WHERE device = $1 AND stage IN ('issued', 'delivered') AND certificate IN
                 (SELECT sha256 FROM certificates WHERE device = $1 AND revoked_at IS NOT NULL AND proven_at IS NULL)"
        )
        .bind(device.as_str())
        .bind(at.0).execute(conn).await?;
    Ok(())
}

/// At most `limit` approvals given before `before` that have not led to a certificate.
///
/// # Errors
/// What the database says.
pub async fn lapsed(
    conn: &mut Conn<'_>,
    before: UnixMillis,
    limit: u32,
) -> Result<Vec<ApprovalRecord>, DbError> {
    let rows: Vec<Row> = query(concat!(
        "SELECT ",
        columns!(),
        " FROM approvals WHERE stage IN ('approved', 'consented', 'signing', 'reply_lost') AND approved_at < $1
         ORDER BY approved_at LIMIT $2"
    ))
    .bind(before.0)
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(ApprovalRecord::try_from).collect()
}

/// The approvals that an account has given and that have not led to a certificate, in the order of their devices. What came by a key or
/// ticket that it made is the organisation's, and not among them.
///
/// # Errors
/// What the database says.
pub async fn waiting_by(conn: &mut Conn<'_>, account: &AccountId) -> Result<Vec<ApprovalRecord>, DbError> {
    let rows: Vec<Row> = query(concat!(
        "SELECT ",
        columns!(),
        " FROM approvals WHERE account = $1 AND stage IN ('approved', 'consented', 'signing', 'reply_lost')
             AND proof NOT IN (SELECT id FROM permits WHERE kind <> 'preapproval' AND account = $1) ORDER BY device"
    ))
    .bind(account.as_str())
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(ApprovalRecord::try_from).collect()
}

/// By whom devices were approved, or from which of their addresses; everything that is given has to hold.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// The approver.
    pub account: Option<&'a AccountId>,
    /// The device's address.
    pub address: Option<&'a str>,
}

/// The devices of the first `limit` approvals in these organisations and a span of time: one for each approval, so that as many as `limit` say that
/// there may be more.
///
/// # Errors
/// What the database says.
pub async fn devices_approved(
    conn: &mut Conn<'_>,
    organisations: &[OrganisationId],
    by: By<'_>,
    span: std::ops::Range<UnixMillis>,
    limit: usize,
) -> Result<Vec<DeviceId>, DbError> {
    macro_rules! approved {
        ($more:literal) => {
            query_of_each(
                approved!("IN (SELECT value FROM json_each($1))", $more),
                approved!("= ANY($1)", $more),
            )
        };
        ($organisations:literal, $more:literal) => {
            concat!(
                "SELECT device FROM approvals
                 WHERE organisation ",
                $organisations,
                " AND approved_at >= $2 AND approved_at < $3 AND stage <> 'withdrawn'",
                $more,
                " ORDER BY approved_at LIMIT $4"
            )
        };
    }
    let query = match (by.account, by.address) {
        (None, None) => approved!(""),
        (Some(_), None) => approved!(" AND account = $5"),
        (None, Some(_)) => approved!(" AND device_address = $5"),
        (Some(_), Some(_)) => approved!(" AND account = $5 AND device_address = $6"),
    };
    let query = query
        .bind(texts(organisations))
        .bind(span.start.0)
        .bind(span.end.0)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let given = by.account.map(AccountId::as_str).into_iter().chain(by.address);
    let rows: Vec<(String,)> = given.fold(query, Query::bind).fetch_all(conn).await?;
    rows.into_iter()
        .map(|(id,)| parsed(&id, "approvals.device"))
        .collect()
}

macro_rules! columns {
    () => {
        "claim, organisation, organisation_name, account, approver, device, signer, csr, spki_sha256, stage, \
         stage_since, begun_at, certificate, approved_at, permit"
    };
}
use columns;

row! {
    struct Row {
        claim: String,
        organisation: String,
        organisation_name: String,
        account: String,
        approver: String,
        device: String,
        signer: String,
        csr: String,
        spki_sha256: String,
        stage: String,
        stage_since: i64,
        begun_at: Option<i64>,
        certificate: Option<String>,
        approved_at: i64,
        permit: Option<String>,
    }
}

impl TryFrom<Row> for ApprovalRecord {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let certificate = row
            .certificate
            .map(|digest| parsed(&digest, "approvals.certificate"));
        Ok(Self {
            claim: parsed(&row.claim, "approvals.claim")?,
            organisation: parsed(&row.organisation, "approvals.organisation")?,
            organisation_name: row.organisation_name,
            account: parsed(&row.account, "approvals.account")?,
            approver: row.approver,
            device: parsed(&row.device, "approvals.device")?,
            signer: parsed(&row.signer, "approvals.signer")?,
            csr: row.csr,
            spki_sha256: parsed(&row.spki_sha256, "approvals.spki_sha256")?,
            stage: EnrolmentStage::from_name(&row.stage).ok_or(DbError::Corrupt("approvals.stage"))?,
            stage_since: UnixMillis(row.stage_since),
            begun_at: row.begun_at.map(UnixMillis),
            certificate: certificate.transpose()?,
            approved_at: UnixMillis(row.approved_at),
            permit: row.permit.map(|id| parsed(&id, "approvals.permit")).transpose()?,
        })
    }
}
