//! Requests of Gangway's own server to addresses that its users name: only to such as are public, or that an operator allows.
//!
//! A name is looked up for each request, every address that it leads to is checked, and the connection goes to one of exactly those:
//! nobody resolves a second time. Redirects are not followed. No proxy is used: it would resolve the name itself, behind the check.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use gangway_protocol::certificate::file::TrustAnchors;
use http::header::RETRY_AFTER;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Url};
use tokio::sync::Semaphore;

use super::trust::tls_config;
use super::{NativeOptionsError, beneath, of_source};
use crate::transport::TransportError;

/// From the look-up of the name to the end of what is read of the answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Names that are looked up at a time, of the threads that the whole server has for what blocks.
const LOOKUPS: usize = 32;
/// How much of an answer is read: enough for the sentence that says what is wrong.
const MAX_EXCERPT_LEN: usize = 512;

/// Looks up the addresses of a name.
pub type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Says whether an address that is not public may be connected to all the same.
pub type Allowed = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// A way to addresses that users name. Its connections are not kept: each request is checked for itself.
#[derive(Clone)]
pub struct Guarded {
    client: Client,
    guard: Guard,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardedAnswer {
    /// The HTTP status.
    pub status: u16,
    /// From `Retry-After`, in seconds; a date there is not read.
    pub retry_after_secs: Option<u32>,
    /// The beginning of the body, where it came from a public address.
    pub excerpt: String,
}

/// Why nothing came back. `Display` is for whoever named the address, and tells nothing of what is behind the server's firewall.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuardedError {
    /// The address is not public and not allowed, or the name leads to none that is.
    #[error("it leads to no public address")]
    NotPublic,
    /// No answer.
    #[error("{0}")]
    Silent(String),
    /// The answer is longer than anybody wants to read.
    #[error("its answer is too long")]
    TooLong,
}

#[derive(Clone)]
struct Guard {
    lookup: Lookup,
    allowed: Allowed,
}

/// The system's resolver, asked for a few names at a time. It cannot be interrupted: who asks for a name whose servers do not answer
/// gives up, and the thread goes on waiting, with its place.
#[must_use]
pub fn system_lookup() -> Lookup {
    let places = Arc::new(Semaphore::new(LOOKUPS));
    Arc::new(move |name| {
        let places = places.clone();
        Box::pin(async move {
            let place = places.acquire_owned().await.map_err(std::io::Error::other)?;
            let found = tokio::task::spawn_blocking(move || {
                let _place = place;
                (name, 0).to_socket_addrs()
            });
            let found = found.await.map_err(std::io::Error::other)??;
            Ok(found.map(|address| address.ip()).collect())
        })
    })
}

impl Guarded {
    /// A way with what to trust instead of the public certificate authorities, where that is given.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn new(
        trust_anchors: Option<&TrustAnchors>,
        lookup: Lookup,
        allowed: Allowed,
    ) -> Result<Self, NativeOptionsError> {
        let guard = Guard { lookup, allowed };
        let client = Client::builder()
            .use_preconfigured_tls(tls_config(trust_anchors)?)
            .timeout(TIMEOUT)
            .pool_max_idle_per_host(0)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .dns_resolver(Arc::new(guard.clone()))
            .user_agent(concat!("gangway/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| NativeOptionsError::Tls(error.to_string()))?;
        Ok(Self { client, guard })
    }

    /// Sends one request, once.
    ///
    /// # Errors
    /// Why no answer came.
    pub async fn send(&self, request: http::Request<Vec<u8>>) -> Result<GuardedAnswer, GuardedError> {
        let mut response = self.begin(request).await?;
        let mut body = Vec::new();
        while body.len() < MAX_EXCERPT_LEN {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                // The status is the answer; what cannot be read of the rest does not take it back.
                Ok(None) | Err(_) => break,
            }
        }
        body.truncate(MAX_EXCERPT_LEN);
        let from = response.remote_addr().map(|address| address.ip());
        Ok(GuardedAnswer {
            status: response.status().as_u16(),
            retry_after_secs: response
                .headers()
                .get(RETRY_AFTER)
                .and_then(|value| value.to_str().ok()?.parse().ok()),
            excerpt: excerpt(from, &body),
        })
    }
}

impl Guarded {
    /// Sends one request, once, and gives the whole answer: for programs that read it, and show nothing of it to whoever named the
    /// address.
    ///
    /// # Errors
    /// Why no answer came; [`GuardedError::TooLong`] for one of more than `limit` bytes.
    pub async fn fetch(
        &self,
        request: http::Request<Vec<u8>>,
        limit: usize,
    ) -> Result<http::Response<Vec<u8>>, GuardedError> {
        let mut response = self.begin(request).await?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
            if body.len() + chunk.len() > limit {
                return Err(GuardedError::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        let mut answer = http::Response::new(body);
        *answer.status_mut() = response.status();
        *answer.headers_mut() = response.headers().clone();
        Ok(answer)
    }

    async fn begin(&self, request: http::Request<Vec<u8>>) -> Result<reqwest::Response, GuardedError> {
        let request = reqwest::Request::try_from(request).map_err(|error| failure(&error))?;
        // What is an address already is not looked up, and so does not come past the resolver.
        if literal(request.url()).is_some_and(|address| !self.guard.admits(address)) {
            return Err(GuardedError::NotPublic);
        }
        self.client
            .execute(request)
            .await
            .map_err(|error| failure(&error))
    }
}

impl std::fmt::Debug for Guarded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Guarded(…)")
    }
}

impl Guard {
    fn admits(&self, address: IpAddr) -> bool {
        is_public(address) || (self.allowed)(address)
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            // A name that is unknown is told as one that leads inside: which names there are inside is nobody's business.
            let found = (guard.lookup)(name.as_str().to_owned()).await.unwrap_or_default();
            let admitted: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| guard.admits(*address))
                .map(|address| SocketAddr::new(address, 0))
                .collect();
            if admitted.is_empty() {
                return Err(GuardedError::NotPublic.into());
            }
            let addresses: Addrs = Box::new(admitted.into_iter());
            Ok(addresses)
        })
    }
}

/// What is shown of an answer. An operator who lets a private network be written to has not let it be read.
fn excerpt(from: Option<IpAddr>, body: &[u8]) -> String {
    match from {
        Some(address) if is_public(address) => String::from_utf8_lossy(body).into_owned(),
        _ => String::new(),
    }
}

fn literal(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn failure(error: &reqwest::Error) -> GuardedError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(present) = cause {
        if let Some(refused) = present.downcast_ref::<GuardedError>() {
            return refused.clone();
        }
        cause = beneath(present);
    }
    GuardedError::Silent(match of_source(error) {
        _ if error.is_timeout() => format!("no answer within {} seconds", TIMEOUT.as_secs()),
        TransportError::Untrusted { detail } => {
            format!("its TLS certificate was not accepted ({detail})")
        }
        other => other.cause(),
    })
}

/// Whether an address is one of the public internet: by the registries of special-purpose addresses
/// (<https://www.iana.org/assignments/iana-ipv4-special-registry>, and the one for IPv6), and none at which a cloud tells its
/// machines their secrets.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    // Azure's machines are told their secrets at an address that looks public.
    const AZURE_METADATA: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);
    let special = match address.octets() {
        [0 | 10 | 127, ..] => true,
        [100, second, ..] => second & 0xc0 == 64,
        [169, 254, ..] | [192, 168, ..] => true,
        [172, second, ..] => second & 0xf0 == 16,
        [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 51, 100, _] | [203, 0, 113, _] => true,
        [198, second, ..] => second & 0xfe == 18,
        [first, ..] => first >= 224,
    };
    !special && address != AZURE_METADATA
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // RFC 6052: a translator connects to the IPv4 address within.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            is_public_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
        }
        // Of what is assigned, protocols (Teredo among them), documentation, and 6to4, which holds an IPv4 address.
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => false,
        [0x2002, ..] => false,
        [0x3fff, second, ..] if second < 0x1000 => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests;
