//! What becomes of a device that has shown that it knows the secret of a permit.

use std::net::IpAddr;

use gangway_protocol::certificate::{Approval, ApprovalRequest, Csr, EnrolmentStage};
use gangway_protocol::device::{Device, DeviceState, Facts, FleetChangeKind};
use gangway_protocol::history::DeviceAction;
use gangway_protocol::id::{AccountId, ClaimId, DeviceId};
use gangway_protocol::organisation::Role;
use gangway_protocol::permit::{PermitKind, PermitMode, PermitState};
use gangway_protocol::time::UnixMillis;
use ipnet::IpNet;

use crate::authority::{Means, Member};
use crate::context::Context;
use crate::db::approvals::{self, ApprovalRecord, Evidence};
use crate::db::audit::{Entry, Scope};
use crate::db::devices::Description;
use crate::db::lobby::{self, Asked};
use crate::db::organisations::{self, customers, tree};
use crate::db::permits::{PermitRecord, uses};
use crate::db::{Conn, DbError, audit, device_keys, devices, write};
use crate::enrolment::approval::{Approving, approve, name_from};
use crate::enrolment::standing::{require_standing, show, summary};
use crate::enrolment::{EnrolmentError, RACE_ATTEMPTS, tell};

/// When a device in the lobby asks again: often at first, because somebody may be looking at it, then ever more rarely.
const ASK_AGAIN: [(i64, u32); 3] = [
    (10 * UnixMillis::MINUTE, 30),
    (UnixMillis::HOUR, 120),
    (UnixMillis::DAY, 600),
];
/// When it asks again after that, and when one asks again that was rejected.
const ASK_AGAIN_RARELY_SECS: u32 = 3600;

/// What becomes of it.
pub(crate) enum Decision {
    /// It joins.
    Enrol {
        approval: Box<Approval>,
        /// On whose word.
        member: Member,
        csr: Box<Csr>,
    },
    /// It waits in the lobby.
    Wait { reason: String, retry_after_secs: u32 },
    /// It does not join.
    Refuse(String),
}

/// Whether a permit works from this address.
pub(super) fn is_in_reach(permit: &PermitRecord, address: Option<IpAddr>) -> bool {
    let networks = &permit.permit.networks;
    networks.is_empty()
        || address.is_some_and(|address| {
            let address = address.to_canonical();
            let mut ranges = networks.iter().filter_map(|range| range.parse::<IpNet>().ok());
            ranges.any(|range| range.contains(&address))
        })
}

/// Judges an introduction. Only faults are errors: what speaks against the device is a [`Decision`].
pub(crate) async fn decide(
    context: &Context,
    permit: &PermitRecord,
    claim: &ClaimId,
    csr: Csr,
    facts: Facts,
    address: Option<String>,
) -> Result<Decision, EnrolmentError> {
    if let Err(unfit) = facts.check() {
        return Ok(Decision::Refuse(unfit.to_string()));
    }
    let applicant = Applicant {
        permit,
        claim,
        csr,
        facts,
        address,
        now: context.clock.now(),
    };
    for _ in 0..RACE_ATTEMPTS {
        match applicant.judge(context).await {
            // Another device of this key, or the same one on another connection, was a moment faster.
            Err(EnrolmentError::Db(DbError::Unique)) => {}
            Err(error) if is_fault(&error) => return Err(error),
            Err(error) => return Ok(Decision::Refuse(error.to_string())),
            Ok(decision) => return Ok(decision),
        }
    }
    Err(DbError::Busy.into())
}

/// What the device cannot be told, because it says nothing about the device.
pub(crate) fn is_fault(error: &EnrolmentError) -> bool {
    matches!(error, EnrolmentError::Db(_) | EnrolmentError::Authority(_))
}

/// A device that knows the secret.
struct Applicant<'a> {
    permit: &'a PermitRecord,
    claim: &'a ClaimId,
    csr: Csr,
    facts: Facts,
    address: Option<String>,
    now: UnixMillis,
}

impl Applicant<'_> {
    async fn judge(&self, context: &Context) -> Result<Decision, EnrolmentError> {
        let known = {
            let mut reader = context.db.reader().await?;
            let conn = &mut reader.conn();
            let spki = self.csr.spki_sha256();
            let key = device_keys::find(conn, &self.permit.permit.organisation, &spki).await?;
            // A device that has come by this permit may have been moved to another organisation since.
            let owner = match key {
                Some(key) if key.refused => return Err(EnrolmentError::KeyRevoked),
                Some(key) => Some(key.device),
                None => uses::who_came(conn, &self.permit.permit.id, &spki).await?,
            };
            let known = match owner {
                Some(owner) => devices::find(conn, &owner).await?.map(|record| record.device),
                None => None,
            };
            let underway = match &known {
                Some(device) => approvals::newest_of_key(conn, &device.id, &spki).await?,
                None => None,
            };
            known.map(|device| (device, underway.map(|(record, _)| record)))
        };
        match known {
            Some((device, underway)) => self.judge_known(context, device, underway).await,
            None => self.judge_unknown(context).await,
        }
    }

    async fn judge_known(
        &self,
        context: &Context,
        device: Device,
        underway: Option<ApprovalRecord>,
    ) -> Result<Decision, EnrolmentError> {
        match &device.state {
            DeviceState::Pending { since } => {
                let secs = ask_again_secs(self.now.since(*since));
                self.wait_on(context, &device.id, secs).await?;
                Ok(waits(secs))
            }
            DeviceState::Rejected { .. } => {
                self.wait_on(context, &device.id, ASK_AGAIN_RARELY_SECS).await?;
                Ok(Decision::Wait {
                    reason: "a member has rejected this device; they can let it in later".to_owned(),
                    retry_after_secs: ASK_AGAIN_RARELY_SECS,
                })
            }
            DeviceState::Enrolling { .. } => match underway {
                // What a person approved by its code is theirs to finish.
                Some(record) if record.permit.as_ref() != Some(&self.permit.permit.id) => {
                    Ok(Decision::Refuse(
                        "a member has approved this device by its code, and finishes that".to_owned(),
                    ))
                }
                Some(record) if require_standing(&record, self.now).is_ok() && goes_on(record.stage) => {
                    // Whoever let it in has to be somebody who still may.
                    if self.role_of(context, &record.account).await?.is_none() {
                        return Ok(Decision::Refuse(self.not_theirs()));
                    }
                    let member = Member {
                        account: record.account.clone(),
                        name: self.permit.permit.name.clone(),
                        means: Means::Permit(self.permit.permit.id.clone()),
                    };
                    Ok(Decision::Enrol {
                        approval: Box::new(show(record, summary(&device))),
                        member,
                        csr: Box::new(self.csr.clone()),
                    })
                }
                _ if self.permit.permit.mode == PermitMode::Lobby => Ok(Decision::Refuse(LAPSED.to_owned())),
                _ => self.approve(context).await,
            },
            DeviceState::Active { .. } | DeviceState::Suspended { .. } => Ok(Decision::Refuse(format!(
                "a device with this key is in the fleet already (“{}”): if it is this one and lost its certificate, enter its code in \
                 the panel; if it is a copy of that one, make it a key of its own",
                device.name
            ))),
            // Whether a member took it out or it did not come in time: a permit does not speak against a member.
            DeviceState::Retired { .. } => Ok(Decision::Refuse(LAPSED.to_owned())),
        }
    }

    async fn judge_unknown(&self, context: &Context) -> Result<Decision, EnrolmentError> {
        match self.permit.permit.state {
            PermitState::Open => {}
            PermitState::Used => return Ok(Decision::Refuse(used_up(self.permit))),
            PermitState::Expired => {
                return Ok(Decision::Refuse(
                    "the time of this permit is over: ask for another one".to_owned(),
                ));
            }
            PermitState::Revoked => {
                return Ok(Decision::Refuse(
                    "this permit was taken back: ask for another one".to_owned(),
                ));
            }
        }
        match self.permit.permit.mode {
            PermitMode::Auto | PermitMode::List => self.approve(context).await,
            PermitMode::Lobby => self.enter_lobby(context).await,
        }
    }

    /// The permit's word is the approval.
    async fn approve(&self, context: &Context) -> Result<Decision, EnrolmentError> {
        let permit = &self.permit.permit;
        let Some(role) = self.role_of(context, &self.permit.account).await? else {
            return Ok(Decision::Refuse(self.not_theirs()));
        };
        let member = Member {
            account: self.permit.account.clone(),
            name: permit.name.clone(),
            means: Means::Permit(permit.id.clone()),
        };
        let approving = Approving {
            claim: self.claim.clone(),
            csr: self.csr.clone(),
            request: ApprovalRequest {
                organisation: permit.organisation.clone(),
                csr: self.csr.to_pem(),
                facts: self.facts.clone(),
                signer: permit.signer.clone(),
                name: (permit.kind == PermitKind::Preapproval).then(|| permit.name.clone()),
                labels: permit.labels.clone(),
                replace: false,
            },
            member: member.clone(),
            role,
            permit: Some(permit.id.clone()),
            evidence: Some(Evidence {
                proof: permit.id.to_string(),
                device_address: self.address.clone(),
            }),
        };
        let approval = approve(context, approving).await?;
        Ok(Decision::Enrol {
            approval: Box::new(approval),
            member,
            csr: Box::new(self.csr.clone()),
        })
    }

    /// As what somebody vouches for the device, if they still may enrol. Keys and tickets were made by an admin for the organisation,
    /// and are its own: other admins see and revoke them (threat model, PRE-8).
    async fn role_of(&self, context: &Context, account: &AccountId) -> Result<Option<Role>, EnrolmentError> {
        if self.permit.permit.kind != PermitKind::Preapproval && *account == self.permit.account {
            return Ok(Some(Role::Owner));
        }
        let mut reader = context.db.reader().await?;
        let role =
            organisations::role_at(&mut reader.conn(), &self.permit.permit.organisation, account).await?;
        Ok(role.filter(|role| role.may_enrol()))
    }

    fn not_theirs(&self) -> String {
        format!(
            "whoever let this device in (“{}”) may not enrol devices any more: another member does it again",
            self.permit.permit.name
        )
    }

    /// A device that nobody has seen before begins to wait.
    async fn enter_lobby(&self, context: &Context) -> Result<Decision, EnrolmentError> {
        let secs = ask_again_secs(0);
        let device = DeviceId::new(self.now, context.random.for_id());
        let permit = self.permit.permit.clone();
        let description = Description {
            name: name_from(&self.facts.hostname),
            labels: permit.labels.clone(),
            facts: self.facts.clone().without_placeholders(),
            approver: self.permit.account.clone(),
        };
        let (id, csr, address, now) = (device.clone(), self.csr.clone(), self.address.clone(), self.now);
        let account = self.permit.account.clone();
        write!(context.db, |tx| -> Result<(), EnrolmentError> {
            let spki = csr.spki_sha256();
            if let Some((customer, most)) = customers::quota(tx, &permit.organisation).await? {
                organisations::bump_revision(tx, &customer).await?;
                if customers::count_devices(tx, &customer).await? >= most {
                    return Err(EnrolmentError::Conflict(
                        "this customer has as many devices as it may have",
                    ));
                }
            }
            let place = tree::find(tx, &permit.organisation).await?;
            if !place.is_some_and(|place| place.is_open()) {
                return Err(EnrolmentError::Conflict(
                    "this organisation is archived and takes no devices",
                ));
            }
            if device_keys::is_refused_elsewhere(tx, &permit.organisation, &spki).await? {
                return Err(EnrolmentError::KeyRevoked);
            }
            devices::insert(tx, &id, &permit.organisation, &description, now).await?;
            devices::set_state(tx, &id, &DeviceState::Pending { since: now }).await?;
            device_keys::insert(tx, &permit.organisation, &spki, &id, now).await?;
            let asked = Asked {
                device: &id,
                permit: &permit.id,
                csr: &csr.to_pem(),
                address: address.as_deref(),
                at: now,
                again_at: now.plus(i64::from(secs) * UnixMillis::SECOND),
            };
            lobby::note(tx, asked).await?;
            if !uses::spend(tx, &permit.id, &spki, &id, now).await? {
                return Err(EnrolmentError::Conflict(SPENT));
            }
            let member = Member {
                account,
                name: permit.name.clone(),
                means: Means::Permit(permit.id.clone()),
            };
            let entry = Entry {
                scope: Scope::Organisation(&permit.organisation),
                at: now,
                actor: member.actor(),
                action: DeviceAction::EnteredLobby.into(),
                subject: id.as_str(),
                detail: &format!("{}, key {spki}", description.name),
            };
            Ok(audit::append(tx, &entry).await?)
        })?;
        tell(
            context,
            &self.permit.permit.organisation,
            &device,
            FleetChangeKind::Added,
        );
        Ok(waits(secs))
    }

    /// A device of the lobby asked again.
    async fn wait_on(&self, context: &Context, device: &DeviceId, secs: u32) -> Result<(), EnrolmentError> {
        let (device, permit, csr) = (device.clone(), self.permit.permit.id.clone(), self.csr.to_pem());
        let (address, now) = (self.address.clone(), self.now);
        write!(context.db, |tx| -> Result<(), EnrolmentError> {
            let asked = Asked {
                device: &device,
                permit: &permit,
                csr: &csr,
                address: address.as_deref(),
                at: now,
                again_at: now.plus(i64::from(secs) * UnixMillis::SECOND),
            };
            Ok(lobby::note_again(tx, asked).await?)
        })
    }
}

/// A device that was out of the fleet before it was in it, or was taken out of it.
const LAPSED: &str = "this device did not come in time, or a member took it out: a member lets it in by its code, or it joins with a new key \
                      (gangway-device reset)";
/// A permit whose last use somebody else has had.
const SPENT: &str = "this permit has been used as often as it may be, or was taken back: ask for another one";

/// Counts the use of a permit, in the transaction of the approval that came by it.
///
/// # Errors
/// [`EnrolmentError::Conflict`] when it lets nobody else in, or the serial number is not on its list.
pub(in crate::enrolment) async fn spend(
    tx: &mut Conn<'_>,
    permit: &gangway_protocol::id::PermitId,
    record: &ApprovalRecord,
    serial: Option<&str>,
    now: UnixMillis,
) -> Result<(), EnrolmentError> {
    let spki = &record.spki_sha256;
    if !uses::spend(tx, permit, spki, &record.device, now).await? {
        return Err(EnrolmentError::Conflict(SPENT));
    }
    let mode = crate::db::permits::find(tx, permit, now)
        .await?
        .ok_or(EnrolmentError::NotFound)?
        .permit
        .mode;
    if mode == PermitMode::List {
        let taken = match serial {
            Some(serial) => crate::db::permits::serials::take(tx, permit, serial, spki).await?,
            None => false,
        };
        if !taken {
            return Err(EnrolmentError::Conflict(
                "the serial number of this device is not on the list of its registration key, or another device has stated it",
            ));
        }
    }
    Ok(())
}

fn goes_on(stage: EnrolmentStage) -> bool {
    matches!(
        stage,
        EnrolmentStage::Approved
            | EnrolmentStage::Consented
            | EnrolmentStage::Signing
            | EnrolmentStage::Issued
            | EnrolmentStage::Delivered
    )
}

fn ask_again_secs(waited: i64) -> u32 {
    ASK_AGAIN
        .into_iter()
        .find(|(until, _)| waited < *until)
        .map_or(ASK_AGAIN_RARELY_SECS, |(_, secs)| secs)
}

fn waits(retry_after_secs: u32) -> Decision {
    Decision::Wait {
        reason: "this device waits in the lobby until a member decides".to_owned(),
        retry_after_secs,
    }
}

fn used_up(permit: &PermitRecord) -> String {
    match permit.permit.kind {
        PermitKind::Preapproval => {
            "the secret of this device works once, and another key has used it: a member enters a new one"
                .to_owned()
        }
        PermitKind::RegistrationKey | PermitKind::Ticket => SPENT.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_asks_more_and_more_rarely() {
        let waited = [
            0,
            11 * UnixMillis::MINUTE,
            2 * UnixMillis::HOUR,
            2 * UnixMillis::DAY,
        ];
        assert_eq!(waited.map(ask_again_secs), [30, 120, 600, 3600]);
    }
}
