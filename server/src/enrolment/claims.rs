//! What a member decides about a claim of theirs: approves the device, records its consent, takes the approval back, reports
//! a device that is not theirs. Whether they may is decided here, what comes of it in [`super::approval`].

use gangway_protocol::audit::Action;
use gangway_protocol::certificate::{Approval, ApprovalRequest, ClaimReportReason, Recording, SigningUpdate};
use gangway_protocol::device::Device;
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::{ClaimId, DeviceId, OrganisationId};
use gangway_protocol::organisation::Role;

use super::approval::{self, Approving};
use super::signing::{self, Signed};
use super::standing;
use super::{EnrolmentError, check_csr};
use crate::authority::{Caller, Proof, Right};
use crate::authority::{Error, Result};
use crate::context::Context;
use crate::db::approvals::{self, Evidence};
use crate::db::audit::{Entry, Scope};
use crate::db::certificates::CertificateRecord;
use crate::db::organisations::tree;
use crate::db::{audit, memberships, rules, write};
use crate::relay::{ClaimInfo, Relay};

/// Approves the device that was introduced in a claim, and tells it. Repeating it gives the approval that stands.
///
/// # Errors
/// [`Error::NotFound`] for a claim that is not the caller's or not redeemed; [`Error::StepUpRequired`];
/// [`Error::Forbidden`] with a token where policy asks for a passkey; what [`approval::approve`] says.
pub async fn approve(
    context: &Context,
    relay: &Relay,
    caller: &Caller,
    claim: ClaimId,
    request: ApprovalRequest,
) -> Result<Approval> {
    let role = caller
        .require(&context.db, &request.organisation, Right::Enrol)
        .await?;
    let evidence = match own_approval(context, caller, &claim).await {
        // It stands already and has its evidence: a lost reply needs no second assertion.
        Ok(_) => None,
        Err(Error::NotFound) => {
            let info = own_claim(relay, caller, &claim)?;
            Some(Evidence {
                proof: word(context, caller, &request.organisation).await?,
                device_address: info.device_address.map(|address| address.to_string()),
            })
        }
        Err(error) => return Err(error),
    };
    let approving = Approving {
        claim,
        csr: check_csr(&request.csr).map_err(EnrolmentError::from)?,
        request,
        member: caller.member(),
        role,
        evidence,
        permit: None,
    };
    let approval = approval::approve(context, approving).await?;
    relay.tell_approval(
        &approval.claim,
        approval.organisation_name.clone(),
        approval.approver.clone(),
    );
    Ok(approval)
}

/// Records that the device has consented: from now on its certificate may be signed.
///
/// # Errors
/// As [`own_approval`], and what [`approval::consent`] says.
pub async fn consent(context: &Context, caller: &Caller, claim: &ClaimId) -> Result<Approval> {
    require_own_approval(context, caller, claim).await?;
    Ok(approval::consent(context, claim, caller.member()).await?)
}

/// Notes what the claimant is about with a signer elsewhere.
///
/// # Errors
/// As [`own_approval`], and what [`signing::update`] says.
pub async fn update_signing(
    context: &Context,
    caller: &Caller,
    claim: &ClaimId,
    update: SigningUpdate,
) -> Result<Approval> {
    let role = require_own_approval(context, caller, claim).await?;
    Ok(signing::update(context, claim, caller.member(), role, update).await?)
}

/// Takes an approval back: consent was refused, or the person cancelled.
///
/// # Errors
/// As [`own_approval`], and what [`approval::withdraw`] says.
pub async fn withdraw(context: &Context, caller: &Caller, claim: &ClaimId) -> Result<()> {
    require_own_approval(context, caller, claim).await?;
    Ok(approval::withdraw(context, claim, caller.member()).await?)
}

/// Ends a claim for good: the device is not the person's, or they changed their mind.
///
/// # Errors
/// [`Error::NotFound`] for a claim that is not the caller's; what [`approval::withdraw`] says.
pub async fn report(
    context: &Context,
    relay: &Relay,
    caller: &Caller,
    claim: &ClaimId,
    reason: ClaimReportReason,
) -> Result<()> {
    let info = relay
        .claim(claim)
        .filter(|info| info.account == caller.account)
        .ok_or(Error::NotFound)?;
    match require_own_approval(context, caller, claim).await {
        Ok(_) => approval::withdraw(context, claim, caller.member()).await?,
        Err(Error::NotFound) => {}
        Err(error) => return Err(error),
    }
    relay.leave_claim(claim);
    if reason == ClaimReportReason::NotMine {
        record_stranger(context, caller, &info).await?;
    }
    Ok(())
}

/// The approval of a claim, when the caller gave it and may still enrol there.
///
/// # Errors
/// [`Error::NotFound`] for anybody else; [`Error::Forbidden`] when they may enrol there no more.
pub async fn own_approval(context: &Context, caller: &Caller, claim: &ClaimId) -> Result<Approval> {
    let approval = approval::find(context, claim, &caller.account).await?;
    caller
        .require(&context.db, &approval.organisation, Right::Enrol)
        .await?;
    Ok(approval)
}

/// The newest approval for which this device has a certificate signed elsewhere, for this key.
///
/// # Errors
/// [`Error::NotFound`] where there is none.
pub async fn being_signed(context: &Context, device: &Device, spki: &Sha256Hex) -> Result<Approval> {
    let mut reader = context.db.reader().await?;
    let under_way = approvals::being_signed(&mut reader.conn(), &device.id, spki).await?;
    let newest = under_way.into_iter().max_by_key(|record| record.approved_at);
    newest
        .map(|record| standing::show(record, standing::summary(device)))
        .ok_or(Error::NotFound)
}

/// Records a certificate that the caller had signed elsewhere for their claim. It exists, so that it is recorded, as revoked,
/// also when they may enrol there no more.
///
/// # Errors
/// [`Error::NotFound`] for a claim that is not the caller's; what [`signing::record`] says.
pub async fn record_signed(
    context: &Context,
    caller: &Caller,
    device: DeviceId,
    request: Recording,
) -> Result<CertificateRecord> {
    caller.require_scope(Right::Enrol)?;
    let Recording {
        claim,
        chain,
        external_id,
    } = request;
    let organisation = approval::organisation_of(context, &claim, &caller.account).await?;
    let role = caller.role_at(&context.db, &organisation).await?;
    let signed = Signed {
        claim,
        device,
        chain,
        trust_anchors: None,
        external_id,
        member: caller.member(),
        may_enrol: role.is_some_and(Role::may_enrol),
    };
    Ok(signing::record(context, signed).await?)
}

/// Makes sure that the caller gave the approval of a claim and may still enrol there, and says in which role.
async fn require_own_approval(context: &Context, caller: &Caller, claim: &ClaimId) -> Result<Role> {
    let organisation = approval::organisation_of(context, claim, &caller.account).await?;
    caller.require(&context.db, &organisation, Right::Enrol).await
}

/// The claim, when it is the caller's own and they proved that they know the code.
fn own_claim(relay: &Relay, caller: &Caller, claim: &ClaimId) -> Result<ClaimInfo> {
    relay
        .claim(claim)
        .filter(|info| info.account == caller.account && info.redeemed_at.is_some())
        .ok_or(Error::NotFound)
}

/// What stands for the word of whoever approves a device, and is kept with it. Threat model, ENR-10: a passkey assertion not older than
/// five minutes, or a token where policy allows it.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::Forbidden`] with a token where policy asks for a passkey.
pub async fn word(context: &Context, caller: &Caller, organisation: &OrganisationId) -> Result<String> {
    match caller.fresh_proof(context.clock.now())? {
        Proof::Assertion(assertion) => Ok(assertion),
        Proof::Token(token) => {
            let mut reader = context.db.reader().await?;
            let rules = rules::find(&mut reader.conn(), organisation)
                .await?
                .ok_or(Error::NotFound)?;
            if !rules.policy.token_may_approve {
                return Err(Error::Forbidden(
                    "this organisation's policy lets only people with a passkey approve devices, not tokens",
                ));
            }
            Ok(token.as_str().to_owned())
        }
    }
}

/// Most memberships of somebody that a report is recorded for.
const MAX_REPORTED: i64 = 50;

/// threat model, ENR-7: "not mine" is reported to the admins, in every organisation by which the member might have enrolled the
/// device: those above read what is recorded below.
async fn record_stranger(context: &Context, caller: &Caller, info: &ClaimInfo) -> Result<()> {
    let (at, member) = (context.clock.now(), caller.member());
    let held = {
        let mut reader = context.db.reader().await?;
        let conn = &mut reader.conn();
        let mut held = memberships::of_account(conn, &caller.account, MAX_REPORTED).await?;
        // Threat model: SSO-1. What a provider vouches for is told at its customer alone.
        if let Some(root) = caller.credential.within() {
            let within = tree::subtree(conn, root).await?;
            held.retain(|(organisation, _)| within.contains(organisation));
        }
        held
    };
    let address = info
        .device_address
        .map_or_else(|| "an unknown address".to_owned(), |address| address.to_string());
    let (claim, detail) = (
        info.claim.clone(),
        format!("“not mine”: a device at {address} showed this member's code"),
    );
    write!(context.db, |tx| {
        for (organisation, _) in held.iter().filter(|(_, role)| role.may_enrol()) {
            let entry = Entry {
                scope: Scope::Organisation(organisation),
                at,
                actor: member.actor(),
                action: Action::NotMine,
                subject: claim.as_str(),
                detail: &detail,
            };
            audit::append(tx, &entry).await?;
        }
        Ok(())
    })?;
    Ok(())
}
