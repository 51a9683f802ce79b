//! `Idempotency-Key`: the header by which a client says that it may repeat a request
//! (draft-ietf-httpapi-idempotency-key-header §2). What a repetition gets is `once`'s.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use gangway_protocol::secret::SecretString;
use http::HeaderName;
use http::request::Parts;

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// The request's key, if it has one, as it came.
#[derive(Clone, Debug)]
pub struct IdempotencyKey(pub Option<SecretString>);

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let key = parts.headers.get(HEADER);
        // What is not ASCII stays so, and is refused.
        Ok(Self(key.map(|value| {
            SecretString::new(String::from_utf8_lossy(value.as_bytes()).into_owned())
        })))
    }
}
