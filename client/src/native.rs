//! The transport of native programs: reqwest over rustls with ring. A bearer token instead of a cookie; for servers with a
//! private certificate authority, its certificates; through the proxies that `HTTPS_PROXY` and its kin name.

use std::time::Duration;

use gangway_protocol::certificate::file::TrustAnchors;
use gangway_protocol::certificate::tls::HandshakeFault;
use gangway_protocol::secret::SecretString;
use gangway_signing as signing;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Url};

use crate::transport::{
    ApiRequest, ApiResponse, ForeignReply, MAX_RESPONSE_LEN, REQUEST_TIMEOUT_SECS, Reply, Transport,
    TransportError,
};

mod guarded;
mod outward;
mod proxy;
mod socket;
mod trust;

pub use guarded::{Allowed, Guarded, GuardedAnswer, GuardedError, Lookup, is_public, system_lookup};
pub use outward::Outward;
use proxy::Proxy;
pub use socket::{NativeSocket, SocketError, SocketEvent};
pub use trust::read_trust_anchors;
use trust::tls_config;

/// Where to send, as whom, and whom to trust.
#[derive(Clone, Debug)]
pub struct NativeOptions {
    /// The server's URL, e.g. `https://panel.example`; a path is ignored.
    pub server: String,
    /// A bearer token, `gw_pat_…`.
    pub token: Option<SecretString>,
    /// What to trust instead of the public certificate authorities: [`read_trust_anchors`] of a file.
    pub trust_anchors: Option<TrustAnchors>,
}

/// The options cannot be used. `Display` is for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NativeOptionsError {
    /// Not a URL of a server.
    #[error("“{0}” is not the address of a server; write it as https://panel.example")]
    Address(String),
    /// A token must not travel in the clear.
    #[error("“{0}” is not encrypted; plain http:// is for this machine only, use https://")]
    Insecure(String),
    /// The token has characters that no token has.
    #[error("the token contains characters that cannot be in a token; was more than the token copied?")]
    Token,
    /// Nothing to trust.
    #[error("there is no usable certificate among those to trust")]
    TrustAnchors,
    /// A client certificate that cannot be shown.
    #[error("the client certificate cannot be used ({0})")]
    ClientCertificate(String),
    /// The TLS library refused.
    #[error("TLS cannot be set up ({0})")]
    Tls(String),
}

/// Sends to one server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Native {
    client: Client,
    /// For signers elsewhere: they are trusted as the web trusts them, whatever authority the server has.
    elsewhere: Client,
    server: Url,
    authorization: Option<HeaderValue>,
    /// What stands between here and the server.
    proxy: Option<Proxy>,
}

impl Native {
    /// A transport to one server.
    ///
    /// # Errors
    /// When an option cannot be used.
    pub fn new(options: &NativeOptions) -> Result<Self, NativeOptionsError> {
        let server = server_url(&options.server)?;
        let authorization = options.token.as_ref().map(bearer).transpose()?;
        let client = client(options.trust_anchors.as_ref())?;
        let elsewhere = match &options.trust_anchors {
            None => client.clone(),
            Some(_) => self::client(None)?,
        };
        Ok(Self {
            client,
            elsewhere,
            proxy: Proxy::on_the_way_to(&server),
            server,
            authorization,
        })
    }

    /// The server's origin (RFC 6454 §6.2), e.g. `https://panel.example`.
    #[must_use]
    pub fn origin(&self) -> String {
        self.server.origin().ascii_serialization()
    }
}

impl Transport for Native {
    fn send(&self, request: ApiRequest) -> Reply {
        let this = self.clone();
        Box::pin(async move { this.exchange(request).await })
    }

    fn send_elsewhere(&self, request: signing::Request) -> ForeignReply {
        let client = self.elsewhere.clone();
        Box::pin(async move { exchange_elsewhere(&client, request).await })
    }
}

fn client(trust_anchors: Option<&TrustAnchors>) -> Result<Client, NativeOptionsError> {
    Client::builder()
        .use_preconfigured_tls(tls_config(trust_anchors)?)
        .timeout(Duration::from_secs(REQUEST_TIMEOUT_SECS.into()))
        // The API redirects nowhere, and neither a token nor a signature must follow anybody elsewhere.
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("gangway-client/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| NativeOptionsError::Tls(error.to_string()))
}

async fn exchange_elsewhere(
    client: &Client,
    request: signing::Request,
) -> Result<signing::Response, TransportError> {
    let failed = |error: &reqwest::Error| match error.is_timeout() {
        true => TransportError::TimedOut {
            secs: REQUEST_TIMEOUT_SECS,
        },
        false => of_source(error),
    };
    let request = reqwest::Request::try_from(request).map_err(|error| failed(&error))?;
    let mut response = client.execute(request).await.map_err(|error| failed(&error))?;
    let body = bounded_body(&mut response)
        .await
        .map_err(|error| failed(&error))?;
    let mut answer = signing::Response::new(body);
    *answer.status_mut() = response.status();
    *answer.headers_mut() = std::mem::take(response.headers_mut());
    Ok(answer)
}

/// The body, or as much of it as is too much.
async fn bounded_body(response: &mut reqwest::Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_RESPONSE_LEN {
            break;
        }
    }
    Ok(body)
}

impl Native {
    fn url(&self, path: &str) -> Result<Url, TransportError> {
        self.server
            .join(path)
            .map_err(|error| TransportError::Unreachable {
                detail: error.to_string(),
            })
    }

    /// Why there is no response.
    fn failed(&self, error: &reqwest::Error) -> TransportError {
        match &self.proxy {
            Some(proxy) => proxy.failed(error),
            None if error.is_timeout() => TransportError::TimedOut {
                secs: REQUEST_TIMEOUT_SECS,
            },
            None => of_source(error),
        }
    }

    async fn exchange(&self, request: ApiRequest) -> Result<ApiResponse, TransportError> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        let mut builder = self.client.request(request.method, self.url(&request.path)?);
        if let Some(key) = request.idempotency_key {
            builder = builder.header("idempotency-key", key);
        }
        if let Some(body) = request.body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            builder = builder.body(body);
        }
        let mut response = builder
            .headers(headers)
            .send()
            .await
            .map_err(|error| self.failed(&error))?;
        let body = bounded_body(&mut response)
            .await
            .map_err(|error| self.failed(&error))?;
        let date = response.headers().get(DATE);
        Ok(ApiResponse {
            status: response.status().as_u16(),
            date: date.and_then(|value| Some(value.to_str().ok()?.to_owned())),
            retry_after_secs: response
                .headers()
                .get(RETRY_AFTER)
                .and_then(|value| value.to_str().ok()?.parse().ok()),
            body,
        })
    }
}

fn server_url(text: &str) -> Result<Url, NativeOptionsError> {
    let url = Url::parse(text).map_err(|_| NativeOptionsError::Address(text.to_owned()))?;
    let host = url
        .host_str()
        .ok_or_else(|| NativeOptionsError::Address(text.to_owned()))?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(host) => Ok(url),
        "http" => Err(NativeOptionsError::Insecure(text.to_owned())),
        _ => Err(NativeOptionsError::Address(text.to_owned())),
    }
}

/// RFC 6761 §6.3: `localhost` and names below it are loopback names.
fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn bearer(token: &SecretString) -> Result<HeaderValue, NativeOptionsError> {
    let mut value =
        HeaderValue::try_from(format!("Bearer {}", token.expose())).map_err(|_| NativeOptionsError::Token)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Tells a failed handshake, which a person can do something about, from every other failure to connect.
fn of_source(error: &(dyn std::error::Error + 'static)) -> TransportError {
    let mut cause = Some(error);
    let mut deepest = error.to_string();
    while let Some(present) = cause {
        if let Some(error) = present.downcast_ref::<rustls::Error>() {
            return of_tls(error);
        }
        deepest = present.to_string();
        cause = beneath(present);
    }
    TransportError::Unreachable { detail: deepest }
}

fn of_tls(error: &rustls::Error) -> TransportError {
    let detail = match HandshakeFault::of(error) {
        HandshakeFault::MarkedAsCa(marked) => format!(
            "{marked}: name this very certificate with --ca-file, or make it with `-addext \
             basicConstraints=critical,CA:FALSE`"
        ),
        fault => fault.to_string(),
    };
    match error {
        rustls::Error::InvalidCertificate(_) => TransportError::Untrusted { detail },
        _ => TransportError::Unreachable { detail },
    }
}

/// The error that this one wraps. std's `io::Error` hides it from `source`, and tells what is beneath that.
fn beneath<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a (dyn std::error::Error + 'static)> {
    match error
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::get_ref)
    {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_do_not_travel_in_the_clear() {
        assert!(matches!(
            server_url("http://panel.example"),
            Err(NativeOptionsError::Insecure(_))
        ));
        for address in [
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "http://localhost:1",
            "https://panel.example",
        ] {
            assert!(server_url(address).is_ok(), "{address}");
        }
        for address in ["panel.example", "wss://panel.example", "https://", ""] {
            assert!(
                matches!(server_url(address), Err(NativeOptionsError::Address(_))),
                "{address}"
            );
        }
    }

    #[test]
    fn an_untrusted_certificate_is_told_from_a_server_that_is_away_however_deep_it_lies() {
        let tls = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let wrapped = std::io::Error::other(std::io::Error::other(tls));
        assert_eq!(
            of_source(&wrapped),
            TransportError::Untrusted {
                detail: "its certificate comes from an issuer that is not known here".to_owned()
            }
        );
        let away = std::io::Error::other(std::io::Error::other("connection refused"));
        assert!(
            matches!(of_source(&away), TransportError::Unreachable { detail } if detail == "connection refused")
        );
    }

    #[test]
    fn an_empty_file_of_trusted_certificates_is_refused() {
        let error = read_trust_anchors(b"nothing").expect_err("there is no certificate");
        assert_eq!(error.to_string(), "it holds no certificate in PEM");
        assert!(matches!(
            tls_config(Some(&TrustAnchors::default())),
            Err(NativeOptionsError::TrustAnchors)
        ));
    }
}
