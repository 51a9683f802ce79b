//! The work of bulk jobs: their devices are listed, and have their turn by and by, several jobs in turns.
//!
//! How it went with a device is written down after it was done. A server that died in between does it again, and finds nothing to
//! do. Whoever asked for a job must still be allowed to when a device has its turn.

use std::net::{IpAddr, Ipv4Addr};

use futures_util::StreamExt as _;
use futures_util::stream;
use gangway_protocol::audit::Action;
use gangway_protocol::bulk::{BulkAction, BulkJobState, MAX_BULK_DEVICES};
use gangway_protocol::device::{DeviceQuery, DeviceState};
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::time::UnixMillis;

use super::{record, second_person_above};
use crate::authority::{Caller, Credential, Error, Result, Right};
use crate::context::Context;
use crate::db::audit::Actor;
use crate::db::bulk_jobs::listed::{self, Outcome};
use crate::db::bulk_jobs::{self, BulkJobRecord, Collecting, Counts};
use crate::db::organisations::tree;
use crate::db::sign_ins::Vouched;
use crate::db::{CallerCredential, DbError, identity_providers, tokens, write};
use crate::enrolment::exclusion;
use crate::fleet::{Request, actions, moving};
use crate::limits::ClientAddress;
use crate::relay::Relay;
use crate::supervisor::Supervisor;

/// Jobs that take turns.
const MAX_TURNS: i64 = 64;
/// Devices that are listed in one go.
const PAGE: u32 = 1_000;
/// Devices of one turn: some tens of milliseconds.
const CHUNK: i64 = 64;
/// Devices of a turn that are done at a time: their transactions are committed together.
const AT_ONCE: usize = 16;
/// For how long a job waits for a second person.
const UNCONFIRMED_FOR: i64 = UnixMillis::DAY;
/// For how long a job is kept after it was asked for.
const KEPT_FOR: i64 = 30 * UnixMillis::DAY;

/// Gives the jobs that are due their turns until none has anything to do, or the server stops.
pub async fn run(context: &Context, relay: &Relay, supervisor: &Supervisor) {
    loop {
        match turns(context, relay, supervisor).await {
            Ok(true) if !supervisor.is_stopping() => {}
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(%error, "actions on many devices wait; they go on in a moment");
                return;
            }
        }
    }
}

/// Removes jobs that were asked for long ago, and stops those that nobody has confirmed.
pub async fn sweep(context: &Context) {
    if let Err(error) = end_old(context).await {
        tracing::warn!(%error, "old actions on many devices were not removed; the next sweep tries again");
    }
}

async fn end_old(context: &Context) -> Result<()> {
    let before = context.clock.now().plus(-UNCONFIRMED_FOR);
    let unconfirmed =
        bulk_jobs::unconfirmed(&mut context.db.reader().await?.conn(), before, MAX_TURNS).await?;
    for job in unconfirmed {
        stop(context, &job, "nobody has confirmed it within a day").await?;
    }
    let before = context.clock.now().plus(-KEPT_FOR);
    let old = bulk_jobs::older(&mut context.db.reader().await?.conn(), before, MAX_TURNS).await?;
    for id in old {
        loop {
            let (of, limit) = (id.clone(), i64::from(PAGE));
            let removed = write!(context.db, |tx| { listed::remove(tx, &of, limit).await })?;
            if removed == 0 {
                break;
            }
        }
        write!(context.db, |tx| { bulk_jobs::remove(tx, &id).await })?;
    }
    Ok(())
}

/// One turn for each job that is due. True when there may be more to do.
async fn turns(context: &Context, relay: &Relay, supervisor: &Supervisor) -> Result<bool> {
    let open = bulk_jobs::open(&mut context.db.reader().await?.conn(), MAX_TURNS).await?;
    let (mut worked, mut failed) = (false, false);
    for job in open {
        if supervisor.is_stopping() {
            return Ok(false);
        }
        let id = job.id.clone();
        // What fails at one job holds up no other.
        match turn(context, relay, job).await {
            Ok(more) => worked |= more,
            Err(error) => {
                tracing::warn!(job = %id, %error, "an action on many devices waits; it goes on in a moment");
                failed = true;
            }
        }
    }
    Ok(worked && !failed)
}

async fn turn(context: &Context, relay: &Relay, job: BulkJobRecord) -> Result<bool> {
    let now = context.clock.now();
    let caller = match author(context, &job, now).await? {
        Ok(caller) => caller,
        Err(why) => {
            stop(context, &job, why).await?;
            return Ok(false);
        }
    };
    if let Some(collecting) = &job.collecting {
        return collect(context, &caller, &job, collecting).await.map(|()| true);
    }
    match job.state {
        BulkJobState::Waiting if now >= job.begins_at => {
            write!(context.db, |tx| {
                bulk_jobs::advance(tx, &job.id, BulkJobState::Waiting, BulkJobState::Running).await
            })?;
            Ok(true)
        }
        BulkJobState::Running => work(context, relay, &caller, &job).await,
        _ => Ok(false),
    }
}

/// Whoever asked for a job, if they still may; or why not.
async fn author(
    context: &Context,
    job: &BulkJobRecord,
    now: UnixMillis,
) -> Result<std::result::Result<Caller, &'static str>> {
    let credential = match &job.credential {
        // Signing out ends no work that was begun; losing the role does.
        CallerCredential::SignIn(id) => {
            let Ok(vouched) = vouched(context, job).await? else {
                return Ok(Err(
                    "the identity provider that vouched for whoever asked for it was removed",
                ));
            };
            Credential::SignIn {
                id: id.clone(),
                verified_at: job.created_at,
                assertion: job.assertion.clone().unwrap_or_default(),
                vouched,
            }
        }
        CallerCredential::Token(id) => {
            let found = tokens::standing(&mut context.db.reader().await?.conn(), id, now).await?;
            let Some((scopes, organisation)) = found else {
                return Ok(Err("the token that asked for it was revoked or has expired"));
            };
            Credential::Token {
                id: id.clone(),
                scopes,
                organisation,
            }
        }
    };
    let caller = Caller {
        account: job.account.clone(),
        name: job.account_name.clone(),
        account_since: job.created_at,
        credential,
        address: ClientAddress(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
    };
    match caller
        .require(&context.db, &job.organisation, Right::Operate)
        .await
    {
        Ok(_) => Ok(Ok(caller)),
        Err(Error::NotFound | Error::Forbidden(_) | Error::InsufficientScope(_)) => {
            Ok(Err("whoever asked for it may not do so any more"))
        }
        Err(other) => Err(other),
    }
}

/// Who vouched for the sign-in by which a job was asked for, if it was no passkey; an error when that provider is gone.
async fn vouched(
    context: &Context,
    job: &BulkJobRecord,
) -> Result<std::result::Result<Option<Vouched>, Gone>> {
    let Some(provider) = &job.provider else {
        return Ok(Ok(None));
    };
    let found = identity_providers::find(&mut context.db.reader().await?.conn(), provider).await?;
    Ok(found
        .map(|record| {
            Some(Vouched {
                provider: record.id,
                customer: record.organisation,
            })
        })
        .ok_or(Gone))
}

/// A provider that was removed.
struct Gone;

async fn stop(context: &Context, job: &BulkJobRecord, why: &'static str) -> Result<()> {
    let (job, now) = (job.clone(), context.clock.now());
    write!(context.db, |tx| -> Result<()> {
        if bulk_jobs::end(tx, &job.id, BulkJobState::Stopped, Some(why), now).await? {
            record(tx, &job, Actor::Server, now, Action::BulkJobStopped, why).await?;
        }
        Ok(())
    })
}

/// Lists the next devices that match. Those that come into the fleet later are not meant.
async fn collect(
    context: &Context,
    caller: &Caller,
    job: &BulkJobRecord,
    collecting: &Collecting,
) -> Result<()> {
    let query = DeviceQuery {
        sort: Some("created_at".to_owned()),
        after: collecting.after.clone(),
        ..DeviceQuery::from(collecting.filter.clone())
    };
    let request = Request::read(&query, job.created_at)?.in_pages_of(PAGE);
    let fleets = caller.chosen_fleets(&context.db, Some(&job.organisation)).await?;
    let (devices, next) = {
        let mut reader = context.db.reader().await?;
        let conn = &mut reader.conn();
        let ways = request.ways(conn, &fleets).await?;
        request.fetch(conn, &ways).await?
    };
    let meant: Vec<DeviceId> = devices
        .iter()
        .filter(|device| device.created_at <= job.created_at)
        .map(|device| device.id.clone())
        .collect();
    let listed = job.counts.devices + i64::try_from(meant.len()).unwrap_or(i64::MAX);
    if listed > i64::from(MAX_BULK_DEVICES) {
        return stop(context, job, "more devices match by now than one action is for").await;
    }
    let after = next
        .filter(|_| meant.len() == devices.len())
        .map(|place| Request::cursor(&place));
    // It may have become more than one person decides on.
    let second = after.is_none()
        && job.action.is_decision()
        && listed > i64::from(second_person_above(context, &job.organisation).await?);
    let id = job.id.clone();
    Ok(write!(context.db, |tx| -> Result<(), DbError> {
        let added = listed::add(tx, &id, &meant).await?;
        bulk_jobs::note_collected(tx, &id, added, after.as_deref()).await?;
        if second {
            bulk_jobs::ask_for_second(tx, &id).await?;
        }
        Ok(())
    })?)
}

/// The turn of the next devices.
async fn work(context: &Context, relay: &Relay, caller: &Caller, job: &BulkJobRecord) -> Result<bool> {
    let (left, within) = {
        let mut reader = context.db.reader().await?;
        let conn = &mut reader.conn();
        let left = listed::left(conn, &job.id, CHUNK).await?;
        (left, tree::subtree(conn, &job.organisation).await?)
    };
    if left.is_empty() {
        finish(context, job).await?;
        return Ok(false);
    }
    let doing = Doing {
        context,
        relay,
        caller,
        action: &job.action,
        within: &within,
    };
    let done: Vec<_> = stream::iter(left)
        .map(|device| async {
            let went = doing.with(&device).await;
            (device, went)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let mut outcomes = Vec::with_capacity(done.len());
    let mut counts = Counts::default();
    let mut delay = None;
    for (device, went) in done {
        let outcome = match went {
            Ok(true) => Outcome::Done,
            Ok(false) => Outcome::Unchanged,
            // It is the server's trouble and not the device's: its turn comes again.
            Err(error @ (Error::Busy { .. } | Error::Unavailable(_))) => {
                delay = Some(error);
                continue;
            }
            Err(error) => {
                if let Error::Internal(fault) = &error {
                    tracing::error!(%device, error = %fault, "an action on many devices failed at one");
                }
                Outcome::Failed {
                    code: error.code(),
                    detail: error.to_string(),
                }
            }
        };
        match outcome {
            Outcome::Done => counts.done += 1,
            Outcome::Unchanged => counts.unchanged += 1,
            Outcome::Failed { .. } => counts.failed += 1,
        }
        outcomes.push((device, outcome));
    }
    let id = job.id.clone();
    write!(context.db, |tx| -> Result<(), DbError> {
        listed::note(tx, &id, &outcomes).await?;
        bulk_jobs::count(tx, &id, counts).await
    })?;
    delay.map_or(Ok(true), Err)
}

async fn finish(context: &Context, job: &BulkJobRecord) -> Result<()> {
    let (job, now) = (job.clone(), context.clock.now());
    write!(context.db, |tx| -> Result<()> {
        if bulk_jobs::end(tx, &job.id, BulkJobState::Done, None, now).await? {
            let Counts {
                done,
                unchanged,
                failed,
                ..
            } = job.counts;
            let detail = format!(
                "{}: {done} done, {unchanged} unchanged, {failed} failed",
                job.action.name()
            );
            record(tx, &job, Actor::Server, now, Action::BulkJobDone, &detail).await?;
        }
        Ok(())
    })
}

/// What is done with each device, and on whose behalf.
struct Doing<'a> {
    context: &'a Context,
    relay: &'a Relay,
    caller: &'a Caller,
    action: &'a BulkAction,
    within: &'a [OrganisationId],
}

impl Doing<'_> {
    /// Gives a device its turn. False: there was nothing to do.
    async fn with(&self, id: &DeviceId) -> Result<bool> {
        let (context, relay, caller) = (self.context, self.relay, self.caller);
        let device = caller.reach_device(&context.db, id, Right::Operate).await?.device;
        // One that was moved elsewhere meanwhile is others' to decide on.
        if !self.within.contains(&device.organisation) {
            return Err(Error::NotFound);
        }
        let member = caller.member();
        match self.action {
            BulkAction::AddLabels { labels } => {
                return actions::relabel(context, caller, id, labels, &[]).await;
            }
            BulkAction::RemoveLabels { labels } => {
                return actions::relabel(context, caller, id, &[], labels).await;
            }
            BulkAction::Move { organisation } if device.organisation == *organisation => return Ok(false),
            BulkAction::Move { organisation } => {
                moving::move_decided(context, caller, device, organisation).await?;
            }
            BulkAction::Renew => actions::request_renewal(context, relay, caller, id).await?,
            BulkAction::Suspend if matches!(device.state, DeviceState::Suspended { .. }) => return Ok(false),
            BulkAction::Suspend => exclusion::suspend(context, relay, id, member).await?,
            BulkAction::Resume if matches!(device.state, DeviceState::Active { .. }) => return Ok(false),
            BulkAction::Resume => exclusion::resume(context, relay, id, member).await?,
            BulkAction::Revoke { .. } if device.revoked => return Ok(false),
            BulkAction::Revoke { reason } => {
                exclusion::revoke_device(context, relay, id, *reason, member).await?;
            }
            BulkAction::Retire if matches!(device.state, DeviceState::Retired { .. }) => return Ok(false),
            BulkAction::Retire => exclusion::retire(context, relay, id, member).await?,
            BulkAction::Unknown => return Err(Error::invalid("action", "there is no such action")),
        }
        Ok(true)
    }
}
