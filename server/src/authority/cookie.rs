//! The cookie of a signed-in browser.

use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;
use http::{HeaderMap, HeaderValue};
use time::Duration;

use crate::db::sign_ins::LIFE;

/// RFC 6265bis §4.1.3.2: a browser takes a `__Host-` cookie only with Secure, with Path=/ and without Domain, so that no
/// sibling host and no plain connection can plant one.
pub const NAME: &str = "__Host-gangway";

/// The secret in the request's cookie, if there is one.
#[must_use]
pub fn secret(headers: &HeaderMap) -> Option<SecretString> {
    CookieJar::from_headers(headers)
        .get(NAME)
        .map(|cookie| SecretString::new(cookie.value().to_owned()))
}

/// `Set-Cookie` that signs a browser in. Lax, not Strict: a link in a mail to `/fleet` shall arrive signed in.
#[must_use]
pub fn set(secret: &SecretString) -> Option<HeaderValue> {
    header_value(secret.expose(), Duration::seconds(LIFE / UnixMillis::SECOND))
}

/// `Set-Cookie` that signs a browser out.
#[must_use]
pub fn clear() -> Option<HeaderValue> {
    header_value("", Duration::ZERO)
}

fn header_value(value: &str, max_age: Duration) -> Option<HeaderValue> {
    let cookie = Cookie::build((NAME, value))
        .path("/")
        .max_age(max_age)
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax);
    let mut value = HeaderValue::from_str(&cookie.to_string()).ok()?;
    value.set_sensitive(true);
    Some(value)
}
