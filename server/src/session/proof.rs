//! What a proof changes: the counter, and with the first proof of a certificate, who the key belongs to.
//!
//! A first proof ends other certificates: the older ones of its device, and those that other organisations have issued for
//! its key. All of it is one transaction. The devices are locked first, in the order of their ids.

use std::collections::BTreeSet;

use gangway_protocol::device::{AlarmKind, Device, DeviceAlarm, DeviceState, FleetChangeKind};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::history::DeviceAction;
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::organisation::Policy;
use gangway_protocol::session::MAX_COUNTER;
use gangway_protocol::time::UnixMillis;
use gangway_protocol::webhook::WebhookEventType;

use super::{GateError, Pass, key_in_use, refuse, standing};
use crate::context::Context;
use crate::db::admission::{self, Candidate};
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::certificates::{CertificateRecord, Displaced};
use crate::db::devices::DeviceRecord;
use crate::db::proofs::{self, FirstProof, Followed};
use crate::db::webhooks::outbox::{self, Happening};
use crate::db::{Conn, DbError, approvals, audit, certificates, device_keys, devices, write};
use crate::enrolment::approval::retire_if_abandoned;
use crate::enrolment::{EnrolmentError, tell};

/// What became of a proof.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
        if owned.unproven_key.is_none()
            && devices::advance_counter_of_standing(tx, &owned.device, &owned.certificate, counter).await?
        {
            return Ok(Outcome::default());
        }
        record(tx, &owned, Shown::Key, Some(counter), now).await
    })?;
    outcome.tell(context);
    Ok(outcome.accepted)
}

/// What a device has shown that comes without a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// In a handshake of TLS that it holds the key of its certificate.
    Key,
    /// That it knows the secret by which the certificate was issued. Anybody's public key could be in that one, so that the key is
    /// nobody's own by it.
    Secret,
}

/// Records that a certificate is in use, outside of a session: as [`accept_proof`], without a counter, which only sessions have.
///
/// # Errors
/// [`GateError::Refused`] when the certificate no longer stands, or another proof of its key was faster.
pub async fn accept_certificate(context: &Context, pass: &Pass, shown: Shown) -> Result<(), GateError> {
    if pass.unproven_key.is_none() {
        return Ok(());
    }
    let (now, owned) = (context.clock.now(), pass.clone());
    let outcome = write!(context.db, |tx| -> Result<_, GateError> {
        record(tx, &owned, shown, None, now).await
    })?;
    outcome.tell(context);
    Ok(())
}

/// Raises the clone alarm of a device: two live sessions of one certificate.
///
/// # Errors
/// What the database says.
pub async fn raise_clone_alarm(context: &Context, id: &DeviceId) -> Result<(), GateError> {
    let (now, owned) = (context.clock.now(), id.clone());
    let raised = write!(context.db, |tx| {
        let device = devices::lock(tx, &owned).await?.ok_or(DbError::Missing)?.device;
        let why = "two sessions of one certificate at the same time";
        let alarm = alarm(tx, &device, None, now, why).await?;
        let raised = alarm.is_some().then_some(device);
        append(tx, alarm.into_iter().collect(), now).await?;
        Ok(raised)
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

/// By default: that of a proof which is nothing new.
#[derive(Default)]
struct Outcome {
    accepted: Accepted,
    /// Devices that are to be read again.
    changed: Vec<(OrganisationId, DeviceId)>,
}

impl Outcome {
    fn tell(&self, context: &Context) {
        for (organisation, device) in &self.changed {
            tell(context, organisation, device, FleetChangeKind::Changed);
        }
    }
}

/// `counter`: of a session; what proves a certificate elsewhere has none.
async fn record(
    tx: &mut Conn<'_>,
    pass: &Pass,
    shown: Shown,
    counter: Option<i64>,
    now: UnixMillis,
) -> Result<Outcome, GateError> {
    let (record, rivals) = lock(tx, pass, shown).await?;
    // It may have been revoked since it was looked up; from here on the lock keeps it as it is.
    let candidate = admission::find(tx, &pass.certificate)
        .await?
        .ok_or(DbError::Missing)?;
    standing(&candidate, now)?;
    let Candidate {
        certificate,
        policy,
        is_key_proven,
        ..
    } = candidate;
    let mut notes = Vec::new();
    let first = certificate.proven_at.is_none();
    let mut was_approved = false;
    if first || (shown == Shown::Key && !is_key_proven) {
        let proof = Proof {
            device: &record.device,
            certificate: &certificate,
            policy: &policy,
            shown,
        };
        let proved = prove(tx, proof, rivals, now).await?;
        notes.extend(proved.notes);
        was_approved = proved.was_approved;
    }
    if let Some(counter) = counter
        && !devices::advance_counter(tx, &pass.device, counter).await?
    {
        if was_approved {
            // Somebody has just said that it is this device: it was installed anew and has nothing but its key.
            devices::begin_counter(tx, &pass.device, counter).await?;
        } else {
            let why = format!(
                "counter {counter} is not greater than the last one: a copied key, or a restored backup"
            );
            notes.extend(alarm(tx, &record.device, Some(counter), now, &why).await?);
        }
    }
    let raised = notes
        .iter()
        .any(|note| matches!(note.action, DeviceAction::CloneAlarm));
    let alarm = record.device.alarm.or_else(|| {
        raised.then_some(DeviceAlarm {
            kind: AlarmKind::Clone,
            since: now,
        })
    });
    let changed = notes
        .iter()
        .map(|note| (note.organisation.clone(), note.device.clone()))
        .collect();
    append(tx, notes, now).await?;
    Ok(Outcome {
        accepted: Accepted { first, alarm },
        changed,
    })
}

/// Locks the device and, before a first proof, those of other organisations that have its key. A device that gets the key
/// after this look is not among them: its proof is refused, and its certificate lapses like any that nobody proves.
async fn lock(
    tx: &mut Conn<'_>,
    pass: &Pass,
    shown: Shown,
) -> Result<(DeviceRecord, Vec<Device>), GateError> {
    let mut ids = BTreeSet::from([pass.device.clone()]);
    // The devices of others that have this key keep what they have, until somebody has shown to hold it.
    if let (Some(key), Shown::Key) = (&pass.unproven_key, shown) {
        ids.extend(device_keys::devices_elsewhere(tx, &pass.organisation, key).await?);
    }
    let (mut own, mut rivals) = (None, Vec::new());
    for id in ids {
        let record = devices::lock(tx, &id).await?.ok_or(DbError::Missing)?;
        if id == pass.device {
            own = Some(record);
        } else {
            rivals.push(record.device);
        }
    }
    Ok((own.ok_or(DbError::Missing)?, rivals))
}

/// The first proof of a certificate, or of its key: the first organisation in which somebody shows to hold a key has it.
async fn prove(
    tx: &mut Conn<'_>,
    proof: Proof<'_>,
    rivals: Vec<Device>,
    now: UnixMillis,
) -> Result<Proved, GateError> {
    let Proof {
        device,
        certificate,
        policy,
        shown,
    } = proof;
    let CertificateRecord {
        organisation,
        spki_sha256,
        ..
    } = certificate;
    device_keys::lock_everywhere(tx, spki_sha256).await?;
    if device_keys::is_in_use_elsewhere(tx, organisation, spki_sha256).await? {
        return Err(key_in_use());
    }
    let grace = i64::from(policy.superseded_grace_hours) * UnixMillis::HOUR;
    let state = match &device.state {
        DeviceState::Enrolling { .. } => Some(device.state.clone().prove(now).map_err(EnrolmentError::from)?),
        _ => None,
    };
    let proof = FirstProof {
        certificate,
        at: now,
        grace_until: (grace > 0).then(|| now.plus(grace)),
        shows_key: shown == Shown::Key,
        state,
    };
    let Followed {
        superseded,
        was_approved,
    } = proofs::record_first(tx, proof).await?;
    let ids: Vec<DeviceId> = rivals.iter().map(|rival| rival.id.clone()).collect();
    let mut losers = Vec::new();
    if superseded > 0 {
        devices::refresh_expiry(tx, &device.id).await?;
    }
    if superseded > 0 || !ids.is_empty() {
        let displaced = Displaced {
            spki: spki_sha256,
            rivals: &ids,
            superseded_of: policy.superseded_in_crl.then_some(&device.id),
        };
        losers = certificates::revoke_displaced(tx, displaced, now).await?;
    }
    let mut notes = Vec::new();
    if certificate.proven_at.is_none() {
        notes.push(Note {
            organisation: organisation.clone(),
            device: device.id.clone(),
            by_device: true,
            action: DeviceAction::CertificateProven,
            detail: format!("serial {}", certificate.serial),
        });
    }
    for rival in rivals.into_iter().filter(|rival| losers.contains(&rival.id)) {
        approvals::withdraw_revoked(tx, &rival.id, now).await?;
        retire_if_abandoned(tx, &rival.id, &rival.state, now).await?;
        notes.push(Note {
            organisation: rival.organisation,
            device: rival.id,
            by_device: false,
            action: DeviceAction::CertificateRevoked,
            detail: "its key was proved by another device first".to_owned(),
        });
    }
    if was_approved {
        let enrolled = Happening::new(WebhookEventType::Enrolled, organisation, &device.id, now);
        outbox::put(tx, &[enrolled]).await?;
    }
    Ok(Proved { notes, was_approved })
}

/// A first proof.
struct Proof<'a> {
    device: &'a Device,
    certificate: &'a CertificateRecord,
    policy: &'a Policy,
    shown: Shown,
}

/// What came of a first proof.
struct Proved {
    notes: Vec<Note>,
    /// Whether a person's approval led to the certificate; otherwise the device renewed it.
    was_approved: bool,
}

async fn alarm(
    tx: &mut Conn<'_>,
    device: &Device,
    counter: Option<i64>,
    now: UnixMillis,
    why: &str,
) -> Result<Option<Note>, DbError> {
    let raised = devices::raise_alarm(tx, &device.id, now, counter).await?;
    if raised {
        let happening = Happening::new(WebhookEventType::Alarm, &device.organisation, &device.id, now);
        outbox::put(tx, &[happening]).await?;
    }
    Ok(raised.then(|| Note {
        organisation: device.organisation.clone(),
        device: device.id.clone(),
        by_device: false,
        action: DeviceAction::CloneAlarm,
        detail: why.to_owned(),
    }))
}

/// What is to be recorded about a device once everything else is done.
struct Note {
    organisation: OrganisationId,
    device: DeviceId,
    /// The device did it, not the server.
    by_device: bool,
    action: DeviceAction,
    detail: String,
}

async fn append(tx: &mut Conn<'_>, notes: Vec<Note>, now: UnixMillis) -> Result<(), DbError> {
    for note in &notes {
        let entry = Entry {
            scope: Scope::Organisation(&note.organisation),
            at: now,
            actor: if note.by_device {
                Actor::Device(&note.device)
            } else {
                Actor::Server
            },
            action: note.action.into(),
            subject: note.device.as_str(),
            detail: &note.detail,
        };
        audit::append(tx, &entry).await?;
    }
    Ok(())
}
