//! Permits: approvals that an organisation gives in advance, to devices that join without a person at the screen.
//!
//! - registration keys and tickets, made by whoever administers the organisation: here
//! - [`preapproval`]: single devices by id and secret, entered by whoever may enrol
//! - [`one_device`]: the same for protocols of others, which name a device and no organisation
//! - [`lobby`]: devices that came by a permit and wait for a decision
//! - [`operator`]: the server's own command line
//!
//! What becomes of a device that comes by one is decided in `enrolment::unattended`.

mod draft;
pub mod lobby;
pub mod one_device;
pub mod operator;
pub mod preapproval;

use gangway_protocol::audit::Action;
use gangway_protocol::device::DeviceSummary;
use gangway_protocol::id::{OrganisationId, PermitId};
use gangway_protocol::path;
use gangway_protocol::permit::{
    MAX_LISTED, MAX_OVERLAP_HOURS, Permit, PermitKind, PermitMade, PermitMode, PermitReplacement,
    PermitRequest, PermitState,
};
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;

use crate::authority::{ByAdmin, Caller, Error, Result, Right};
use crate::context::Context;
use crate::db::permits::{PermitRecord, serials, uses};
use crate::db::{Conn, permits, write};
use crate::once::Once;
use draft::{Draft, Maker, fit_serials};

/// Most registration keys, and most tickets, of an organisation that were not revoked.
const MAX_PERMITS: u64 = 1000;

/// At most `limit` permits of one kind in an organisation, the newest first, older than `before`.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`]: keys and tickets are for whoever administers it, pre-approvals for whoever enrols.
pub async fn list(
    context: &Context,
    caller: &Caller,
    organisation: &OrganisationId,
    kind: PermitKind,
    before: &str,
    limit: i64,
) -> Result<Vec<Permit>> {
    caller
        .require(&context.db, organisation, right_to_see(kind))
        .await?;
    let mut reader = context.db.reader().await?;
    let now = context.clock.now();
    let found = permits::of_organisation(&mut reader.conn(), organisation, kind, before, limit, now).await?;
    Ok(found.into_iter().map(|record| record.permit).collect())
}

fn right_to_see(kind: PermitKind) -> Right {
    match kind {
        PermitKind::Preapproval => Right::Enrol,
        PermitKind::RegistrationKey | PermitKind::Ticket => Right::Administer,
    }
}

/// At most `limit` devices that came by a permit, behind `after`.
///
/// # Errors
/// [`Error::NotFound`] for a foreign permit as for an unknown one.
pub async fn devices(
    context: &Context,
    caller: &Caller,
    organisation: &OrganisationId,
    id: &PermitId,
    after: &str,
    limit: i64,
) -> Result<Vec<DeviceSummary>> {
    caller.require(&context.db, organisation, Right::SeeFleet).await?;
    let mut reader = context.db.reader().await?;
    let conn = &mut reader.conn();
    let permit = find(conn, organisation, id, context.clock.now()).await?;
    Ok(uses::devices(conn, &permit.permit.id, after, limit).await?)
}

/// Makes a registration key or a ticket. Under the same `key` it is made once, and the same comes back, its secret with it.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::Invalid`] naming what is wrong; [`Error::Conflict`] when there are too many.
pub async fn make(
    context: &Context,
    caller: &Caller,
    key: Option<SecretString>,
    organisation: OrganisationId,
    request: PermitRequest,
) -> Result<PermitMade> {
    let now = context.clock.now();
    let id = PermitId::new(now, context.random.for_id());
    let doing = ByAdmin::begin(&context.db, now, caller, organisation.clone(), id.clone()).await?;
    let place = path::permits(&organisation);
    let once = Once::of(key, &caller.account, &(&place, &request), &*context.random)?;
    let maker = Maker::from(&doing);
    let draft = Draft::check(request, now)?;
    let made = draft.seal(context.ca.key_store(), id, &*context.random)?;
    write!(context.db, |tx| -> Result<PermitMade> {
        if let Some(once) = &once
            && let Some(made) = once.begin(tx, now).await?
        {
            return Ok(made);
        }
        doing.hold(tx).await?;
        let permit = made.insert(tx, &organisation, &maker, None, now).await?;
        doing.record(tx, Action::PermitMade, &described(&permit)).await?;
        let made = PermitMade {
            permit,
            key: made.device_permit.written(),
        };
        if let Some(once) = &once {
            once.end(tx, &made).await?;
        }
        Ok(made)
    })
}

/// Makes another key that takes the place of one, which works beside it for a while.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::NotFound`]; [`Error::Conflict`] for one that lets nobody in any more, or a pre-approval.
pub async fn replace(
    context: &Context,
    caller: &Caller,
    organisation: OrganisationId,
    id: PermitId,
    request: PermitReplacement,
) -> Result<PermitMade> {
    if request.overlap_hours > MAX_OVERLAP_HOURS {
        return Err(Error::invalid(
            "overlap_hours",
            format!("the present key can work on for {MAX_OVERLAP_HOURS} hours at most"),
        ));
    }
    let now = context.clock.now();
    let fresh = PermitId::new(now, context.random.for_id());
    let doing = ByAdmin::begin(&context.db, now, caller, organisation.clone(), id).await?;
    let former = {
        let mut reader = context.db.reader().await?;
        find(&mut reader.conn(), &organisation, &doing.id, now).await?
    };
    let maker = Maker::from(&doing);
    let made = Draft::of(&former.permit)?.seal(context.ca.key_store(), fresh, &*context.random)?;
    write!(context.db, |tx| -> Result<PermitMade> {
        doing.hold(tx).await?;
        let former = find(tx, &organisation, &doing.id, now).await?.permit;
        if former.state != PermitState::Open {
            return Err(Error::Conflict(
                "this key lets nobody in any more: make a new one instead".to_owned(),
            ));
        }
        // Two of them at a time would let in twice as many (threat model, PRE-6).
        if request.overlap_hours > 0 && (former.max_uses.is_some() || former.mode == PermitMode::List) {
            return Err(Error::invalid(
                "overlap_hours",
                "a key for so many devices, or with a list, is replaced at once: give 0 hours",
            ));
        }
        let mut made = made;
        // As many as are left now, and not when this was asked for.
        made.draft.max_uses = Draft::of(&former)?.max_uses;
        let permit = made.insert(tx, &organisation, &maker, Some(&former), now).await?;
        serials::copy(tx, &former.id, &permit.id).await?;
        let overlap = i64::from(request.overlap_hours) * UnixMillis::HOUR;
        permits::expire(tx, &former.id, now.plus(overlap)).await?;
        doing
            .record(tx, Action::PermitReplaced, &described(&permit))
            .await?;
        Ok(PermitMade {
            permit,
            key: made.device_permit.written(),
        })
    })
}

/// Takes a permit back. Devices that came by it stay. Repeating it changes nothing.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::NotFound`].
pub async fn revoke(
    context: &Context,
    caller: &Caller,
    organisation: OrganisationId,
    id: PermitId,
) -> Result<()> {
    let now = context.clock.now();
    let kind = {
        let mut reader = context.db.reader().await?;
        find(&mut reader.conn(), &organisation, &id, now)
            .await
            .map(|record| record.permit.kind)
    };
    // Whoever may enter a device in advance may take that back; the others are an admin's.
    if matches!(kind, Ok(PermitKind::Preapproval)) {
        return preapproval::revoke(context, caller, organisation, id).await;
    }
    let doing = ByAdmin::begin(&context.db, now, caller, organisation.clone(), id).await?;
    write!(context.db, |tx| -> Result<()> {
        doing.hold(tx).await?;
        let permit = find(tx, &organisation, &doing.id, now).await?.permit;
        if permits::revoke(tx, &permit.id, now).await? {
            doing
                .record(tx, Action::PermitRevoked, &described(&permit))
                .await?;
        }
        Ok(())
    })
}

/// Adds serial numbers to the list of a key.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::NotFound`]; [`Error::Invalid`]; [`Error::Conflict`] for a permit without a list.
pub async fn add_serials(
    context: &Context,
    caller: &Caller,
    organisation: OrganisationId,
    id: PermitId,
    listed: Vec<String>,
) -> Result<()> {
    let now = context.clock.now();
    let doing = ByAdmin::begin(&context.db, now, caller, organisation.clone(), id).await?;
    let listed = fit_serials(listed)?;
    write!(context.db, |tx| -> Result<()> {
        doing.hold(tx).await?;
        let permit = find(tx, &organisation, &doing.id, now).await?.permit;
        if permit.mode != PermitMode::List {
            return Err(Error::Conflict(
                "this key has no list: it lets in whatever knows it".to_owned(),
            ));
        }
        let added = list_serials(tx, &permit.id, &listed).await?;
        doing
            .record(
                tx,
                Action::PermitListed,
                &format!("{}, {added} more", described(&permit)),
            )
            .await
    })
}

async fn list_serials(tx: &mut Conn<'_>, permit: &PermitId, listed: &[String]) -> Result<u64> {
    let added = serials::add(tx, permit, listed).await?;
    let most = u64::try_from(MAX_LISTED).unwrap_or(u64::MAX);
    if serials::count(tx, permit).await? > most {
        return Err(Error::Conflict(format!(
            "the list of a key holds {MAX_LISTED} serial numbers at most: make another key for the others"
        )));
    }
    Ok(added)
}

/// The permit, if it is this organisation's.
async fn find(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    id: &PermitId,
    now: UnixMillis,
) -> Result<PermitRecord> {
    permits::find(conn, id, now)
        .await?
        .filter(|record| record.permit.organisation == *organisation)
        .ok_or(Error::NotFound)
}

/// As the record tells it.
fn described(permit: &Permit) -> String {
    format!(
        "{}, {}, {}",
        permit.name,
        permit.kind.as_str(),
        permit.mode.as_str()
    )
}
