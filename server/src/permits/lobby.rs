//! The lobby: devices that came by a permit and wait until somebody lets them in, or does not.

use std::collections::HashMap;

use gangway_protocol::certificate::{ApprovalRequest, Csr};
use gangway_protocol::device::{DeviceState, DeviceSummary, FleetChangeKind};
use gangway_protocol::history::DeviceAction;
use gangway_protocol::id::{ClaimId, DeviceId, OrganisationId};
use gangway_protocol::organisation::Role;
use gangway_protocol::permit::LobbyEntry;

use crate::authority::{Caller, Error, Result, Right, hold_as};
use crate::context::Context;
use crate::db::approvals::Evidence;
use crate::db::audit::{Entry, Scope};
use crate::db::organisations::tree;
use crate::db::{audit, devices, lobby, permits, write};
use crate::enrolment::approval::{Approving, approve};
use crate::enrolment::claims::word;
use crate::enrolment::{EnrolmentError, tell};

/// At most `limit` devices of the lobby of an organisation and those below it, behind `after`: those that wait, or those that were
/// rejected.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`] for whoever does not see its fleet.
pub async fn list(
    context: &Context,
    caller: &Caller,
    organisation: &OrganisationId,
    rejected: bool,
    after: &str,
    limit: i64,
) -> Result<Vec<LobbyEntry>> {
    caller.require(&context.db, organisation, Right::SeeFleet).await?;
    let mut reader = context.db.reader().await?;
    let conn = &mut reader.conn();
    let place = tree::find(conn, organisation).await?.ok_or(Error::NotFound)?;
    let within = tree::subtree(conn, organisation).await?;
    let state = if rejected { "rejected" } else { "pending" };
    let waiting = lobby::waiting(conn, &place.root, &within, state, after, limit).await?;
    let ids: Vec<DeviceId> = waiting.iter().map(|one| one.device.clone()).collect();
    let mut records: HashMap<DeviceId, _> = devices::all_of(conn, &ids)
        .await?
        .into_iter()
        .map(|record| (record.device.id.clone(), record.device))
        .collect();
    let mut duplicates: HashMap<DeviceId, Vec<DeviceSummary>> = HashMap::new();
    for (of, other) in lobby::duplicates(conn, &place.root, &ids).await? {
        duplicates.entry(of).or_default().push(other);
    }
    Ok(waiting
        .into_iter()
        .filter_map(|one| {
            Some(LobbyEntry {
                device: records.remove(&one.device)?,
                permit: one.permit,
                permit_name: one.permit_name,
                permit_kind: one.permit_kind,
                address: one.address,
                asked_at: one.asked_at,
                asks_again_at: one.asks_again_at,
                duplicates: duplicates.remove(&one.device).unwrap_or_default(),
            })
        })
        .collect())
}

/// Lets a device in, or does not. It learns that when it asks again. Repeating it changes nothing.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::NotFound`] for a foreign device as for an unknown one; [`Error::Conflict`] for one that is not in
/// the lobby.
pub async fn settle(context: &Context, caller: &Caller, id: &DeviceId, admit: bool) -> Result<()> {
    let device = caller.reach_device(&context.db, id, Right::Enrol).await?.device;
    let proof = word(context, caller, &device.organisation).await?;
    if admit {
        let_in(context, caller, id, proof).await
    } else {
        reject(context, caller, &device.organisation, id).await
    }
}

async fn let_in(context: &Context, caller: &Caller, id: &DeviceId, proof: String) -> Result<()> {
    let now = context.clock.now();
    let (device, waiting, permit) = {
        let mut reader = context.db.reader().await?;
        let conn = &mut reader.conn();
        let device = devices::find(conn, id).await?.ok_or(Error::NotFound)?.device;
        match device.state {
            DeviceState::Pending { .. } | DeviceState::Rejected { .. } => {}
            DeviceState::Enrolling { .. } | DeviceState::Active { .. } => return Ok(()),
            DeviceState::Suspended { .. } | DeviceState::Retired { .. } => {
                return Err(not_waiting(&device.name));
            }
        }
        let waiting = lobby::find(conn, id)
            .await?
            .ok_or_else(|| not_waiting(&device.name))?;
        let permit = permits::find(conn, &waiting.permit, now)
            .await?
            .ok_or(Error::NotFound)?;
        (device, waiting, permit)
    };
    let role = caller
        .require(&context.db, &device.organisation, Right::Enrol)
        .await?;
    let approving = Approving {
        // There is no claim yet: the device makes one when it asks again.
        claim: ClaimId::new(now, context.random.for_id()),
        csr: Csr::kept(&waiting.csr).map_err(EnrolmentError::from)?,
        request: ApprovalRequest {
            organisation: device.organisation.clone(),
            csr: waiting.csr,
            facts: device.facts,
            signer: permit.permit.signer,
            name: Some(device.name),
            labels: device.labels,
            replace: false,
        },
        member: caller.member(),
        role,
        evidence: Some(Evidence {
            proof,
            device_address: waiting.address,
        }),
        permit: Some(waiting.permit),
    };
    approve(context, approving).await?;
    let id = id.clone();
    write!(context.db, |tx| -> Result<()> {
        Ok(lobby::leave(tx, &id).await?)
    })
}

async fn reject(context: &Context, caller: &Caller, place: &OrganisationId, id: &DeviceId) -> Result<()> {
    let (now, caller, owned) = (context.clock.now(), caller.clone(), id.clone());
    let place = place.clone();
    let organisation = write!(context.db, |tx| -> Result<Option<OrganisationId>> {
        hold_as(tx, &caller, &place, Role::may_enrol).await?;
        let device = devices::lock(tx, &owned).await?.ok_or(Error::NotFound)?.device;
        if device.organisation != place {
            return Err(Error::NotFound);
        }
        match &device.state {
            DeviceState::Rejected { .. } => return Ok(None),
            DeviceState::Pending { .. } => {}
            _ => return Err(not_waiting(&device.name)),
        }
        let state = device.state.clone().reject(now)?;
        devices::set_state(tx, &owned, &state).await?;
        let entry = Entry {
            scope: Scope::Organisation(&device.organisation),
            at: now,
            actor: caller.actor(),
            action: DeviceAction::Rejected.into(),
            subject: owned.as_str(),
            detail: "",
        };
        audit::append(tx, &entry).await?;
        Ok(Some(device.organisation))
    })?;
    if let Some(organisation) = organisation {
        tell(context, &organisation, id, FleetChangeKind::Changed);
    }
    Ok(())
}

fn not_waiting(name: &str) -> Error {
    Error::Conflict(format!("“{name}” is not in the lobby: look where it is now"))
}
