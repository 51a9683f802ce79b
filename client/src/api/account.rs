//! The signed-in account: passkeys, step-up, recovery codes, sign-ins, bearer tokens.

use gangway_protocol::account::{
    Account, Ceremony, CeremonyReply, JoinRequest, Passkey, RecoveryCodes, Rename, SignIn, Token,
    TokenRequest,
};
use gangway_protocol::id::{CeremonyId, PasskeyId, SignInId, TokenId};
use gangway_protocol::page::{Page, PageQuery};
use gangway_protocol::path;
use http::Method;

use super::Api;
use super::idempotency::IdempotencyKey;
use crate::error::ApiError;

impl Api {
    /// The signed-in account.
    ///
    /// # Errors
    /// `unauthenticated` when nobody is signed in.
    pub async fn account(&self) -> Result<Account, ApiError> {
        self.get(path::ACCOUNT).await
    }

    /// Whether somebody is signed in, for callers that need nothing else of the account: it is not read.
    ///
    /// # Errors
    /// `unauthenticated` when nobody is signed in.
    pub async fn is_signed_in(&self) -> Result<(), ApiError> {
        self.quiet(Method::GET, path::ACCOUNT, None).await
    }

    /// Gives the account another name.
    ///
    /// # Errors
    /// `invalid` when the name is not 1 to 64 fit characters.
    pub async fn rename_account(&self, rename: &Rename) -> Result<Account, ApiError> {
        self.patch(path::ACCOUNT, rename).await
    }

    /// Joins an organisation by an invitation, or becomes a customer by a link for one.
    ///
    /// # Errors
    /// `link_unknown`; `invalid` when a customer has no fit name; `conflict` when the account is a member with this role or a greater one already.
    pub async fn join(&self, request: &JoinRequest) -> Result<Account, ApiError> {
        self.post(path::ACCOUNT_MEMBERSHIPS, request).await
    }

    /// Its passkeys.
    ///
    /// # Errors
    /// Those of every signed-in call.
    pub async fn passkeys(&self, page: &PageQuery) -> Result<Page<Passkey>, ApiError> {
        self.list(path::PASSKEYS, page).await
    }

    /// Starts adding a passkey.
    ///
    /// # Errors
    /// `step_up_required` when the last assertion is too old.
    pub async fn start_adding_passkey(&self) -> Result<Ceremony, ApiError> {
        self.act(path::PASSKEYS).await
    }

    /// Finishes it with the authenticator's reply.
    ///
    /// # Errors
    /// `passkey_refused`.
    pub async fn finish_adding_passkey(
        &self,
        ceremony: &CeremonyId,
        reply: &CeremonyReply,
    ) -> Result<Passkey, ApiError> {
        self.post(&path::passkey_ceremony(ceremony), reply).await
    }

    /// Gives a passkey another name.
    ///
    /// # Errors
    /// `not_found`, `invalid`.
    pub async fn rename_passkey(&self, id: &PasskeyId, rename: &Rename) -> Result<Passkey, ApiError> {
        self.patch(&path::passkey(id), rename).await
    }

    /// Removes a passkey.
    ///
    /// # Errors
    /// `conflict` for the last one, `step_up_required`.
    pub async fn remove_passkey(&self, id: &PasskeyId) -> Result<(), ApiError> {
        self.quiet(Method::DELETE, &path::passkey(id), None).await
    }

    /// Starts proving a passkey again, before an approval or another step that asks for a fresh assertion.
    ///
    /// # Errors
    /// `forbidden` with a token: a token has no passkey.
    pub async fn start_step_up(&self) -> Result<Ceremony, ApiError> {
        self.act(path::STEP_UPS).await
    }

    /// Finishes it with the authenticator's reply.
    ///
    /// # Errors
    /// `passkey_refused`.
    pub async fn finish_step_up(
        &self,
        ceremony: &CeremonyId,
        reply: &CeremonyReply,
    ) -> Result<Account, ApiError> {
        self.post(&path::step_up(ceremony), reply).await
    }

    /// Makes fresh recovery codes; the former ones no longer work.
    ///
    /// # Errors
    /// `step_up_required`.
    pub async fn renew_recovery_codes(&self) -> Result<RecoveryCodes, ApiError> {
        self.act(path::RECOVERY_CODES).await
    }

    /// The account's signed-in browsers.
    ///
    /// # Errors
    /// Those of every signed-in call.
    pub async fn sign_ins(&self, page: &PageQuery) -> Result<Page<SignIn>, ApiError> {
        self.list(path::ACCOUNT_SIGN_INS, page).await
    }

    /// Signs another browser out.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn end_sign_in(&self, id: &SignInId) -> Result<(), ApiError> {
        self.quiet(Method::DELETE, &path::account_sign_in(id), None).await
    }

    /// Signs this browser out.
    ///
    /// # Errors
    /// `unauthenticated` when nobody is signed in.
    pub async fn sign_out(&self) -> Result<(), ApiError> {
        self.quiet(Method::DELETE, &path::account_sign_in("current"), None)
            .await
    }

    /// The account's bearer tokens, without their secrets.
    ///
    /// # Errors
    /// Those of every signed-in call.
    pub async fn tokens(&self, page: &PageQuery) -> Result<Page<Token>, ApiError> {
        self.list(path::TOKENS, page).await
    }

    /// Makes a bearer token; the reply holds its secret, this once.
    ///
    /// # Errors
    /// `step_up_required`, `forbidden` beyond the caller's own role, `invalid`.
    pub async fn create_token(
        &self,
        request: &TokenRequest,
        key: &IdempotencyKey,
    ) -> Result<Token, ApiError> {
        self.create(path::TOKENS, request, key).await
    }

    /// Revokes a bearer token.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn revoke_token(&self, id: &TokenId) -> Result<(), ApiError> {
        self.quiet(Method::DELETE, &path::token(id), None).await
    }
}
