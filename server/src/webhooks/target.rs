//! Where a webhook may send to, as far as its URL says. Which addresses a name leads to is looked up for each delivery.

use std::net::IpAddr;

use gangway_client::is_public;
use gangway_protocol::webhook::MAX_URL_LEN;
use url::{Host, Url};

use crate::authority::{Error, Result};
use crate::config::Config;

/// A URL that a webhook may have, as it is written down.
///
/// # Errors
/// [`Error::Invalid`] saying what it has to be.
pub(super) fn check(config: &Config, text: &str) -> Result<String> {
    check_field(config, "url", text)
}

/// As [`check`], of a field of another name, for whatever else the server connects to because a user named it.
///
/// # Errors
/// [`Error::Invalid`] saying what it has to be.
pub fn check_field(config: &Config, field: &'static str, text: &str) -> Result<String> {
    let unfit = |detail: &str| Error::invalid(field, format!("{field} {detail}"));
    if text.len() > MAX_URL_LEN {
        return Err(unfit(&format!("has at most {MAX_URL_LEN} bytes")));
    }
    let url = Url::parse(text.trim())
        .map_err(|_| unfit("is an address such as https://hooks.example.com/gangway"))?;
    let host = url
        .host()
        .ok_or_else(|| unfit("is an address such as https://hooks.example.com/gangway"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(unfit(
            "holds no user name and no password: the receiver knows this server by the signature",
        ));
    }
    if url.fragment().is_some() {
        return Err(unfit("has nothing behind a #: that is not sent"));
    }
    let literal = match host {
        Host::Ipv4(address) => Some(IpAddr::V4(address)),
        Host::Ipv6(address) => Some(IpAddr::V6(address)),
        Host::Domain(_) => None,
    };
    // Threat model: WHK-1.
    if literal.is_some_and(|address| !is_public(address) && !config.allows_webhooks_at(address)) {
        return Err(unfit(
            "leads to an address that is not public: the operator of this server can allow it with webhook_networks",
        ));
    }
    let in_the_clear = literal.is_some_and(|address| config.allows_webhooks_at(address));
    match url.scheme() {
        "https" => {}
        "http" if in_the_clear => {}
        _ => return Err(unfit("begins with https://")),
    }
    let text = String::from(url);
    // The two grammars differ in what a host may hold.
    if text.parse::<http::Uri>().is_err() {
        return Err(unfit("has a host that no request can be sent to"));
    }
    // Written down it may be longer than it came.
    if text.len() > MAX_URL_LEN {
        return Err(unfit(&format!("has at most {MAX_URL_LEN} bytes")));
    }
    Ok(text)
}
