//! Enrolment as far as it goes over HTTP (`protocol.md` §4): approve, consent, withdraw, report. The rest of a crossing is
//! the claim socket's: `crossing.rs`.

use gangway_protocol::certificate::{Approval, ApprovalRequest, ClaimReport, SigningUpdate};
use gangway_protocol::id::ClaimId;
use gangway_protocol::path;
use http::Method;

use super::{Api, encode};
use crate::error::ApiError;

impl Api {
    /// The approval of a claim, with the stage it has reached.
    ///
    /// # Errors
    /// `not_found` before there is one.
    pub async fn approval(&self, claim: &ClaimId) -> Result<Approval, ApiError> {
        self.get(&path::approval(claim)).await
    }

    /// Approves the device that a claim introduced. Idempotent.
    ///
    /// # Errors
    /// `step_up_required`; `key_known` with the device that has this key; `key_revoked`, `csr_refused`; `not_found` for a
    /// claim that is not the caller's, or is over.
    pub async fn approve(&self, claim: &ClaimId, request: &ApprovalRequest) -> Result<Approval, ApiError> {
        self.post(&path::approval(claim), request).await
    }

    /// Takes an approval back: the device refused, or the person cancelled.
    ///
    /// # Errors
    /// `conflict` once a certificate has been signed.
    pub async fn withdraw_approval(&self, claim: &ClaimId) -> Result<(), ApiError> {
        self.quiet(Method::DELETE, &path::approval(claim), None).await
    }

    /// Records that the device consented; nothing may be signed before. Idempotent.
    ///
    /// # Errors
    /// `not_found`, `conflict` for an approval that was withdrawn or has lapsed.
    pub async fn record_consent(&self, claim: &ClaimId) -> Result<Approval, ApiError> {
        self.act(&path::consent(claim)).await
    }

    /// Tells what this claimant is about with a signer elsewhere. Idempotent.
    ///
    /// # Errors
    /// `reply_lost` when somebody has to look for a certificate first, `busy` while another attempt has the same key signed,
    /// `conflict` before consent or after withdrawal.
    pub async fn update_signing(
        &self,
        claim: &ClaimId,
        update: &SigningUpdate,
    ) -> Result<Approval, ApiError> {
        self.put(&path::signing(claim), update).await
    }

    /// Tells why a claim ends for good: not mine, or cancelled.
    ///
    /// # Errors
    /// `not_found` for a claim that is not the caller's.
    pub async fn report_claim(&self, claim: &ClaimId, report: &ClaimReport) -> Result<(), ApiError> {
        self.quiet(Method::POST, &path::claim_report(claim), Some(encode(report)?))
            .await
    }
}
