//! What members do with a device that leaves it in the fleet: describe it, have it renew or show itself, answer its alarm.
//! What shuts it out or lets it in again is `enrolment`'s.

use gangway_protocol::device::{DeviceState, DeviceUpdate, FleetChangeKind};
use gangway_protocol::history::DeviceAction;
use gangway_protocol::id::DeviceId;
use gangway_protocol::time::UnixMillis;

use crate::authority::{Caller, Member, Right};
use crate::authority::{Error, Result};
use crate::context::Context;
use crate::db::audit::{Entry, Scope};
use crate::db::devices::{Description, DeviceRecord};
use crate::db::{Conn, DbError, audit, devices, write};
use crate::enrolment::naming::{check_labels, check_name};
use crate::enrolment::tell;
use crate::relay::{Relay, Tell};

/// Gives a device another name or other labels.
///
/// # Errors
/// [`Error::Invalid`] for a name or labels that are none.
pub async fn describe(
    context: &Context,
    caller: &Caller,
    id: &DeviceId,
    update: &DeviceUpdate,
) -> Result<()> {
    caller.reach_device(&context.db, id, Right::Operate).await?;
    let name = update.name.as_deref().map(check_name).transpose()?;
    let labels = update.labels.as_deref().map(check_labels).transpose()?;
    let (doing, id) = (Doing::of(context, caller, DeviceAction::Described), id.clone());
    let described = write!(context.db, |tx| -> Result<DeviceRecord> {
        let record = lock(tx, &id).await?;
        let name = name.unwrap_or_else(|| record.device.name.clone());
        let labels = labels.unwrap_or_else(|| record.device.labels.clone());
        doing.describe(tx, &record, name, labels).await?;
        Ok(record)
    })?;
    tell_of(context, &described);
    Ok(())
}

/// Gives a device labels beside those that it has, and takes others from it. False when that changes nothing.
///
/// # Errors
/// [`Error::Invalid`] for too many.
pub async fn relabel(
    context: &Context,
    caller: &Caller,
    id: &DeviceId,
    add: &[String],
    remove: &[String],
) -> Result<bool> {
    let (doing, id) = (Doing::of(context, caller, DeviceAction::Described), id.clone());
    let (add, remove) = (add.to_vec(), remove.to_vec());
    let changed = write!(context.db, |tx| -> Result<Option<DeviceRecord>> {
        let record = lock(tx, &id).await?;
        let mut labels = record.device.labels.clone();
        labels.retain(|label| !remove.contains(label));
        for label in &add {
            if !labels.contains(label) {
                labels.push(label.clone());
            }
        }
        let labels = check_labels(&labels)?;
        if labels == record.device.labels {
            return Ok(None);
        }
        doing
            .describe(tx, &record, record.device.name.clone(), labels)
            .await?;
        Ok(Some(record))
    })?;
    if let Some(record) = &changed {
        tell_of(context, record);
    }
    Ok(changed.is_some())
}

/// Has a device ask for a new certificate: now when it is connected, otherwise when it comes back.
///
/// # Errors
/// [`Error::Conflict`] unless it is active.
pub async fn request_renewal(context: &Context, relay: &Relay, caller: &Caller, id: &DeviceId) -> Result<()> {
    caller.reach_device(&context.db, id, Right::Operate).await?;
    let doing = Doing::of(context, caller, DeviceAction::RenewalRequested);
    let owned = id.clone();
    write!(context.db, |tx| -> Result<()> {
        let record = lock(tx, &owned).await?;
        if !matches!(record.device.state, DeviceState::Active { .. }) {
            return Err(Error::Conflict(
                "only an active device can renew its certificate".to_owned(),
            ));
        }
        devices::request_renewal(tx, &owned, doing.at).await?;
        Ok(doing.record(tx, &record, "").await?)
    })?;
    relay.tell_session(id, Tell::RenewNow).await;
    Ok(())
}

/// Has a device show itself: blink, beep, print.
///
/// # Errors
/// [`Error::Conflict`] when it is not connected.
pub async fn identify(context: &Context, relay: &Relay, caller: &Caller, id: &DeviceId) -> Result<()> {
    caller.reach_device(&context.db, id, Right::Operate).await?;
    if relay.tell_session(id, Tell::Identify).await {
        Ok(())
    } else {
        Err(Error::Conflict(
            "this device is not connected, so it cannot show itself".to_owned(),
        ))
    }
}

/// Answers a clone alarm with "restored from backup".
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::Conflict`] when there is no alarm.
pub async fn dismiss_alarm(context: &Context, caller: &Caller, id: &DeviceId) -> Result<()> {
    caller
        .decide_on_device(&context.db, context.clock.now(), id)
        .await?;
    let (doing, id) = (
        Doing::of(context, caller, DeviceAction::AlarmDismissed),
        id.clone(),
    );
    let calmed = write!(context.db, |tx| -> Result<DeviceRecord> {
        let record = lock(tx, &id).await?;
        if record.device.alarm.is_none() {
            return Err(Error::Conflict("there is no alarm to answer".to_owned()));
        }
        devices::clear_alarm(tx, &id).await?;
        doing.record(tx, &record, "restored from backup").await?;
        Ok(record)
    })?;
    tell_of(context, &calmed);
    Ok(())
}

/// Who does what, and when.
#[derive(Clone)]
struct Doing {
    member: Member,
    action: DeviceAction,
    at: UnixMillis,
}

impl Doing {
    fn of(context: &Context, caller: &Caller, action: DeviceAction) -> Self {
        Self {
            member: caller.member(),
            action,
            at: context.clock.now(),
        }
    }

    async fn describe(
        &self,
        tx: &mut Conn<'_>,
        record: &DeviceRecord,
        name: String,
        labels: Vec<String>,
    ) -> Result<(), DbError> {
        let description = Description {
            name,
            labels,
            facts: record.device.facts.clone(),
            approver: record.approver.clone(),
        };
        devices::describe(tx, &record.device.id, &description).await?;
        let detail = format!("{} [{}]", description.name, description.labels.join(", "));
        self.record(tx, record, &detail).await
    }

    async fn record(
        &self,
        tx: &mut Conn<'_>,
        DeviceRecord { device, .. }: &DeviceRecord,
        detail: &str,
    ) -> Result<(), DbError> {
        let entry = Entry {
            scope: Scope::Organisation(&device.organisation),
            at: self.at,
            actor: self.member.actor(),
            action: self.action.into(),
            subject: device.id.as_str(),
            detail,
        };
        audit::append(tx, &entry).await
    }
}

async fn lock(tx: &mut Conn<'_>, id: &DeviceId) -> Result<DeviceRecord> {
    devices::lock(tx, id).await?.ok_or(Error::NotFound)
}

fn tell_of(context: &Context, DeviceRecord { device, .. }: &DeviceRecord) {
    tell(
        context,
        &device.organisation,
        &device.id,
        FleetChangeKind::Changed,
    );
}
