//! Keeping devices out: for the time being, for good, one at a time or all that somebody enrolled on a bad day.
//!
//! Each function ends the live session, if there is one, after its transaction has committed.

use gangway_protocol::certificate::{BulkRevocation, BulkRevocationRequest, RevocationReason};
use gangway_protocol::device::{Device, DeviceState, FleetChangeKind};
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::history::DeviceAction;
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::time::UnixMillis;
use gangway_protocol::webhook::{WebhookDetail, WebhookEventType};

use super::standing::summary;
use super::{EnrolmentError, tell};
use crate::authority::Member;
use crate::context::Context;
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::certificates::Revoked;
use crate::db::devices::DeviceRecord;
use crate::db::organisations::tree;
use crate::db::webhooks::outbox::{self, Happening};
use crate::db::{Conn, approvals, audit, certificates, device_keys, devices, write};
use crate::relay::{Exclusion, Relay};

/// Most approvals that one bulk revocation takes. More is a case for several, each seen before it is done.
const MAX_BULK: usize = 10_000;

/// Suspends a device: its certificates go on hold, its session ends.
///
/// # Errors
/// [`EnrolmentError::Transition`] unless it is active.
pub async fn suspend(
    context: &Context,
    relay: &Relay,
    id: &DeviceId,
    member: Member,
) -> Result<(), EnrolmentError> {
    let (now, owned) = (context.clock.now(), id.clone());
    let device = write!(context.db, |tx| -> Result<_, EnrolmentError> {
        let device = lock(tx, &owned).await?;
        devices::set_state(tx, &owned, &device.state.clone().suspend(now)?).await?;
        certificates::hold_of_device(tx, &owned, now).await?;
        devices::refresh_expiry(tx, &owned).await?;
        record(tx, &device, now, member.actor(), DeviceAction::Suspended, "").await?;
        outbox::put(tx, &[happening(WebhookEventType::Suspended, &device, now)]).await?;
        Ok(device)
    })?;
    finish(context, relay, &device, Some(Exclusion::Suspended));
    Ok(())
}

/// Lets a suspended device in again.
///
/// # Errors
/// [`EnrolmentError::Transition`] unless it is suspended.
pub async fn resume(
    context: &Context,
    relay: &Relay,
    id: &DeviceId,
    member: Member,
) -> Result<(), EnrolmentError> {
    let (now, owned) = (context.clock.now(), id.clone());
    let device = write!(context.db, |tx| -> Result<_, EnrolmentError> {
        let device = lock(tx, &owned).await?;
        devices::set_state(tx, &owned, &device.state.clone().resume(now)?).await?;
        certificates::release_of_device(tx, &owned).await?;
        devices::refresh_expiry(tx, &owned).await?;
        record(tx, &device, now, member.actor(), DeviceAction::Resumed, "").await?;
        outbox::put(tx, &[happening(WebhookEventType::Resumed, &device, now)]).await?;
        Ok(device)
    })?;
    finish(context, relay, &device, None);
    Ok(())
}

/// Takes a device out of the fleet for good. Its key may come back with a new approval.
///
/// # Errors
/// [`EnrolmentError::Transition`] when it is out already.
pub async fn retire(
    context: &Context,
    relay: &Relay,
    id: &DeviceId,
    member: Member,
) -> Result<(), EnrolmentError> {
    let (now, owned) = (context.clock.now(), id.clone());
    let device = write!(context.db, |tx| -> Result<_, EnrolmentError> {
        let device = lock(tx, &owned).await?;
        devices::set_state(tx, &owned, &device.state.clone().retire(now)?).await?;
        let revoked = Revoked {
            at: now,
            reason: RevocationReason::CessationOfOperation,
        };
        certificates::revoke_of_devices(tx, std::slice::from_ref(&owned), revoked).await?;
        devices::refresh_expiry(tx, &owned).await?;
        record(tx, &device, now, member.actor(), DeviceAction::Retired, "").await?;
        outbox::put(tx, &[happening(WebhookEventType::Retired, &device, now)]).await?;
        Ok(device)
    })?;
    finish(context, relay, &device, Some(Exclusion::Retired));
    Ok(())
}

/// Revokes every certificate of a device and refuses its keys: it has to make a new one and be enrolled anew.
///
/// # Errors
/// [`EnrolmentError::Invalid`] for a reason that does not end a key.
pub async fn revoke_device(
    context: &Context,
    relay: &Relay,
    id: &DeviceId,
    reason: RevocationReason,
    member: Member,
) -> Result<(), EnrolmentError> {
    require_final(reason)?;
    let (revoked, owned) = (
        Revoked {
            at: context.clock.now(),
            reason,
        },
        id.clone(),
    );
    let device = write!(context.db, |tx| -> Result<_, EnrolmentError> {
        let device = lock(tx, &owned).await?;
        revoke_in(tx, std::slice::from_ref(&device), revoked, member.actor()).await?;
        Ok(device)
    })?;
    finish(context, relay, &device, Some(Exclusion::revoked(reason)));
    Ok(())
}

/// Revokes a certificate. Its key is refused with every certificate of it, unless the reason is that a newer certificate
/// stands in its place. A device that is left without any has been revoked.
///
/// # Errors
/// [`EnrolmentError::NotFound`]; [`EnrolmentError::Conflict`] when it is revoked already.
pub async fn revoke_certificate(
    context: &Context,
    relay: &Relay,
    sha256: Sha256Hex,
    reason: RevocationReason,
    member: Member,
) -> Result<(), EnrolmentError> {
    if reason == RevocationReason::CertificateHold {
        return Err(not_final("to put certificates on hold, suspend the device"));
    }
    let revoked = Revoked {
        at: context.clock.now(),
        reason,
    };
    let (device, last) = write!(context.db, |tx| -> Result<_, EnrolmentError> {
        let certificate = certificates::find(tx, &sha256)
            .await?
            .ok_or(EnrolmentError::NotFound)?;
        // Where the device is now: it may have been moved while it was waited for.
        let device = lock(tx, &certificate.device).await?;
        let ends_key = reason != RevocationReason::Superseded;
        if ends_key {
            device_keys::refuse(tx, &device.organisation, &certificate.spki_sha256, revoked.at).await?;
        }
        if !certificates::revoke_one(tx, &sha256, revoked).await? {
            return Err(EnrolmentError::Conflict("this certificate is revoked already"));
        }
        if ends_key {
            certificates::revoke_of_key(tx, &device.organisation, &certificate.spki_sha256, revoked).await?;
        }
        devices::refresh_expiry(tx, &device.id).await?;
        let in_fleet = !matches!(device.state, DeviceState::Retired { .. });
        let last = in_fleet && certificates::count_live(tx, &device.id, revoked.at).await? == 0;
        if last {
            devices::set_state(tx, &device.id, &device.state.clone().retire(revoked.at)?).await?;
            outbox::put(tx, &[revocation(&device, revoked)]).await?;
        }
        let detail = format!("serial {}, {}", certificate.serial, reason.as_str());
        record(
            tx,
            &device,
            revoked.at,
            member.actor(),
            DeviceAction::CertificateRevoked,
            &detail,
        )
        .await?;
        Ok((device, last))
    })?;
    if last {
        finish(context, relay, &device, Some(Exclusion::revoked(reason)));
    } else {
        // A session of another certificate comes back by itself; one of this certificate is told why it cannot.
        relay.reconnect(&device.id);
        finish(context, relay, &device, None);
    }
    Ok(())
}

/// Revokes what an account approved, or an address introduced, in a span of time, in an organisation and below it; or tells what
/// that would be.
///
/// # Errors
/// [`EnrolmentError::Invalid`] without either, or for too many devices at once.
pub async fn revoke_many(
    context: &Context,
    relay: &Relay,
    organisation: &OrganisationId,
    request: BulkRevocationRequest,
    member: Member,
) -> Result<BulkRevocation, EnrolmentError> {
    require_final(request.reason)?;
    if request.approver.is_none() && request.address.is_none() {
        return Err(EnrolmentError::Invalid {
            field: "approver",
            detail: "say whose approvals, or devices of which address, are to be revoked".to_owned(),
        });
    }
    let (organisation, now, dry_run, reason) = (
        organisation.clone(),
        context.clock.now(),
        request.dry_run,
        request.reason,
    );
    if dry_run {
        let mut reader = context.db.reader().await?;
        let conn = &mut reader.conn();
        let within = tree::subtree(conn, &organisation).await?;
        let ids = concerned(conn, &within, &request).await?;
        let found = in_fleet(devices::all_of(conn, &ids).await?, &within);
        let ids: Vec<DeviceId> = found.iter().map(|device| device.id.clone()).collect();
        let certificates = certificates::count_live_of(conn, &ids, now).await?;
        return Ok(BulkRevocation {
            devices: found.iter().map(summary).collect(),
            certificates,
        });
    }
    let (found, certificates) = write!(context.db, |tx| -> Result<_, EnrolmentError> {
        let within = tree::subtree(tx, &organisation).await?;
        let ids = concerned(tx, &within, &request).await?;
        // All of them before anything is changed: whoever proves one of them meanwhile waits, and holds nothing that is
        // needed here.
        let devices = in_fleet(devices::lock_all(tx, &ids).await?, &within);
        let most = tree::second_person_above(tx, &organisation).await?;
        if u32::try_from(devices.len()).unwrap_or(u32::MAX) > most {
            return Err(EnrolmentError::Conflict(
                "the rules here ask for a second person for so many devices: choose them in the fleet, so that somebody can confirm it",
            ));
        }
        let revoked = Revoked { at: now, reason };
        let certificates = revoke_in(tx, &devices, revoked, member.actor()).await?;
        Ok((devices, certificates))
    })?;
    for device in &found {
        finish(context, relay, device, Some(Exclusion::revoked(reason)));
    }
    Ok(BulkRevocation {
        devices: found.iter().map(summary).collect(),
        certificates: u64::try_from(certificates).unwrap_or(u64::MAX),
    })
}

async fn concerned(
    conn: &mut Conn<'_>,
    within: &[OrganisationId],
    request: &BulkRevocationRequest,
) -> Result<Vec<DeviceId>, EnrolmentError> {
    let by = approvals::By {
        account: request.approver.as_ref(),
        address: request.address.as_deref(),
    };
    let span = request.from..request.until;
    let mut ids = approvals::devices_approved(conn, within, by, span, MAX_BULK + 1).await?;
    if ids.len() > MAX_BULK {
        return Err(EnrolmentError::Invalid {
            field: "until",
            detail: format!("this concerns more than {MAX_BULK} approvals; choose a shorter span"),
        });
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// Those that are not retired; one that was moved elsewhere meanwhile is others' to decide on.
fn in_fleet(records: Vec<DeviceRecord>, within: &[OrganisationId]) -> Vec<Device> {
    let devices = records.into_iter().map(|record| record.device);
    devices
        .filter(|device| {
            !matches!(device.state, DeviceState::Retired { .. }) && within.contains(&device.organisation)
        })
        .collect()
}

/// Revokes devices that are locked. Returns how many certificates they had.
async fn revoke_in(
    tx: &mut Conn<'_>,
    devices: &[Device],
    revoked: Revoked,
    actor: Actor<'_>,
) -> Result<usize, EnrolmentError> {
    let ids: Vec<DeviceId> = devices.iter().map(|device| device.id.clone()).collect();
    // Devices, keys, certificates, issuers: one order of locks wherever several are taken.
    device_keys::refuse_of_devices(tx, &ids, revoked.at).await?;
    let count = certificates::revoke_of_devices(tx, &ids, revoked).await?;
    for device in devices {
        devices::refresh_expiry(tx, &device.id).await?;
        // One that is retired already has its keys refused now; its state stays.
        if !matches!(device.state, DeviceState::Retired { .. }) {
            devices::set_state(tx, &device.id, &device.state.clone().retire(revoked.at)?).await?;
        }
        let reason = revoked.reason.as_str();
        record(tx, device, revoked.at, actor, DeviceAction::Revoked, reason).await?;
    }
    let happenings: Vec<Happening> = devices.iter().map(|device| revocation(device, revoked)).collect();
    outbox::put(tx, &happenings).await?;
    Ok(count)
}

async fn lock(tx: &mut Conn<'_>, id: &DeviceId) -> Result<Device, EnrolmentError> {
    Ok(devices::lock(tx, id)
        .await?
        .ok_or(EnrolmentError::NotFound)?
        .device)
}

async fn record(
    tx: &mut Conn<'_>,
    device: &Device,
    at: UnixMillis,
    actor: Actor<'_>,
    action: DeviceAction,
    detail: &str,
) -> Result<(), EnrolmentError> {
    let scope = Scope::Organisation(&device.organisation);
    let entry = Entry {
        scope,
        at,
        actor,
        action: action.into(),
        subject: device.id.as_str(),
        detail,
    };
    Ok(audit::append(tx, &entry).await?)
}

fn happening(kind: WebhookEventType, device: &Device, at: UnixMillis) -> Happening {
    Happening::new(kind, &device.organisation, &device.id, at)
}

fn revocation(device: &Device, revoked: Revoked) -> Happening {
    Happening {
        detail: WebhookDetail {
            reason: Some(revoked.reason.as_str().to_owned()),
            ..WebhookDetail::default()
        },
        ..happening(WebhookEventType::Revoked, device, revoked.at)
    }
}

fn finish(context: &Context, relay: &Relay, device: &Device, exclusion: Option<Exclusion>) {
    if let Some(exclusion) = exclusion {
        relay.exclude(&device.id, exclusion);
    }
    tell(
        context,
        &device.organisation,
        &device.id,
        FleetChangeKind::Changed,
    );
}

/// Whether a revocation for this reason is for good, as a revocation has to be.
#[must_use]
pub fn is_final(reason: RevocationReason) -> bool {
    require_final(reason).is_ok()
}

fn require_final(reason: RevocationReason) -> Result<(), EnrolmentError> {
    match reason {
        RevocationReason::CertificateHold => {
            Err(not_final("to keep a device out for the time being, suspend it"))
        }
        RevocationReason::Superseded => Err(not_final(
            "a device whose certificate was replaced needs no revocation",
        )),
        _ => Ok(()),
    }
}

fn not_final(detail: &str) -> EnrolmentError {
    EnrolmentError::Invalid {
        field: "reason",
        detail: detail.to_owned(),
    }
}
