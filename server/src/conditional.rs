//! Answers that a client may keep and asks about again: entity tags, and 304 where nothing has changed (RFC 9110 §13).

use std::io::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::time::UnixMillis;
use headers::{ETag, HeaderMapExt as _, IfModifiedSince, IfNoneMatch, LastModified};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::assets;

/// A thing as it stands: its bytes, and what tells them from other bytes under the same path.
#[derive(Clone, Debug)]
pub struct Entity {
    content_type: &'static str,
    bytes: Bytes,
    etag: ETag,
    /// Seconds since 1970. A later form of the same thing has a greater value.
    modified: Option<i64>,
}

impl Entity {
    /// These bytes; their tag is a digest of them.
    #[must_use]
    pub fn new(content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let etag = tag(&Sha256Hex::of(&bytes).to_string());
        Self {
            content_type,
            bytes,
            etag,
            modified: None,
        }
    }

    /// A thing whose forms are numbered by the seconds in which they were made, each with a greater number than the one before:
    /// two that were made in one second are told apart by tag and by date.
    #[must_use]
    pub fn numbered(content_type: &'static str, bytes: Bytes, number: i64) -> Self {
        Self {
            content_type,
            bytes,
            etag: tag(&number.to_string()),
            modified: Some(number),
        }
    }

    /// The thing, or 304 to whoever has it already. Caches ask again every time.
    #[must_use]
    pub fn answer_at(&self, now: UnixMillis, request: &HeaderMap) -> Response {
        let mut response = self.answer(request);
        if let Some(modified) = self.modified {
            // RFC 9110 §8.8.2.1: never later than the answer. A number can be ahead of the clock.
            let date = LastModified::from(second(modified.min(now.as_secs())));
            response.headers_mut().typed_insert(date);
        }
        response
    }

    fn answer(&self, request: &HeaderMap) -> Response {
        let mut response = if self.is_known_to(request) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let mut response = Response::new(Body::from(self.bytes.clone()));
            let kind = HeaderValue::from_static(self.content_type);
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        };
        // RFC 9110 §15.4.5: a 304 carries what a 200 would say about caching.
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.typed_insert(self.etag.clone());
        response
    }

    /// RFC 9110 §13.2.2: a tag is asked about before a date.
    fn is_known_to(&self, request: &HeaderMap) -> bool {
        if let Some(tags) = request.typed_get::<IfNoneMatch>() {
            return !tags.precondition_passes(&self.etag);
        }
        match (request.typed_get::<IfModifiedSince>(), self.modified) {
            (Some(since), Some(modified)) => !since.is_modified(second(modified)),
            _ => false,
        }
    }
}

/// `text` is made of letters and digits.
fn tag(text: &str) -> ETag {
    format!("\"{text}\"")
        .parse()
        .expect("quoted letters and digits are an entity tag")
}

fn second(since_epoch: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(since_epoch.max(0).unsigned_abs())
}

/// A text that is large enough to be worth compressing, once.
#[derive(Clone, Debug)]
pub struct CompressedText {
    plain: Entity,
    gzip: Entity,
}

impl CompressedText {
    /// This text.
    #[must_use]
    pub fn new(content_type: &'static str, text: &str) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let gzip = encoder
            .write_all(text.as_bytes())
            .and_then(|()| encoder.finish())
            .expect("memory takes what is written to it");
        Self {
            plain: Entity::new(content_type, text.to_owned()),
            gzip: Entity::new(content_type, gzip),
        }
    }

    /// The text, compressed for who takes that.
    #[must_use]
    pub fn answer(&self, request: &HeaderMap) -> Response {
        let is_taken = assets::takes(request, "gzip");
        let mut response = if is_taken { &self.gzip } else { &self.plain }.answer(request);
        let headers = response.headers_mut();
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if is_taken {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}
