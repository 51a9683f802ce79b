//! Certificates of corporate CAs: asked for between two transactions, because a CA takes its time.
//!
//! 1. [`begin`], in the transaction that has settled that nothing stands: one attempt for each device at a time, for as long as the
//!    lease at most. An approval is in the stage `signing` meanwhile, and cannot be taken back.
//! 2. [`finish`] asks the CA, once, and within a quarter of the lease.
//! 3. A second transaction looks at what came of it. A certificate for the device's key is recorded before it is told, as revoked
//!    where it may not serve. What was surely not signed leads back; what is unclear is a lost reply.
//!
//! After a crash in between the lease ends: an approval's reply counts as lost, and a person decides; a renewal is asked for again.
//! Where the replies of renewals are lost that happens more and more rarely, because nobody is there to decide
//! (`docs/decisions/0032-corporate-cas.md`).

mod obtained;

use gangway_protocol::certificate::EnrolmentStage;
use gangway_protocol::device::FleetChangeKind;
use gangway_protocol::history::DeviceAction;
use gangway_protocol::id::{ClaimId, DeviceId, OrganisationId};
use gangway_protocol::signer::Signer;
use gangway_protocol::time::UnixMillis;
use gangway_signing::{CorporateError, CorporateOrder, CorporateSigned};

use super::issuance::{Grounds, Order};
use super::signing;
use super::standing::{is_being_signed, lease, note_loss, unfit};
use super::{EnrolmentError, tell};
use crate::authority::Member;
use crate::ca::{DeviceIdentity, Presented};
use crate::context::Context;
use crate::db::approvals::ApprovalRecord;
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::certificates::CertificateRecord;
use crate::db::organisations::tree;
use crate::db::{Conn, DbError, approvals, audit, corporate_attempts, devices, organisations, write};
use crate::signers::CorporateCa;

/// After a renewal that failed the device is not asked for before this.
const RENEWAL_PAUSE: i64 = 5 * UnixMillis::MINUTE;
/// After a renewal whose reply was lost; twice as long after each further one.
const LOSS_PAUSE: i64 = UnixMillis::HOUR;
/// The longest pause, also of those that a CA wishes for.
const LONGEST_PAUSE: i64 = UnixMillis::DAY;

/// What a corporate CA is asked for.
#[derive(Clone)]
pub(super) struct Asked {
    signer: Signer,
    organisation: OrganisationId,
    /// The customer, which the certificate names as those of our own CA do.
    customer: OrganisationId,
    /// The approval that waits for it.
    approval: Option<ClaimId>,
    /// The certificate that is renewed, PEM.
    renews: Option<String>,
}

/// On what grounds it is asked.
pub(super) enum Cause {
    /// An approval of this member's.
    Approval(Box<ApprovalRecord>, Member),
    /// The renewal of this certificate.
    Renewal(Box<CertificateRecord>),
}

/// Begins an attempt, with the device locked.
///
/// # Errors
/// [`EnrolmentError::Signing`] while another one goes on; [`EnrolmentError::ReplyLost`] when a person has to decide first;
/// [`EnrolmentError::Conflict`] when the member may not use the signer any more.
pub(super) async fn begin(
    tx: &mut Conn<'_>,
    order: &Order,
    signer: Signer,
    cause: Cause,
    now: UnixMillis,
) -> Result<Asked, EnrolmentError> {
    if !corporate_attempts::begin(tx, &order.device, now, now.plus(lease())).await? {
        let until = corporate_attempts::not_before(tx, &order.device).await?;
        let left = until.map_or(0, |until| until.since(now)) / UnixMillis::SECOND + 1;
        return Err(EnrolmentError::Signing {
            retry_after_secs: u32::try_from(left).unwrap_or(u32::MAX),
        });
    }
    let (organisation, approval, renews) = match cause {
        Cause::Renewal(current) => (current.organisation, None, Some(current.leaf)),
        Cause::Approval(record, member) => {
            let role = organisations::role_at(tx, &record.organisation, &member.account).await?;
            if let Some(why) = unfit(Some(&signer), role.ok_or(EnrolmentError::NotFound)?) {
                return Err(EnrolmentError::Conflict(why));
            }
            // The lease of another server whose clock is behind.
            if is_being_signed(&record, now) {
                return Err(DbError::Busy.into());
            }
            let stage = signing::begin(tx, &record, &member, &signer, order.again, now).await?;
            if !approvals::advance(tx, &record.claim, record.stage, stage, now).await? {
                return Err(DbError::Busy.into());
            }
            (record.organisation, Some(record.claim), None)
        }
    };
    let place = tree::find(tx, &organisation).await?;
    Ok(Asked {
        signer,
        customer: place.ok_or(EnrolmentError::NotFound)?.root,
        organisation,
        approval,
        renews,
    })
}

/// Asks, and records what came of it.
///
/// # Errors
/// [`EnrolmentError::Corporate`] with what the CA says; [`EnrolmentError::ReplyLost`]; [`EnrolmentError::Conflict`] when what was signed
/// may not serve any more.
pub(super) async fn finish(
    context: &Context,
    order: &Order,
    asked: Asked,
) -> Result<CertificateRecord, EnrolmentError> {
    let outcome = ask(context, order, &asked).await;
    let signed = outcome.and_then(|signed| {
        // What cannot be read is of no use, but may be a certificate.
        let presented = Presented::parse(&signed.chain).map_err(|unreadable| CorporateError::Unclear {
            detail: unreadable.to_string(),
        })?;
        match presented.key().spki_sha256() == order.csr.spki_sha256() {
            true => Ok((signed, presented)),
            false => Err(CorporateError::OtherKey),
        }
    });
    match signed {
        Ok((signed, presented)) => obtained::record(context, order, asked, signed, presented).await,
        Err(error) => {
            tracing::warn!(device = %order.device, signer = %asked.signer.id, %error, "a corporate CA did not sign");
            Err(settle_failure(context, order, asked, error).await?)
        }
    }
}

async fn ask(context: &Context, order: &Order, asked: &Asked) -> Result<CorporateSigned, CorporateError> {
    let unusable = |error: crate::authority::Error| CorporateError::Credential {
        detail: error.to_string(),
    };
    let Context {
        db,
        ca,
        clock,
        random,
        ..
    } = context;
    let ca = CorporateCa::open(db, ca.key_store(), &asked.signer, &**clock, &**random).await;
    let identity = DeviceIdentity {
        organisation: asked.customer.clone(),
        device: order.device.clone(),
        known_as: None,
    };
    let what = CorporateOrder {
        csr: order.csr.clone(),
        device: order.device.clone(),
        urn: identity.urn(),
        renews: asked.renews.clone(),
    };
    ca.map_err(unusable)??.sign(what).await
}

/// Writes down that there is no certificate, and says why.
async fn settle_failure(
    context: &Context,
    order: &Order,
    asked: Asked,
    error: CorporateError,
) -> Result<EnrolmentError, EnrolmentError> {
    let now = context.clock.now();
    let is_unclear = matches!(error, CorporateError::Unclear { .. });
    let wished = error
        .retry_after_secs()
        .map(|secs| LONGEST_PAUSE.min(i64::from(secs) * UnixMillis::SECOND));
    let (device, grounds) = (order.device.clone(), order.grounds.clone());
    let approval = asked.approval.clone();
    let is_renewal = approval.is_none();
    let home = write!(context.db, |tx| -> Result<_, EnrolmentError> {
        // Where the device is now: it may have been moved while the CA was asked.
        let home = devices::lock(tx, &device)
            .await?
            .ok_or(EnrolmentError::NotFound)?
            .device
            .organisation;
        let pause = match &approval {
            None if is_unclear => {
                let lost = corporate_attempts::lose(tx, &device).await?;
                note_lost_renewal(tx, &home, &device, now).await?;
                LONGEST_PAUSE.min(LOSS_PAUSE << (lost - 1).clamp(0, 8))
            }
            None => wished.unwrap_or(RENEWAL_PAUSE),
            Some(claim) => {
                let to = match is_unclear {
                    true => EnrolmentStage::ReplyLost,
                    false => EnrolmentStage::Consented,
                };
                let moved = approvals::advance(tx, claim, EnrolmentStage::Signing, to, now).await?;
                if moved && is_unclear {
                    let record = approvals::find(tx, claim)
                        .await?
                        .ok_or(EnrolmentError::NotFound)?;
                    note_loss(tx, &record, actor(&grounds, &device), now).await?;
                }
                // A person may ask again at once, unless the CA wants otherwise.
                wished.unwrap_or_default()
            }
        };
        corporate_attempts::postpone(tx, &device, now.plus(pause)).await?;
        Ok(home)
    })?;
    tell(context, &home, &order.device, FleetChangeKind::Changed);
    Ok(match is_unclear && !is_renewal {
        true => EnrolmentError::ReplyLost,
        false => EnrolmentError::Corporate {
            signer: asked.signer.name,
            error,
        },
    })
}

fn actor<'a>(grounds: &'a Grounds, device: &'a DeviceId) -> Actor<'a> {
    match grounds {
        Grounds::Approval(member) => member.actor(),
        Grounds::Renewal(_) => Actor::Device(device),
    }
}

async fn note_lost_renewal(
    tx: &mut Conn<'_>,
    organisation: &OrganisationId,
    device: &DeviceId,
    now: UnixMillis,
) -> Result<(), DbError> {
    let entry = Entry {
        scope: Scope::Organisation(organisation),
        at: now,
        actor: Actor::Device(device),
        action: DeviceAction::ReplyLost.into(),
        subject: device.as_str(),
        detail: "renewal",
    };
    audit::append(tx, &entry).await
}
