//! Providers of a customer: added, changed, tried, removed by whoever administers it.

use gangway_protocol::audit::Action;
use gangway_protocol::id::{IdentityProviderId, OrganisationId};
use gangway_protocol::organisation::Role;
use gangway_protocol::path;
use gangway_protocol::secret::SecretString;
use gangway_protocol::single_sign_on::{
    ClaimedRoles, IdentityProvider, IdentityProviderRequest, IdentityProviderTrial, IdentityProviderUpdate,
    MAX_ISSUER_LEN, MAX_MAPPINGS, MAX_PROVIDERS, MAX_VALUE_LEN, SignInOffers,
};
use openidconnect::JsonWebKey as _;

use super::directory::Directory;
use super::sweep;
use crate::authority::{ByAdmin, Caller, Error, Result, Right, fit_name, open_place};
use crate::ca::KeyStore;
use crate::config::Config;
use crate::context::Context;
use crate::db::identity_providers::ProviderRecord;
use crate::db::organisations::tree;
use crate::db::{Conn, identity_providers, write};
use crate::once::Once;
use crate::relay::Relay;
use crate::rng::Random;
use crate::webhooks::target;

/// Where a provider sends people back to. Each has its own, so that an answer of one cannot pass for another's: providers are run by
/// whoever their customers choose (RFC 9700 §4.4; threat model, SSO-13).
#[must_use]
pub fn redirect_uri(config: &Config, provider: &IdentityProviderId) -> String {
    format!("{}{}", config.origin(), path::page::single_sign_on(provider))
}

/// Who vouches for people of an organisation. It is for anybody: what the button says is no secret, and who has no organisation's id
/// finds none.
///
/// # Errors
/// Only faults.
pub async fn offers(context: &Context, organisation: &OrganisationId) -> Result<SignInOffers> {
    let mut reader = context.db.reader().await?;
    let providers = identity_providers::names_for(&mut reader.conn(), organisation).await?;
    Ok(SignInOffers { providers })
}

/// The providers of a customer.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`] for whoever does not administer it.
pub async fn list(
    context: &Context,
    caller: &Caller,
    organisation: &OrganisationId,
) -> Result<Vec<IdentityProvider>> {
    caller
        .require(&context.db, organisation, Right::Administer)
        .await?;
    let mut reader = context.db.reader().await?;
    let records = identity_providers::of_organisation(&mut reader.conn(), organisation).await?;
    Ok(records
        .into_iter()
        .map(|record| shown(&context.config, record))
        .collect())
}

/// Adds a provider. Under the same `key` it is added once.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::Invalid`] naming what is wrong; [`Error::Conflict`] when there are too many.
pub async fn add(
    context: &Context,
    caller: &Caller,
    key: Option<SecretString>,
    organisation: OrganisationId,
    request: IdentityProviderRequest,
) -> Result<IdentityProvider> {
    let id = IdentityProviderId::new(context.clock.now(), context.random.for_id());
    let doing = ByAdmin::begin(&context.db, context.clock.now(), caller, organisation, id).await?;
    let (now, id, organisation) = (doing.now, doing.id.clone(), doing.organisation.clone());
    let place = path::identity_providers(&organisation);
    let once = Once::of(key, &caller.account, &(&place, &request), &*context.random)?;
    let secret = request
        .client_secret
        .as_ref()
        .map(|secret| seal_secret(context.ca.key_store(), &id, secret, &*context.random))
        .transpose()?;
    let record = ProviderRecord {
        name: fit_name("name", &request.name)?,
        issuer: fit_issuer(&context.config, &request.issuer)?,
        client_id: fit_value("client_id", &request.client_id)?,
        secret,
        roles: fit_roles(request.roles)?,
        makes_accounts: request.makes_accounts,
        created_at: now,
        organisation: organisation.clone(),
        id,
    };
    let provider = shown(&context.config, record.clone());
    write!(context.db, |tx| -> Result<IdentityProvider> {
        if let Some(once) = &once
            && let Some(provider) = once.begin(tx, now).await?
        {
            return Ok(provider);
        }
        doing.hold(tx).await?;
        let place = open_place(tx, &organisation).await?;
        if place.parent.is_some() {
            return Err(Error::Conflict(
                "an identity provider is set up at the customer, and serves all its organisations: add it there"
                    .to_owned(),
            ));
        }
        let present = identity_providers::of_organisation(tx, &organisation).await?;
        if present.len() >= MAX_PROVIDERS {
            return Err(Error::Conflict(format!(
                "a customer has at most {MAX_PROVIDERS} identity providers: remove one that is not used"
            )));
        }
        are_of_customer(tx, &organisation, &record.roles).await?;
        identity_providers::insert(tx, &record).await?;
        if let Some(once) = &once {
            once.end(tx, &provider).await?;
        }
        doing
            .record(tx, Action::IdentityProviderAdded, &detail(&record))
            .await?;
        Ok(provider)
    })
}

/// Changes what `update` names.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::NotFound`] for a foreign provider as for an unknown one; [`Error::Invalid`].
pub async fn change(
    context: &Context,
    caller: &Caller,
    organisation: OrganisationId,
    id: IdentityProviderId,
    update: IdentityProviderUpdate,
) -> Result<IdentityProvider> {
    let doing = ByAdmin::begin(&context.db, context.clock.now(), caller, organisation, id).await?;
    let name = update
        .name
        .as_deref()
        .map(|name| fit_name("name", name))
        .transpose()?;
    let secret = update
        .client_secret
        .as_ref()
        .map(|secret| seal_secret(context.ca.key_store(), &doing.id, secret, &*context.random))
        .transpose()?;
    let roles = update.roles.map(fit_roles).transpose()?;
    let makes_accounts = update.makes_accounts;
    let record = write!(context.db, |tx| -> Result<ProviderRecord> {
        let mut record = hold(tx, &doing).await?;
        if let Some(roles) = &roles {
            are_of_customer(tx, &doing.organisation, roles).await?;
        }
        let is_same = name.as_ref().is_none_or(|name| *name == record.name)
            && secret.is_none()
            && roles.as_ref().is_none_or(|roles| *roles == record.roles)
            && makes_accounts.is_none_or(|makes| makes == record.makes_accounts);
        if is_same {
            return Ok(record);
        }
        record.name = name.unwrap_or(record.name);
        record.secret = secret.or(record.secret);
        record.roles = roles.unwrap_or(record.roles);
        record.makes_accounts = makes_accounts.unwrap_or(record.makes_accounts);
        identity_providers::update(tx, &record).await?;
        doing
            .record(tx, Action::IdentityProviderChanged, &detail(&record))
            .await?;
        Ok(record)
    })?;
    Ok(shown(&context.config, record))
}

/// Removes a provider: its people are signed out, and what its claims gave ends.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::NotFound`]; [`Error::Conflict`] for the last one where single sign-on is required.
pub async fn remove(
    context: &Context,
    relay: &Relay,
    caller: &Caller,
    organisation: OrganisationId,
    id: IdentityProviderId,
) -> Result<()> {
    let doing = ByAdmin::begin(&context.db, context.clock.now(), caller, organisation, id).await?;
    write!(context.db, |tx| -> Result<()> {
        let record = hold(tx, &doing).await?;
        let place = tree::find(tx, &doing.organisation)
            .await?
            .ok_or(Error::NotFound)?;
        let present = identity_providers::of_organisation(tx, &doing.organisation).await?;
        if place.policy.single_sign_on_required && present.len() <= 1 {
            return Err(Error::Conflict(
                "nobody but owners could sign in: first change the rule that everybody signs in by the identity provider"
                    .to_owned(),
            ));
        }
        identity_providers::mark_removed(tx, &doing.id, doing.now).await?;
        doing
            .record(tx, Action::IdentityProviderRemoved, &detail(&record))
            .await
    })?;
    // What a crash leaves of this is done by the next sweep.
    sweep::clear_removed(context, relay).await?;
    Ok(())
}

/// Looks whether a provider answers, without what is kept of it.
///
/// # Errors
/// [`Error::StepUpRequired`]; [`Error::NotFound`]; [`Error::ProviderRefused`] and [`Error::Unavailable`] saying what is wrong.
pub async fn test(
    context: &Context,
    directory: &Directory,
    caller: &Caller,
    organisation: OrganisationId,
    id: IdentityProviderId,
) -> Result<IdentityProviderTrial> {
    let doing = ByAdmin::begin(&context.db, context.clock.now(), caller, organisation, id).await?;
    let mut reader = context.db.reader().await?;
    let record = of(&mut reader.conn(), &doing.organisation, &doing.id).await?;
    drop(reader);
    directory.forget(&doing.id);
    let described = directory.of(context, &record).await?;
    let usable = described.keys.keys().iter().filter(|key| {
        key.key_use()
            .is_none_or(|usage| *usage == openidconnect::core::CoreJsonWebKeyUse::Signature)
    });
    Ok(IdentityProviderTrial {
        authorization_endpoint: described.authorization_endpoint.clone(),
        keys: u32::try_from(usable.count()).unwrap_or(u32::MAX),
    })
}

/// The secret of a client, as it goes to its provider.
///
/// # Errors
/// When it does not open with this server's encryption key.
pub(super) fn open_secret(key_store: &KeyStore, record: &ProviderRecord) -> Result<Option<SecretString>> {
    let Some(sealed) = &record.secret else {
        return Ok(None);
    };
    let secret = key_store
        .open(sealed, &sealed_for(&record.id))
        .map_err(Error::internal)?;
    let text = std::str::from_utf8(&secret).map_err(Error::internal)?;
    Ok(Some(SecretString::new(text.to_owned())))
}

fn seal_secret(
    key_store: &KeyStore,
    id: &IdentityProviderId,
    secret: &SecretString,
    random: &dyn Random,
) -> Result<String> {
    let text = secret.expose();
    if text.is_empty() || text.len() > MAX_VALUE_LEN || text.chars().any(char::is_control) {
        return Err(Error::invalid(
            "client_secret",
            format!("client_secret is 1 to {MAX_VALUE_LEN} bytes without control characters"),
        ));
    }
    key_store
        .seal(text.as_bytes(), &sealed_for(id), random)
        .map_err(Error::internal)
}

fn sealed_for(id: &IdentityProviderId) -> String {
    format!("client secret at {id}")
}

fn fit_issuer(config: &Config, text: &str) -> Result<String> {
    if text.len() > MAX_ISSUER_LEN {
        return Err(Error::invalid(
            "issuer",
            format!("issuer has at most {MAX_ISSUER_LEN} bytes"),
        ));
    }
    let text = text.trim();
    let written = target::check_field(config, "issuer", text)?;
    // OpenID Connect Discovery 1.0 §3: no query. Issuers are compared letter by letter, so it is kept as it came.
    if written.contains('?') || (written != text && written != format!("{text}/")) {
        return Err(Error::invalid(
            "issuer",
            "issuer is the address that the provider's discovery document gives as issuer, letter by letter, without a query",
        ));
    }
    Ok(text.to_owned())
}

fn fit_value(field: &'static str, text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_VALUE_LEN || text.chars().any(char::is_control) {
        return Err(Error::invalid(
            field,
            format!("{field} is 1 to {MAX_VALUE_LEN} bytes without control characters"),
        ));
    }
    Ok(text.to_owned())
}

fn fit_roles(mut roles: ClaimedRoles) -> Result<ClaimedRoles> {
    roles.claim = roles.claim.filter(|claim| !claim.trim().is_empty());
    if let Some(claim) = &roles.claim {
        roles.claim = Some(fit_value("roles", claim)?);
    }
    if roles.mappings.len() > MAX_MAPPINGS {
        return Err(Error::invalid(
            "roles",
            format!("roles has at most {MAX_MAPPINGS} mappings"),
        ));
    }
    if roles.claim.is_none() && !roles.mappings.is_empty() {
        return Err(Error::invalid(
            "roles",
            "roles has mappings and no claim whose values they are: name it, e.g. groups",
        ));
    }
    for mapping in &mut roles.mappings {
        mapping.value = fit_value("roles", &mapping.value)?;
    }
    let given = roles.mappings.iter().map(|mapping| mapping.role);
    // Threat model: SSO-5. Owners are the way in when the provider is broken, and nobody adds a provider to become one.
    if given.chain(roles.everyone).any(|role| role > Role::Admin) {
        return Err(Error::invalid(
            "roles",
            "roles gives nobody more than admin: an owner is made by another owner",
        ));
    }
    Ok(roles)
}

/// Makes sure that each mapping names an organisation of this customer. A foreign one is as one that there is not.
async fn are_of_customer(tx: &mut Conn<'_>, customer: &OrganisationId, roles: &ClaimedRoles) -> Result<()> {
    for mapping in &roles.mappings {
        let place = tree::find(tx, &mapping.organisation).await?;
        if place.is_none_or(|place| place.root != *customer) {
            return Err(Error::invalid(
                "roles",
                "roles names an organisation that this customer does not have",
            ));
        }
    }
    Ok(())
}

fn shown(config: &Config, record: ProviderRecord) -> IdentityProvider {
    IdentityProvider {
        redirect_uri: redirect_uri(config, &record.id),
        logout_uri: format!("{}{}", config.origin(), path::back_channel_logout(&record.id)),
        id: record.id,
        name: record.name,
        issuer: record.issuer,
        client_id: record.client_id,
        has_secret: record.secret.is_some(),
        roles: record.roles,
        makes_accounts: record.makes_accounts,
        created_at: record.created_at,
    }
}

/// The provider, whose customer is held for a caller who still administers it. Who decides who vouches for people decides who may come in.
async fn hold(tx: &mut Conn<'_>, doing: &ByAdmin<IdentityProviderId>) -> Result<ProviderRecord> {
    doing.hold(tx).await?;
    of(tx, &doing.organisation, &doing.id).await
}

/// A provider as the record names it.
fn detail(record: &ProviderRecord) -> String {
    format!("{}: {}", record.name, record.issuer)
}

/// A provider of this customer.
async fn of(
    conn: &mut Conn<'_>,
    organisation: &OrganisationId,
    id: &IdentityProviderId,
) -> Result<ProviderRecord> {
    identity_providers::find(conn, id)
        .await?
        .filter(|record| record.organisation == *organisation)
        .ok_or(Error::NotFound)
}
