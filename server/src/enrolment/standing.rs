//! How things stand: with an approval, with whoever gave it, with its device and its signer.

use gangway_protocol::certificate::{Approval, EnrolmentStage, SIGNING_LEASE_SECS};
use gangway_protocol::device::{Device, DeviceState, DeviceSummary};
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::history::DeviceAction;
use gangway_protocol::id::{AccountId, ClaimId, DeviceId};
use gangway_protocol::organisation::Role;
use gangway_protocol::signer::Signer;
use gangway_protocol::time::UnixMillis;

use super::EnrolmentError;
use crate::db::approvals::ApprovalRecord;
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::devices::DeviceRecord;
use crate::db::{Conn, DbError, approvals, audit, device_keys, devices};

/// An approval that led to no certificate lapses after this (`docs/protocol.md` §4).
pub(super) const LAPSES_AFTER: i64 = 24 * UnixMillis::HOUR;

/// How long a signer elsewhere may be asked before its reply is taken for lost.
pub(super) fn lease() -> i64 {
    i64::from(SIGNING_LEASE_SECS) * UnixMillis::SECOND
}

/// Whether a signer elsewhere is being asked at present. It may have signed, and the device's own state does not tell.
pub(super) fn is_being_signed(record: &ApprovalRecord, now: UnixMillis) -> bool {
    record.stage == EnrolmentStage::Signing && now.since(record.stage_since) < lease()
}

/// Whether a signer elsewhere was asked, and nobody knows what became of it.
pub(super) fn is_reply_lost(record: &ApprovalRecord, now: UnixMillis) -> bool {
    match record.stage {
        EnrolmentStage::ReplyLost => true,
        EnrolmentStage::Signing => !is_being_signed(record, now),
        _ => false,
    }
}

/// Records that nobody knows whether a signer has signed.
pub(super) async fn note_loss(
    tx: &mut Conn<'_>,
    record: &ApprovalRecord,
    actor: Actor<'_>,
    now: UnixMillis,
) -> Result<(), EnrolmentError> {
    let entry = Entry {
        scope: Scope::Organisation(&record.organisation),
        at: now,
        actor,
        action: DeviceAction::ReplyLost.into(),
        subject: record.device.as_str(),
        detail: "",
    };
    audit::append(tx, &entry).await?;
    Ok(())
}

/// Makes sure that an approval has been neither taken back nor left lying.
///
/// # Errors
/// [`EnrolmentError::Conflict`].
pub(super) fn require_standing(record: &ApprovalRecord, now: UnixMillis) -> Result<(), EnrolmentError> {
    let waiting = matches!(
        record.stage,
        EnrolmentStage::Approved
            | EnrolmentStage::Consented
            | EnrolmentStage::Signing
            | EnrolmentStage::ReplyLost
    );
    if record.stage == EnrolmentStage::Withdrawn {
        return Err(EnrolmentError::Conflict(
            "this approval was taken back; enter the device's code again",
        ));
    }
    if waiting && now.since(record.approved_at) >= LAPSES_AFTER {
        return Err(EnrolmentError::Conflict(
            "this approval is older than 24 hours and has lapsed; enter the device's code again",
        ));
    }
    Ok(())
}

/// A signer that was switched off.
pub(super) const SIGNER_DISABLED: &str = "this signer has been disabled; choose another one";

/// Why a signer does not sign for a member with this role.
pub(super) fn unfit(signer: Option<&Signer>, role: Role) -> Option<&'static str> {
    match signer {
        None => Some("this organisation has no such signer; choose one that it may use"),
        Some(signer) if signer.disabled => Some(SIGNER_DISABLED),
        Some(signer) if !signer.serves(role) => {
            Some("your role may not use this signer; choose another one, or ask an admin")
        }
        Some(_) => None,
    }
}

/// The device, locked, if it may have a certificate for this key.
///
/// # Errors
/// [`EnrolmentError::Conflict`] for a device that is not in the fleet, or suspended; [`EnrolmentError::KeyKnown`] and
/// [`EnrolmentError::KeyRevoked`].
pub(super) async fn lock_device(
    tx: &mut Conn<'_>,
    device: &DeviceId,
    spki: &Sha256Hex,
) -> Result<DeviceRecord, EnrolmentError> {
    let record = devices::lock(tx, device).await?.ok_or(EnrolmentError::NotFound)?;
    match record.device.state {
        DeviceState::Enrolling { .. } | DeviceState::Active { .. } => {}
        DeviceState::Suspended { .. } => {
            return Err(EnrolmentError::Conflict(
                "this device is suspended; resume it first",
            ));
        }
        DeviceState::Pending { .. } | DeviceState::Rejected { .. } | DeviceState::Retired { .. } => {
            return Err(EnrolmentError::Conflict(
                "this device is not in the fleet; enter its code to approve it",
            ));
        }
    }
    let organisation = &record.device.organisation;
    match device_keys::find(tx, organisation, spki).await? {
        Some(key) if key.device != *device => {
            let owner = devices::find(tx, &key.device)
                .await?
                .ok_or(DbError::Corrupt("device_keys.device"))?;
            Err(EnrolmentError::KeyKnown(Box::new(summary(&owner.device))))
        }
        Some(key) if key.refused => Err(EnrolmentError::KeyRevoked),
        _ => Ok(record),
    }
}

/// The approval of a claim, if `account` gave it.
///
/// # Errors
/// [`EnrolmentError::NotFound`].
pub(super) async fn owned(
    conn: &mut Conn<'_>,
    claim: &ClaimId,
    account: &AccountId,
) -> Result<ApprovalRecord, EnrolmentError> {
    approvals::find(conn, claim)
        .await?
        .filter(|record| record.account == *account)
        .ok_or(EnrolmentError::NotFound)
}

/// As [`owned`], with its device.
///
/// # Errors
/// [`EnrolmentError::NotFound`].
pub(super) async fn owned_with_device(
    conn: &mut Conn<'_>,
    claim: &ClaimId,
    account: &AccountId,
) -> Result<(ApprovalRecord, DeviceSummary), EnrolmentError> {
    approvals::find_with_device(conn, claim)
        .await?
        .filter(|(record, _)| record.account == *account)
        .ok_or(EnrolmentError::NotFound)
}

/// An approval as the API tells it.
pub(super) fn show(record: ApprovalRecord, device: DeviceSummary) -> Approval {
    Approval {
        claim: record.claim,
        device,
        organisation: record.organisation,
        organisation_name: record.organisation_name,
        approver: record.approver,
        signer: record.signer,
        stage: record.stage,
        certificate: record.certificate,
        approved_at: record.approved_at,
    }
}

/// A device in one line.
#[must_use]
pub(super) fn summary(device: &Device) -> DeviceSummary {
    DeviceSummary {
        id: device.id.clone(),
        name: device.name.clone(),
        state: device.state.clone(),
    }
}
