//! Organisations: their tree, rules, members and invitations, and the undo of a bad day.

use gangway_protocol::certificate::{BulkRevocation, BulkRevocationRequest};
use gangway_protocol::id::{AccountId, LinkId, OrganisationId};
use gangway_protocol::organisation::{
    Invitation, InvitationRequest, Member, MemberUpdate, Organisation, OrganisationRequest,
    OrganisationUpdate, Policy, PolicyDetail, PolicyUpdate,
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

    /// Makes an organisation below another one.
    ///
    /// # Errors
    /// `forbidden` below admin, `step_up_required`, `conflict` when there are too many or below an archived one, `not_found`.
    pub async fn create_organisation(
        &self,
        request: &OrganisationRequest,
        key: &IdempotencyKey,
    ) -> Result<Organisation, ApiError> {
        self.create(path::ORGANISATIONS, request, key).await
    }

    /// Renames an organisation, or moves it below another one.
    ///
    /// # Errors
    /// `forbidden` below admin, for a move also of what is above it; `step_up_required`; `conflict` for a place where it cannot
    /// be; `not_found`.
    pub async fn change_organisation(
        &self,
        id: &OrganisationId,
        update: &OrganisationUpdate,
    ) -> Result<Organisation, ApiError> {
        self.patch(&path::organisation(id), update).await
    }

    /// Archives an organisation.
    ///
    /// # Errors
    /// `forbidden` for whoever does not administer what is above it, `step_up_required`, `conflict` while it holds devices or
    /// open organisations, `not_found`.
    pub async fn archive_organisation(&self, id: &OrganisationId) -> Result<Organisation, ApiError> {
        self.set(&path::organisation_archival(id)).await
    }

    /// Opens an archived organisation again.
    ///
    /// # Errors
    /// As [`Self::archive_organisation`].
    pub async fn open_organisation(&self, id: &OrganisationId) -> Result<Organisation, ApiError> {
        self.delete(&path::organisation_archival(id)).await
    }

    /// The rules of an organisation, and where they come from.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn policy(&self, id: &OrganisationId) -> Result<PolicyDetail, ApiError> {
        self.get(&path::organisation_policy(id)).await
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

    /// Makes somebody a member who is one in another organisation that the caller administers.
    ///
    /// # Errors
    /// `forbidden` above the caller's own role, `step_up_required`, `conflict` for a member, `not_found`.
    pub async fn add_member(
        &self,
        id: &OrganisationId,
        account: &AccountId,
        update: &MemberUpdate,
    ) -> Result<Member, ApiError> {
        self.put(&path::member(id, account), update).await
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

    /// Suspends a membership.
    ///
    /// # Errors
    /// `forbidden` above the caller's own role, `last_owner`, `step_up_required`, `conflict` for one's own, `not_found`.
    pub async fn suspend_member(&self, id: &OrganisationId, account: &AccountId) -> Result<Member, ApiError> {
        self.set(&path::member_suspension(id, account)).await
    }

    /// Lets a suspended membership count again.
    ///
    /// # Errors
    /// As [`Self::suspend_member`].
    pub async fn resume_member(&self, id: &OrganisationId, account: &AccountId) -> Result<Member, ApiError> {
        self.delete(&path::member_suspension(id, account)).await
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
