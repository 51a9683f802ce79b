//! What stands still for too long is ended: approvals that led to nothing, certificates that no session ever proved, the
//! grace of those that a newer one has replaced.

use gangway_protocol::certificate::{EnrolmentStage, RevocationReason};
use gangway_protocol::device::FleetChangeKind;
use gangway_protocol::history::DeviceAction;
use gangway_protocol::time::UnixMillis;

use super::approval::{self, retire_if_abandoned};
use super::standing::{self, LAPSES_AFTER};
use super::{EnrolmentError, tell};
use crate::context::Context;
use crate::db::approvals::ApprovalRecord;
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::certificates::{CertificateRecord, Revoked};
use crate::db::{approvals, audit, certificates, devices, rules, write};
use crate::relay::Relay;

/// A certificate that was issued and never proven is revoked after this (`docs/protocol.md` §4).
pub const PROOF_DUE_AFTER: i64 = 7 * UnixMillis::DAY;
/// Most that one look ends of each kind; the rest waits for the next.
const BATCH: u32 = 500;

/// Ends what is overdue by now.
pub async fn sweep(context: &Context, relay: &Relay) {
    if let Err(error) = end_overdue(context, relay, context.clock.now()).await {
        tracing::error!(%error, "could not end what is overdue in enrolment");
    }
}

/// Reads the issuers again: the command line beside the server may have changed them.
pub async fn reload_issuers(context: &Context) {
    if let Err(error) = context.ca.reload(&context.db).await {
        tracing::error!(%error, "could not read the issuers of the built-in CA again");
    }
}

async fn end_overdue(context: &Context, relay: &Relay, now: UnixMillis) -> Result<(), EnrolmentError> {
    let (unanswered, lapsed, unproven, superseded) = {
        let mut reader = context.db.reader().await?;
        let conn = &mut reader.conn();
        (
            approvals::unanswered(conn, now.plus(-standing::lease()), BATCH).await?,
            approvals::lapsed(conn, now.plus(-LAPSES_AFTER), BATCH).await?,
            certificates::unproven(conn, now.plus(-PROOF_DUE_AFTER), BATCH).await?,
            certificates::grace_over(conn, now, BATCH).await?,
        )
    };
    for record in unanswered {
        lose_reply(context, record, now).await?;
    }
    for record in lapsed {
        lapse(context, record, now).await?;
    }
    for certificate in unproven {
        revoke_unproven(context, certificate, now).await?;
    }
    for certificate in superseded {
        end_superseded(context, relay, certificate, now).await?;
    }
    Ok(())
}

/// The grace of a superseded certificate is over: it goes on the list where the policy says so, and a session that was
/// opened with it ends. The device's newer session comes back by itself.
async fn end_superseded(
    context: &Context,
    relay: &Relay,
    certificate: CertificateRecord,
    now: UnixMillis,
) -> Result<(), EnrolmentError> {
    let device = certificate.device.clone();
    let had_a_grace = certificate.grace_until > certificate.superseded_at;
    write!(context.db, |tx| -> Result<_, EnrolmentError> {
        let device = devices::lock(tx, &certificate.device)
            .await?
            .ok_or(EnrolmentError::NotFound)?
            .device;
        certificates::end_grace(tx, &certificate.sha256).await?;
        let rules = rules::find(tx, &device.organisation)
            .await?
            .ok_or(EnrolmentError::NotFound)?;
        if rules.policy.superseded_in_crl {
            let revoked = Revoked {
                at: now,
                reason: RevocationReason::Superseded,
            };
            certificates::revoke_one(tx, &certificate.sha256, revoked).await?;
        }
        Ok(())
    })?;
    if had_a_grace {
        relay.reconnect(&device);
    }
    Ok(())
}

/// A signer elsewhere was asked, and whoever asked it has not come back: their page was closed, perhaps.
async fn lose_reply(
    context: &Context,
    record: ApprovalRecord,
    now: UnixMillis,
) -> Result<(), EnrolmentError> {
    let lost = write!(context.db, |tx| -> Result<_, EnrolmentError> {
        devices::lock(tx, &record.device)
            .await?
            .ok_or(EnrolmentError::NotFound)?;
        // It may have been heard of since it was read, or be asked again.
        let record = approvals::find(tx, &record.claim)
            .await?
            .ok_or(EnrolmentError::NotFound)?;
        let (from, to) = (EnrolmentStage::Signing, EnrolmentStage::ReplyLost);
        if record.stage != from || standing::is_being_signed(&record, now) {
            return Ok(None);
        }
        if approvals::advance(tx, &record.claim, from, to, now).await? {
            standing::note_loss(tx, &record, Actor::Server, now).await?;
        }
        Ok(Some(record))
    })?;
    if let Some(record) = lost {
        tell(
            context,
            &record.organisation,
            &record.device,
            FleetChangeKind::Changed,
        );
    }
    Ok(())
}

async fn lapse(context: &Context, record: ApprovalRecord, now: UnixMillis) -> Result<(), EnrolmentError> {
    let ended = write!(context.db, |tx| -> Result<_, EnrolmentError> {
        // It may have led to a certificate since it was read.
        let record = approvals::find(tx, &record.claim)
            .await?
            .ok_or(EnrolmentError::NotFound)?;
        let open = standing::require_standing(&record, now).is_err();
        if open {
            approval::end(tx, &record, now, Actor::Server, DeviceAction::ApprovalLapsed).await?;
        }
        Ok(open.then_some(record))
    })?;
    if let Some(record) = ended {
        tell(
            context,
            &record.organisation,
            &record.device,
            FleetChangeKind::Changed,
        );
    }
    Ok(())
}

async fn revoke_unproven(
    context: &Context,
    certificate: CertificateRecord,
    now: UnixMillis,
) -> Result<(), EnrolmentError> {
    let record = certificate.clone();
    write!(context.db, |tx| -> Result<_, EnrolmentError> {
        let device = devices::lock(tx, &record.device)
            .await?
            .ok_or(EnrolmentError::NotFound)?
            .device;
        let present = certificates::find(tx, &record.sha256)
            .await?
            .ok_or(EnrolmentError::NotFound)?;
        if present.proven_at.is_some() {
            return Ok(());
        }
        let revoked = Revoked {
            at: now,
            reason: RevocationReason::CessationOfOperation,
        };
        if !certificates::revoke_one(tx, &record.sha256, revoked).await? {
            return Ok(());
        }
        approvals::withdraw_of_certificate(tx, &record.sha256, now).await?;
        retire_if_abandoned(tx, &device.id, &device.state, now).await?;
        let entry = Entry {
            scope: Scope::Organisation(&record.organisation),
            at: now,
            actor: Actor::Server,
            action: DeviceAction::CertificateNeverProven.into(),
            subject: record.device.as_str(),
            detail: &format!("serial {}: no session within 7 days", record.serial),
        };
        Ok(audit::append(tx, &entry).await?)
    })?;
    tell(
        context,
        &certificate.organisation,
        &certificate.device,
        FleetChangeKind::Changed,
    );
    Ok(())
}
