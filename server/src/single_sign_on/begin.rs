//! The way to a provider: what is asked of it, and what is kept until the browser comes back.

use gangway_protocol::secret::SecretString;
use gangway_protocol::single_sign_on::{SingleSignOn, SingleSignOnPurpose, SingleSignOnRequest};
use gangway_protocol::time::UnixMillis;
use url::Url;

use super::directory::Directory;
use super::providers::redirect_uri;
use super::token::Bound;
use super::{refused, unknown};
use crate::authority::secret::SecretKind;
use crate::authority::{Caller, Error, FRESH_FOR, Result};
use crate::context::Context;
use crate::db::{SecretHash, identity_providers};
use crate::people::ceremony::{self, Pending, SingleSignOnFor};

/// Where the browser goes, and the secret that it keeps as a cookie until it is back.
///
/// The state is the ceremony's id. It finds the ceremony and proves nothing: the secret does, of which the hash alone is kept. PKCE's
/// verifier and the nonce are derived from it, so that neither stands anywhere.
///
/// # Errors
/// [`Error::ProviderRefused`], [`Error::Unavailable`]; to link, [`Error::StepUpRequired`]; [`Error::Forbidden`] for what a sign-in like this
/// one does not do.
pub async fn begin(
    context: &Context,
    directory: &Directory,
    caller: Option<&Caller>,
    request: &SingleSignOnRequest,
) -> Result<(SingleSignOn, SecretString)> {
    let now = context.clock.now();
    let purpose = purpose(caller, request, now)?;
    let mut reader = context.db.reader().await?;
    let record = identity_providers::find(&mut reader.conn(), &request.provider).await?;
    drop(reader);
    let record = record.ok_or_else(unknown)?;
    let described = directory.of(context, &record).await?;
    let secret = SecretKind::SingleSignOn.mint(&*context.random);
    let bound = Bound::of(&secret);
    let is_step_up = matches!(purpose, SingleSignOnFor::StepUp { .. });
    // Whoever is signed in there without having been asked may be somebody else: the one who had this browser before.
    let asks_anew = is_step_up || matches!(purpose, SingleSignOnFor::Link { .. });
    let pending = Pending::SingleSignOn {
        provider: record.id.clone(),
        binding: SecretHash::of(&secret).as_str().to_owned(),
        begun_at: now,
        purpose,
    };
    let id = ceremony::keep(context, &pending).await?;
    let mut address = Url::parse(&described.authorization_endpoint)
        .map_err(|_| refused("the identity provider's address was not understood"))?;
    let mut query = address.query_pairs_mut();
    query
        .append_pair("response_type", "code")
        .append_pair("client_id", &record.client_id)
        .append_pair("redirect_uri", &redirect_uri(&context.config, &record.id))
        .append_pair("scope", "openid profile email")
        .append_pair("state", id.as_str())
        .append_pair("nonce", &bound.nonce)
        .append_pair("code_challenge", &bound.challenge())
        .append_pair("code_challenge_method", "S256");
    if asks_anew {
        query.append_pair("prompt", "login");
    }
    if is_step_up {
        // OpenID Connect Core 1.0 §3.1.2.1: with max_age the provider has to say when the person proved who they are.
        query.append_pair("max_age", &(FRESH_FOR / UnixMillis::SECOND).to_string());
    }
    drop(query);
    let address = String::from(address);
    Ok((SingleSignOn { id, address }, secret))
}

fn purpose(
    caller: Option<&Caller>,
    request: &SingleSignOnRequest,
    now: UnixMillis,
) -> Result<SingleSignOnFor> {
    match request.purpose {
        SingleSignOnPurpose::SignIn => Ok(SingleSignOnFor::SignIn),
        SingleSignOnPurpose::StepUp => {
            let caller = caller.ok_or(Error::Unauthenticated)?;
            let sign_in = caller.require_person()?.clone();
            // A passkey's sign-in is confirmed by a passkey: a provider must not make it more than it is.
            match caller.credential.vouched() {
                Some(vouched) if vouched.provider == request.provider => {
                    Ok(SingleSignOnFor::StepUp { sign_in })
                }
                _ => Err(Error::Forbidden(
                    "this browser was not signed in by that identity provider: confirm with your passkey",
                )),
            }
        }
        SingleSignOnPurpose::Link => {
            let caller = caller.ok_or(Error::Unauthenticated)?;
            // Threat model: SSO-3.
            let sign_in = caller.require_own_sign_in()?.clone();
            caller.require_fresh_person(now)?;
            Ok(SingleSignOnFor::Link {
                sign_in,
                account: caller.account.clone(),
            })
        }
    }
}
