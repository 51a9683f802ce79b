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

/// The cookie of a browser that is on its way to an identity provider and back: what comes back counts in that browser alone.
const BINDING: &str = "__Host-gangway-sso";
/// As long as the way may take.
const BINDING_LIFE: Duration = Duration::minutes(10);

/// The secret of a browser that is on its way to an identity provider and back.
#[must_use]
pub fn binding(headers: &HeaderMap) -> Option<SecretString> {
    CookieJar::from_headers(headers)
        .get(BINDING)
        .map(|cookie| SecretString::new(cookie.value().to_owned()))
}

/// `Set-Cookie` for the way to an identity provider and back. Lax: it comes back by a link of the provider's.
#[must_use]
pub fn set_binding(secret: &SecretString) -> Option<HeaderValue> {
    header_value(BINDING, secret.expose(), BINDING_LIFE)
}

/// `Set-Cookie` at the end of that way.
#[must_use]
pub fn clear_binding() -> Option<HeaderValue> {
    header_value(BINDING, "", Duration::ZERO)
}

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
    header_value(
        NAME,
        secret.expose(),
        Duration::seconds(LIFE / UnixMillis::SECOND),
    )
}

/// `Set-Cookie` that signs a browser out.
#[must_use]
pub fn clear() -> Option<HeaderValue> {
    header_value(NAME, "", Duration::ZERO)
}

fn header_value(name: &'static str, value: &str, max_age: Duration) -> Option<HeaderValue> {
    let cookie = Cookie::build((name, value))
        .path("/")
        .max_age(max_age)
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax);
    let mut value = HeaderValue::from_str(&cookie.to_string()).ok()?;
    value.set_sensitive(true);
    Some(value)
}
