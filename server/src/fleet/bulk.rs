//! One action on many devices: asked for, confirmed by a second person where the rules want one, cancelled, looked at.
//! [`running`] does the work.

pub mod running;

use gangway_protocol::audit::Action;
use gangway_protocol::bulk::{
    BulkAction, BulkFailure, BulkJob, BulkJobRequest, BulkJobState, BulkSelection, DeviceFilter,
    MAX_BULK_DEVICES, MAX_NAMED_DEVICES, UNDO_SECS,
};
use gangway_protocol::device::DeviceQuery;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::id::{BulkJobId, DeviceId, OrganisationId};
use gangway_protocol::organisation::Role;
use gangway_protocol::path;
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;

use super::Request;
use crate::authority::{Caller, Error, Result, Right, hold_as};
use crate::context::Context;
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::bulk_jobs::listed::{self, Failure};
use crate::db::bulk_jobs::{self, BulkJobRecord, Collecting, Counts};
use crate::db::organisations::tree;
use crate::db::{Conn, DbError, audit, devices, write};
use crate::enrolment::exclusion;
use crate::enrolment::naming::check_labels;
use crate::once::Once;

/// Jobs of a customer that are not over. Each is some thousand rows, and they take turns.
const MAX_OPEN: i64 = 16;

/// Asks for an action on many devices of an organisation and of those below it. Under the same `key` it is asked for once.
///
/// # Errors
/// [`Error::StepUpRequired`] for what takes a passkey; [`Error::Invalid`] naming what is wrong; [`Error::Conflict`] when too many
/// jobs are under way.
pub async fn request(
    context: &Context,
    caller: &Caller,
    key: Option<SecretString>,
    organisation: OrganisationId,
    request: BulkJobRequest,
) -> Result<BulkJob> {
    let now = context.clock.now();
    let (db, id) = (&context.db, BulkJobId::new(now, context.random.for_id()));
    caller.require(db, &organisation, Right::Operate).await?;
    let assertion = match request.action.is_decision() {
        true => Some(caller.require_fresh_person(now)?),
        false => None,
    };
    let place = path::bulk_jobs(&organisation);
    let once = Once::of(key, &caller.account, &(&place, &request), &*context.random)?;
    let action = checked(context, caller, request.action).await?;
    let chosen = chosen(context, caller, &organisation, request.selection, now).await?;
    let second = action.is_decision() && chosen.count > second_person_above(context, &organisation).await?;
    let job = BulkJobRecord {
        id,
        organisation,
        account: caller.account.clone(),
        account_name: caller.name.clone(),
        credential: caller.credential.kept_as(),
        provider: caller
            .credential
            .vouched()
            .map(|vouched| vouched.provider.clone()),
        assertion,
        action,
        collecting: chosen.matching.map(|filter| Collecting { filter, after: None }),
        state: if second {
            BulkJobState::Unconfirmed
        } else {
            BulkJobState::Waiting
        },
        counts: Counts::default(),
        created_at: now,
        begins_at: begins_at(now),
        finished_at: None,
        ended_by: None,
    };
    let (caller, named, count) = (caller.clone(), chosen.named, chosen.count);
    write!(context.db, |tx| -> Result<BulkJob> {
        if let Some(once) = &once
            && let Some(job) = once.begin(tx, now).await?
        {
            return Ok(job);
        }
        hold_as(tx, &caller, &job.organisation, Role::may_operate).await?;
        if bulk_jobs::count_open(tx, &job.organisation).await? >= MAX_OPEN {
            return Err(Error::Conflict(format!(
                "{MAX_OPEN} actions on many devices are under way here: wait until one is done, or cancel one"
            )));
        }
        let mut job = job.clone();
        job.counts.devices = i64::try_from(named.len()).unwrap_or(i64::MAX);
        bulk_jobs::insert(tx, &job).await?;
        listed::add(tx, &job.id, &named).await?;
        let detail = format!("{}, {count} devices", job.action.name());
        record(tx, &job, caller.actor(), now, Action::BulkJobRequested, &detail).await?;
        let shown = shown(job, &caller);
        if let Some(once) = &once {
            once.end(tx, &shown).await?;
        }
        Ok(shown)
    })
}

/// Confirms a job as the second person.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::Conflict`] for one's own job and for one that waits for nobody; [`Error::NotFound`].
pub async fn confirm(
    context: &Context,
    caller: &Caller,
    organisation: &OrganisationId,
    id: &BulkJobId,
) -> Result<BulkJob> {
    let now = context.clock.now();
    let job = reach(context, caller, organisation, id, Right::Operate).await?;
    let assertion = caller.require_fresh_person(now)?;
    if job.account == caller.account {
        return Err(Error::Conflict(
            "you have asked for this yourself: another person has to confirm it".to_owned(),
        ));
    }
    let caller = caller.clone();
    write!(context.db, |tx| -> Result<BulkJob> {
        hold_as(tx, &caller, &job.organisation, Role::may_operate).await?;
        if !bulk_jobs::confirm(tx, &job.id, &caller.account, &assertion, begins_at(now)).await? {
            return Err(Error::Conflict(
                "this waits for no second person: it was confirmed or cancelled meanwhile".to_owned(),
            ));
        }
        let detail = job.action.name();
        record(tx, &job, caller.actor(), now, Action::BulkJobConfirmed, detail).await?;
        again(tx, &job.id, &caller).await
    })
}

/// Cancels a job. Devices that had their turn stay as they are.
///
/// # Errors
/// [`Error::Conflict`] for one that is over; [`Error::NotFound`].
pub async fn cancel(
    context: &Context,
    caller: &Caller,
    organisation: &OrganisationId,
    id: &BulkJobId,
) -> Result<BulkJob> {
    let now = context.clock.now();
    let job = reach(context, caller, organisation, id, Right::Operate).await?;
    let caller = caller.clone();
    write!(context.db, |tx| -> Result<BulkJob> {
        let by = Some(caller.name.as_str());
        if !bulk_jobs::end(tx, &job.id, BulkJobState::Cancelled, by, now).await? {
            return Err(Error::Conflict("this is over already".to_owned()));
        }
        let detail = job.action.name();
        record(tx, &job, caller.actor(), now, Action::BulkJobCancelled, detail).await?;
        again(tx, &job.id, &caller).await
    })
}

/// How far a job is.
///
/// # Errors
/// [`Error::NotFound`] for a foreign one as for an unknown one.
pub async fn show(
    context: &Context,
    caller: &Caller,
    organisation: &OrganisationId,
    id: &BulkJobId,
) -> Result<BulkJob> {
    let job = reach(context, caller, organisation, id, Right::SeeFleet).await?;
    Ok(shown(job, caller))
}

/// Jobs of an organisation, newest first, behind `after`.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`].
pub async fn list(
    context: &Context,
    caller: &Caller,
    organisation: &OrganisationId,
    after: &str,
    limit: i64,
) -> Result<Vec<BulkJob>> {
    caller.require(&context.db, organisation, Right::SeeFleet).await?;
    let mut reader = context.db.reader().await?;
    let jobs = bulk_jobs::of_organisation(&mut reader.conn(), organisation, after, limit).await?;
    Ok(jobs.into_iter().map(|job| shown(job, caller)).collect())
}

/// Devices for which a job failed, behind `after`.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn failures(
    context: &Context,
    caller: &Caller,
    organisation: &OrganisationId,
    id: &BulkJobId,
    after: &str,
    limit: i64,
) -> Result<Vec<BulkFailure>> {
    let job = reach(context, caller, organisation, id, Right::SeeFleet).await?;
    let mut reader = context.db.reader().await?;
    let conn = &mut reader.conn();
    // A device that was moved elsewhere meanwhile is others' to see.
    let within = tree::subtree(conn, &job.organisation).await?;
    let failures = listed::failures(conn, &job.id, after, limit).await?;
    let failure = |failure: Failure| BulkFailure {
        device: failure.device,
        name: failure
            .known_as
            .filter(|(_, home)| within.contains(home))
            .map(|(name, _)| name),
        code: ProblemCode::from_name(&failure.code),
        detail: failure.detail,
    };
    Ok(failures.into_iter().map(failure).collect())
}

/// Which devices, and how many.
struct Chosen {
    named: Vec<DeviceId>,
    matching: Option<DeviceFilter>,
    count: u32,
}

async fn chosen(
    context: &Context,
    caller: &Caller,
    organisation: &OrganisationId,
    selection: BulkSelection,
    now: UnixMillis,
) -> Result<Chosen> {
    match selection {
        BulkSelection::Named { mut devices } => {
            devices.sort_unstable();
            devices.dedup();
            if devices.is_empty() || devices.len() > MAX_NAMED_DEVICES {
                return Err(Error::invalid(
                    "devices",
                    format!(
                        "devices names 1 to {MAX_NAMED_DEVICES} devices: choose more of them by a filter"
                    ),
                ));
            }
            let mut reader = context.db.reader().await?;
            let conn = &mut reader.conn();
            let within = tree::subtree(conn, organisation).await?;
            let found = devices::all_of(conn, &devices).await?;
            let here: Vec<&DeviceId> = found
                .iter()
                .filter(|record| within.contains(&record.device.organisation))
                .map(|record| &record.device.id)
                .collect();
            if let Some(foreign) = devices.iter().find(|id| !here.contains(id)) {
                return Err(Error::invalid(
                    "devices",
                    format!("{foreign}: there is no such device here"),
                ));
            }
            let count = u32::try_from(devices.len()).unwrap_or(u32::MAX);
            Ok(Chosen {
                named: devices,
                matching: None,
                count,
            })
        }
        BulkSelection::Matching { filter } => {
            let request = Request::read(&DeviceQuery::from(filter.clone()), now)?;
            let fleets = caller.chosen_fleets(&context.db, Some(organisation)).await?;
            let mut reader = context.db.reader().await?;
            let most = u64::from(MAX_BULK_DEVICES) + 1;
            let count = request.count(&mut reader.conn(), &fleets, most).await?;
            if count == 0 {
                return Err(Error::invalid("filter", "no device matches"));
            }
            if count == most {
                return Err(Error::invalid(
                    "filter",
                    format!("more than {MAX_BULK_DEVICES} devices match: narrow the filter"),
                ));
            }
            Ok(Chosen {
                named: Vec::new(),
                matching: Some(filter),
                count: u32::try_from(count).unwrap_or(u32::MAX),
            })
        }
    }
}

async fn checked(context: &Context, caller: &Caller, action: BulkAction) -> Result<BulkAction> {
    let labels = |labels: Vec<String>| -> Result<Vec<String>> {
        let labels = check_labels(&labels)?;
        if labels.is_empty() {
            return Err(Error::invalid("labels", "name at least one label"));
        }
        Ok(labels)
    };
    Ok(match action {
        BulkAction::AddLabels { labels: given } => BulkAction::AddLabels {
            labels: labels(given)?,
        },
        BulkAction::RemoveLabels { labels: given } => BulkAction::RemoveLabels {
            labels: labels(given)?,
        },
        BulkAction::Move { organisation } => {
            caller.require(&context.db, &organisation, Right::Operate).await?;
            BulkAction::Move { organisation }
        }
        BulkAction::Revoke { reason } if !exclusion::is_final(reason) => {
            return Err(Error::invalid(
                "reason",
                "a revocation is for good: to keep devices out for the time being, suspend them",
            ));
        }
        BulkAction::Unknown => {
            return Err(Error::invalid("action", "there is no such action"));
        }
        other => other,
    })
}

async fn second_person_above(context: &Context, organisation: &OrganisationId) -> Result<u32> {
    let mut reader = context.db.reader().await?;
    Ok(tree::second_person_above(&mut reader.conn(), organisation).await?)
}

/// A job of an organisation, for a caller who may do this there.
async fn reach(
    context: &Context,
    caller: &Caller,
    organisation: &OrganisationId,
    id: &BulkJobId,
    right: Right,
) -> Result<BulkJobRecord> {
    caller.require(&context.db, organisation, right).await?;
    let found = bulk_jobs::find(&mut context.db.reader().await?.conn(), id).await?;
    found
        .filter(|job| job.organisation == *organisation)
        .ok_or(Error::NotFound)
}

async fn again(tx: &mut Conn<'_>, id: &BulkJobId, caller: &Caller) -> Result<BulkJob> {
    let job = bulk_jobs::find(tx, id).await?.ok_or(Error::NotFound)?;
    Ok(shown(job, caller))
}

async fn record(
    tx: &mut Conn<'_>,
    job: &BulkJobRecord,
    actor: Actor<'_>,
    at: UnixMillis,
    action: Action,
    detail: &str,
) -> Result<(), DbError> {
    let entry = Entry {
        scope: Scope::Organisation(&job.organisation),
        at,
        actor,
        action,
        subject: job.id.as_str(),
        detail,
    };
    audit::append(tx, &entry).await
}

fn begins_at(now: UnixMillis) -> UnixMillis {
    now.plus(i64::from(UNDO_SECS) * UnixMillis::SECOND)
}

fn shown(job: BulkJobRecord, caller: &Caller) -> BulkJob {
    BulkJob {
        id: job.id,
        organisation: job.organisation,
        action: job.action,
        own: caller.account == job.account,
        author: job.account_name,
        state: job.state,
        devices: job.counts.devices.unsigned_abs(),
        collecting: job.collecting.is_some(),
        done: job.counts.done.unsigned_abs(),
        unchanged: job.counts.unchanged.unsigned_abs(),
        failed: job.counts.failed.unsigned_abs(),
        created_at: job.created_at,
        begins_at: job.begins_at,
        finished_at: job.finished_at,
        ended_by: job.ended_by,
    }
}
