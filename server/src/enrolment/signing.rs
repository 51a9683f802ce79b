//! Signing elsewhere (`docs/protocol.md` §4): a claimant asks AWS or another signer with its own credentials, which the server
//! never sees. Such a signer is not idempotent, so that what happens to the request is written down before and after it.
//!
//! ```text
//! consented ─▶ signing ─▶ issued
//!     ▲           │ └──▶ reply_lost ─▶ signing (again, as the person decides)
//!     └───────────┘ refused
//! ```

use gangway_protocol::certificate::{Approval, EnrolmentStage, SIGNING_LEASE_SECS, SigningUpdate};
use gangway_protocol::device::{FleetChangeKind, check_text};
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::history::DeviceAction;
use gangway_protocol::id::{ClaimId, DeviceId};
use gangway_protocol::organisation::Role;
use gangway_protocol::signer::Signer;
use gangway_protocol::time::UnixMillis;

use super::foreign::{Foreign, Use};
use super::standing::{
    is_being_signed, is_reply_lost, lease, lock_device, note_loss, owned, owned_with_device,
    require_standing, show, unfit,
};
use super::{EnrolmentError, approval, tell};
use crate::authority::Member;
use crate::ca::Presented;
use crate::context::Context;
use crate::db::approvals::ApprovalRecord;
use crate::db::audit::{Entry, Scope};
use crate::db::certificates::CertificateRecord;
use crate::db::{Conn, DbError, approvals, audit, certificates, devices, signers, write};

/// Most certificates that are recorded for one approval: what is recorded stays for ever, and anybody can make certificates for
/// a public key.
const MAX_RECORDED: i64 = 3;
/// After this nothing comes of a signing any more that could be recorded.
const RECORDED_WITHIN: i64 = UnixMillis::DAY;
/// Longest name that a signer may have for a certificate.
const MAX_EXTERNAL_ID_LEN: usize = 128;

/// Notes what the claimant is about, a member with this role. Repeating it changes nothing.
///
/// # Errors
/// [`EnrolmentError::ReplyLost`] when somebody has to look for a certificate first; [`EnrolmentError::Signing`] while another
/// claimant has the same key signed; [`EnrolmentError::Conflict`] before consent, after withdrawal, when our own CA signs, or
/// when the signer, the device or its key may not any more.
pub async fn update(
    context: &Context,
    claim: &ClaimId,
    member: Member,
    role: Role,
    update: SigningUpdate,
) -> Result<Approval, EnrolmentError> {
    let now = context.clock.now();
    let claim = claim.clone();
    let (approval, has_moved) = write!(context.db, |tx| -> Result<_, EnrolmentError> {
        let device = owned(tx, &claim, &member.account).await?.device;
        devices::lock(tx, &device)
            .await?
            .ok_or(EnrolmentError::NotFound)?;
        // Read after the lock: whoever ended it meanwhile has ended it.
        let (mut record, device) = owned_with_device(tx, &claim, &member.account).await?;
        require_standing(&record, now)?;
        let signer = signers::find(tx, &record.signer)
            .await?
            .ok_or(DbError::Corrupt("approvals.signer"))?;
        // What the server asks for itself it writes down itself.
        if signer.kind.signs_at_server() {
            return Err(EnrolmentError::Conflict(
                "the server has this approval's certificate signed itself: ask for it with the device's request",
            ));
        }
        let from = record.stage;
        record.stage = match update {
            SigningUpdate::Begun { again } => {
                require_fit(tx, &record, &signer, role).await?;
                match take_standing(tx, &record, now).await? {
                    Some(standing) => {
                        record.certificate = Some(standing);
                        EnrolmentStage::Issued
                    }
                    None => begin(tx, &record, &member, &signer, again, now).await?,
                }
            }
            // Also of whoever took longer than the lease, and knows now that nothing was signed.
            SigningUpdate::Refused if matches!(from, EnrolmentStage::Signing | EnrolmentStage::ReplyLost) => {
                EnrolmentStage::Consented
            }
            SigningUpdate::ReplyLost if from == EnrolmentStage::Signing => EnrolmentStage::ReplyLost,
            SigningUpdate::Refused | SigningUpdate::ReplyLost => from,
        };
        let has_moved = record.stage != from;
        if record.stage != EnrolmentStage::Issued
            && (has_moved || is_again(update, record.stage))
            && !approvals::advance(tx, &claim, from, record.stage, now).await?
        {
            return Err(DbError::Busy.into());
        }
        if has_moved && record.stage == EnrolmentStage::ReplyLost {
            note_loss(tx, &record, member.actor(), now).await?;
        }
        Ok((show(record, device), has_moved))
    })?;
    if has_moved {
        tell(
            context,
            &approval.organisation,
            &approval.device.id,
            FleetChangeKind::Changed,
        );
    }
    Ok(approval)
}

/// Whether the lease of a signing begins anew.
fn is_again(update: SigningUpdate, stage: EnrolmentStage) -> bool {
    stage == EnrolmentStage::Signing && matches!(update, SigningUpdate::Begun { again: true })
}

/// Gives an approval the certificate that the same signer has signed for the same key before and that no session has proved:
/// the device went away before it had it.
async fn take_standing(
    tx: &mut Conn<'_>,
    record: &ApprovalRecord,
    now: UnixMillis,
) -> Result<Option<Sha256Hex>, EnrolmentError> {
    if !matches!(
        record.stage,
        EnrolmentStage::Consented | EnrolmentStage::Signing | EnrolmentStage::ReplyLost
    ) {
        return Ok(None);
    }
    let newest = certificates::newest_of_key(tx, &record.organisation, &record.spki_sha256).await?;
    let standing = newest.map(|newest| newest.certificate).filter(|newest| {
        newest.signer == record.signer
            && newest.revocation.is_none()
            && newest.proven_at.is_none()
            && newest.not_after > now
    });
    match standing {
        Some(standing) if approvals::issue(tx, &record.claim, &standing.sha256, now).await? => {
            Ok(Some(standing.sha256))
        }
        _ => Ok(None),
    }
}

/// Makes sure that the signer, the member's role, the device and its key are still as they were approved.
async fn require_fit(
    tx: &mut Conn<'_>,
    record: &ApprovalRecord,
    signer: &Signer,
    role: Role,
) -> Result<(), EnrolmentError> {
    if let Some(why) = unfit(Some(signer), role) {
        return Err(EnrolmentError::Conflict(why));
    }
    lock_device(tx, &record.device, &record.spki_sha256).await?;
    Ok(())
}

/// The stage that a beginning leads to.
pub(super) async fn begin(
    tx: &mut Conn<'_>,
    record: &ApprovalRecord,
    member: &Member,
    signer: &Signer,
    again: bool,
    now: UnixMillis,
) -> Result<EnrolmentStage, EnrolmentError> {
    match record.stage {
        EnrolmentStage::Approved => {
            return Err(EnrolmentError::Conflict(
                "the device has not consented yet; answer the question on its screen",
            ));
        }
        EnrolmentStage::Consented => {}
        _ if is_reply_lost(record, now) => {
            if !again {
                return Err(EnrolmentError::ReplyLost);
            }
        }
        // The same request again, whose reply was lost on the way to the claimant; or the person knows of a lost reply of which
        // the server has not heard.
        EnrolmentStage::Signing if !again => return Ok(EnrolmentStage::Signing),
        EnrolmentStage::Signing => {}
        _ => {
            return Err(EnrolmentError::Conflict(
                "this approval has its certificate already",
            ));
        }
    }
    for other in approvals::being_signed(tx, &record.device, &record.spki_sha256).await? {
        if other.claim == record.claim {
            continue;
        }
        if is_being_signed(&other, now) {
            let left = lease() - now.since(other.stage_since);
            let secs = u32::try_from(left / UnixMillis::SECOND + 1).unwrap_or(SIGNING_LEASE_SECS);
            return Err(EnrolmentError::Signing {
                retry_after_secs: secs,
            });
        }
        if !again {
            return Err(EnrolmentError::ReplyLost);
        }
        approval::end(tx, &other, now, member.actor(), DeviceAction::ApprovalWithdrawn).await?;
    }
    let entry = Entry {
        scope: Scope::Organisation(&record.organisation),
        at: now,
        actor: member.actor(),
        action: DeviceAction::SigningBegun.into(),
        subject: record.device.as_str(),
        detail: &signer.name,
    };
    audit::append(tx, &entry).await?;
    Ok(EnrolmentStage::Signing)
}

/// A certificate that somebody else has signed.
#[derive(Clone, Debug)]
pub struct Signed {
    /// For which approval.
    pub claim: ClaimId,
    /// For which device.
    pub device: DeviceId,
    /// PEM blocks, leaf first.
    pub chain: String,
    /// PEM blocks of the issuers at which it ends, where the server asked for it itself.
    pub trust_anchors: Option<String>,
    /// The signer's own name for it.
    pub external_id: Option<String>,
    /// Who had it signed.
    pub member: Member,
    /// Whether they may enrol devices there still.
    pub may_enrol: bool,
}

/// Records a certificate that was signed elsewhere. Repeating it gives the one that is recorded.
///
/// What exists is recorded whatever has happened meanwhile. Where the approval was taken back or has its certificate, or the
/// device, its key or the member has been excluded, it is recorded as revoked: somebody has to end it at its signer.
///
/// # Errors
/// [`EnrolmentError::NotFound`] when the approval is another's; [`EnrolmentError::Invalid`] for a chain that is not for the
/// approved key or has run out; [`EnrolmentError::Conflict`] when nothing was begun, or the certificate was recorded as revoked.
pub async fn record(context: &Context, signed: Signed) -> Result<CertificateRecord, EnrolmentError> {
    let now = context.clock.now();
    let presented =
        Presented::parse(&signed.chain).map_err(|unreadable| invalid("chain", unreadable.to_string()))?;
    if presented.not_after() <= now {
        return Err(invalid("chain", "this certificate has expired already"));
    }
    // Threat model: ENR-30. Also what it signed for somebody who is no device of a fleet.
    if context.ca.has_signed(presented.leaf()) {
        return Err(invalid("chain", "this certificate is by this server's own CA"));
    }
    if let Some(id) = &signed.external_id {
        check_text("external_id", id, MAX_EXTERNAL_ID_LEN)?;
    }
    let outcome = write!(context.db, |tx| -> Result<_, EnrolmentError> {
        signed.record(tx, &presented, now).await
    });
    let recorded = match outcome {
        Err(EnrolmentError::Db(DbError::Unique)) => {
            return Err(EnrolmentError::Conflict(
                "this certificate is recorded for another device",
            ));
        }
        outcome => outcome?,
    };
    let certificate = recorded.certificate;
    if recorded.is_new {
        tell(
            context,
            &certificate.organisation,
            &certificate.device,
            FleetChangeKind::Changed,
        );
    }
    if certificate.revocation.is_some() {
        return Err(EnrolmentError::Conflict(
            "this certificate may not serve: the approval has ended or has its certificate, or the device or its key has been \
             excluded. It is recorded as revoked: deactivate it at its signer",
        ));
    }
    Ok(certificate)
}

/// What is on record by now.
pub(super) struct Recorded {
    pub(super) certificate: CertificateRecord,
    pub(super) is_new: bool,
}

impl Signed {
    /// For a certificate that is recorded: it was for this approval, or it is taken for it as a new one would be.
    async fn repeat(
        self,
        tx: &mut Conn<'_>,
        certificate: CertificateRecord,
        approval: &ApprovalRecord,
        is_asked: bool,
        now: UnixMillis,
    ) -> Result<Recorded, EnrolmentError> {
        if !self.may_enrol {
            return Err(EnrolmentError::NotFound);
        }
        let is_of_this = approval.certificate.as_ref() == Some(&certificate.sha256);
        let is_revoked = certificate.revocation.is_some();
        if !is_of_this && !is_revoked {
            let is_unused = certificate.proven_at.is_none() && certificate.superseded_at.is_none();
            if !(is_asked && is_unused && certificate.signer == approval.signer) {
                return Err(EnrolmentError::Conflict(
                    "this certificate was recorded before, and not for this approval",
                ));
            }
            lock_device(tx, &self.device, &approval.spki_sha256).await?;
            if !approvals::issue(tx, &self.claim, &certificate.sha256, now).await? {
                return Err(DbError::Busy.into());
            }
        }
        Ok(Recorded {
            certificate,
            is_new: false,
        })
    }

    pub(super) async fn record(
        self,
        tx: &mut Conn<'_>,
        presented: &Presented,
        now: UnixMillis,
    ) -> Result<Recorded, EnrolmentError> {
        let spki = presented.key().spki_sha256();
        owned(tx, &self.claim, &self.member.account).await?;
        let device = devices::lock(tx, &self.device)
            .await?
            .ok_or(EnrolmentError::NotFound)?
            .device;
        let approval = owned(tx, &self.claim, &self.member.account).await?;
        if approval.device != self.device || approval.spki_sha256 != spki {
            return Err(invalid(
                "chain",
                "this certificate is not for the approved key of this device",
            ));
        }
        let began = approval
            .begun_at
            .filter(|began| now.since(*began) < RECORDED_WITHIN);
        if began.is_none() {
            return Err(EnrolmentError::Conflict(
                "no signing has begun for this approval within a day: say so first, then ask the signer",
            ));
        }
        let is_asked = matches!(
            approval.stage,
            EnrolmentStage::Signing | EnrolmentStage::ReplyLost
        );
        if let Some(certificate) = certificates::find(tx, presented.sha256()).await?
            && certificate.device == self.device
        {
            return self.repeat(tx, certificate, &approval, is_asked, now).await;
        }
        if !approvals::count_recorded(tx, &self.claim, MAX_RECORDED).await? {
            return Err(EnrolmentError::TooManyCertificates);
        }
        let fits = match lock_device(tx, &self.device, &spki).await {
            Ok(_) => true,
            Err(EnrolmentError::Db(error)) => return Err(error.into()),
            Err(_) => false,
        };
        let foreign = Foreign {
            presented,
            trust_anchors: self.trust_anchors,
            external_id: self.external_id,
            organisation: device.organisation,
            device: self.device,
            signer: approval.signer,
        };
        let purpose = match self.may_enrol && is_asked && fits {
            true => Use::Approval(&approval.claim),
            false => Use::Nothing,
        };
        let certificate = foreign.record(tx, purpose, self.member.actor(), now).await?;
        Ok(Recorded {
            certificate,
            is_new: true,
        })
    }
}

fn invalid(field: &'static str, detail: impl Into<String>) -> EnrolmentError {
    EnrolmentError::Invalid {
        field,
        detail: detail.into(),
    }
}
