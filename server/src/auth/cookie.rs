//! The cookie of a signed-in browser.

use gangway_protocol::secret::SecretString;
use http::{HeaderMap, HeaderValue, header};

use super::identify::LIFE;
use gangway_protocol::time::UnixMillis;

/// RFC 6265bis §4.1.3.2: a browser takes a `__Host-` cookie only with Secure, with Path=/ and without Domain, so that no
/// sibling host and no plain connection can plant one.
pub const NAME: &str = "__Host-gangway";

/// The secret in the request's cookie, if there is one.
#[must_use]
pub fn secret(headers: &HeaderMap) -> Option<SecretString> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == NAME)
        .map(|(_, value)| SecretString::new(value.to_owned()))
}

/// `Set-Cookie` that signs a browser in. Lax, not Strict: a link in a mail to `/fleet` shall arrive signed in.
#[must_use]
pub fn set(secret: &SecretString) -> Option<HeaderValue> {
    let life_secs = LIFE / UnixMillis::SECOND;
    header_value(&format!(
        "{NAME}={}; Path=/; Max-Age={life_secs}; Secure; HttpOnly; SameSite=Lax",
        secret.expose()
    ))
}

/// `Set-Cookie` that signs a browser out.
#[must_use]
pub fn clear() -> Option<HeaderValue> {
    header_value(&format!(
        "{NAME}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"
    ))
}

fn header_value(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
