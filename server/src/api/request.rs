//! Bodies, places and queries of requests, read so that every refusal is a problem with its code.

use axum::Json;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody, JsonRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use gangway_protocol::page::{DEFAULT_PAGE_LIMIT, MAX_PAGE_LIMIT, Page, PageQuery};
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::RequestError;
use crate::authority::Error;

/// Largest body of a request: a chain of four RSA certificates, or an attestation with its chain, takes 16 KiB.
pub const MAX_BODY_LEN: usize = 64 * 1024;

/// protocol.md: ids are at most 64 ASCII characters.
const MAX_ID_LEN: usize = 64;

/// A JSON body.
#[derive(Clone, Copy, Debug)]
pub struct JsonBody<T>(pub T);

impl<T, S> FromRequest<S> for JsonBody<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = RequestError;

    async fn from_request(request: Request, state: &S) -> Result<Self, RequestError> {
        match Json::from_request(request, state).await {
            Ok(Json(value)) => Ok(Self(value)),
            Err(JsonRejection::BytesRejection(BytesRejection::FailedToBufferBody(
                FailedToBufferBody::LengthLimitError(_),
            ))) => Err(RequestError::TooLarge {
                max_bytes: MAX_BODY_LEN,
            }),
            Err(other) => Err(Error::Malformed(other.body_text()).into()),
        }
    }
}

/// The ids in a path, e.g. `PathId<DeviceId>`. What is no id at all answers as an id that nobody has.
#[derive(Clone, Copy, Debug)]
pub struct PathId<T>(pub T);

impl<T, S> FromRequestParts<S> for PathId<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(_) => Err(Error::NotFound),
        }
    }
}

/// A query string.
#[derive(Clone, Copy, Debug)]
pub struct QueryOf<T>(pub T);

impl<T, S> FromRequestParts<S> for QueryOf<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(Error::Malformed(rejection.body_text())),
        }
    }
}

/// Which page of a list that is sorted by id: `?limit=&after=`.
#[derive(Clone, Debug)]
pub struct Paged {
    limit: u32,
    after: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Paged {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let QueryOf(query) = QueryOf::<PageQuery>::from_request_parts(parts, state).await?;
        Self::new(&query)
    }
}

impl Paged {
    /// The page that a query asks for.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a limit out of bounds.
    pub fn new(query: &PageQuery) -> Result<Self, Error> {
        let limit = query.limit.unwrap_or(DEFAULT_PAGE_LIMIT);
        if !(1..=MAX_PAGE_LIMIT).contains(&limit) {
            return Err(Error::invalid("limit", format!("limit is 1 to {MAX_PAGE_LIMIT}")));
        }
        let after = query.after.clone().unwrap_or_default();
        let is_id =
            after.len() <= MAX_ID_LEN && after.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !is_id {
            return Err(Error::invalid(
                "after",
                "after is what the page before gave as its next",
            ));
        }
        Ok(Self { limit, after })
    }

    /// Behind which id the page begins; empty for the first page.
    #[must_use]
    pub fn after(&self) -> &str {
        &self.after
    }

    /// How many rows to fetch: one more than the page holds, which tells whether another page follows.
    #[must_use]
    pub fn fetch(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// The page of these rows.
    pub fn page<T>(&self, mut rows: Vec<T>, id: impl Fn(&T) -> String) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        Page {
            next: rows.last().filter(|_| more).map(id),
            items: rows,
            total: None,
        }
    }
}
