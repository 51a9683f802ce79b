//! A device goes to another organisation of its customer. Key, certificates and history go with it; nothing changes for the
//! device itself.

use gangway_protocol::device::{Device, DeviceState, FleetChangeKind};
use gangway_protocol::history::DeviceAction;
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::organisation::Role;
use gangway_protocol::time::UnixMillis;
use gangway_protocol::webhook::{WebhookDetail, WebhookEventType};

use crate::authority::open_place;
use crate::authority::{Caller, Right};
use crate::authority::{Error, Result};
use crate::context::Context;
use crate::db::audit::{Entry, Scope};
use crate::db::organisations::tree::{self, Place};
use crate::db::webhooks::outbox::{self, Happening};
use crate::db::{Conn, DbError, approvals, audit, devices, moves, organisations, write};
use crate::enrolment::tell;

/// Moves a device. Repeating it changes nothing.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::NotFound`] for a foreign organisation as for an unknown one; [`Error::Conflict`] for
/// another customer's or an archived one, while the device is being enrolled, and where its key is another device's there.
pub async fn move_device(
    context: &Context,
    caller: &Caller,
    id: &DeviceId,
    target: &OrganisationId,
) -> Result<()> {
    let now = context.clock.now();
    let device = caller.decide_on_device(&context.db, now, id).await?.device;
    move_decided(context, caller, device, target).await
}

/// As [`move_device`], of a device that the caller has decided on.
///
/// # Errors
/// As [`move_device`], but for the passkey.
pub async fn move_decided(
    context: &Context,
    caller: &Caller,
    device: Device,
    target: &OrganisationId,
) -> Result<()> {
    let now = context.clock.now();
    caller.require(&context.db, target, Right::Operate).await?;
    let former = device.organisation;
    if former == *target {
        return Ok(());
    }
    let (caller, id, from, to) = (caller.clone(), device.id.clone(), former.clone(), target.clone());
    write!(context.db, |tx| -> Result<()> {
        organisations::bump_revisions(tx, &[&from, &to]).await?;
        let before = tree::find(tx, &from).await?.ok_or(Error::NotFound)?;
        let after = open_place(tx, &to).await?;
        for place in [&from, &to] {
            let role = organisations::role_at(tx, place, &caller.account).await?;
            if !role.is_some_and(Role::may_operate) {
                return Err(Error::NotFound);
            }
        }
        if before.root != after.root {
            return Err(Error::Conflict(
                "that organisation is another customer's: a device moves within its own".to_owned(),
            ));
        }
        let device = devices::lock(tx, &id).await?.ok_or(Error::NotFound)?.device;
        if device.organisation != from {
            return Err(Error::Conflict(
                "somebody else has moved this device meanwhile: look where it is now".to_owned(),
            ));
        }
        if matches!(
            device.state,
            DeviceState::Pending { .. } | DeviceState::Rejected { .. }
        ) {
            return Err(Error::Conflict(
                "this device is in the lobby: decide about it first, then move it".to_owned(),
            ));
        }
        if approvals::any_under_way(tx, &id).await? {
            return Err(Error::Conflict(
                "this device is being enrolled: wait until that has ended, then move it".to_owned(),
            ));
        }
        moves::move_device(tx, &id, &from, &to, now)
            .await
            .map_err(|error| match error {
                DbError::Unique => Error::Conflict(
                    "there, a key of this device is known as another device's: retire one of the two first"
                        .to_owned(),
                ),
                other => other.into(),
            })?;
        record(tx, &caller, &id, &before, &after, now).await
    })?;
    tell(context, &former, &device.id, FleetChangeKind::Removed);
    tell(context, target, &device.id, FleetChangeKind::Added);
    Ok(())
}

/// Both organisations' records and webhooks say it, and each names itself alone: who belongs to the one need not know the other.
async fn record(
    tx: &mut Conn<'_>,
    caller: &Caller,
    id: &DeviceId,
    before: &Place,
    after: &Place,
    at: UnixMillis,
) -> Result<()> {
    for (place, direction, detail) in [
        (before, "out", format!("out of {}", before.name)),
        (after, "in", format!("into {}", after.name)),
    ] {
        let entry = Entry {
            scope: Scope::Organisation(&place.id),
            at,
            actor: caller.actor(),
            action: DeviceAction::Moved.into(),
            subject: id.as_str(),
            detail: &detail,
        };
        audit::append(tx, &entry).await?;
        let happening = Happening {
            detail: WebhookDetail {
                direction: Some(direction.to_owned()),
                ..WebhookDetail::default()
            },
            ..Happening::new(WebhookEventType::Moved, &place.id, id, at)
        };
        outbox::put(tx, &[happening]).await?;
    }
    Ok(())
}
