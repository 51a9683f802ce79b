//! What a proof changes: the counter, and with the first proof of a certificate, who the key belongs to.

use gangway_protocol::certificate::{EnrolmentStage, RevocationReason};
use gangway_protocol::device::{Device, DeviceAlarm, DeviceState, FleetChangeKind};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::history::DeviceAction;
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::session::MAX_COUNTER;
use gangway_protocol::time::UnixMillis;

use super::{GateError, Pass, key_in_use, refuse, standing};
use crate::context::Context;
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::certificates::{CertificateRecord, Revoked};
use crate::db::{Conn, DbError, approvals, audit, certificates, device_keys, devices, rules, write};
use crate::enrolment::approval::retire_if_abandoned;
use crate::enrolment::{EnrolmentError, tell};

/// What became of a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Whether it is the first of its certificate.
    pub first: bool,
    /// The alarm that stands, perhaps raised by this very proof.
    pub alarm: Option<DeviceAlarm>,
}

/// Records a proof. On the first one of a certificate the device becomes active, its older certificates are superseded,
/// and what others issued for the same key and never saw proven is revoked.
///
/// # Errors
/// [`GateError::Refused`] when the certificate no longer stands, or another proof of its key was faster.
pub async fn accept_proof(context: &Context, pass: &Pass, counter: u64) -> Result<Accepted, GateError> {
    let Some(counter) = i64::try_from(counter).ok().filter(|_| counter < MAX_COUNTER) else {
        return Err(refuse(
            ProblemCode::Malformed,
            "the counter is not below 2^53",
            None,
        ));
    };
    let (now, owned) = (context.clock.now(), pass.clone());
    let outcome = write!(context.db, |tx| -> Result<_, GateError> {
        record(tx, &owned, counter, now).await
    })?;
    if outcome.changed {
        tell(
            context,
            &pass.organisation,
            &pass.device,
            FleetChangeKind::Changed,
        );
    }
    for (organisation, device) in outcome.rivals {
        settle_rival(context, organisation, device, now).await?;
    }
    Ok(outcome.accepted)
}

/// Raises the clone alarm of a device: two live sessions of one certificate.
///
/// # Errors
/// What the database says.
pub async fn raise_clone_alarm(context: &Context, id: &DeviceId) -> Result<(), GateError> {
    let (now, owned) = (context.clock.now(), id.clone());
    let raised = write!(context.db, |tx| {
        let device = devices::lock(tx, &owned).await?.ok_or(DbError::Missing)?.device;
        alarm(
            tx,
            &device,
            None,
            now,
            "two sessions of one certificate at the same time",
        )
        .await
        .map(|raised| raised.then_some(device))
    })?;
    if let Some(device) = raised {
        tell(
            context,
            &device.organisation,
            &device.id,
            FleetChangeKind::Changed,
        );
    }
    Ok(())
}

struct Outcome {
    accepted: Accepted,
    changed: bool,
    rivals: Vec<(OrganisationId, DeviceId)>,
}

async fn record(tx: &mut Conn<'_>, pass: &Pass, counter: i64, now: UnixMillis) -> Result<Outcome, GateError> {
    let record = devices::lock(tx, &pass.device).await?.ok_or(DbError::Missing)?;
    let certificate = certificates::find(tx, &pass.certificate)
        .await?
        .ok_or(DbError::Missing)?;
    let policy = rules::find(tx, &pass.organisation)
        .await?
        .ok_or(DbError::Missing)?
        .policy;
    // It may have been revoked since it was looked up; from here on the lock keeps it as it is.
    standing(tx, &certificate, &record, &policy, now).await?;
    let mut changed = false;
    if !devices::advance_counter(tx, &pass.device, counter).await? {
        let why =
            format!("counter {counter} is not greater than the last one: a copied key, or a restored backup");
        changed = alarm(tx, &record.device, Some(counter), now, &why).await?;
    }
    let mut rivals = Vec::new();
    let first = certificate.proven_at.is_none();
    if first {
        rivals = prove(tx, &record.device, &certificate, now).await?;
        changed = true;
    }
    let alarm = devices::find(tx, &pass.device)
        .await?
        .and_then(|record| record.device.alarm);
    Ok(Outcome {
        accepted: Accepted { first, alarm },
        changed,
        rivals,
    })
}

/// The first proof of a certificate: the first organisation in which a session proves a key has it.
async fn prove(
    tx: &mut Conn<'_>,
    device: &Device,
    certificate: &CertificateRecord,
    now: UnixMillis,
) -> Result<Vec<(OrganisationId, DeviceId)>, GateError> {
    let CertificateRecord {
        organisation,
        spki_sha256,
        sha256,
        ..
    } = certificate;
    device_keys::lock_everywhere(tx, spki_sha256).await?;
    if device_keys::is_in_use_elsewhere(tx, organisation, spki_sha256).await? {
        return Err(key_in_use());
    }
    device_keys::prove(tx, organisation, spki_sha256, now).await?;
    certificates::prove(tx, sha256, now).await?;
    certificates::supersede_older(tx, &device.id, certificate, now).await?;
    approvals::follow_certificate(tx, sha256, EnrolmentStage::Proven, now).await?;
    if matches!(device.state, DeviceState::Enrolling { .. }) {
        let active = device.state.clone().prove(now).map_err(EnrolmentError::from)?;
        devices::set_state(tx, &device.id, &active).await?;
    }
    let revoked = Revoked {
        at: now,
        reason: RevocationReason::Superseded,
    };
    let rivals = certificates::revoke_unproven_elsewhere(tx, organisation, spki_sha256, revoked).await?;
    let entry = Entry {
        scope: Scope::Organisation(organisation),
        at: now,
        actor: Actor::Device(&device.id),
        action: DeviceAction::CertificateProven.as_str(),
        subject: device.id.as_str(),
        detail: &format!("serial {}", certificate.serial),
    };
    audit::append(tx, &entry).await?;
    Ok(rivals)
}

/// A device elsewhere has lost its unproven certificate to a faster proof. In a transaction of its own: locks of two
/// organisations are never held together.
async fn settle_rival(
    context: &Context,
    organisation: OrganisationId,
    id: DeviceId,
    now: UnixMillis,
) -> Result<(), GateError> {
    let owned = id.clone();
    let scope = organisation.clone();
    write!(context.db, |tx| -> Result<_, GateError> {
        let Some(record) = devices::lock(tx, &owned).await? else {
            return Ok(());
        };
        approvals::withdraw_revoked(tx, &owned, now).await?;
        retire_if_abandoned(tx, &owned, &record.device.state, now).await?;
        let entry = Entry {
            scope: Scope::Organisation(&scope),
            at: now,
            actor: Actor::Server,
            action: DeviceAction::CertificateRevoked.as_str(),
            subject: owned.as_str(),
            detail: "its key was proved by another device first",
        };
        Ok(audit::append(tx, &entry).await?)
    })?;
    tell(context, &organisation, &id, FleetChangeKind::Changed);
    Ok(())
}

async fn alarm(
    tx: &mut Conn<'_>,
    device: &Device,
    counter: Option<i64>,
    now: UnixMillis,
    why: &str,
) -> Result<bool, DbError> {
    let raised = devices::raise_alarm(tx, &device.id, now, counter).await?;
    if raised {
        let entry = Entry {
            scope: Scope::Organisation(&device.organisation),
            at: now,
            actor: Actor::Server,
            action: DeviceAction::CloneAlarm.as_str(),
            subject: device.id.as_str(),
            detail: why,
        };
        audit::append(tx, &entry).await?;
    }
    Ok(raised)
}
