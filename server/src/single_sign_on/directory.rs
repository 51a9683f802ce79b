//! What providers say of themselves: endpoints and keys, fetched when somebody needs them, and kept for a while.
//!
//! Strangers decide when somebody needs them, so it is bounded: one fetch of a provider at a time, a pause behind a failure and behind
//! each look for new keys, and so many waiting for one provider.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use gangway_client::{Guarded, GuardedError, NativeOptionsError, system_lookup};
use gangway_protocol::id::IdentityProviderId;
use gangway_protocol::time::UnixMillis;
use http::{Method, Request, Response, StatusCode, header};
use openidconnect::core::{CoreClientAuthMethod, CoreJsonWebKeySet, CoreProviderMetadata};
use serde::de::DeserializeOwned;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::refused;
use crate::authority::{Error, Result};
use crate::config::Config;
use crate::context::Context;
use crate::db::identity_providers::ProviderRecord;
use crate::webhooks::target;

/// For how long endpoints and keys are believed without another look.
const KEPT_FOR: i64 = UnixMillis::HOUR;
/// Behind a failure, before the provider is asked again.
const PAUSE_AFTER_FAILURE: i64 = 10 * UnixMillis::SECOND;
/// Between two looks for a key that is not known: whoever invents key ids makes one request a minute.
const PAUSE_FOR_KEYS: i64 = UnixMillis::MINUTE;
/// Requests that may wait for one provider: a slow one holds up no others.
const PLACES: usize = 16;
/// Providers that are kept in memory, some ten kilobytes each.
const MOST: usize = 1_000;
/// Longest answer of a provider: keys of many certificates, or a token with hundreds of groups.
const MAX_ANSWER_LEN: usize = 256 * 1024;

const SILENT: Error = Error::Unavailable(
    "the identity provider does not answer as it should: try again in a moment, or ask your organisation's admin",
);

/// What a provider said of itself.
#[derive(Clone, Debug)]
pub struct Described {
    /// Where people go.
    pub(super) authorization_endpoint: String,
    /// Where codes are exchanged.
    pub(super) token_endpoint: String,
    /// Whether a client's secret goes in the body instead of a header.
    pub(super) secret_in_body: bool,
    jwks_uri: String,
    /// The keys it signs with.
    pub(super) keys: CoreJsonWebKeySet,
}

/// See the module's description. Cheap to clone.
#[derive(Clone)]
pub struct Directory {
    guarded: Guarded,
    known: Arc<Mutex<BTreeMap<IdentityProviderId, Arc<Known>>>>,
}

struct Known {
    state: tokio::sync::Mutex<State>,
    places: Arc<Semaphore>,
}

#[derive(Default)]
struct State {
    described: Option<Arc<Described>>,
    described_at: Option<UnixMillis>,
    keys_at: Option<UnixMillis>,
    failed_at: Option<UnixMillis>,
}

impl std::fmt::Debug for Directory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Directory(…)")
    }
}

impl Directory {
    /// A directory by the rules of this configuration: the same as for webhooks.
    ///
    /// # Errors
    /// When there is no TLS.
    pub fn new(config: &Config) -> std::result::Result<Self, NativeOptionsError> {
        let config = config.clone();
        let allowed = Arc::new(move |address| config.allows_webhooks_at(address));
        Ok(Self {
            guarded: Guarded::new(None, system_lookup(), allowed)?,
            known: Arc::default(),
        })
    }

    /// What a provider says of itself.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it does not answer; [`Error::Busy`] when too many wait for it.
    pub async fn of(&self, context: &Context, provider: &ProviderRecord) -> Result<Arc<Described>> {
        let (known, _place) = self.place(&provider.id)?;
        let mut state = known.state.lock().await;
        let now = context.clock.now();
        if let Some(described) = &state.described
            && state.described_at.is_some_and(|at| now.since(at) < KEPT_FOR)
        {
            return Ok(described.clone());
        }
        if state
            .failed_at
            .is_some_and(|at| now.since(at) < PAUSE_AFTER_FAILURE)
        {
            return Err(SILENT);
        }
        match self.describe(&context.config, provider).await {
            Ok(described) => {
                let described = Arc::new(described);
                *state = State {
                    described: Some(described.clone()),
                    described_at: Some(now),
                    keys_at: Some(now),
                    failed_at: None,
                };
                Ok(described)
            }
            Err(error) => {
                state.failed_at = Some(now);
                Err(error)
            }
        }
    }

    /// The same with its keys fetched anew, because one is not known; at most once a minute, else as they are.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub(super) async fn with_new_keys(
        &self,
        context: &Context,
        provider: &ProviderRecord,
    ) -> Result<Arc<Described>> {
        let present = self.of(context, provider).await?;
        let (known, _place) = self.place(&provider.id)?;
        let mut state = known.state.lock().await;
        let now = context.clock.now();
        if state.keys_at.is_some_and(|at| now.since(at) < PAUSE_FOR_KEYS) {
            return Ok(state.described.clone().unwrap_or(present));
        }
        state.keys_at = Some(now);
        let renewed = Arc::new(Described {
            keys: self.get(&present.jwks_uri).await?,
            ..(*present).clone()
        });
        state.described = Some(renewed.clone());
        Ok(renewed)
    }

    /// Forgets what a provider said: somebody tries it.
    pub(super) fn forget(&self, provider: &IdentityProviderId) {
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(provider);
    }

    /// Sends a request to a provider.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Busy`].
    pub(super) async fn ask(
        &self,
        provider: &IdentityProviderId,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>> {
        let (_known, _place) = self.place(provider)?;
        self.fetch(request).await
    }

    fn place(&self, provider: &IdentityProviderId) -> Result<(Arc<Known>, OwnedSemaphorePermit)> {
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST && !all.contains_key(provider) {
            // Whose turn it is does not matter: what is forgotten is fetched again.
            all.pop_first();
        }
        let known = all
            .entry(provider.clone())
            .or_insert_with(|| {
                Arc::new(Known {
                    state: tokio::sync::Mutex::default(),
                    places: Arc::new(Semaphore::new(PLACES)),
                })
            })
            .clone();
        drop(all);
        let place = known
            .places
            .clone()
            .try_acquire_owned()
            .map_err(|_| Error::Busy {
                detail: "many people wait for this identity provider at present; try again in a moment",
                retry_after_secs: 5,
            })?;
        Ok((known, place))
    }

    async fn describe(&self, config: &Config, provider: &ProviderRecord) -> Result<Described> {
        // OpenID Connect Discovery 1.0 §4: the path is appended to the issuer's.
        let base = provider.issuer.trim_end_matches('/');
        let metadata: CoreProviderMetadata = self
            .get(&format!("{base}/.well-known/openid-configuration"))
            .await?;
        // §4.3: otherwise one provider could speak for another.
        if metadata.issuer().as_str() != provider.issuer {
            return Err(refused(
                "the identity provider says that its issuer is another one: an admin has to enter the issuer exactly as its discovery document does",
            ));
        }
        let token_endpoint = metadata.token_endpoint().ok_or(SILENT)?.as_str();
        let endpoints = [
            metadata.authorization_endpoint().as_str(),
            token_endpoint,
            metadata.jwks_uri().as_str(),
        ];
        for endpoint in endpoints {
            target::check_field(config, "issuer", endpoint).map_err(|_| {
                refused("the identity provider names an endpoint that this server may not use")
            })?;
        }
        let methods = metadata.token_endpoint_auth_methods_supported();
        let takes = |method| methods.is_some_and(|methods| methods.contains(&method));
        Ok(Described {
            authorization_endpoint: metadata.authorization_endpoint().as_str().to_owned(),
            token_endpoint: token_endpoint.to_owned(),
            // §3: where nothing is said, it is the header.
            secret_in_body: takes(CoreClientAuthMethod::ClientSecretPost)
                && !takes(CoreClientAuthMethod::ClientSecretBasic),
            jwks_uri: metadata.jwks_uri().as_str().to_owned(),
            keys: self.get(metadata.jwks_uri().as_str()).await?,
        })
    }

    async fn get<T: DeserializeOwned>(&self, address: &str) -> Result<T> {
        let request = Request::builder()
            .method(Method::GET)
            .uri(address)
            .header(header::ACCEPT, "application/json")
            .body(Vec::new())
            .map_err(|_| SILENT)?;
        let answer = self.fetch(request).await?;
        if answer.status() != StatusCode::OK {
            return Err(SILENT);
        }
        serde_json::from_slice(answer.body()).map_err(|error| {
            tracing::debug!(%error, "an identity provider's answer was not understood");
            SILENT
        })
    }

    async fn fetch(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>> {
        // No part of an answer is told: of what is behind a firewall a user learns that it did not do, and no more.
        self.guarded
            .fetch(request, MAX_ANSWER_LEN)
            .await
            .map_err(|error| match error {
                GuardedError::NotPublic => refused(
                    "the identity provider's address leads to no public address: the operator of this server can allow it with webhook_networks",
                ),
                GuardedError::Silent(_) | GuardedError::TooLong => SILENT,
            })
    }
}
