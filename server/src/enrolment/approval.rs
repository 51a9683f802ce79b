//! The decision to enrol a device: given by a member, agreed to by the device, or taken back by either.

use gangway_protocol::certificate::{Approval, ApprovalRequest, Csr, EnrolmentStage, RevocationReason};
use gangway_protocol::device::{DeviceState, DeviceSummary, FleetChangeKind, MAX_NAME_LEN};
use gangway_protocol::history::DeviceAction;
use gangway_protocol::id::{AccountId, ClaimId, DeviceId, OrganisationId, PermitId};
use gangway_protocol::organisation::Role;
use gangway_protocol::time::UnixMillis;

use super::naming::{check_labels, check_name};
use super::standing::{
    is_being_signed, note_loss, owned, owned_with_device, require_standing, show, summary, unfit,
};
use super::{EnrolmentError, RACE_ATTEMPTS, note_certificate, tell, unattended};
use crate::authority::{Means, Member};
use crate::context::Context;
use crate::db::approvals::{ApprovalRecord, Evidence};
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::certificates::Revoked;
use crate::db::devices::Description;
use crate::db::organisations::{self, customers};
use crate::db::{Conn, DbError, approvals, audit, certificates, devices, write};

/// A member approves.
#[derive(Clone, Debug)]
pub struct Approving {
    /// The redeemed claim, which is the member's own.
    pub claim: ClaimId,
    /// What they approve.
    pub request: ApprovalRequest,
    /// The request for a certificate in it, checked.
    pub csr: Csr,
    /// Who they are.
    pub member: Member,
    /// Their role in the organisation.
    pub role: Role,
    /// What is kept as evidence. `None` for a repetition, which gives the approval that stands or none.
    pub evidence: Option<Evidence>,
    /// By which permit the device came, whoever approves it.
    pub permit: Option<PermitId>,
}

/// Approves a device. Repeating it returns the approval that stands.
///
/// # Errors
/// [`EnrolmentError::KeyKnown`], [`EnrolmentError::KeyRevoked`], or a field that is wrong.
pub async fn approve(context: &Context, approving: Approving) -> Result<Approval, EnrolmentError> {
    approving.request.facts.check()?;
    let name = approving.request.name.as_deref().map(check_name).transpose()?;
    let labels = check_labels(&approving.request.labels)?;
    let decision = Decision {
        approving,
        name,
        labels,
        now: context.clock.now(),
    };
    for _ in 0..RACE_ATTEMPTS {
        let (decision, new_device) = (
            decision.clone(),
            DeviceId::new(decision.now, context.random.for_id()),
        );
        let outcome = write!(context.db, |tx| -> Result<_, EnrolmentError> {
            decision.record(tx, new_device).await
        });
        match outcome {
            // Another approval of the same claim or the same key was a moment faster: look at what it left.
            Err(EnrolmentError::Db(DbError::Unique)) => {}
            Err(error) => return Err(error),
            Ok((approval, change)) => {
                if let Some(kind) = change {
                    tell(context, &approval.organisation, &approval.device.id, kind);
                }
                return Ok(approval);
            }
        }
    }
    Err(DbError::Busy.into())
}

/// The approval of a claim, for the member who gave it.
///
/// # Errors
/// [`EnrolmentError::NotFound`] for anybody else.
pub async fn find(
    context: &Context,
    claim: &ClaimId,
    account: &AccountId,
) -> Result<Approval, EnrolmentError> {
    let mut reader = context.db.reader().await?;
    let (record, device) = owned_with_device(&mut reader.conn(), claim, account).await?;
    Ok(show(record, device))
}

/// Where the approval of a claim enrols, for the member who gave it.
///
/// # Errors
/// [`EnrolmentError::NotFound`] for anybody else.
pub async fn organisation_of(
    context: &Context,
    claim: &ClaimId,
    account: &AccountId,
) -> Result<OrganisationId, EnrolmentError> {
    let mut reader = context.db.reader().await?;
    Ok(owned(&mut reader.conn(), claim, account).await?.organisation)
}

/// Records that the device has consented, on the word of the member whose claimant heard it through the sealed channel.
/// Repeating it changes nothing.
///
/// # Errors
/// [`EnrolmentError::Conflict`] when the approval was taken back or has lapsed.
pub async fn consent(context: &Context, claim: &ClaimId, member: Member) -> Result<Approval, EnrolmentError> {
    let now = context.clock.now();
    let claim = claim.clone();
    write!(context.db, |tx| -> Result<_, EnrolmentError> {
        let (mut record, device) = owned_with_device(tx, &claim, &member.account).await?;
        require_standing(&record, now)?;
        if approvals::advance(
            tx,
            &claim,
            EnrolmentStage::Approved,
            EnrolmentStage::Consented,
            now,
        )
        .await?
        {
            record.stage = EnrolmentStage::Consented;
            let entry = Entry {
                scope: Scope::Organisation(&record.organisation),
                at: now,
                actor: member.actor(),
                action: DeviceAction::Consented.into(),
                subject: record.device.as_str(),
                detail: &format!("to {} of {}", record.approver, record.organisation_name),
            };
            audit::append(tx, &entry).await?;
        }
        Ok(show(record, device))
    })
}

/// Takes an approval back: the device refused, or the person cancelled. A certificate that came of it and was never
/// proven is revoked; its key stays welcome.
///
/// # Errors
/// [`EnrolmentError::Conflict`] once a session has proved the certificate: then the device has to be revoked.
pub async fn withdraw(context: &Context, claim: &ClaimId, member: Member) -> Result<(), EnrolmentError> {
    let now = context.clock.now();
    let (owned_claim, account) = (claim.clone(), member.account.clone());
    let ended = write!(context.db, |tx| -> Result<_, EnrolmentError> {
        let record = owned(tx, &owned_claim, &account).await?;
        devices::lock(tx, &record.device)
            .await?
            .ok_or(EnrolmentError::NotFound)?;
        // Read again: a signing may have begun while the device was waited for.
        let record = owned(tx, &owned_claim, &account).await?;
        if is_being_signed(&record, now) {
            return Err(EnrolmentError::Conflict(
                "the certificate is being signed: wait until that has ended, then revoke the device",
            ));
        }
        end(tx, &record, now, member.actor(), DeviceAction::ApprovalWithdrawn).await?;
        Ok(record)
    })?;
    tell(
        context,
        &ended.organisation,
        &ended.device,
        FleetChangeKind::Changed,
    );
    Ok(())
}

/// Ends an approval inside a transaction, with what came of it, and records that.
pub(super) async fn end(
    tx: &mut Conn<'_>,
    record: &ApprovalRecord,
    now: UnixMillis,
    actor: Actor<'_>,
    action: DeviceAction,
) -> Result<(), EnrolmentError> {
    if !end_unrecorded(tx, record, now).await? {
        return Ok(());
    }
    let entry = Entry {
        scope: Scope::Organisation(&record.organisation),
        at: now,
        actor,
        action: action.into(),
        subject: record.device.as_str(),
        detail: "",
    };
    audit::append(tx, &entry).await?;
    Ok(())
}

/// Ends an approval inside a transaction that records it last. False when it had ended before.
pub(crate) async fn end_unrecorded(
    tx: &mut Conn<'_>,
    record: &ApprovalRecord,
    now: UnixMillis,
) -> Result<bool, EnrolmentError> {
    // The device first, as everywhere: whoever issues, proves or excludes it at the same time waits here.
    let device = devices::lock(tx, &record.device)
        .await?
        .ok_or(EnrolmentError::NotFound)?
        .device;
    let record = approvals::find(tx, &record.claim)
        .await?
        .ok_or(EnrolmentError::NotFound)?;
    match record.stage {
        EnrolmentStage::Withdrawn => return Ok(false),
        EnrolmentStage::Proven => {
            return Err(EnrolmentError::Conflict(
                "the device is in the fleet already; revoke or retire it on its page instead",
            ));
        }
        stage => {
            if !approvals::advance(tx, &record.claim, stage, EnrolmentStage::Withdrawn, now).await? {
                return Ok(false);
            }
            // Nobody may hear what its signer says any more.
            if stage == EnrolmentStage::Signing {
                note_loss(tx, &record, Actor::Server, now).await?;
            }
        }
    }
    if let Some(sha256) = &record.certificate {
        let certificate = certificates::find(tx, sha256).await?;
        if certificate
            .as_ref()
            .is_some_and(|certificate| certificate.proven_at.is_none())
        {
            let revoked = Revoked {
                at: now,
                reason: RevocationReason::CessationOfOperation,
            };
            if certificates::revoke_one(tx, sha256, revoked).await?
                && let Some(certificate) = &certificate
            {
                note_certificate(
                    tx,
                    certificate,
                    Actor::Server,
                    DeviceAction::CertificateRevoked,
                    now,
                )
                .await?;
            }
        }
    }
    retire_if_abandoned(tx, &device.id, &device.state, now).await?;
    Ok(true)
}

/// An enrolling device with neither a certificate nor an approval under way leaves the fleet again.
pub(crate) async fn retire_if_abandoned(
    tx: &mut Conn<'_>,
    id: &DeviceId,
    state: &DeviceState,
    now: UnixMillis,
) -> Result<(), EnrolmentError> {
    devices::refresh_expiry(tx, id).await?;
    if matches!(state, DeviceState::Enrolling { .. })
        && certificates::count_live(tx, id, now).await? == 0
        && !approvals::any_under_way(tx, id).await?
    {
        devices::set_state(tx, id, &state.clone().retire(now)?).await?;
    }
    Ok(())
}

/// An approval whose every part has been checked.
#[derive(Clone)]
struct Decision {
    approving: Approving,
    name: Option<String>,
    labels: Vec<String>,
    now: UnixMillis,
}

impl Decision {
    async fn record(
        self,
        tx: &mut Conn<'_>,
        new_device: DeviceId,
    ) -> Result<(Approval, Option<FleetChangeKind>), EnrolmentError> {
        let Approving {
            claim,
            request,
            member,
            evidence,
            ..
        } = &self.approving;
        if let Some((standing, device)) = approvals::find_with_device(tx, claim).await? {
            return Ok((self.repeat(standing, device)?, None));
        }
        let evidence = evidence.as_ref().ok_or(EnrolmentError::NotFound)?;
        let spki_sha256 = self.approving.csr.spki_sha256();
        let quota = customers::quota(tx, &request.organisation).await?;
        if let Some((customer, _)) = &quota {
            // Two approvals at once shall not take the last place both. Before the organisation, as whoever archives one takes them.
            organisations::bump_revision(tx, customer).await?;
        }
        let ground = approvals::ground(tx, &request.organisation, &request.signer, &spki_sha256)
            .await?
            .ok_or(EnrolmentError::NotFound)?;
        if !ground.is_open {
            return Err(EnrolmentError::Conflict(
                "this organisation is archived and takes no devices; choose another one",
            ));
        }
        if let Some(why) = unfit(ground.signer.as_ref(), self.approving.role) {
            return Err(EnrolmentError::Invalid {
                field: "signer",
                detail: why.to_owned(),
            });
        }
        if ground.is_refused_elsewhere || ground.key.as_ref().is_some_and(|key| key.refused) {
            return Err(EnrolmentError::KeyRevoked);
        }
        let known = match ground.key {
            Some(key) => Some(self.settle_device(tx, key.device).await?),
            None => None,
        };
        let record = ApprovalRecord {
            claim: claim.clone(),
            organisation: request.organisation.clone(),
            organisation_name: ground.organisation_name,
            account: member.account.clone(),
            approver: member.name.clone(),
            device: known.as_ref().map_or(new_device, |device| device.id.clone()),
            signer: request.signer.clone(),
            csr: self.approving.csr.to_pem(),
            spki_sha256,
            stage: EnrolmentStage::Approved,
            stage_since: self.now,
            begun_at: None,
            certificate: None,
            approved_at: self.now,
            permit: self.approving.permit.clone(),
        };
        let (device, change) = match known {
            Some(device) => {
                approvals::insert(tx, &record, evidence).await?;
                (device, FleetChangeKind::Changed)
            }
            None => {
                let description = self.description(None);
                approvals::insert_with_device(tx, &record, evidence, &description).await?;
                let device = DeviceSummary {
                    id: record.device.clone(),
                    name: description.name,
                    state: DeviceState::Enrolling { since: self.now },
                };
                (device, FleetChangeKind::Added)
            }
        };
        if let Some((customer, most)) = &quota
            && matches!(device.state, DeviceState::Enrolling { .. })
            && customers::count_devices(tx, customer).await? > *most
        {
            return Err(EnrolmentError::Conflict(
                "this customer has as many devices as it may have: retire one, or ask whoever operates this server for more",
            ));
        }
        if let Means::Permit(permit) = &member.means {
            let serial = self.approving.request.facts.serial.as_deref();
            unattended::spend(tx, permit, &record, serial, self.now).await?;
        }
        let shown = show(record, device);
        let entry = Entry {
            scope: Scope::Organisation(&request.organisation),
            at: self.now,
            actor: member.actor(),
            action: DeviceAction::Approved.into(),
            subject: shown.device.id.as_str(),
            detail: &format!("{}, key {}", shown.device.name, self.approving.csr.spki_sha256()),
        };
        audit::append(tx, &entry).await?;
        Ok((shown, Some(change)))
    }

    /// The same approval again: a lost reply, a second tab, a retry.
    fn repeat(&self, standing: ApprovalRecord, device: DeviceSummary) -> Result<Approval, EnrolmentError> {
        let Approving { request, member, .. } = &self.approving;
        if standing.account != member.account {
            return Err(EnrolmentError::NotFound);
        }
        if standing.organisation != request.organisation
            || standing.spki_sha256 != self.approving.csr.spki_sha256()
        {
            return Err(EnrolmentError::Conflict(
                "this crossing was approved with another organisation or key; enter the device's code again",
            ));
        }
        require_standing(&standing, self.now)?;
        Ok(show(standing, device))
    }

    /// Makes the device that has this key ready to enrol.
    async fn settle_device(&self, tx: &mut Conn<'_>, id: DeviceId) -> Result<DeviceSummary, EnrolmentError> {
        let mut device = devices::lock(tx, &id)
            .await?
            .ok_or(DbError::Corrupt("device_keys.device"))?
            .device;
        if device.organisation != self.approving.request.organisation {
            return Err(EnrolmentError::Conflict(
                "this device was moved to another organisation at this moment: enter its code again",
            ));
        }
        let in_fleet = matches!(
            device.state,
            DeviceState::Active { .. } | DeviceState::Suspended { .. }
        );
        if in_fleet && !self.approving.request.replace {
            return Err(EnrolmentError::KeyKnown(Box::new(summary(&device))));
        }
        if matches!(device.state, DeviceState::Suspended { .. }) {
            return Err(EnrolmentError::Conflict(
                "this device is suspended; resume it before it is enrolled again",
            ));
        }
        if !in_fleet {
            device.state = device.state.approve(self.now)?;
            devices::set_state(tx, &device.id, &device.state).await?;
        }
        let description = self.description(in_fleet.then_some(&device));
        devices::describe(tx, &device.id, &description).await?;
        device.name = description.name;
        Ok(summary(&device))
    }

    /// What is written about the device. One that is in the fleet keeps what members gave it, unless it is given anew.
    fn description(&self, present: Option<&gangway_protocol::device::Device>) -> Description {
        let Approving { request, member, .. } = &self.approving;
        let name = self
            .name
            .clone()
            .or_else(|| present.map(|device| device.name.clone()));
        let labels = match present {
            Some(device) if self.labels.is_empty() => device.labels.clone(),
            _ => self.labels.clone(),
        };
        Description {
            name: name.unwrap_or_else(|| name_from(&request.facts.hostname)),
            labels,
            facts: request.facts.clone().without_placeholders(),
            approver: member.account.clone(),
        }
    }
}

/// A name for a device that nobody has named: its host name, as far as names go.
pub(super) fn name_from(hostname: &str) -> String {
    let name: String = hostname.trim().chars().take(MAX_NAME_LEN).collect();
    if name.is_empty() {
        "device".to_owned()
    } else {
        name
    }
}
