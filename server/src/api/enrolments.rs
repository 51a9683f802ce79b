//! Approval of claims: given, consented to, taken back, reported.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use gangway_protocol::certificate::{Approval, ApprovalRequest, ClaimReport, ClaimReportReason};
use gangway_protocol::id::ClaimId;
use gangway_protocol::path;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::request::{JsonBody, PathId};
use crate::authority::{Caller, Proof, Right};
use crate::authority::{Error, Result};
use crate::db::approvals::Evidence;
use crate::db::audit::{Entry, Scope};
use crate::db::{audit, rules, write};
use crate::enrolment::approval::{self, Approving};
use crate::relay::ClaimInfo;
use crate::state::Gangway;

/// The routes of this resource.
pub fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(show_approval, give_approval, withdraw_approval))
        .routes(routes!(record_consent))
        .routes(routes!(report_claim))
}

/// The approval of a claim.
#[utoipa::path(get, path = path::APPROVAL, tag = "enrolment", params(("claim" = ClaimId, Path)),
    responses((status = 200, body = Approval), (status = 404)))]
async fn show_approval(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(claim): PathId<ClaimId>,
) -> Result<Json<Approval>> {
    Ok(Json(own_approval(&gangway, &caller, &claim).await?))
}

/// Approves the device that was introduced in a claim. Repeating it gives the approval that stands.
#[utoipa::path(post, path = path::APPROVAL, tag = "enrolment", params(("claim" = ClaimId, Path)),
    request_body = ApprovalRequest,
    responses((status = 200, body = Approval), (status = 403), (status = 404), (status = 409), (status = 422)))]
async fn give_approval(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(claim): PathId<ClaimId>,
    JsonBody(request): JsonBody<ApprovalRequest>,
) -> Result<Json<Approval>> {
    caller
        .require(&gangway.db, &request.organisation, Right::Enrol)
        .await?;
    let evidence = match own_approval(&gangway, &caller, &claim).await {
        // It stands already and has its evidence: a lost reply needs no second assertion.
        Ok(_) => None,
        Err(Error::NotFound) => {
            let info = own_claim(&gangway, &caller, &claim)?;
            Some(evidence(&gangway, &caller, &request, &info).await?)
        }
        Err(error) => return Err(error),
    };
    let approving = Approving {
        claim,
        request,
        member: caller.member(),
        evidence,
    };
    let approval = approval::approve(&gangway, approving).await?;
    gangway.relay.tell_approval(
        &approval.claim,
        approval.organisation_name.clone(),
        approval.approver.clone(),
    );
    Ok(Json(approval))
}

/// Takes an approval back: consent was refused, or the person cancelled.
#[utoipa::path(delete, path = path::APPROVAL, tag = "enrolment", params(("claim" = ClaimId, Path)),
    responses((status = 204), (status = 404), (status = 409)))]
async fn withdraw_approval(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(claim): PathId<ClaimId>,
) -> Result<StatusCode> {
    require_own_approval(&gangway, &caller, &claim).await?;
    approval::withdraw(&gangway, &claim, caller.member()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Records that the device has consented: from now on its certificate may be signed.
#[utoipa::path(post, path = path::CONSENT, tag = "enrolment", params(("claim" = ClaimId, Path)),
    responses((status = 200, body = Approval), (status = 404), (status = 409)))]
async fn record_consent(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(claim): PathId<ClaimId>,
) -> Result<Json<Approval>> {
    require_own_approval(&gangway, &caller, &claim).await?;
    Ok(Json(approval::consent(&gangway, &claim, caller.member()).await?))
}

/// Ends a claim for good: the device is not the person's, or they changed their mind.
#[utoipa::path(post, path = path::CLAIM_REPORT, tag = "enrolment", params(("claim" = ClaimId, Path)),
    request_body = ClaimReport, responses((status = 204), (status = 404), (status = 409)))]
async fn report_claim(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(claim): PathId<ClaimId>,
    JsonBody(report): JsonBody<ClaimReport>,
) -> Result<StatusCode> {
    let info = gangway
        .relay
        .claim(&claim)
        .filter(|info| info.account == caller.account)
        .ok_or(Error::NotFound)?;
    match require_own_approval(&gangway, &caller, &claim).await {
        Ok(()) => approval::withdraw(&gangway, &claim, caller.member()).await?,
        Err(Error::NotFound) => {}
        Err(error) => return Err(error),
    }
    gangway.relay.end_claim(&claim);
    if report.reason == ClaimReportReason::NotMine {
        record_stranger(&gangway, &caller, &info).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The approval of a claim, when the caller gave it and may still enrol there.
async fn own_approval(gangway: &Gangway, caller: &Caller, claim: &ClaimId) -> Result<Approval> {
    let approval = approval::find(gangway, claim, &caller.account).await?;
    caller
        .require(&gangway.db, &approval.organisation, Right::Enrol)
        .await?;
    Ok(approval)
}

/// Makes sure that the caller gave the approval of a claim and may still enrol there.
async fn require_own_approval(gangway: &Gangway, caller: &Caller, claim: &ClaimId) -> Result<()> {
    let organisation = approval::organisation_of(gangway, claim, &caller.account).await?;
    caller.require(&gangway.db, &organisation, Right::Enrol).await?;
    Ok(())
}

/// The claim, when it is the caller's own and they proved that they know the code.
fn own_claim(gangway: &Gangway, caller: &Caller, claim: &ClaimId) -> Result<ClaimInfo> {
    gangway
        .relay
        .claim(claim)
        .filter(|info| info.account == caller.account && info.redeemed_at.is_some())
        .ok_or(Error::NotFound)
}

/// threat model, ENR-10: a passkey assertion not older than five minutes, or a token where policy allows it.
async fn evidence(
    gangway: &Gangway,
    caller: &Caller,
    request: &ApprovalRequest,
    info: &ClaimInfo,
) -> Result<Evidence> {
    let proof = match caller.fresh_proof(gangway.clock.now())? {
        Proof::Assertion(assertion) => assertion,
        Proof::Token(token) => {
            let mut reader = gangway.db.reader().await?;
            let rules = rules::find(&mut reader.conn(), &request.organisation)
                .await?
                .ok_or(Error::NotFound)?;
            if !rules.policy.token_may_approve {
                return Err(Error::Forbidden(
                    "this organisation's policy lets only people with a passkey approve devices, not tokens",
                ));
            }
            token.as_str().to_owned()
        }
    };
    Ok(Evidence {
        proof,
        device_address: info.device_address.map(|address| address.to_string()),
    })
}

/// threat model, ENR-7: "not mine" is reported to the admins, in every organisation where the member might have
/// enrolled the device.
async fn record_stranger(gangway: &Gangway, caller: &Caller, info: &ClaimInfo) -> Result<()> {
    let (at, member) = (gangway.clock.now(), caller.member());
    let reach = rules::reach(&mut gangway.db.reader().await?.conn(), &caller.account).await?;
    let address = info
        .device_address
        .map_or_else(|| "an unknown address".to_owned(), |address| address.to_string());
    let (claim, detail) = (
        info.claim.clone(),
        format!("“not mine”: a device at {address} showed this member's code"),
    );
    write!(gangway.db, |tx| {
        for (organisation, _) in reach.iter().filter(|(_, role)| role.may_enrol()) {
            let entry = Entry {
                scope: Scope::Organisation(organisation),
                at,
                actor: member.actor(),
                action: "enrolment.not_mine",
                subject: claim.as_str(),
                detail: &detail,
            };
            audit::append(tx, &entry).await?;
        }
        Ok(())
    })?;
    Ok(())
}
