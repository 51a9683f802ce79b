//! Organisations: their members and invitations, and the undo of a bad day.

use gangway_protocol::certificate::{BulkRevocation, BulkRevocationRequest};
use gangway_protocol::id::{AccountId, LinkId, OrganisationId};
use gangway_protocol::organisation::{
    Invitation, InvitationRequest, Member, MemberUpdate, Organisation, Policy, PolicyUpdate,
};
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use http::Method;

use super::Api;
use super::idempotency::IdempotencyKey;
use crate::error::ApiError;

impl Api {
    /// The caller's organisations, with the caller's role in each.
    ///
    /// # Errors
    /// Those of every signed-in call.
    pub async fn organisations(&self, page: &PageQuery) -> Result<Page<Organisation>, ApiError> {
        self.list(path::ORGANISATIONS, page).await
    }

    /// Changes rules of an organisation; gives all of them.
    ///
    /// # Errors
    /// `forbidden` below admin, `step_up_required`, `invalid` beyond what is allowed, `not_found`.
    pub async fn change_policy(
        &self,
        id: &OrganisationId,
        update: &PolicyUpdate,
    ) -> Result<Policy, ApiError> {
        self.patch(&path::organisation_policy(id), update).await
    }

    /// Members of an organisation.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn members(&self, id: &OrganisationId, page: &PageQuery) -> Result<Page<Member>, ApiError> {
        self.list(&path::members(id), page).await
    }

    /// Gives a member another role.
    ///
    /// # Errors
    /// `forbidden` above the caller's own role, `last_owner`, `step_up_required`, `not_found`.
    pub async fn change_role(
        &self,
        id: &OrganisationId,
        account: &AccountId,
        update: &MemberUpdate,
    ) -> Result<Member, ApiError> {
        self.patch(&path::member(id, account), update).await
    }

    /// Ends a membership; with the caller's own account, leaves.
    ///
    /// # Errors
    /// `forbidden` above the caller's own role, `last_owner`, `step_up_required`, `not_found`.
    pub async fn remove_member(&self, id: &OrganisationId, account: &AccountId) -> Result<(), ApiError> {
        self.quiet(Method::DELETE, &path::member(id, account), None).await
    }

    /// Invitations that wait to be taken.
    ///
    /// # Errors
    /// `forbidden` below admin.
    pub async fn invitations(
        &self,
        id: &OrganisationId,
        page: &PageQuery,
    ) -> Result<Page<Invitation>, ApiError> {
        self.list(&path::invitations(id), page).await
    }

    /// Invites somebody; the reply holds the link, this once.
    ///
    /// # Errors
    /// `forbidden` for a role above the caller's own, `step_up_required`.
    pub async fn invite(
        &self,
        id: &OrganisationId,
        request: &InvitationRequest,
        key: &IdempotencyKey,
    ) -> Result<Invitation, ApiError> {
        self.create(&path::invitations(id), request, key).await
    }

    /// Takes an invitation back.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn withdraw_invitation(&self, id: &OrganisationId, link: &LinkId) -> Result<(), ApiError> {
        self.quiet(Method::DELETE, &path::invitation(id, link), None)
            .await
    }

    /// Revokes what one approver or one address enrolled in a span of time; with `dry_run` only tells what that would be.
    ///
    /// # Errors
    /// `forbidden` below admin, `step_up_required`, `invalid`.
    pub async fn revoke_in_bulk(
        &self,
        id: &OrganisationId,
        request: &BulkRevocationRequest,
    ) -> Result<BulkRevocation, ApiError> {
        self.post(&path::bulk_revocation(id), request).await
    }
}
