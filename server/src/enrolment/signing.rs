//! Signing elsewhere (`docs/protocol.md` §4): a claimant asks AWS or another signer with its own credentials, which the server
//! never sees. Such a signer is not idempotent, so that what happens to the request is written down before and after it.
//!
//! ```text
//! consented ─▶ signing ─▶ issued
//!     ▲           │ └──▶ reply_lost ─▶ signing (again, as the person decides)
//!     └───────────┘ refused
//! ```

use gangway_protocol::certificate::{
    Approval, EnrolmentStage, RevocationReason, SIGNING_LEASE_SECS, SigningUpdate,
};
use gangway_protocol::device::{FleetChangeKind, check_text};
use gangway_protocol::history::DeviceAction;
use gangway_protocol::id::{ClaimId, DeviceId, SignerId};
use gangway_protocol::time::UnixMillis;

use super::approval::{owned_with_device, require_standing, show};
use super::{EnrolmentError, note_certificate, tell};
use crate::authority::Member;
use crate::ca::Presented;
use crate::context::Context;
use crate::db::approvals::ApprovalRecord;
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::certificates::{CertificateRecord, Generation, Revoked, SignedBy};
use crate::db::{Conn, DbError, approvals, audit, certificates, devices, issuance, signers, write};

/// How long a signer elsewhere may be asked before its reply is taken for lost.
pub(super) fn lease() -> i64 {
    i64::from(SIGNING_LEASE_SECS) * UnixMillis::SECOND
}
/// Longest name that a signer may have for a certificate.
const MAX_EXTERNAL_ID_LEN: usize = 128;

/// Notes what the claimant is about. Repeating it changes nothing.
///
/// # Errors
/// [`EnrolmentError::ReplyLost`] when somebody has to look for a certificate first; [`EnrolmentError::Signing`] while another
/// claimant has the same key signed; [`EnrolmentError::Conflict`] before consent, after withdrawal, or when our own CA signs.
pub async fn update(
    context: &Context,
    claim: &ClaimId,
    member: Member,
    update: SigningUpdate,
) -> Result<Approval, EnrolmentError> {
    let now = context.clock.now();
    let claim = claim.clone();
    write!(context.db, |tx| -> Result<_, EnrolmentError> {
        let (mut record, device) = owned_with_device(tx, &claim, &member.account).await?;
        devices::lock(tx, &device.id)
            .await?
            .ok_or(EnrolmentError::NotFound)?;
        require_standing(&record, now)?;
        let to = match update {
            SigningUpdate::Begun { .. } if take_standing(tx, &record, now).await? => {
                record.stage = EnrolmentStage::Issued;
                EnrolmentStage::Issued
            }
            SigningUpdate::Begun { again } => begin(tx, &record, &member, again, now).await?,
            SigningUpdate::Refused if record.stage == EnrolmentStage::Signing => EnrolmentStage::Consented,
            SigningUpdate::ReplyLost if record.stage == EnrolmentStage::Signing => EnrolmentStage::ReplyLost,
            SigningUpdate::Refused | SigningUpdate::ReplyLost => record.stage,
        };
        if to != record.stage || is_again(update, to) {
            approvals::advance(tx, &claim, record.stage, to, now).await?;
            if to == EnrolmentStage::ReplyLost {
                note_loss(tx, &record, member.actor(), now).await?;
            }
            record.stage = to;
        }
        Ok(show(record, device))
    })
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
) -> Result<bool, EnrolmentError> {
    if !matches!(
        record.stage,
        EnrolmentStage::Consented | EnrolmentStage::Signing | EnrolmentStage::ReplyLost
    ) {
        return Ok(false);
    }
    let newest = certificates::newest_of_key(tx, &record.organisation, &record.spki_sha256).await?;
    let standing = newest.map(|newest| newest.certificate).filter(|newest| {
        newest.signer == record.signer
            && newest.revocation.is_none()
            && newest.proven_at.is_none()
            && newest.not_after > now
    });
    match standing {
        Some(standing) => Ok(approvals::issue(tx, &record.claim, &standing.sha256, now).await?),
        None => Ok(false),
    }
}

/// The stage that a beginning leads to.
async fn begin(
    tx: &mut Conn<'_>,
    record: &ApprovalRecord,
    member: &Member,
    again: bool,
    now: UnixMillis,
) -> Result<EnrolmentStage, EnrolmentError> {
    let signer = signers::find(tx, &record.signer)
        .await?
        .ok_or(DbError::Corrupt("approvals.signer"))?;
    if signer.kind.is_builtin() {
        return Err(EnrolmentError::Conflict(
            "this organisation's own CA signs for this approval: ask for the certificate with the device's request",
        ));
    }
    if signer.disabled {
        return Err(EnrolmentError::Conflict(
            "this signer has been disabled: choose another one and approve the device again",
        ));
    }
    let is_lost = |stage: EnrolmentStage, since: UnixMillis| {
        stage == EnrolmentStage::ReplyLost
            || (stage == EnrolmentStage::Signing && now.since(since) >= lease())
    };
    match record.stage {
        EnrolmentStage::Approved => {
            return Err(EnrolmentError::Conflict(
                "the device has not consented yet; answer the question on its screen",
            ));
        }
        EnrolmentStage::Consented => {}
        stage if is_lost(stage, record.stage_since) => {
            if !again {
                return Err(EnrolmentError::ReplyLost);
            }
        }
        // The same request again, whose reply was lost on the way to the claimant.
        EnrolmentStage::Signing => return Ok(EnrolmentStage::Signing),
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
        if !is_lost(other.stage, other.stage_since) {
            let left = lease() - now.since(other.stage_since);
            let secs = u32::try_from(left / UnixMillis::SECOND + 1).unwrap_or(SIGNING_LEASE_SECS);
            return Err(EnrolmentError::Signing {
                retry_after_secs: secs,
            });
        }
        if !again {
            return Err(EnrolmentError::ReplyLost);
        }
        approvals::advance(tx, &other.claim, other.stage, EnrolmentStage::Withdrawn, now).await?;
    }
    let entry = Entry {
        scope: Scope::Organisation(&record.organisation),
        at: now,
        actor: member.actor(),
        action: DeviceAction::SigningBegun.as_str(),
        subject: record.device.as_str(),
        detail: &signer.name,
    };
    audit::append(tx, &entry).await?;
    Ok(EnrolmentStage::Signing)
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
        action: DeviceAction::ReplyLost.as_str(),
        subject: record.device.as_str(),
        detail: "",
    };
    audit::append(tx, &entry).await?;
    Ok(())
}

/// A certificate that somebody else has signed.
#[derive(Clone, Debug)]
pub struct Signed {
    /// For which device.
    pub device: DeviceId,
    /// PEM blocks, leaf first.
    pub chain: String,
    /// Who signed.
    pub signer: SignerId,
    /// The signer's own name for it.
    pub external_id: Option<String>,
    /// Who had it signed.
    pub member: Member,
}

/// Records a certificate that was signed elsewhere. Repeating it gives the one that is recorded.
///
/// Where the approval was taken back meanwhile, it is recorded as revoked: it exists, and somebody has to end it there.
///
/// # Errors
/// [`EnrolmentError::Invalid`] for a chain that is not for the approved key or has run out; [`EnrolmentError::Conflict`] when
/// nothing was begun, or the approval was taken back.
pub async fn record(context: &Context, signed: Signed) -> Result<CertificateRecord, EnrolmentError> {
    let now = context.clock.now();
    let presented =
        Presented::parse(&signed.chain).map_err(|unreadable| invalid("chain", unreadable.to_string()))?;
    if presented.not_after() <= now {
        return Err(invalid("chain", "this certificate has expired already"));
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
            "this approval was taken back meanwhile. The certificate is recorded as revoked: deactivate it at its signer",
        ));
    }
    Ok(certificate)
}

struct Recorded {
    certificate: CertificateRecord,
    is_new: bool,
}

impl Signed {
    async fn record(
        self,
        tx: &mut Conn<'_>,
        presented: &Presented,
        now: UnixMillis,
    ) -> Result<Recorded, EnrolmentError> {
        let spki = presented.key().spki_sha256();
        let device = devices::lock(tx, &self.device)
            .await?
            .ok_or(EnrolmentError::NotFound)?
            .device;
        let approval = approvals::asked_of(tx, &self.device, &spki, &self.signer)
            .await?
            .filter(|approval| approval.account == self.member.account)
            .ok_or_else(|| {
                invalid("chain", "you have not had this signer sign this key for this device: the certificate is another's")
            })?;
        if let Some(certificate) = certificates::find(tx, presented.sha256()).await?
            && certificate.device == self.device
        {
            return Ok(Recorded {
                certificate,
                is_new: false,
            });
        }
        match approval.stage {
            EnrolmentStage::Signing | EnrolmentStage::ReplyLost | EnrolmentStage::Withdrawn => {}
            _ => {
                return Err(EnrolmentError::Conflict(
                    "no signing has begun for this approval: say so first, then ask the signer",
                ));
            }
        }
        let newest = certificates::newest_of_key(tx, &device.organisation, &spki).await?;
        let leaf = presented.leaf();
        let tbs = &leaf.tbs_certificate;
        let new = Generation {
            number: newest.map_or(1, |newest| newest.number + 1),
            certificate: CertificateRecord {
                sha256: *presented.sha256(),
                signed_by: SignedBy::Other {
                    above: presented.above(),
                    external_id: self.external_id,
                },
                serial: presented.serial(),
                organisation: device.organisation,
                device: self.device,
                signer: self.signer,
                spki_sha256: spki,
                leaf: presented.pem(),
                subject: tbs.subject.to_string(),
                issuer_name: tbs.issuer.to_string(),
                key_kind: presented.key().kind().to_string(),
                not_before: presented.not_before(),
                not_after: presented.not_after(),
                issued_at: now,
                delivered_at: None,
                proven_at: None,
                superseded_at: None,
                grace_until: None,
                revocation: None,
            },
        };
        let stands = approval.stage != EnrolmentStage::Withdrawn;
        issuance::record(tx, &new, stands.then_some(&approval.claim)).await?;
        let mut certificate = new.certificate;
        note_certificate(
            tx,
            &certificate,
            self.member.actor(),
            DeviceAction::CertificateIssued,
            now,
        )
        .await?;
        if !stands {
            let revoked = Revoked {
                at: now,
                reason: RevocationReason::CessationOfOperation,
            };
            certificates::revoke_one(tx, &certificate.sha256, revoked).await?;
            devices::refresh_expiry(tx, &certificate.device).await?;
            certificate = certificates::find(tx, &certificate.sha256)
                .await?
                .ok_or(DbError::Corrupt("certificates: a new one is gone"))?;
        }
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
