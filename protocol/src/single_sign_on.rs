//! Sign-in by an OpenID Connect provider of a customer's own. `docs/single-sign-on.md` is for those who set one up.

use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::id::{CeremonyId, IdentityProviderId, OrganisationId};
use crate::organisation::Role;
use crate::secret::SecretString;
use crate::time::UnixMillis;

/// Most providers of a customer.
pub const MAX_PROVIDERS: usize = 5;
/// Most values of a claim that mean something.
pub const MAX_MAPPINGS: usize = 50;
/// Longest issuer, in bytes.
pub const MAX_ISSUER_LEN: usize = 512;
/// Longest name or value of a claim, client id and secret, in bytes.
pub const MAX_VALUE_LEN: usize = 256;

/// A provider: `GET /api/v1/organisations/{id}/identity-providers`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IdentityProvider {
    /// Its id.
    pub id: IdentityProviderId,
    /// What the button calls it.
    pub name: String,
    /// Its issuer, as its discovery document says it.
    pub issuer: String,
    /// What it calls this server.
    pub client_id: String,
    /// Whether a client secret is kept.
    pub has_secret: bool,
    /// Which roles its people get.
    pub roles: ClaimedRoles,
    /// Whether somebody who comes for the first time gets an account. Otherwise people link the account that they have.
    pub makes_accounts: bool,
    /// When it was added.
    pub created_at: UnixMillis,
    /// The redirect URI to register there.
    pub redirect_uri: String,
    /// The back-channel logout URI to register there.
    pub logout_uri: String,
}

/// Which roles the people of a provider get, looked at anew whenever one of them signs in. None of them is an owner's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClaimedRoles {
    /// The claim of the ID token whose values are looked at: a text or an array of texts. `realm_access.roles` is looked for as a
    /// name, and then inside `realm_access`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// What its values mean; all that are there count.
    #[serde(default)]
    pub mappings: Vec<RoleMapping>,
    /// The role that everybody has at the customer, whatever the claim says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub everyone: Option<Role>,
}

/// What a value of the claim means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoleMapping {
    /// The value.
    pub value: String,
    /// Where: the customer, or an organisation of it.
    pub organisation: OrganisationId,
    /// The role: at most admin.
    pub role: Role,
}

/// Adds a provider to a customer: `POST /api/v1/organisations/{id}/identity-providers`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IdentityProviderRequest {
    /// What the button calls it.
    pub name: String,
    /// Its issuer: `https://login.example.com/realms/works`.
    pub issuer: String,
    /// What it calls this server.
    pub client_id: String,
    /// The secret that it gave; absent for a public client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<SecretString>,
    /// Which roles its people get.
    #[serde(default)]
    pub roles: ClaimedRoles,
    /// Whether somebody who comes for the first time gets an account.
    #[serde(default)]
    pub makes_accounts: bool,
}

/// Changes a provider: `PATCH /api/v1/organisations/{id}/identity-providers/{provider}`. What is absent stays. Issuer and client stay
/// always: another one is another provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IdentityProviderUpdate {
    /// See [`IdentityProviderRequest::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Another secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<SecretString>,
    /// Other roles; they count from each person's next sign-in on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<ClaimedRoles>,
    /// See [`IdentityProviderRequest::makes_accounts`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub makes_accounts: Option<bool>,
}

/// What a provider was found to be: `POST /api/v1/organisations/{id}/identity-providers/{provider}/trial`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IdentityProviderTrial {
    /// Where people are sent to sign in.
    pub authorization_endpoint: String,
    /// How many keys it signs with that this server can verify.
    pub keys: u32,
}

/// Who vouches for people of an organisation: `GET /api/v1/single-sign-on/{id}`. For an organisation that does not exist it is the
/// same as for one without a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignInOffers {
    /// Its customer's providers.
    pub providers: Vec<ProviderName>,
}

/// A provider, as anybody may know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProviderName {
    /// Its id.
    pub id: IdentityProviderId,
    /// What the button calls it.
    pub name: String,
}

/// What somebody goes to a provider for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SingleSignOnPurpose {
    /// To sign in.
    SignIn,
    /// To prove again who they are, in a browser that this provider signed in.
    StepUp,
    /// To link the account that they are signed in to with a passkey.
    Link,
}

/// Begins it: `POST /api/v1/single-sign-ons`. The reply sets a cookie, which the second step has to show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SingleSignOnRequest {
    /// The provider.
    pub provider: IdentityProviderId,
    /// What for.
    pub purpose: SingleSignOnPurpose,
}

/// Where the browser goes now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SingleSignOn {
    /// Its id, which comes back as `state`.
    pub id: CeremonyId,
    /// The address at the provider.
    pub address: String,
}

/// What the browser came back with: `POST /api/v1/single-sign-ons/{ceremony}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SingleSignOnReply {
    /// The provider to whose redirect URI it came back: an answer of another one is not brought to this one.
    pub provider: IdentityProviderId,
    /// `code` of the answer.
    pub code: SecretString,
    /// `iss` of the answer, where the provider says it (RFC 9207).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
}

/// An identity that is linked to the account: `GET /api/v1/account/identities`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Identity {
    /// The provider.
    pub provider: ProviderName,
    /// The provider's customer.
    pub organisation: OrganisationId,
    /// Since when.
    pub linked_at: UnixMillis,
    /// When it was last used.
    pub last_used_at: UnixMillis,
}

/// The provider that vouches for a sign-in. It counts at that provider's customer alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignedInBy {
    /// The provider.
    pub provider: ProviderName,
    /// Its customer.
    pub organisation: OrganisationId,
}

/// How it ended: the reply to the second step. The cookie of the browser comes with it, except after a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SingleSignOnEnd {
    /// What it was for.
    pub purpose: SingleSignOnPurpose,
    /// The account.
    pub account: Account,
}
