//! Single devices, approved before they appear: by id and secret, one by one or as a list.
//!
//! Entering the same again changes nothing, so that a list can be sent twice. A row that contradicts what stands is refused, and
//! then nothing of its request is kept.

use std::collections::HashSet;

use gangway_protocol::audit::Action;
use gangway_protocol::device::MAX_NAME_LEN;
use gangway_protocol::id::{AccountId, OrganisationId, PermitId, SignerId};
use gangway_protocol::organisation::Role;
use gangway_protocol::permit::{
    DevicePermit, ImportOutcome, MAX_IMPORT, Permit, PermitKind, PermitMode, PermitState, Preapproval,
    PreapprovalImport, RefusedRow,
};
use gangway_protocol::signer::Signer;
use gangway_protocol::time::UnixMillis;

use super::draft::signer_for;
use super::find;
use super::operator::Tools;
use crate::authority::{Caller, Error, Member, Result, Right, hold_as, open_place};
use crate::ca::KeyStore;
use crate::context::Context;
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::permits::PermitRecord;
use crate::db::{Conn, audit, organisations, permits, write};
use crate::enrolment::claims::word;
use crate::enrolment::naming::{check_labels, check_name};
use crate::enrolment::permit_secret::{device_permit_of, seal};

/// Most devices of an organisation that are approved in advance and have not come.
const MAX_PREAPPROVED: u64 = 200_000;

/// Enters devices, or only looks whether they could be entered.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::Forbidden`] with a token where policy asks for a passkey; [`Error::Invalid`],
/// [`Error::Conflict`] for what concerns all rows. What is wrong with a row is in the outcome.
pub async fn import(
    context: &Context,
    caller: &Caller,
    organisation: OrganisationId,
    request: PreapprovalImport,
) -> Result<ImportOutcome> {
    let role = caller.require(&context.db, &organisation, Right::Enrol).await?;
    // Threat model, PRE-4: what approves a device in advance asks for what approving it would ask for.
    word(context, caller, &organisation).await?;
    let by = By {
        account: caller.account.clone(),
        name: caller.name.clone(),
        role,
        caller: Some(caller.clone()),
    };
    let tools = Tools {
        db: &context.db,
        key_store: context.ca.key_store(),
        clock: &*context.clock,
        random: &*context.random,
    };
    enter(tools, by, organisation, request).await
}

/// As [`import`], by the server's operator.
///
/// # Errors
/// As [`import`], but for who asks.
pub(super) async fn import_by_operator(
    tools: Tools<'_>,
    member: Member,
    organisation: OrganisationId,
    request: PreapprovalImport,
) -> Result<ImportOutcome> {
    let by = By {
        account: member.account,
        name: member.name,
        role: Role::Owner,
        caller: None,
    };
    enter(tools, by, organisation, request).await
}

/// Takes a pre-approval back. Repeating it changes nothing.
///
/// # Errors
/// As [`import`]; [`Error::NotFound`].
pub(super) async fn revoke(
    context: &Context,
    caller: &Caller,
    organisation: OrganisationId,
    id: PermitId,
) -> Result<()> {
    caller.require(&context.db, &organisation, Right::Enrol).await?;
    word(context, caller, &organisation).await?;
    let (caller, now) = (caller.clone(), context.clock.now());
    write!(context.db, |tx| -> Result<()> {
        hold_as(tx, &caller, &organisation, Role::may_enrol).await?;
        let permit = find(tx, &organisation, &id, now).await?.permit;
        if permits::revoke(tx, &permit.id, now).await? {
            let entry = Entry {
                scope: Scope::Organisation(&organisation),
                at: now,
                actor: caller.actor(),
                action: Action::PermitRevoked,
                subject: permit.id.as_str(),
                detail: &format!("{}, {}", permit.lookup, permit.kind.as_str()),
            };
            audit::append(tx, &entry).await?;
        }
        Ok(())
    })
}

/// Who enters them.
#[derive(Clone)]
struct By {
    account: AccountId,
    name: String,
    role: Role,
    /// `None`: the operator.
    caller: Option<Caller>,
}

impl By {
    fn actor(&self) -> Actor<'_> {
        self.caller.as_ref().map_or(Actor::Server, Caller::actor)
    }

    /// Holds the organisation, for somebody who may still enrol there.
    async fn hold(&self, tx: &mut Conn<'_>, organisation: &OrganisationId) -> Result<()> {
        match &self.caller {
            Some(caller) => hold_as(tx, caller, organisation, Role::may_enrol).await,
            None => Ok(organisations::bump_revision(tx, organisation).await?),
        }
    }
}

/// A row whose every part has been checked.
struct Row {
    number: u32,
    device_permit: DevicePermit,
    name: String,
    labels: Vec<String>,
    expires_at: Option<UnixMillis>,
}

/// What is to be written for a list, and what is told of it.
struct Plan {
    added: Vec<PermitRecord>,
    /// What made room: its time is over, or somebody has used it.
    replaced: Vec<PermitId>,
    outcome: ImportOutcome,
}

async fn enter(
    tools: Tools<'_>,
    by: By,
    organisation: OrganisationId,
    request: PreapprovalImport,
) -> Result<ImportOutcome> {
    if request.devices.len() > MAX_IMPORT {
        return Err(Error::invalid(
            "devices",
            format!("send {MAX_IMPORT} devices at a time at most, and the others after them"),
        ));
    }
    let now = tools.clock.now();
    let (rows, refused) = checked(request.devices, now);
    let plan = plan(tools, &by, &organisation, request.signer.as_ref(), rows, refused).await?;
    let mut outcome = plan.outcome;
    if request.dry_run {
        return Ok(outcome);
    }
    if !outcome.refused.is_empty() {
        // Nothing is kept: what was refused is all there is to tell.
        outcome.added = 0;
        return Ok(outcome);
    }
    let (added, replaced) = (plan.added, plan.replaced);
    let written = write!(tools.db, |tx| -> Result<()> {
        by.hold(tx, &organisation).await?;
        open_place(tx, &organisation).await?;
        for former in &replaced {
            permits::revoke(tx, former, now).await?;
        }
        for record in &added {
            permits::insert(tx, record).await?;
        }
        if permits::count_standing(tx, &organisation, PermitKind::Preapproval).await? > MAX_PREAPPROVED {
            return Err(Error::Conflict(format!(
                "an organisation has at most {MAX_PREAPPROVED} devices that were approved in advance: revoke those that will not come"
            )));
        }
        if !added.is_empty() {
            let entry = Entry {
                scope: Scope::Organisation(&organisation),
                at: now,
                actor: by.actor(),
                action: Action::DevicesPreapproved,
                subject: organisation.as_str(),
                detail: &added.len().to_string(),
            };
            audit::append(tx, &entry).await?;
        }
        Ok(())
    });
    written.map(|()| outcome)
}

/// The rows that can be entered, and those that cannot for what they say themselves.
fn checked(devices: Vec<Preapproval>, now: UnixMillis) -> (Vec<Row>, Vec<RefusedRow>) {
    let (mut rows, mut refused, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for (number, device) in (0u32..).zip(devices) {
        let device_id = device.device_id.trim().to_owned();
        let row = match Row::check(number, &device, now) {
            Ok(_) if !seen.insert(device_id.clone()) => {
                Err("a row before it has the same device id: keep one of them".to_owned())
            }
            row => row,
        };
        match row {
            Ok(row) => rows.push(row),
            Err(detail) => refused.push(RefusedRow {
                row: number,
                device_id,
                detail,
            }),
        }
    }
    (rows, refused)
}

/// Looks at what stands. Who enters the same device id at the same moment is decided by its unique index.
async fn plan(
    tools: Tools<'_>,
    by: &By,
    organisation: &OrganisationId,
    signer: Option<&SignerId>,
    rows: Vec<Row>,
    refused: Vec<RefusedRow>,
) -> Result<Plan> {
    let now = tools.clock.now();
    let ids: Vec<String> = rows
        .iter()
        .map(|row| row.device_permit.lookup.as_str().to_owned())
        .collect();
    let mut reader = tools.db.reader().await?;
    let conn = &mut reader.conn();
    open_place(conn, organisation).await?;
    let signer = signer_for(conn, organisation, signer, by.role).await?;
    let standing = permits::of_device_ids(conn, organisation, &ids, now).await?;
    drop(reader);
    let mut plan = Plan {
        added: Vec::new(),
        replaced: Vec::new(),
        outcome: ImportOutcome {
            refused,
            ..ImportOutcome::default()
        },
    };
    for row in rows {
        match row.beside(tools.key_store, standing.get(row.device_permit.lookup.as_str())) {
            Beside::Same => plan.outcome.unchanged += 1,
            Beside::Refused(detail) => plan.outcome.refused.push(RefusedRow {
                row: row.number,
                device_id: row.device_permit.lookup.as_str().to_owned(),
                detail,
            }),
            Beside::Nothing(former) => {
                plan.replaced.extend(former.cloned());
                plan.outcome.added += 1;
                let record = row.record(tools, organisation, &signer, by)?;
                plan.added.push(record);
            }
        }
    }
    plan.outcome.refused.sort_by_key(|refused| refused.row);
    Ok(plan)
}

/// What stands beside a row.
enum Beside<'a> {
    /// The same.
    Same,
    /// Nothing that counts; perhaps something whose time is over, which makes room.
    Nothing(Option<&'a PermitId>),
    /// Something that contradicts it.
    Refused(String),
}

impl Row {
    fn check(number: u32, device: &Preapproval, now: UnixMillis) -> std::result::Result<Self, String> {
        let device_permit =
            DevicePermit::of_device(&device.device_id, &device.secret).map_err(|unfit| unfit.to_string())?;
        let named = match device
            .name
            .as_deref()
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            Some(name) => name.to_owned(),
            None => device_permit.lookup.as_str().chars().take(MAX_NAME_LEN).collect(),
        };
        if device.expires_at.is_some_and(|at| at <= now) {
            return Err("its time is over already: give a later one".to_owned());
        }
        Ok(Self {
            number,
            name: check_name(&named).map_err(|unfit| unfit.to_string())?,
            labels: check_labels(&device.labels).map_err(|unfit| unfit.to_string())?,
            expires_at: device.expires_at,
            device_permit,
        })
    }

    fn beside<'a>(&self, key_store: &KeyStore, standing: Option<&'a PermitRecord>) -> Beside<'a> {
        let Some(record) = standing else {
            return Beside::Nothing(None);
        };
        let permit = &record.permit;
        let is_same = device_permit_of(key_store, record)
            .is_ok_and(|device_permit| device_permit == self.device_permit);
        match permit.state {
            PermitState::Open | PermitState::Used if is_same => Beside::Same,
            PermitState::Open => Beside::Refused(
                "this device id is entered already, with another secret: revoke that first".to_owned(),
            ),
            PermitState::Used | PermitState::Expired | PermitState::Revoked => {
                Beside::Nothing(Some(&permit.id))
            }
        }
    }

    fn record(
        self,
        tools: Tools<'_>,
        organisation: &OrganisationId,
        signer: &Signer,
        by: &By,
    ) -> Result<PermitRecord> {
        let now = tools.clock.now();
        let id = PermitId::new(now, tools.random.for_id());
        let secret = seal(tools.key_store, &id, &self.device_permit, tools.random)?;
        Ok(PermitRecord {
            permit: Permit {
                id,
                organisation: organisation.clone(),
                kind: PermitKind::Preapproval,
                lookup: self.device_permit.lookup.as_str().to_owned(),
                name: self.name,
                mode: PermitMode::Auto,
                signer: signer.id.clone(),
                labels: self.labels,
                networks: Vec::new(),
                state: PermitState::Open,
                uses: 0,
                max_uses: Some(1),
                failures: 0,
                last_failed_at: None,
                created_by: by.name.clone(),
                created_at: now,
                expires_at: self.expires_at,
                last_used_at: None,
                revoked_at: None,
                replaces: None,
            },
            secret,
            account: by.account.clone(),
        })
    }
}
