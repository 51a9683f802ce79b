//! Becoming somebody: one-time links, registration, sign-in, recovery. What a visitor may call who is not signed in.

use gangway_protocol::account::{
    Ceremony, CeremonyReply, LinkInspectionRequest, LinkPurpose, RecoveryRequest, RegistrationGrant,
    RegistrationRequest, SignUps,
};
use gangway_protocol::id::CeremonyId;
use gangway_protocol::path;
use http::Method;

use super::{Api, encode};
use crate::error::ApiError;

impl Api {
    /// Whether somebody may sign up as a customer.
    ///
    /// # Errors
    /// Those of every call.
    pub async fn sign_ups(&self) -> Result<SignUps, ApiError> {
        self.get(path::SIGN_UPS).await
    }

    /// Begins to sign up as a customer: a token for [`Api::start_registration`], or for [`Api::join`].
    ///
    /// # Errors
    /// `forbidden` unless everybody may; `rate_limited`.
    pub async fn sign_up(&self) -> Result<RegistrationGrant, ApiError> {
        self.act(path::SIGN_UPS).await
    }

    /// What a one-time link is for.
    ///
    /// # Errors
    /// `link_unknown` when it is unknown, used or expired.
    pub async fn inspect_link(&self, request: &LinkInspectionRequest) -> Result<LinkPurpose, ApiError> {
        self.post(path::LINK_INSPECTION, request).await
    }

    /// Starts a registration by a one-time link.
    ///
    /// # Errors
    /// `link_unknown`; `invalid` with the field that is wrong.
    pub async fn start_registration(&self, request: &RegistrationRequest) -> Result<Ceremony, ApiError> {
        self.post(path::REGISTRATIONS, request).await
    }

    /// Finishes it with the authenticator's reply; signs in.
    ///
    /// # Errors
    /// `passkey_refused` when the ceremony failed or is too old.
    pub async fn finish_registration(
        &self,
        ceremony: &CeremonyId,
        reply: &CeremonyReply,
    ) -> Result<(), ApiError> {
        self.quiet(Method::POST, &path::registration(ceremony), Some(encode(reply)?))
            .await
    }

    /// Starts a sign-in with a discoverable passkey.
    ///
    /// # Errors
    /// `rate_limited`.
    pub async fn start_sign_in(&self) -> Result<Ceremony, ApiError> {
        self.act(path::SIGN_INS).await
    }

    /// Finishes it with the authenticator's reply. The account in the response is not read: [`Api::account`] gives it.
    ///
    /// # Errors
    /// `passkey_refused`.
    pub async fn finish_sign_in(&self, ceremony: &CeremonyId, reply: &CeremonyReply) -> Result<(), ApiError> {
        self.quiet(Method::POST, &path::sign_in(ceremony), Some(encode(reply)?))
            .await
    }

    /// Turns a recovery code into a token for [`Api::start_registration`].
    ///
    /// # Errors
    /// `link_unknown` when the code is wrong or used; `rate_limited`.
    pub async fn recover(&self, request: &RecoveryRequest) -> Result<RegistrationGrant, ApiError> {
        self.post(path::RECOVERIES, request).await
    }
}
