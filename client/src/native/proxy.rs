//! The proxy between a native program and its server, as far as errors are concerned: reqwest finds and uses it, and says of
//! what goes wrong with it neither that there is one nor what to do.

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;

use super::{beneath, of_source};
use crate::transport::{REQUEST_TIMEOUT_SECS, TransportError};

/// How hyper-util's tunnel begins what it says; its type is not public.
const OF_TUNNEL: &str = "tunnel error: ";
const REMEDY: &str =
    "HTTPS_PROXY (or HTTP_PROXY, ALL_PROXY) names it, and NO_PROXY what is reached without it";

/// The proxy that the environment names for a server: its host and port, without the password that may stand before them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proxy(String);

impl Proxy {
    /// By the rules that reqwest goes by, which are hyper-util's.
    pub(super) fn on_the_way_to(server: &Url) -> Option<Self> {
        let server = server.as_str().parse().ok()?;
        let taken = Matcher::from_system().intercept(&server)?;
        let (host, port) = (taken.uri().host()?, taken.uri().port());
        Some(Self(
            port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
        ))
    }

    /// Why a request through it got no response.
    pub(super) fn failed(&self, error: &reqwest::Error) -> TransportError {
        let proxy = &self.0;
        let said = if error.is_timeout() {
            format!(
                "nothing came through the proxy {proxy} within {REQUEST_TIMEOUT_SECS} seconds: it is away, or does not reach \
                 the server"
            )
        } else {
            match (of_tunnel(error).as_deref(), of_source(error)) {
                (Some("unsuccessful"), _) => format!(
                    "the proxy {proxy} opened no way to the server: it does not allow that address, or does not reach it"
                ),
                (Some("proxy authorization required"), _) => format!(
                    "the proxy {proxy} wants a user name and a password, or other ones than it was given; they stand in its \
                     address, http://user:password@proxy:3128"
                ),
                (Some("unexpected end of file" | "io error establishing tunnel"), _) => {
                    format!("the proxy {proxy} broke the connection off, or is no proxy")
                }
                (_, TransportError::Unreachable { detail }) if error.is_connect() => {
                    format!("the proxy {proxy}, or the server through it: {detail}")
                }
                (_, other) => return other,
            }
        };
        TransportError::Unreachable {
            detail: format!("{said}. {REMEDY}"),
        }
    }
}

/// What the tunnel says, where it was the tunnel that failed.
fn of_tunnel(error: &reqwest::Error) -> Option<String> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(present) = cause {
        if let Some(said) = present.to_string().strip_prefix(OF_TUNNEL) {
            return Some(said.to_owned());
        }
        cause = beneath(present);
    }
    None
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Method;
    use tokio::net::TcpListener;

    use super::super::{Native, tls_config};
    use super::*;
    use crate::transport::ApiRequest;

    /// Time is advanced by itself while nothing happens.
    #[tokio::test(start_paused = true)]
    async fn a_silent_proxy_is_named() {
        let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = silent.local_addr().expect("an address");
        let client = reqwest::Client::builder()
            .use_preconfigured_tls(tls_config(None).expect("TLS"))
            .timeout(Duration::from_secs(REQUEST_TIMEOUT_SECS.into()))
            .proxy(reqwest::Proxy::all(format!("http://{address}")).expect("a proxy"))
            .build()
            .expect("a client");
        let native = Native {
            elsewhere: client.clone(),
            client,
            server: Url::parse("https://panel.example").expect("a URL"),
            authorization: None,
            proxy: Some(Proxy(address.to_string())),
        };
        let request = ApiRequest {
            method: Method::GET,
            path: "/api/v1/account".to_owned(),
            body: None,
            idempotency_key: None,
        };
        let error = native.exchange(request).await.expect_err("nothing answers");
        let words = format!("nothing came through the proxy {address} within {REQUEST_TIMEOUT_SECS} seconds");
        assert!(
            error.to_string().contains(&words) && error.to_string().contains("HTTPS_PROXY"),
            "{error}"
        );
    }
}
