//! Enrolment without a person at the screen (`docs/protocol.md` §7): the server is the claimant, with the secret of a permit that
//! an organisation has given in advance.
//!
//! 1. The device names its permit in `hello`. [`attend`] finds it, and makes the claim that a person's browser would make.
//! 2. Its introduction is judged ([`decision`]): it joins, it waits in the lobby, or it is refused.
//! 3. What follows is what follows a person's approval: offer, consent, certificate, each durable before it is told.
//!
//! A permit that nobody has is tried like one that exists, with a secret that nobody knows: whoever guesses learns nothing of which
//! there are.

mod decision;

use std::net::IpAddr;

use gangway_protocol::certificate::{Approval, Csr};
use gangway_protocol::encoding::Base64;
use gangway_protocol::enrolment::{
    ClaimantToDevice, ClaimantToServer, CredentialKind, DeviceToClaimant, ServerToClaimant,
};
use gangway_protocol::error::{Problem, ProblemCode};
use gangway_protocol::permit::{DevicePermit, Lookup};
use gangway_protocol::seal::{Answer, Channel, Claimant};

use super::approval;
use super::delivery::{self, Witness};
use super::issuance::{self, Grounds, Order};
use super::permit_secret::{decoy, device_permit_of};
use super::{EnrolmentError, check_csr, present};
use crate::authority::Member;
use crate::clock::Monotonic;
use crate::context::Context;
use crate::db::permits::{self, PermitRecord};
use crate::db::{DbError, signers, write};
use crate::limits::{AddressKey, Limits, PermitAttempt, PermitEnd};
use crate::relay::{Attendance, Conversation, problem};

pub(super) use decision::spend;
pub(crate) use decision::{Decision, decide, is_fault};

/// When a device that met a fault of ours tries again.
const FAULT_RETRY_SECS: u32 = 30;

/// Why a conversation ended without a result.
#[derive(Debug)]
enum Cut {
    /// The device has another secret, or there is no such permit: a guess is spent.
    Mismatch,
    /// The device went away, or did not follow the protocol. It tries again by itself.
    Over,
    /// Our own fault, which has been logged.
    Fault(Problem),
}

impl From<EnrolmentError> for Cut {
    fn from(error: EnrolmentError) -> Self {
        tracing::error!(%error, "an unattended enrolment could not be served");
        Self::Fault(Problem {
            retry_after_secs: Some(FAULT_RETRY_SECS),
            ..problem(
                ProblemCode::Busy,
                "The server failed at this, and has logged it. Try again in half a minute.",
            )
        })
    }
}

/// Serves a device that named a permit, to the end.
pub(crate) async fn attend(context: &Context, limits: &Limits, attendance: Attendance) {
    let now = || context.clock.both().monotonic;
    let found = match find(context, &attendance).await {
        // Whoever asks does not learn that: it would tell which lookups are this organisation's.
        Ok(found) => found.filter(|found| !is_guessed_at(limits, found, now())),
        Err(error) => {
            if let Cut::Fault(problem) = Cut::from(EnrolmentError::from(error)) {
                attendance.refuse(problem);
            }
            return;
        }
    };
    let attempt = PermitAttempt {
        lookup: attendance.lookup.clone(),
        organisations: found
            .iter()
            .map(|found| found.permit.organisation.clone())
            .collect(),
        address: attendance.address.map(AddressKey::from),
    };
    // threat model, PRE-3: nobody learns anything about permits who has failed too often.
    if let Err(too_many) = limits.begin_permit(&attempt, now()) {
        return attendance.refuse(Problem {
            retry_after_secs: Some(too_many.retry_after_secs),
            ..problem(
                ProblemCode::RateLimited,
                "Too many keys and secrets did not fit. Check what this device was given, then wait.",
            )
        });
    }
    let opened = open(context, &attendance, found.as_ref()).await;
    let end = match &opened {
        Ok(_) | Err(Cut::Fault(_)) => PermitEnd::Fitted,
        Err(Cut::Mismatch) => PermitEnd::Mismatch,
        Err(Cut::Over) => PermitEnd::Silent,
    };
    limits.settle_permit(&attempt, end, now());
    if let (PermitEnd::Mismatch, Some(found)) = (end, &found) {
        note_failure(context, found).await;
    }
    let served = match (opened, &found) {
        (Ok(mut claim), Some(permit)) => claim.serve(context, permit, &attendance).await,
        (Ok(_), None) => Err(Cut::Over),
        (Err(cut), _) => Err(cut),
    };
    match served {
        Ok(result) => count(result),
        Err(Cut::Mismatch) => count("mismatch"),
        Err(Cut::Over) => count("over"),
        Err(Cut::Fault(problem)) => {
            count("fault");
            attendance.refuse(problem);
        }
    }
}

/// Secrets that people chose are guessed at one after the other: then none of an organisation's opens for a while.
pub(crate) fn is_guessed_at(limits: &Limits, permit: &PermitRecord, now: Monotonic) -> bool {
    matches!(permit.lookup(), Lookup::Device(_)) && limits.is_guessed_at(&permit.permit.organisation, now)
}

/// The permit that the device means: where several customers have entered the same device id, one of them by lot, so that none can
/// keep the device of another out for good.
async fn find(context: &Context, attendance: &Attendance) -> Result<Option<PermitRecord>, DbError> {
    let mut found = permits_of(context, &attendance.lookup, attendance.address).await?;
    if found.is_empty() {
        return Ok(None);
    }
    let lot = draw_lot(context, found.len());
    Ok(Some(found.swap_remove(lot)))
}

/// The place of one of so many; there are some.
pub(crate) fn draw_lot(context: &Context, of: usize) -> usize {
    usize::from(u16::from_be_bytes(context.random.bytes())) % of
}

/// The permits of a lookup that work from this address.
pub(crate) async fn permits_of(
    context: &Context,
    lookup: &Lookup,
    address: Option<IpAddr>,
) -> Result<Vec<PermitRecord>, DbError> {
    let now = context.clock.now();
    let mut reader = context.db.reader().await?;
    let mut found = permits::of_lookup(&mut reader.conn(), lookup, now).await?;
    found.retain(|permit| decision::is_in_reach(permit, address));
    Ok(found)
}

/// threat model, PRE-3: whoever administers the permit sees that somebody guesses.
pub(crate) async fn note_failure(context: &Context, permit: &PermitRecord) {
    let (id, now) = (permit.permit.id.clone(), context.clock.now());
    let noted = write!(context.db, |tx| { permits::note_failure(tx, &id, now).await });
    if let Err(error) = noted {
        tracing::warn!(permit = %permit.permit.id, %error, "a wrong secret could not be counted");
    }
}

/// A claim whose device knows the secret.
struct Claim {
    conversation: Conversation,
    channel: Channel,
}

/// The key exchange: a device that does not know the secret is told nothing.
async fn open(
    context: &Context,
    attendance: &Attendance,
    permit: Option<&PermitRecord>,
) -> Result<Claim, Cut> {
    let random = |bytes: &mut [u8]| context.random.fill(bytes);
    let device_permit: DevicePermit = match permit {
        Some(permit) => device_permit_of(context.ca.key_store(), permit).map_err(|error| {
            tracing::error!(permit = %permit.permit.id, %error, "the secret of a permit does not open");
            Cut::Mismatch
        })?,
        None => decoy(&attendance.lookup, &*context.random),
    };
    let (claimant, pake) = Claimant::start(&device_permit, random);
    let mut conversation = attendance.claim(pake).await.ok_or(Cut::Over)?;
    let answer = loop {
        match conversation.next().await.ok_or(Cut::Over)? {
            ServerToClaimant::Answer { pake, confirm, .. } => break Answer { pake, confirm },
            ServerToClaimant::Accepted { .. } => {}
            _ => return Err(Cut::Over),
        }
    };
    let (channel, confirm) = claimant
        .on_answer(conversation.claim(), &answer)
        .map_err(|_| Cut::Mismatch)?;
    let claim = conversation.claim().clone();
    conversation.send(ClaimantToServer::Confirm { claim, confirm });
    Ok(Claim {
        conversation,
        channel,
    })
}

impl Claim {
    /// From the introduction to the installed certificate. Gives what became of it, for the counter.
    async fn serve(
        &mut self,
        context: &Context,
        permit: &PermitRecord,
        attendance: &Attendance,
    ) -> Result<&'static str, Cut> {
        let DeviceToClaimant::Introduction {
            csr, facts, accepts, ..
        } = self.hear().await?
        else {
            return Err(Cut::Over);
        };
        if !accepts.contains(&CredentialKind::Certificate) {
            return self.refuse("this device takes no certificates");
        }
        let csr = match check_csr(&csr) {
            Ok(csr) => csr,
            Err(refusal) => return self.refuse(&refusal.to_string()),
        };
        let address = attendance.address.map(|address| address.to_string());
        let decided = decide(context, permit, self.conversation.claim(), csr, facts, address).await?;
        match decided {
            Decision::Refuse(reason) => self.refuse(&reason),
            Decision::Wait {
                reason,
                retry_after_secs,
            } => {
                self.say(&ClaimantToDevice::Wait {
                    reason,
                    retry_after_secs,
                })?;
                Ok("waits")
            }
            Decision::Enrol {
                approval,
                member,
                csr,
            } => self.enrol(context, *approval, member, *csr).await,
        }
    }

    async fn enrol(
        &mut self,
        context: &Context,
        approval: Approval,
        member: Member,
        csr: Csr,
    ) -> Result<&'static str, Cut> {
        let panel = context.config.origin();
        self.conversation
            .tell_approval(approval.organisation_name.clone(), approval.approver.clone());
        self.say(&ClaimantToDevice::Offer {
            organisation: approval.organisation_name.clone(),
            approver: approval.approver.clone(),
            panel: panel.clone(),
        })?;
        match self.hear().await? {
            DeviceToClaimant::Consent { accepted: true, .. } => {}
            DeviceToClaimant::Consent { .. } => {
                approval::withdraw(context, &approval.claim, member).await?;
                return Ok("declined");
            }
            _ => return Err(Cut::Over),
        }
        approval::consent(context, &approval.claim, member.clone()).await?;
        let order = Order {
            device: approval.device.id.clone(),
            csr,
            grounds: Grounds::Approval(member.clone()),
            known_as: None,
            again: false,
        };
        let record = match issuance::issue(context, &order).await {
            Ok(record) => record,
            Err(
                error @ (EnrolmentError::Db(_)
                | EnrolmentError::Authority(_)
                | EnrolmentError::Signing { .. }),
            ) => return Err(error.into()),
            Err(error) => return self.refuse(&error.to_string()),
        };
        let sha256 = record.sha256;
        let signer = {
            let mut reader = context.db.reader().await.map_err(EnrolmentError::from)?;
            signers::find(&mut reader.conn(), &record.signer)
                .await
                .map_err(EnrolmentError::from)?
                .ok_or(EnrolmentError::NotFound)?
        };
        let certificate = present(context, record).map_err(EnrolmentError::from)?;
        self.say(&gangway_client::crossing::credential(
            certificate,
            None,
            &signer,
            &panel,
        ))?;
        match self.hear().await? {
            DeviceToClaimant::Installed { certificate_sha256 } if certificate_sha256 == sha256 => {
                delivery::deliver(context, sha256, Witness::Claimant(member)).await?;
                Ok("enrolled")
            }
            DeviceToClaimant::Failed { code, .. } => {
                tracing::warn!(device = %approval.device.id, %code, "a device could not install its certificate");
                Ok("failed")
            }
            _ => Err(Cut::Over),
        }
    }

    /// The device's next sealed message.
    async fn hear(&mut self) -> Result<DeviceToClaimant, Cut> {
        loop {
            match self.conversation.next().await.ok_or(Cut::Over)? {
                ServerToClaimant::Sealed { sealed, .. } => {
                    return self.channel.open(&sealed).map_err(|_| Cut::Over);
                }
                ServerToClaimant::Context { .. } => {}
                _ => return Err(Cut::Over),
            }
        }
    }

    fn say(&mut self, message: &ClaimantToDevice) -> Result<(), Cut> {
        let sealed: Base64 = self.channel.seal(message).map_err(|_| Cut::Over)?;
        let claim = self.conversation.claim().clone();
        self.conversation.send(ClaimantToServer::Sealed { claim, sealed });
        Ok(())
    }

    fn refuse(&mut self, reason: &str) -> Result<&'static str, Cut> {
        self.say(&ClaimantToDevice::Refusal {
            reason: reason.to_owned(),
        })?;
        Ok("refused")
    }
}

fn count(result: &'static str) {
    metrics::counter!("gangway_unattended_enrolments_total", "result" => result).increment(1);
}
