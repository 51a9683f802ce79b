//! Bodies, places and queries of requests, read so that every refusal is a problem with its code.

mod objects;

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use bytes::Bytes;
use gangway_protocol::page::{DEFAULT_PAGE_LIMIT, MAX_PAGE_LIMIT, Page, PageQuery};
use http::request::Parts;
use http::{HeaderMap, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::{DeserializeOwned, IgnoredAny};

use super::flood::BodyPlace;
use super::problem::RequestError;
use crate::authority::Error;
use objects::ObjectsOnly;

/// Largest body of a request: a chain of four RSA certificates, or an attestation with its chain, takes 16 KiB.
pub const MAX_BODY_LEN: usize = 64 * 1024;

/// For a whole body to arrive, however it drips. The largest takes 26 seconds at the 20 kbit/s of a mobile network of the
/// second generation.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// protocol.md: ids are at most 64 ASCII characters.
pub(super) const MAX_ID_LEN: usize = 64;

/// A JSON body: an object, as it is described.
#[derive(Clone, Copy, Debug)]
pub struct JsonBody<T>(pub T);

impl<T, S> FromRequest<S> for JsonBody<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = RequestError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, RequestError> {
        if !is_json(request.headers()) {
            return Err(RequestError::UnsupportedMediaType);
        }
        Ok(Self(read_json(&whole_body(request).await?)?))
    }
}

/// A body as it is, within the bounds of every body: for a contract that is not ours.
///
/// # Errors
/// When it is too large, too slow, or one too many of its address.
pub(super) async fn whole_body(request: Request) -> Result<Bytes, RequestError> {
    body_up_to(request, MAX_BODY_LEN).await
}

/// As every body is read, up to another length.
///
/// # Errors
/// When it is too large, too slow, or one too many of its address.
pub async fn body_up_to(request: Request, max_bytes: usize) -> Result<Bytes, RequestError> {
    let place = request.extensions().get::<BodyPlace>();
    let _reading = place.map(BodyPlace::take).transpose().map_err(Error::from)?;
    tokio::time::timeout(BODY_TIMEOUT, read_whole(request.into_body(), max_bytes))
        .await
        .map_err(|_| RequestError::BodyTimeout)?
}

/// `application/json`, or another form of it (RFC 6839 §3.1); parameters do not matter (RFC 8259 §11).
fn is_json(headers: &HeaderMap) -> bool {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let kind = value
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

async fn read_whole(body: Body, max_bytes: usize) -> Result<Bytes, RequestError> {
    match Limited::new(body, max_bytes).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(RequestError::TooLarge { max_bytes }),
        Err(_) => Err(Error::Malformed("the body broke off".to_owned()).into()),
    }
}

fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    // An enum that is told apart by its fields would be read from an array as well.
    if body.trim_ascii_start().first() != Some(&b'{') {
        serde_json::from_slice::<IgnoredAny>(body).map_err(|error| not_json(&error))?;
        return Err(no_object());
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(ObjectsOnly(&mut json)).map_err(|error| {
        let place = error.path().to_string();
        match error.into_inner() {
            // What is no JSON at all cannot be read; what is JSON of another shape is not acceptable.
            error if error.is_data() => misfit(&place, &error.to_string()),
            error => not_json(&error),
        }
    })?;
    json.end().map_err(|error| not_json(&error))?;
    Ok(value)
}

fn not_json(error: &serde_json::Error) -> Error {
    Error::Malformed(format!(
        "the body is not JSON: it cannot be read from line {}, column {} on",
        error.line(),
        error.column()
    ))
}

fn no_object() -> Error {
    Error::invalid(
        "body",
        "the body has to be an object with the fields of its description: see /api/openapi.json",
    )
}

/// What a value that does not fit is told as. serde's words are for programmers and stay here, save for the names of fields;
/// those of our own types say what a value is not, and are for people.
fn misfit(place: &str, words: &str) -> Error {
    let quoted = || words.split('`').nth(1).unwrap_or_default();
    let under = |name: &str| match place {
        "." => name.to_owned(),
        _ => format!("{place}.{name}"),
    };
    let (field, problem) = if words.starts_with("missing field") {
        (under(quoted()), "is missing".to_owned())
    } else if words.starts_with("duplicate field") {
        (under(quoted()), "stands there more than once".to_owned())
    } else if place == "." {
        return no_object();
    } else {
        let says = words.split(" at line ").next().unwrap_or_default();
        let problem = if says.starts_with("not ") {
            format!("is {says}")
        } else {
            "does not have the form that it has to have: see /api/openapi.json".to_owned()
        };
        (place.to_owned(), problem)
    };
    let detail = format!("{field} {problem}");
    Error::invalid(field, detail)
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

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        let query = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let pairs = serde_urlencoded::Deserializer::new(query);
        serde_path_to_error::deserialize(pairs)
            .map(Self)
            .map_err(|error| misfit(&error.path().to_string(), &error.inner().to_string()))
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
        let next = rows.last().filter(|_| more).map(id);
        Page::new(rows, next)
    }
}
